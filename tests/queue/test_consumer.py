"""What each training at a time gets of this host; the rest of the consumer is tested with the jobs."""

import json
from pathlib import Path

import pandas as pd
import pytest
from plans import planned

from core import host
from core.disk.home import arm_directory, new_id
from core.host import Device
from core.plan.experiments import create_experiment
from core.queue import job, lanes
from core.queue.job import Job
from core.queue.kinds import Kind, Lane
from core.queue.work import Work


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that lists two, one of them cut in parts."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 'GPU 0: A (UUID: a)'\necho '  MIG 1g.5gb Device 0: (UUID: m)'\necho 'GPU 1: B'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(host, "device", lambda: Device("A", 2))


def test_a_cpu_host_has_one_slot(monkeypatch):
    monkeypatch.setattr(host, "device", lambda: Device("", 2))
    assert lanes.slots() == [{}]


@pytest.mark.usefixtures("two_gpus")
def test_each_gpu_is_a_slot():
    assert lanes.slots() == [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]


@pytest.mark.usefixtures("two_gpus")
def test_only_the_gpus_that_this_process_may_use_are_slots(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert lanes.slots() == [{"CUDA_VISIBLE_DEVICES": "3"}]


@pytest.mark.usefixtures("stand_in")
def test_two_trainings_at_once_have_a_gpu_each_and_the_third_waits(home, wait_for):
    work = Work({Lane.EXPERIMENTS: [{"CUDA_VISIBLE_DEVICES": "0"}, {"CUDA_VISIBLE_DEVICES": "1"}]})
    (home / "jobs").mkdir()
    arms = []
    for number in range(3):
        split = pd.DataFrame({"picture": ["a"], "label": ["b"], "part": ["train"]})
        one = create_experiment(planned(new_id(), is_alone=True), split)
        arms.append(arm_directory(one, "transfer"))
        (arms[-1] / "part").write_text("works until told")
        Job(kind=Kind.EXPERIMENT, subject=one, submitted=number).write()
        work.hand_out()
        wait_for(lambda: sum((arm / "starts").exists() for arm in arms) == min(2, len(arms)))
    work.hand_out()
    assert not (arms[2] / "starts").exists()
    (arms[0] / "go").touch()
    wait_for(lambda: work.hand_out() or (arms[2] / "starts").exists())
    for arm in arms:
        (arm / "go").touch()
    wait_for(lambda: not job.read_all())
    gpus = [json.loads((arm / "starts").read_text())["gpu"] for arm in arms]
    assert gpus[0] == gpus[2] != gpus[1]
    assert {gpus[0], gpus[1]} == {"0", "1"}
