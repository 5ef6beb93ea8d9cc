"""Which layers of an arm's network change by its training."""

import keras

from core.network.model import Network


def changing_layers(network: Network) -> list[keras.Layer]:
    """The layers that may differ from how they began."""
    frozen = {id(layer) for layer in network.frozen_layers}
    return [layer for layer in network.model.layers if layer.weights and id(layer) not in frozen]
