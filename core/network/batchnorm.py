"""BatchNorm statistics re-estimated from training pictures: without this a short training from scratch looks dead.

With Keras's momentum of 0.99 the moving statistics lag hundreds of steps behind the weights. On a few pictures a
network then answers well in training mode and at random in inference mode. The cure: a cumulative average of the
batches' own statistics, `momentum = 1 - 1/k` for the k-th batch, which is their plain mean.
"""

import keras
import numpy as np

from core.network import kernels


class Reestimation:
    """The statistics of every BatchNorm layer of a model, from forward passes in which each batch normalises itself."""

    def __init__(self, model: keras.Model) -> None:
        """Build, once, a twin of `model` that shares its layers and puts out the moments before each BatchNorm."""
        self._layers: list[keras.Layer] = []
        moments: list[keras.KerasTensor] = []

        def call(layer: keras.Layer, *args: object, **kwargs: object) -> object:
            if not isinstance(layer, keras.layers.BatchNormalization):
                return layer(*args, **kwargs)
            normalised, mean, variance = _NormalisedByItsBatch(layer)(args[0])
            self._layers.append(layer)
            moments.extend((mean, variance))
            return normalised

        keras.models.clone_model(
            model, input_tensors=model.input, clone_function=lambda layer: layer, call_function=call
        )
        self._twin = keras.Model(model.input, moments) if moments else None

    def run(self, pixels: np.ndarray, *, batch_size: int) -> None:
        """Write the mean of the batches' statistics into the model.

        Args:
            pixels: Training pictures, shape (n, size, size, 3); what does not fill a batch is left out.
            batch_size: As in training.
        """
        if self._twin is None:
            return
        batch_size = min(batch_size, len(pixels))
        whole = len(pixels) // batch_size * batch_size
        batches = [
            self._twin.predict_on_batch(pixels[start : start + batch_size]) for start in range(0, whole, batch_size)
        ]
        outputs = [np.mean(values, axis=(0, 1)) for values in zip(*batches, strict=True)]
        for layer, mean, variance in zip(self._layers, outputs[::2], outputs[1::2], strict=True):
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(variance)


class _NormalisedByItsBatch(keras.layers.Layer):
    """What a BatchNorm layer does in training mode, with the moments as further outputs of shape (1, channels)."""

    def __init__(self, layer: keras.layers.BatchNormalization) -> None:
        super().__init__(dtype=layer.dtype_policy)
        self._of = layer

    def call(self, inputs: keras.KerasTensor) -> tuple[keras.KerasTensor, ...]:
        normalised, mean, variance = kernels.normalised_by_batch(self._of, inputs)
        return normalised, mean[None], variance[None]
