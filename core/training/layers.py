"""Which layers of an arm's network change by its training, and which must not."""

import keras

from core.network.model import Network
from core.plan.experiment import Arm
from core.training.arm import Run


def changing_layers(job: Run, network: Network) -> list[keras.Layer]:
    """The layers that may differ from how they began."""
    frozen = {id(layer) for layer in frozen_layers(job, network)}
    return [layer for layer in network.model.layers if layer.weights and id(layer) not in frozen]


def frozen_layers(job: Run, network: Network) -> list[keras.Layer]:
    """The layers of the base that this arm must leave exactly as they were: frozen blocks, and BatchNorm."""
    if job.arm is Arm.SCRATCH:
        return []
    return [layer for layer in network.frozen_layers(job.frozen_blocks) if layer.weights]
