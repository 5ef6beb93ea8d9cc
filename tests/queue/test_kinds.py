"""The table of the kinds of jobs."""

import importlib.util
from pathlib import Path

import pytest

from core.data import ingest
from core.disk.files import write_json
from core.disk.home import dataset_directory, experiment_directory, new_id, prediction_directory
from core.plan import weights
from core.queue.job import Job
from core.queue.kinds import RULES, Kind, Lane
from core.settings import SAMPLE


def job_of(kind: Kind, subject: str, **more: object) -> Job:
    return Job(kind=kind, subject=subject, submitted=1, **more)


def subject_of(kind: Kind, tmp_path: Path) -> str:
    return {Kind.PROBE: str(tmp_path / "probe"), Kind.WEIGHTS: "VGG16"}.get(kind, new_id())


def test_every_kind_has_a_row():
    assert set(RULES) == set(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_every_step_names_a_module_that_is_there(kind, tmp_path, new_experiment):
    subject = new_experiment() if kind is Kind.EXPERIMENT else subject_of(kind, tmp_path)
    for step in job_of(kind, subject).steps():
        module, *rest = step.arguments
        assert importlib.util.find_spec(module)
        assert rest
        assert "core.tasks" in module


def test_each_kind_reports_in_its_own_directory(tmp_path, new_experiment):
    one, other, experiment = new_id(), new_id(), new_experiment()
    probe = tmp_path / "probe"
    directories = {
        Kind.INGEST: (one, [dataset_directory(one)]),
        Kind.PREDICTION: (other, [prediction_directory(other)]),
        Kind.WEIGHTS: ("VGG16", [weights.directory("VGG16")]),
        Kind.PROBE: (str(probe), [probe]),
        Kind.EXPERIMENT: (experiment, [experiment_directory(experiment) / arm for arm in ("transfer", "scratch")]),
    }
    for kind, (subject, expected) in directories.items():
        assert [step.directory for step in job_of(kind, subject).steps()] == expected


def test_an_experiment_that_is_gone_or_damaged_has_no_steps_and_needs_nothing(new_experiment):
    damaged = new_experiment()
    (experiment_directory(damaged) / "experiment.json").write_text("")
    for subject in (new_id(), damaged):
        assert job_of(Kind.EXPERIMENT, subject).steps() == []
        assert RULES[Kind.EXPERIMENT].need_bytes(subject) == 0


def test_only_the_sample_itself_has_the_lane_of_the_sample(zip_of):
    sample, other = ingest.create(SAMPLE, "Sample"), ingest.create(zip_of({"a/": 4, "b/": 4}), "Other")
    lanes = [job_of(Kind.INGEST, each).lane for each in (sample, other, new_id())]
    assert lanes == [Lane.SAMPLE, Lane.SHORT, Lane.SHORT]
    assert job_of(Kind.EXPERIMENT, new_id()).lane is job_of(Kind.PROBE, "/probe").lane is Lane.EXPERIMENTS
    assert job_of(Kind.PREDICTION, new_id()).lane is job_of(Kind.WEIGHTS, "VGG16").lane is Lane.SHORT


def test_what_was_begun_goes_first_and_a_probe_last(tmp_path):
    probe, experiment = job_of(Kind.PROBE, str(tmp_path)), job_of(Kind.EXPERIMENT, new_id())
    begun = job_of(Kind.PROBE, str(tmp_path), is_begun=True)
    assert begun.priority > experiment.priority > probe.priority


def test_however_an_ingest_has_ended_no_upload_stays_and_pictures_only_with_a_manifest(tmp_path):
    for has_manifest in (True, False):
        directory = tmp_path / str(has_manifest)
        (directory / "pictures").mkdir(parents=True)
        (directory / "upload.zip").touch()
        if has_manifest:
            (directory / "manifest.parquet").touch()
            (directory / "upload.zip").unlink()
        RULES[Kind.INGEST].tidy(directory)
        assert (directory / "pictures").exists() == has_manifest
        assert not (directory / "upload.zip").exists()


def test_however_a_prediction_has_ended_no_upload_stays(tmp_path):
    (tmp_path / "uploads").mkdir()
    write_json(tmp_path / "request.json", {})
    RULES[Kind.PREDICTION].tidy(tmp_path)
    assert (tmp_path / "request.json").exists()
    assert not (tmp_path / "uploads").exists()
