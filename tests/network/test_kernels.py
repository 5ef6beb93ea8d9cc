"""What stands for Keras's slow operations in training: the same mathematics, and never seen outside it."""

import keras
import numpy as np
import pytest

from core.network import kernels, model
from core.network.kernels import for_training
from core.plan.arm import Head, Training
from core.plan.bases import BASES

SIDE = 12


@pytest.fixture(autouse=True)
def without_bfloat16(monkeypatch):
    """Only rounding of float32 is between the two, whatever processor the tests run on."""
    monkeypatch.setattr(kernels, "has_bfloat16", lambda: False)


def small_network(norm: keras.layers.BatchNormalization, *, strides: int = 1) -> keras.Model:
    """A convolution, whose gradient is that of the BatchNorm's inputs, and a BatchNorm of 6 channels."""
    keras.utils.set_random_seed(1)
    tensor = pixels = keras.Input((SIDE, SIDE, 3))
    tensor = keras.layers.Conv2D(6, 3, strides=strides, padding="same", activation="relu")(tensor)
    tensor = norm(tensor)
    tensor = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(tensor))
    network = keras.Model(pixels, keras.layers.Dense(4, activation="softmax")(tensor))
    random = np.random.default_rng(2)
    network.set_weights([random.uniform(0.5, 1.5, value.shape) for value in network.get_weights()])
    return network


def pictures(n: int = 8, *, side: int = SIDE) -> np.ndarray:
    return np.random.default_rng(0).normal(1, 2, (n, side, side, 3)).astype("float32")


def trained(network: keras.Model, twin: keras.Model, inputs: np.ndarray) -> tuple[float, list[np.ndarray]]:
    """Loss and weights of the network after three steps of its twin: three gradients, and the statistics."""
    twin.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    loss = twin.fit(inputs, np.arange(len(inputs)) % 4, batch_size=len(inputs), epochs=3, verbose=0).history["loss"]
    return loss[-1], network.get_weights()


NORMS = {
    "as Keras makes it": {},
    "of MobileNetV2": {"epsilon": 1e-3, "momentum": 0.999},
    "of ResNet50": {"epsilon": 1.001e-5},
    "of InceptionV3": {"scale": False, "axis": 3},
    "without an offset": {"center": False},
}


@pytest.mark.parametrize("options", NORMS.values(), ids=NORMS)
@pytest.mark.parametrize("n", [8, 1])
def test_training_with_one_kernel_is_training_with_keras_s_batchnorm(options, n):
    networks = [small_network(keras.layers.BatchNormalization(**options)) for _ in range(2)]
    twin = for_training(networks[1])
    assert twin is not networks[1]
    (loss, weights), (other_loss, other_weights) = (
        trained(network, fitted, pictures(n)) for network, fitted in zip(networks, (networks[0], twin), strict=True)
    )
    assert loss == pytest.approx(other_loss, rel=1e-4)
    for one, other in zip(weights, other_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("side", [1, 2])
def test_the_statistics_of_few_values_a_channel_are_those_of_keras(side):
    """The kernel divides the sum of squares by one less than their number."""
    norms = [keras.layers.BatchNormalization(momentum=0.5) for _ in range(2)]
    networks = [small_network(norm, strides=SIDE // side) for norm in norms]
    assert norms[0].input.shape == (None, side, side, 6)
    for network, fitted in zip(networks, (networks[0], for_training(networks[1])), strict=True):
        trained(network, fitted, pictures(1))
    for name in ("moving_mean", "moving_variance"):
        np.testing.assert_allclose(*(getattr(norm, name) for norm in norms), rtol=1e-4, atol=1e-5)


def test_outside_training_it_is_the_network_itself():
    network = small_network(keras.layers.BatchNormalization())
    twin = for_training(network)
    np.testing.assert_array_equal(twin.predict(pictures(), verbose=0), network.predict(pictures(), verbose=0))


def test_a_frozen_batchnorm_keeps_its_statistics_and_answers_with_them():
    norm = keras.layers.BatchNormalization()
    network = small_network(norm)
    norm.trainable = False
    before = norm.get_weights()
    twin = for_training(network)
    np.testing.assert_allclose(twin(pictures(), training=True), network(pictures(), training=True), rtol=1e-6)
    trained(network, twin, pictures())
    for old, now in zip(before, norm.get_weights(), strict=True):
        np.testing.assert_array_equal(old, now)


def test_what_is_saved_is_plain_keras(tmp_path):
    network = small_network(keras.layers.BatchNormalization())
    trained(network, for_training(network), pictures())
    network.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert {type(layer).__module__.partition(".")[0] for layer in loaded.layers} == {"keras"}
    np.testing.assert_array_equal(loaded.predict(pictures(), verbose=0), network.predict(pictures(), verbose=0))


def test_in_mixed_precision_a_network_trains_as_it_is():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = small_network(keras.layers.BatchNormalization())
        assert for_training(network) is network
    finally:
        keras.config.set_dtype_policy("float32")


def test_beside_a_graphics_card_a_network_trains_as_it_is(monkeypatch):
    network = small_network(keras.layers.BatchNormalization())
    monkeypatch.setattr(kernels.host, "device", lambda: kernels.host.Device(name="H100", cores=8))
    assert for_training(network) is network


LARGE = [pytest.param(name, marks=pytest.mark.slow) for name in BASES if name != "MobileNet"]


@pytest.mark.parametrize("name", ["MobileNet", *LARGE])
def test_every_base_trains_all_its_weights_and_puts_one_kernel_in_the_place_of_every_batchnorm(name):
    size = max(64, BASES[name].min_size)
    network = model.build(name, Head(dropout=0.0), image_size=size, n_classes=4)
    network.train_unfrozen()
    twin = for_training(network.model)
    assert {id(value) for value in twin.weights} == {id(value) for value in network.model.weights}
    assert len(twin.trainable_variables) == len(network.model.trainable_variables)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in twin.layers)
    losses = []
    state = network.model.variables  # and what chance depends on: EfficientNetV2 leaves out blocks
    start = [value.numpy() for value in state]
    for fitted in (network.model, twin):
        for variable, value in zip(state, start, strict=True):
            variable.assign(value)
        model.compile_for(fitted, Training(), steps=2)
        losses.append(float(fitted.train_on_batch(pictures(4, side=size) * 20 + 120, np.arange(4))[0]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)


def test_the_step_of_a_fit_is_traced_once():
    traced = []

    class Noted(keras.layers.Layer):
        def call(self, inputs: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
            traced.append(training)
            return inputs

    pixels = keras.Input((SIDE, SIDE, 3))
    tensor = keras.layers.GlobalAveragePooling2D()(Noted()(pixels))
    network = keras.Model(pixels, keras.layers.Dense(4, activation="softmax")(tensor))
    model.compile_for(network, Training(), steps=4)
    traced.clear()
    network.fit(pictures(8), np.arange(8) % 4, batch_size=4, epochs=2, verbose=0)
    assert traced.count(True) == 1
