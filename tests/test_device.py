"""What the host computes on is found without TensorFlow."""

import stat
from pathlib import Path

import pytest

from core import device


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch):
    monkeypatch.setattr(device, "_is_cpu_build", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    device.find.cache_clear()
    yield
    device.find.cache_clear()


def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, script: str) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_names_the_first_gpu_that_the_driver_lists(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, script="echo 'NVIDIA H100 80GB HBM3'; echo 'NVIDIA H100 80GB HBM3'")
    assert device.find().label == "GPU H100 80GB HBM3"


@pytest.mark.parametrize("script", ["exit 9", "true"])
def test_counts_as_a_cpu_where_the_driver_lists_none(tmp_path, monkeypatch, script):
    driver(tmp_path, monkeypatch, script=script)
    assert not device.find().has_gpu


def test_counts_as_a_cpu_without_a_driver(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = device.find()
    assert found.label == f"CPU, {found.cores} core{'s' if found.cores > 1 else ''}"


def test_counts_as_a_cpu_where_tensorflow_cannot_use_the_gpu(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, script="echo 'NVIDIA T4'")
    monkeypatch.setattr(device, "_is_cpu_build", lambda: True)
    assert not device.find().has_gpu


def test_counts_as_a_cpu_where_the_gpu_is_hidden(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, script="echo 'NVIDIA T4'")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not device.find().has_gpu
