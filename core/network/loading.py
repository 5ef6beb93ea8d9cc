"""A base's file of weights → a network that has them."""

from pathlib import Path

import h5py
import keras
import numpy as np

from core.errors import WeightsError
from core.network.model import Network
from core.plan.bases import Base
from core.words.said import Said, plain, say

AUTO_NAMED = ("InceptionV3", "Xception")  # layer names differ from build to build: never loaded by name


def load_base_weights(network: Network, path: Path) -> None:
    """Fill the base from an HDF5 file in Keras's own layout, without or with the top that is not wanted.

    Raises:
        WeightsError: The file does not fit the base; nothing may be trained on what it left.
    """
    base = keras.Model(network.model.input, network.base_layers[-1].output)
    before = [np.array(value) for value in base.get_weights()]
    try:
        by_name = _has_top(path, base) and network.row.name not in AUTO_NAMED
        base.load_weights(path, **({"by_name": True} if by_name else {}))
    except (OSError, ValueError, KeyError) as error:
        raise _misfit(network.row, path, plain(str(error).splitlines()[0])) from error
    unchanged = sum(np.array_equal(old, new) for old, new in zip(before, base.get_weights(), strict=True))
    if unchanged:  # by_name skips what it does not find, in silence
        raise _misfit(network.row, path, say("weights.arrays", n=unchanged, n_all=len(before)))


def _has_top(path: Path, base: keras.Model) -> bool:
    with h5py.File(path, "r") as file:
        group = file.get("model_weights", file)
        stored = sum(bool(len(group[name].attrs.get("weight_names", ()))) for name in group.attrs["layer_names"])
    return bool(stored > sum(bool(layer.weights) for layer in base.layers))


def _misfit(row: Base, path: Path, found: Said) -> WeightsError:
    url = row.weights.url
    return WeightsError("weights.misfit", base=row.name, name=path.name, found=found, path=path, url=url)
