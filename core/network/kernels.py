"""The network as it trains on a processor: the same layers and weights, the two slowest operations done faster.

Keras composes BatchNorm of single operations, each a pass through memory; TensorFlow has it as one kernel, forward
and backward. And a processor with bfloat16 multiplies it about twice as fast as float32: the inputs and kernels of
convolutions are rounded to it, what they add up stays float32, as do weights, statistics, all other layers and
everything outside training. Measured on two cores (AVX-512 with bfloat16), pictures trained a second at 128 px:
MobileNet 67 as Keras has it, 91 with the one kernel, 117 with both (`benchmarks/scratch.py`).
"""

from functools import lru_cache
from pathlib import Path

import keras

from core import host

BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def for_training(model: keras.Model) -> keras.Model:
    """A model that shares layers and weights with this one, to be compiled and fitted in its place.

    Answers, losses and gradients are the same up to rounding; outside training they are the model's own. Where the
    faster operations are not to be had (a graphics card, another backend) it is the model itself.
    """
    if not is_fused():
        return model
    in_bfloat16 = has_bfloat16()

    def call(layer: keras.Layer, *args: object, **kwargs: object) -> object:
        if can_fuse(layer):
            return _BatchNormalization(layer)(args[0])
        if in_bfloat16 and type(layer) in (keras.layers.Conv2D, keras.layers.SeparableConv2D):
            return _CONVOLUTIONS[type(layer)](layer)(args[0])
        return layer(*args, **kwargs)

    return keras.models.clone_model(
        model, input_tensors=model.input, clone_function=lambda layer: layer, call_function=call
    )


def remark(model: keras.Model, frontier: str | None) -> str:
    """What a status adds to the engine's name for the training of what lies behind a layer; "" for a head alone."""
    behind = model.layers[model.layers.index(model.get_layer(frontier)) + 1 :] if frontier else model.layers
    has_convolutions = any(type(layer) in _CONVOLUTIONS for layer in behind)
    return ", convolutions in bfloat16" if has_convolutions and is_fused() and has_bfloat16() else ""


def is_fused() -> bool:
    """Whether BatchNorm as one operation is to be had, and worth it: a graphics card compiles its own."""
    return (
        keras.backend.backend() == "tensorflow"
        and not host.device().has_gpu
        and keras.config.dtype_policy().name == "float32"
    )


@lru_cache
def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 itself; False where Linux's list of its abilities is missing."""
    listed = Path("/proc/cpuinfo")
    return listed.exists() and not BFLOAT16_FLAGS.isdisjoint(listed.read_text(encoding="utf-8").split())


def can_fuse(layer: keras.Layer) -> bool:
    """Whether a layer is BatchNorm over the channels of pictures."""
    return type(layer) is keras.layers.BatchNormalization and len(layer.input.shape) == 4 and layer.axis in (-1, 3)


def normalised_by_batch(
    layer: keras.layers.BatchNormalization, inputs: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """What a BatchNorm layer puts out in training mode, and the batch's mean and variance, of shape (channels,)."""
    ops = keras.ops
    if is_fused() and can_fuse(layer):
        return _fused(layer, inputs)
    wide = ops.cast(inputs, "float32")
    mean, variance = ops.moments(wide, axes=list(range(len(inputs.shape) - 1)))
    normalised = ops.batch_normalization(
        wide, mean, variance, axis=-1, offset=layer.beta, scale=layer.gamma, epsilon=layer.epsilon
    )
    return ops.cast(normalised, inputs.dtype), mean, variance


def _fused(
    layer: keras.layers.BatchNormalization, inputs: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    import tensorflow as tf  # Keras has no such operation

    ops = keras.ops
    channels = inputs.shape[-1]
    scale = ops.convert_to_tensor(layer.gamma) if layer.scale else ops.ones(channels, inputs.dtype)
    offset = ops.convert_to_tensor(layer.beta) if layer.center else ops.zeros(channels, inputs.dtype)
    normalised, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        inputs, scale, offset, epsilon=layer.epsilon, is_training=True
    )
    number = ops.cast(ops.prod(ops.shape(inputs)[:-1]), inputs.dtype)
    # this kernel divides by one less than the number of values, Keras by their number
    return normalised, mean, variance * (ops.maximum(number - 1.0, 1.0) / number)


class _Stand(keras.layers.Layer):
    """Stands for a layer in training and is that layer otherwise; its weights are that layer's."""

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self._of = layer
        self.built = True

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return self._of.compute_output_shape(input_shape)


class _BatchNormalization(_Stand):
    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        layer = self._of
        if not (training and layer.trainable):
            return layer(inputs, training=False)
        normalised, mean, variance = normalised_by_batch(layer, inputs)
        for moving, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + keras.ops.stop_gradient(now) * (1.0 - layer.momentum))
        return normalised


class _Convolution(_Stand):
    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        layer = self._of
        if not training:
            return layer(inputs)
        outputs = _wide(layer.convolution_op(_narrow(inputs), _narrow(layer.kernel)))
        return layer.activation(outputs + layer.bias if layer.use_bias else outputs)


class _SeparableConvolution(_Stand):
    """The filters of single channels stay in float32, for which their kernels are quicker."""

    def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        layer, ops = self._of, keras.ops
        if not training:
            return layer(inputs)
        options = {"strides": layer.strides, "padding": layer.padding, "dilation_rate": layer.dilation_rate}
        maps = ops.depthwise_conv(inputs, layer.depthwise_kernel, data_format=layer.data_format, **options)
        outputs = _wide(ops.conv(_narrow(maps), _narrow(layer.pointwise_kernel), data_format=layer.data_format))
        return layer.activation(outputs + layer.bias if layer.use_bias else outputs)


_CONVOLUTIONS = {keras.layers.Conv2D: _Convolution, keras.layers.SeparableConv2D: _SeparableConvolution}


def _narrow(tensor: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.cast(tensor, "bfloat16")


def _wide(tensor: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.cast(tensor, "float32")
