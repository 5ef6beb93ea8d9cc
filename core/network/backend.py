"""What Keras computes on in this process: the one place that speaks to a backend's own interface."""

import os
from dataclasses import dataclass

import keras

from core import host
from core.host import Device


@dataclass(frozen=True)
class Placement:
    """What Keras computes on in this process."""

    label: str
    engine: str


def prepare_device() -> Placement:
    """On a GPU: let memory grow as needed and compute in mixed precision; on a CPU: float32.

    This and what it calls are the one place that speaks to a backend's own interface.
    """
    backend = keras.backend.backend()
    find_gpu = {"tensorflow": _tensorflow_gpu, "jax": _jax_gpu, "torch": _torch_gpu}.get(backend, lambda: None)
    gpu = find_gpu()
    if gpu is None:
        label, policy = Device(name="", cores=host.device().cores).label, "float32"
    else:
        name, capability = gpu
        label = f"GPU {name.removeprefix('NVIDIA ')}"
        policy = "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16"
    keras.config.set_dtype_policy(policy)
    engine = f"Keras {keras.__version__} on {backend}, {policy}"
    return Placement(label, engine)


def _tensorflow_gpu() -> tuple[str, tuple[int, ...]] | None:
    """Name and compute capability of the first GPU; its memory grows."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        return None
    details = tf.config.experimental.get_device_details(gpus[0])
    return details.get("device_name", "of unknown name"), details.get("compute_capability", (0, 0))


def _jax_gpu() -> tuple[str, tuple[int, ...]] | None:
    """Likewise."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # before the first device is asked for
    import jax

    gpus = [each for each in jax.devices() if each.platform == "gpu"]
    if not gpus:
        return None
    capability = str(getattr(gpus[0], "compute_capability", "0.0")).split(".")
    return gpus[0].device_kind, tuple(int(part) for part in capability if part.isdecimal())


def _torch_gpu() -> tuple[str, tuple[int, ...]] | None:
    """Likewise; PyTorch takes memory as it needs it."""
    import torch

    if not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_name(), torch.cuda.get_device_capability()
