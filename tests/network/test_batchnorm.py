"""The fair opponent: what re-estimated statistics do to a network that was trained for a few steps."""

import keras
import numpy as np
import pytest

from core.network import batchnorm, model
from core.network.batchnorm import Reestimation
from core.plan.arm import Head

BATCH = 16


def striped(n: int = 96, *, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, side, side, 3) with stripes along or across, and which: no colour and no place gives it away."""
    random, labels = np.random.default_rng(0), np.arange(n) % 2
    waves = 60 * np.sin(np.arange(side)[:, None] * 1.6 + random.uniform(0, 6, (n, 1, 1)))
    pictures = np.where(labels[:, None, None] == 1, waves, waves.transpose(0, 2, 1))
    noisy = 120 + pictures[..., None] + random.normal(0, 20, (n, side, side, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8), labels


def small_network(seed: int = 1) -> keras.Model:
    """Four convolutions on raw pixels, whose mean the moving statistics take long to find."""
    keras.utils.set_random_seed(seed)
    tensor = pixels = keras.Input((16, 16, 3))
    for stride in (2, 2, 2, 1):
        tensor = keras.layers.Conv2D(16, 3, strides=stride, padding="same", use_bias=False)(tensor)
        tensor = keras.layers.BatchNormalization()(tensor)
        tensor = keras.layers.ReLU()(tensor)
    tensor = keras.layers.GlobalAveragePooling2D()(tensor)
    return keras.Model(pixels, keras.layers.Dense(2, activation="softmax")(tensor))


def one_layer(layer: keras.layers.Layer) -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, layer(inputs))


def accuracy(network: keras.Model, pictures: np.ndarray, labels: np.ndarray, *, training: bool) -> float:
    """With each batch's own statistics in training mode; a call of a model moves none of the stored ones for good."""
    before = network.get_weights()
    batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    answers = np.concatenate([np.asarray(network(batch, training=training)) for batch in batches])
    network.set_weights(before)
    return float((answers.argmax(axis=1) == labels).mean())


@pytest.mark.parametrize("seed", [1, 2])
def test_accuracy_in_inference_mode_joins_that_in_training_mode(seed):
    pictures, labels = striped()
    network = small_network(seed)
    network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    network.fit(pictures, labels, batch_size=BATCH, epochs=3, verbose=0)

    in_training = accuracy(network, pictures, labels, training=True)
    before = accuracy(network, pictures, labels, training=False)
    Reestimation(network).run(pictures, batch_size=BATCH)
    after = accuracy(network, pictures, labels, training=False)

    assert in_training > 0.9
    assert in_training - before > 0.25, "the moving statistics should lag behind after so few steps"
    assert abs(in_training - after) <= 0.02


def test_statistics_of_one_layer_are_the_mean_over_the_batches_of_their_own():
    inputs = np.random.default_rng(1).normal(3, 2, (50, 4)).astype("float32")
    layer = keras.layers.BatchNormalization()
    Reestimation(one_layer(layer)).run(inputs, batch_size=20)
    batches = inputs[:40].reshape(2, 20, 4)  # the rest fills no batch
    np.testing.assert_allclose(layer.moving_mean, batches.mean(axis=1).mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, batches.var(axis=1).mean(axis=0), rtol=1e-5)


def test_the_statistics_are_those_of_the_cumulative_average_in_keras_s_own_training_mode():
    pictures, _ = striped()
    network, reference = small_network(), small_network()
    reference.set_weights(network.get_weights())
    norms = [layer for layer in reference.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for number, start in enumerate(range(0, len(pictures), BATCH), start=1):
        for layer in norms:
            layer.momentum = 1 - 1 / number
        reference(pictures[start : start + BATCH], training=True)
    Reestimation(network).run(pictures, batch_size=BATCH)
    for ours, theirs in zip(network.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_nothing_but_the_statistics_changes_and_a_second_run_finds_the_same():
    pictures, _ = striped()
    network = small_network()
    reestimation = Reestimation(network)
    trained = [weight.numpy() for weight in network.trainable_weights]
    reestimation.run(pictures, batch_size=BATCH)
    first = network.get_weights()
    for before, now in zip(trained, network.trainable_weights, strict=True):
        np.testing.assert_array_equal(before, now.numpy())
    reestimation.run(pictures, batch_size=BATCH)
    for before, now in zip(first, network.get_weights(), strict=True):
        np.testing.assert_array_equal(before, now)


def test_fewer_pictures_than_a_batch_are_one_batch():
    inputs = np.random.default_rng(1).normal(3, 2, (5, 4)).astype("float32")
    layer = keras.layers.BatchNormalization()
    Reestimation(one_layer(layer)).run(inputs, batch_size=16)
    np.testing.assert_allclose(layer.moving_mean, inputs.mean(axis=0), rtol=1e-5)


def test_a_network_without_batchnorm_stays_as_it_is():
    network = one_layer(keras.layers.Dense(2))
    before = network.get_weights()
    Reestimation(network).run(np.ones((8, 4), "float32"), batch_size=4)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", ["MobileNet", pytest.param("InceptionV3", marks=pytest.mark.slow)])
def test_every_batchnorm_layer_of_a_base_is_reached(name):
    """InceptionV3 has branches, and BatchNorm without a scale."""
    size = {"MobileNet": 32, "InceptionV3": 75}[name]
    network = model.build(name, Head(), image_size=size, n_classes=3).model
    pixels = np.random.default_rng(0).integers(0, 256, (8, size, size, 3), dtype=np.uint8)
    batchnorm.Reestimation(network).run(pixels, batch_size=4)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert norms
    for layer in norms:
        assert not np.array_equal(layer.moving_mean.numpy(), np.zeros(layer.moving_mean.shape)), layer.name
        assert not np.array_equal(layer.moving_variance.numpy(), np.ones(layer.moving_variance.shape)), layer.name
