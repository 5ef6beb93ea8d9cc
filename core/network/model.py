"""Base + head → a Keras model; what is frozen; the frontier between the frozen and the trained part.

The network is one flat functional model: pixels (n, size, size, 3), RGB 0 to 255 → preprocessing → the base's layers →
pooling → hidden layers → output. `prefix` and `suffix` are models over the same layers, cut at the frontier, so that
fitting the suffix on the prefix's outputs is fitting the whole with the prefix frozen.
"""

import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before the import, which reads it

import keras
import numpy as np

from core.plan import bases
from core.plan.arm import Arm, Head, Optimizer, Pooling, Training
from core.plan.bases import Base, Preprocessing

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # of the caffe models that VGG16 and ResNet50 were converted from
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
DRAWING = threading.Lock()  # first weights are drawn from generators that all threads of a process share


@dataclass(frozen=True)
class Network:
    """A model, its parts, and how much of it stays as it is; all share their layers with `model`."""

    model: keras.Model
    base_layers: list[keras.Layer]  # as in keras.applications, the input layer included
    head_layers: list[keras.Layer]
    row: Base
    frozen_blocks: int | None = None  # the first so many, and BatchNorm everywhere; None: all is trained, from scratch

    @property
    def frontier(self) -> str | None:
        """Name of the last layer of the prefix; None where no block is frozen and there is no prefix.

        With every block frozen it is the pooling (a vector a picture), or the feature map where the head flattens it.
        """
        if not self.frozen_blocks:
            return None
        if self._is_pooled:
            return str(self.head_layers[0].name)
        return str(self.base_layers[self.row.blocks[self.frozen_blocks - 1].last_layer].name)

    @property
    def _is_pooled(self) -> bool:
        flattens = isinstance(self.head_layers[0], keras.layers.Flatten)
        return self.frozen_blocks == len(self.row.blocks) and not flattens

    @property
    def block_ends(self) -> list[str]:
        """Name of each block's last layer; they are the same in the file that is saved."""
        return [str(self.base_layers[block.last_layer].name) for block in self.row.blocks]

    @property
    def frontier_words(self) -> str:
        """Where the prefix ends, in words that are the same in every build."""
        return f"{self.frozen_blocks} blocks, {type(self.head_layers[0]).__name__ if self._is_pooled else 'map'}"

    def train_head(self) -> None:
        """Freeze the whole base; `compile` afterwards."""
        for layer in self.base_layers:
            layer.trainable = False

    def train_unfrozen(self) -> None:
        """Freeze `frozen_layers` and nothing else of the base; `compile` afterwards.

        BatchNorm must be set untrainable layer by layer: `fit` overrides `training=False` given at the call
        (keras-team/keras#20285), and the statistics of a few pictures would replace those of ImageNet.
        """
        kept = {id(layer) for layer in self.frozen_layers}
        for layer in self.base_layers:
            layer.trainable = id(layer) not in kept

    @property
    def frozen_layers(self) -> list[keras.Layer]:
        """The base's layers that stay exactly as they are: the first blocks, and BatchNorm everywhere; or none."""
        if self.frozen_blocks is None:
            return []
        last = self.row.blocks[self.frozen_blocks - 1].last_layer if self.frozen_blocks else -1
        return [
            layer
            for position, layer in enumerate(self.base_layers)
            if position <= last or isinstance(layer, keras.layers.BatchNormalization)
        ]


def cut(model: keras.Model, layer_name: str | None) -> tuple[keras.Model | None, keras.Model]:
    """(prefix, suffix) behind a layer of a flat functional model, where exactly one tensor crosses.

    Without a layer there is no prefix, and the suffix is the whole model.
    """
    if layer_name is None:
        return None, model
    tensor = model.get_layer(layer_name).output
    return keras.Model(model.input, tensor), keras.Model(tensor, model.output)


def stretches(model: keras.Model, layer_names: Sequence[str]) -> list[keras.Model]:
    """A flat functional model cut behind each of these layers, in order: each stretch takes what the last puts out."""
    tensors = [model.input, *(model.get_layer(name).output for name in layer_names), model.output]
    return [keras.Model(start, end) for start, end in pairwise(tensors)]


def build_for(arm: Arm, *, n_classes: int) -> Network:
    """An arm's network, with random weights."""
    frozen = None if arm.is_scratch else arm.frozen_blocks
    return build(arm.base, arm.head, image_size=arm.image_size, n_classes=n_classes, frozen_blocks=frozen)


def build(base_name: str, head: Head, *, image_size: int, n_classes: int, frozen_blocks: int | None = None) -> Network:
    """A network with random weights.

    Args:
        base_name: A row of `bases.BASES`.
        head: What goes on top.
        image_size: Side in pixels of the square input.
        n_classes: Two give one sigmoid unit, P(second class); more a softmax.
        frozen_blocks: See `Network`.
    """
    row = bases.base(base_name)
    pixels = keras.Input((image_size, image_size, 3), name="pixels")
    options = {"include_preprocessing": False} if row.name.startswith("EfficientNetV2") else {}
    constructor = getattr(keras.applications, row.name)
    base = constructor(
        weights=None,
        include_top=False,
        input_tensor=_preprocessed(pixels, row.preprocessing),
        input_shape=(image_size, image_size, 3),
        **options,
    )
    outside = {layer.name for layer in base.layers if layer.name == "pixels" or layer.name.startswith("preprocessing")}
    base_layers = [base.get_layer("pixels"), *(layer for layer in base.layers if layer.name not in outside)]
    head_layers = _head_layers(head, n_classes)
    tensor = base.output
    for layer in head_layers:
        tensor = layer(tensor)
    return Network(keras.Model(pixels, tensor, name=row.name.lower()), base_layers, head_layers, row, frozen_blocks)


def _preprocessed(pixels: keras.KerasTensor, preprocessing: Preprocessing) -> keras.KerasTensor:
    """In float32 whatever the policy: half precision cannot tell 254 from 255 after an offset."""

    def rescaling(scale: object, offset: object, name: str) -> keras.Layer:
        return keras.layers.Rescaling(scale, offset, dtype="float32", name=name)

    if preprocessing is Preprocessing.SYMMETRIC:
        return rescaling(1 / 127.5, -1.0, "preprocessing")(pixels)
    if preprocessing is Preprocessing.STANDARD:
        scale = [1 / (255 * deviation) for deviation in IMAGENET_DEVIATION]
        offset = [-mean / deviation for mean, deviation in zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True)]
        return rescaling(scale, offset, "preprocessing")(pixels)
    return rescaling(1.0, [-mean for mean in IMAGENET_MEAN_BGR], "preprocessing")(keras.ops.flip(pixels, axis=-1))


def _head_layers(head: Head, n_classes: int) -> list[keras.Layer]:
    pooling = {
        Pooling.AVERAGE: keras.layers.GlobalAveragePooling2D,
        Pooling.MAXIMUM: keras.layers.GlobalMaxPooling2D,
        Pooling.FLATTEN: keras.layers.Flatten,
    }[head.pooling]
    layers = [pooling(name="head_pooling")]
    if head.normalizes:
        layers.append(keras.layers.RMSNormalization(name="head_normalization"))
    for number, units in enumerate(head.hidden, start=1):
        layers.append(keras.layers.Dense(units, activation="relu", name=f"head_hidden{number}"))
    if head.dropout:
        layers.append(keras.layers.Dropout(head.dropout, name="head_dropout"))
    units, activation = (1, "sigmoid") if n_classes == 2 else (n_classes, "softmax")
    # float32 whatever the policy: probabilities in half precision lose the small ones
    layers.append(keras.layers.Dense(units, activation=activation, dtype="float32", name="head_output"))
    return layers


def is_depthwise(model: keras.Model) -> bool:
    """Whether a model filters channels one by one anywhere."""
    kinds = (keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
    return any(isinstance(layer, kinds) for layer in model.layers)


def compile_for(
    model: keras.Model, training: Training, *, steps: int, rate_factor: float = 1.0, steps_at_once: int = 1
) -> None:
    """Compile with the loss that fits the output, and a learning rate that decays along a cosine to zero.

    Args:
        model: A whole network or a suffix.
        training: Optimizer and learning rate.
        steps: Training steps until the rate is zero.
        rate_factor: 0.1 for the second phase.
        steps_at_once: Steps between two returns to Python, where the backend can do several.
    """
    rate = keras.optimizers.schedules.CosineDecay(training.learning_rate * rate_factor, max(1, steps))
    optimizer = {
        Optimizer.ADAM: lambda: keras.optimizers.Adam(rate),
        Optimizer.ADAMW: lambda: keras.optimizers.AdamW(rate, weight_decay=training.weight_decay),
        Optimizer.SGD: lambda: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    }[training.optimizer]()
    if training.optimizer is Optimizer.ADAMW:
        optimizer.exclude_from_weight_decay(var_list=_not_decayed(model))
    is_binary = model.output.shape[-1] == 1
    loss = keras.losses.BinaryCrossentropy() if is_binary else keras.losses.SparseCategoricalCrossentropy()
    accuracy = keras.metrics.BinaryAccuracy if is_binary else keras.metrics.SparseCategoricalAccuracy
    model.compile(
        optimizer=optimizer,
        loss=loss,
        weighted_metrics=[],
        metrics=[accuracy(name="accuracy")],
        steps_per_execution=1 if keras.backend.backend() == "torch" else steps_at_once,
    )
    model.optimizer.build(model.trainable_variables)  # else the first step of a fit is traced twice, for seconds


def _not_decayed(model: keras.Model) -> list[keras.Variable]:
    """All but the kernels of the head: what the base knows must not shrink, nor biases and scales."""
    kernels = {
        id(layer.kernel) for layer in model.layers if layer.name.startswith("head_") and hasattr(layer, "kernel")
    }
    return [variable for variable in model.trainable_variables if id(variable) not in kernels]


def probabilities(outputs: np.ndarray) -> np.ndarray:
    """Outputs (n, 1) or (n, classes) of a network → (n, classes), float64, rows summing to one."""
    outputs = outputs.astype(np.float64)
    if outputs.shape[1] == 1:
        return np.hstack([1.0 - outputs, outputs])
    return outputs / outputs.sum(axis=1, keepdims=True)


def chosen(answers: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes) → the index of each answer (n,), the first of several that are as likely."""
    return answers.argmax(axis=1)


def float32_copy(network: Network, head: Head, *, n_classes: int) -> Network:
    """The same network under the float32 policy, which is how it is saved and scored."""
    if keras.config.dtype_policy().name == "float32":
        return network
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        size = network.model.input.shape[1]
        copy = build(network.row.name, head, image_size=size, n_classes=n_classes, frozen_blocks=network.frozen_blocks)
        copy.model.set_weights(network.model.get_weights())
    finally:
        keras.config.set_dtype_policy(policy)
    return copy


def fingerprint(layers: list[keras.Layer]) -> str:
    """A SHA-256 over all weights of some layers, to show that they did not change."""
    digest = hashlib.sha256()
    for layer in layers:
        for value in layer.get_weights():
            digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
