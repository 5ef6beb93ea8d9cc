"""Keras's backends: what a GPU makes each choose, and the same experiment on TensorFlow and on another one."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from itertools import permutations
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from plans import ARMS

from core.data import dataset
from core.disk.home import arm_directory, experiment_directory
from core.disk.status import read_metrics
from core.network import backend
from core.plan import predictions
from core.plan.experiments import read_experiment
from core.settings import ROOT

OTHERS = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed"))
    for name in ("jax", "torch")
]
# Both arms in one process. What two backends may do differently is made the same: random numbers, and the number format
# in which a processor computes. The rest is theirs.
TRAIN = """
import sys
import numpy as np
from core import host
from core.network import kernels
from core.network import model
from core.tasks import train

def build(*arguments, **options):
    network = built(*arguments, **options)
    random = np.random.default_rng(0)
    for weight in network.model.weights:
        if len(weight.shape) > 1:
            weight.assign(random.normal(size=weight.shape) / np.sqrt(np.prod(weight.shape[:-1])))
    return network

built, model.build = model.build, build
host.has_openvino = kernels.has_bfloat16 = lambda: False
sys.exit(max(train.main([sys.argv[1], arm]) for arm in ("transfer", "scratch")))
"""


@pytest.fixture
def policy():
    """Whatever a test makes the policy, the next one finds float32."""
    yield
    keras.config.set_dtype_policy("float32")


def gpu_of(backend: str, name: str, capability: tuple[int, int]) -> SimpleNamespace:
    """As much of a backend as is asked about its GPU."""
    if backend == "torch":
        cuda = SimpleNamespace(
            is_available=lambda: True, get_device_name=lambda: name, get_device_capability=lambda: capability
        )
        return SimpleNamespace(cuda=cuda)
    gpu = SimpleNamespace(platform="gpu", device_kind=name, compute_capability="{}.{}".format(*capability))
    return SimpleNamespace(devices=lambda: [gpu])


@pytest.mark.usefixtures("policy")
@pytest.mark.parametrize("library", ["jax", "torch"])
@pytest.mark.parametrize(
    ("name", "capability", "chosen"),
    [
        ("NVIDIA H200", (9, 0), "mixed_bfloat16"),
        ("NVIDIA A100", (8, 0), "mixed_bfloat16"),
        ("T4", (7, 5), "mixed_float16"),
    ],
)
def test_a_gpu_computes_in_mixed_precision_on_every_backend(monkeypatch, library, name, capability, chosen):
    monkeypatch.setattr(keras.backend, "backend", lambda: library)
    monkeypatch.setitem(sys.modules, library, gpu_of(library, name, capability))
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "")
    device = backend.prepare_device()
    assert device.label == f"GPU {name.removeprefix('NVIDIA ')}"
    assert device.engine == f"Keras {keras.__version__} on {library}, {chosen}"
    assert keras.config.dtype_policy().name == chosen


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("other", OTHERS)
def test_the_same_experiment_comes_out_the_same_on_another_backend(
    other: str, new_experiment: Callable[..., str], start: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    experiments = {backend: trained(backend, new_experiment) for backend in ("tensorflow", other)}
    mine, theirs = (curves(each, "transfer") for each in experiments.values())
    assert mine == pytest.approx(theirs, rel=1e-3, abs=1e-3)
    assert difference(*(answers_of(each, "transfer") for each in experiments.values())) < 1e-3

    # From scratch, on so few small pictures, rounding grows to a tenth of a gradient: so far TensorFlow's own are from
    # those in float64, with BatchNorm as one operation or as several; PyTorch's and JAX's are 2 % off.
    (first, second, *validation), theirs = (curves(each, "scratch") for each in experiments.values())
    assert first == pytest.approx(theirs[0], rel=1e-3)
    assert second == pytest.approx(theirs[1], rel=0.1)
    assert validation == pytest.approx(theirs[2:], rel=0.4)

    for own, foreign in permutations(experiments):
        asked = asked_again(experiments[own], foreign, start)
        for arm in ARMS:
            again = asked[asked["arm"] == arm]
            assert difference(answers_of(experiments[own], arm), again) < 1e-4, f"{arm} of {own} on {foreign}"


def trained(backend: str, new_experiment: Callable[..., str]) -> str:
    """The id of an experiment whose two arms were trained on a backend."""
    experiment = new_experiment(
        3,
        20,
        image_size=64,
        head={"normalizes": True, "hidden": (16,), "dropout": 0.0},  # whose random numbers would be the backend's own
        training={"epochs": 6, "patience": None, "batch_size": 16, "optimizer": "adamw", "weight_decay": 2.0},
        scratch={"epochs": 2, "patience": None, "batch_size": 64, "image_size": 64},  # a step each
    )
    command = [sys.executable, "-c", TRAIN, str(experiment_directory(experiment))]
    own = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return experiment


def curves(experiment: str, arm: str) -> list[float]:
    """The loss of every epoch, then that of every validation."""
    metrics = read_metrics(arm_directory(experiment, arm))
    return [*metrics["loss"], *metrics["val_loss"]]


def answers_of(experiment: str, arm: str) -> pd.DataFrame:
    """What an arm was scored by."""
    return pd.read_parquet(arm_directory(experiment, arm) / "predictions.parquet")


def asked_again(experiment: str, backend: str, start: Callable[..., "subprocess.Popen[bytes]"]) -> pd.DataFrame:
    """What the saved networks of both arms say of the test pictures on a backend."""
    data = dataset.read(read_experiment(experiment).dataset)
    pictures = answers_of(experiment, "transfer")["picture"]
    prediction = predictions.create(experiment, [(name, data.path(name).read_bytes()) for name in pictures])
    assert start("core.tasks.predict", predictions.directory(prediction), KERAS_BACKEND=backend).wait(300) == 0
    return predictions.read(prediction)


def difference(mine: pd.DataFrame, theirs: pd.DataFrame) -> float:
    """The largest one between two tables of probabilities of the same pictures."""
    columns = [name for name in mine if name.startswith("p_")]
    return float(np.abs(mine[columns].to_numpy() - theirs[columns].to_numpy()).max())
