"""What the host computes on is found without TensorFlow or another backend."""

import stat
from importlib import metadata
from pathlib import Path

import pytest

from core import host

IS_CPU_BUILD = host._is_cpu_build  # which most tests replace


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch):
    monkeypatch.setattr(host, "_is_cpu_build", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    host.device.cache_clear()
    yield
    host.device.cache_clear()


def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, script: str) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_names_the_first_gpu_that_the_driver_lists(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, script="echo 'NVIDIA H100 80GB HBM3'; echo 'NVIDIA H100 80GB HBM3'")
    assert host.device().label == "GPU H100 80GB HBM3"


@pytest.mark.parametrize("script", ["exit 9", "true"])
def test_counts_as_a_cpu_where_the_driver_lists_none(tmp_path, monkeypatch, script):
    driver(tmp_path, monkeypatch, script=script)
    assert not host.device().has_gpu


def test_counts_as_a_cpu_without_a_driver(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = host.device()
    assert found.label == f"CPU, {found.cores} core{'s' if found.cores > 1 else ''}"


def test_counts_as_a_cpu_where_tensorflow_cannot_use_the_gpu(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, script="echo 'NVIDIA T4'")
    monkeypatch.setattr(host, "_is_cpu_build", lambda: True)
    assert not host.device().has_gpu


def test_counts_as_a_cpu_where_the_gpu_is_hidden(tmp_path, monkeypatch):
    driver(tmp_path, monkeypatch, script="echo 'NVIDIA T4'")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not host.device().has_gpu


@pytest.mark.parametrize(
    ("backend", "versions", "plugins", "is_found"),
    [
        ("tensorflow", {"tensorflow-cpu": "2.21.0"}, [], False),
        ("tensorflow", {"tensorflow": "2.21.0"}, [], True),
        ("jax", {"jax": "0.10.2", "tensorflow-cpu": "2.21.0"}, ["xla_cuda13"], True),
        ("jax", {"jax": "0.10.2"}, [], False),
        ("torch", {"torch": "2.13.0", "tensorflow-cpu": "2.21.0"}, [], True),
        ("torch", {"torch": "2.13.0+cpu"}, [], False),
    ],
)
def test_asks_the_build_of_the_backend_that_keras_will_choose(
    tmp_path, monkeypatch, backend, versions, plugins, is_found
):
    def version(package: str) -> str:
        if package not in versions:
            raise metadata.PackageNotFoundError(package)
        return versions[package]

    driver(tmp_path, monkeypatch, script="echo 'NVIDIA T4'")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setattr(host, "_is_cpu_build", IS_CPU_BUILD)
    monkeypatch.setattr(metadata, "version", version)
    found = metadata.EntryPoints(metadata.EntryPoint(name, "", "jax_plugins") for name in plugins)
    monkeypatch.setattr(metadata, "entry_points", lambda group: found.select(group=group))
    assert host.device().has_gpu is is_found


@pytest.mark.parametrize(
    ("variable", "file", "chosen"),
    [
        ("jax", '{"backend": "torch"}', "jax"),
        ("", '{"backend": "torch"}', "torch"),
        ("", "{}", "tensorflow"),
        ("", "{", "tensorflow"),
        ("", None, "tensorflow"),
    ],
)
def test_the_backend_is_the_one_that_keras_will_choose(tmp_path, monkeypatch, variable, file, chosen):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", variable)
    if file is not None:
        (tmp_path / "keras.json").write_text(file)
    assert host.backend() == chosen
