from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from plans import planned

from core.errors import WeightsError
from core.network import backend, engine, loading, model
from core.network.model import Network
from core.plan.arm import Head, Optimizer, Pooling, Training
from core.plan.bases import BASES
from core.plan.counts import parameter_counts
from core.settings import ASSETS

PLAIN = Head(dropout=0.0)
BUNDLED = ASSETS / "weights" / "mobilenet_1_0_224_tf.fp16.h5"


@pytest.fixture
def half_precision() -> Iterator[None]:
    """What a GPU makes `prepare_device` choose."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(policy)


def built(name: str = "MobileNet", *, head: Head = PLAIN, size: int = 32, n_classes: int = 3, seed: int = 1) -> Network:
    keras.utils.set_random_seed(seed)
    return model.build(name, head, image_size=size, n_classes=n_classes)


def lively(network: Network, *, seed: int = 0) -> Network:
    """Give BatchNorm the statistics of a few pictures: with those of a new network the signal dies out on its way."""
    norms = [layer for layer in network.base_layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    network.model(pictures(8, size=network.model.input_shape[1], seed=seed), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
    return network


@cache
def shared_network(name: str, n_classes: int = 3) -> Network:
    """For tests that only look at it."""
    return lively(built(name, size=BASES[name].min_size, n_classes=n_classes))


def pictures(n: int = 4, *, size: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3)).astype("float32")


def weights_of(layers: list[keras.Layer]) -> list[np.ndarray]:
    return [value for layer in layers for value in layer.get_weights()]


def policies(network: keras.Model) -> set[str]:
    """An input layer computes nothing; it has whatever policy reigned when it was loaded."""
    return {layer.dtype_policy.name for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)}


def save_base(network: Network, path: Path) -> Path:
    """A file without a top in the layout in which Keras publishes them."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.base_layers]
        for layer in network.base_layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0".encode() for weight in layer.weights]
            group.attrs["weight_names"] = np.array(names, dtype="S100")
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name.decode()] = value
    return path


# The network


@pytest.mark.parametrize(
    ("n_classes", "units", "activation"), [(2, 1, "sigmoid"), (3, 3, "softmax"), (20, 20, "softmax")]
)
def test_two_classes_have_one_sigmoid_unit_and_more_a_softmax(n_classes, units, activation):
    network = shared_network("MobileNet", n_classes)
    assert network.model.output_shape == (None, units)
    assert network.head_layers[-1].activation.__name__ == activation


def test_the_head_is_what_was_configured_in_this_order():
    head = Head(pooling=Pooling.MAXIMUM, hidden=(16, 8), dropout=0.3)
    layers = built(head=head).head_layers
    kinds = ["GlobalMaxPooling2D", "Dense", "Dense", "Dropout", "Dense"]
    assert [type(layer).__name__ for layer in layers] == kinds
    assert [layer.units for layer in layers if hasattr(layer, "units")] == [16, 8, 3]
    assert layers[3].rate == 0.3


@pytest.mark.parametrize("pooling", Pooling)
@pytest.mark.parametrize(("name", "size"), [("MobileNet", 70), ("VGG16", 70)])
def test_the_network_has_the_parameters_that_the_pages_count_without_it(pooling, name, size):
    head = Head(pooling=pooling, hidden=(5,))
    network = built(name, head=head, size=size, n_classes=2)
    arm = planned(base=name, head=head, image_size=size, frozen_blocks=3).lead
    counts = parameter_counts(arm, n_classes=2)
    replace(network, frozen_blocks=3).train_unfrozen()
    trained = sum(np.prod(weight.shape) for weight in network.model.trainable_weights)
    assert (trained, network.model.count_params() - trained) == (counts.trained, counts.frozen)


def test_pixels_from_0_to_255_go_in_as_whole_numbers_or_not():
    network = shared_network("MobileNet").model
    np.testing.assert_array_equal(network(pictures()), network(pictures().astype(np.uint8)))


# The frontier

CUTS = [
    *[("MobileNet", frozen) for frozen in (1, 7, 13, 14)],
    *[("ResNet50", frozen) for frozen in (1, 3, 5)],
    *[("VGG16", frozen) for frozen in (2, 5)],
    *[("InceptionV3", frozen) for frozen in (1, 5, 11, 12)],  # with branches
]


@pytest.mark.parametrize(("name", "frozen"), CUTS)
def test_prefix_and_suffix_after_each_other_are_the_whole(name, frozen):
    network = shared_network(name)
    prefix, suffix = model.cut(network.model, replace(network, frozen_blocks=frozen).frontier)
    pixels = pictures(size=network.row.min_size)
    outputs = np.asarray(suffix(prefix(pixels)))
    np.testing.assert_allclose(outputs, network.model(pixels), rtol=1e-5, atol=1e-6)
    assert np.ptp(outputs, axis=0).max() > 1e-3, "the answers should depend on the picture"


@pytest.mark.parametrize(("name", "frozen"), CUTS)
def test_the_frozen_layers_are_those_before_the_frontier_and_batchnorm_behind_it(name, frozen):
    network = shared_network(name)
    prefix, suffix = model.cut(network.model, replace(network, frozen_blocks=frozen).frontier)
    kept = {layer.name for layer in replace(network, frozen_blocks=frozen).frozen_layers if layer.weights}
    inside = {layer.name for layer in prefix.layers if layer.weights}
    behind = {layer.name for layer in suffix.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert kept == inside | behind


def test_with_nothing_frozen_there_is_no_prefix():
    network = shared_network("MobileNet")
    prefix, suffix = model.cut(network.model, replace(network, frozen_blocks=0).frontier)
    assert prefix is None
    assert suffix is network.model


@pytest.mark.parametrize(("pooling", "shape"), [(Pooling.AVERAGE, (1024,)), (Pooling.FLATTEN, (1, 1, 1024))])
def test_with_all_frozen_what_is_kept_of_a_picture_is_the_vector_or_the_map_that_is_flattened(pooling, shape):
    network = built(head=Head(pooling=pooling))
    prefix, _ = model.cut(network.model, replace(network, frozen_blocks=14).frontier)
    assert prefix.output_shape == (None, *shape)


# name, frozen blocks, classes, optimizer
SAME = [
    ("MobileNet", 12, 2, Optimizer.ADAM),
    ("VGG16", 4, 3, Optimizer.SGD),
    pytest.param("MobileNet", 14, 3, Optimizer.SGD, marks=pytest.mark.slow),
    pytest.param("ResNet50", 4, 2, Optimizer.ADAM, marks=pytest.mark.slow),
    pytest.param("InceptionV3", 11, 3, Optimizer.ADAMW, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "frozen", "n_classes", "optimizer"), SAME)
def test_fitting_the_suffix_on_the_prefix_s_outputs_is_fitting_the_whole(name, frozen, n_classes, optimizer):
    size = BASES[name].min_size
    whole, parted = (lively(built(name, size=size, n_classes=n_classes)) for _ in range(2))
    inputs, labels = pictures(12, size=size), np.arange(12) % n_classes
    training = Training(optimizer=optimizer, learning_rate=1e-3)

    prefix, suffix = model.cut(parted.model, replace(parted, frozen_blocks=frozen).frontier)
    values = engine.predict(prefix, inputs)
    losses = []
    for network, fitted, rows in ((whole, whole.model, inputs), (parted, suffix, values)):
        before = weights_of(network.base_layers + network.head_layers)
        replace(network, frozen_blocks=frozen).train_unfrozen()
        model.compile_for(fitted, training, steps=9)
        losses.append(fitted.fit(rows, labels, batch_size=4, epochs=3, shuffle=False, verbose=0).history["loss"])
        after = weights_of(network.base_layers + network.head_layers)
        assert any(not np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for one, other in zip(whole.model.get_weights(), parted.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


# What is trained


def test_with_blocks_unfrozen_a_fit_moves_their_convolutions_and_nothing_of_batchnorm_or_the_frozen_blocks():
    network = lively(built())
    replace(network, frozen_blocks=12).train_unfrozen()
    model.compile_for(network.model, Training(learning_rate=1e-2), steps=4)
    last = network.row.blocks[11].last_layer
    unfrozen = network.base_layers[last + 1 :]
    norms = [layer for layer in network.base_layers if isinstance(layer, keras.layers.BatchNormalization)]
    kernels = [layer for layer in unfrozen if layer.weights and layer not in norms]
    frozen = network.base_layers[: last + 1]
    before = [weights_of(layers) for layers in (norms, frozen, kernels)]
    assert len(norms) == 27
    assert len(kernels) == 4

    network.model.fit(pictures(8), np.arange(8) % 3, batch_size=4, epochs=2, verbose=0)

    for layers, old in zip((norms, frozen), before, strict=False):
        for earlier, now in zip(old, weights_of(layers), strict=True):
            np.testing.assert_array_equal(earlier, now)
    for earlier, now in zip(before[2], weights_of(kernels), strict=True):
        assert not np.array_equal(earlier, now)
    assert model.fingerprint(replace(network, frozen_blocks=12).frozen_layers) != model.fingerprint(unfrozen)


def test_the_head_alone_leaves_the_whole_base_untrained_and_from_scratch_all_is_trained():
    network = built(n_classes=3)
    network.train_head()
    assert [weight.path for weight in network.model.trainable_weights] == ["head_output/kernel", "head_output/bias"]
    network.train_unfrozen()
    statistics = [weight for weight in network.model.weights if "moving" in weight.path]
    assert len(network.model.trainable_weights) == len(network.model.weights) - len(statistics)


def test_a_fingerprint_changes_with_any_single_weight():
    layers = built().head_layers
    before = model.fingerprint(layers)
    kernel, bias = layers[-1].get_weights()
    assert model.fingerprint(layers) == before
    bias[0] += 1e-6
    layers[-1].set_weights([kernel, bias])
    assert model.fingerprint(layers) != before


@pytest.mark.parametrize("optimizer", Optimizer)
def test_the_learning_rate_falls_along_a_cosine_from_its_share_to_zero(optimizer):
    inputs = keras.Input((2,))
    network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs))
    model.compile_for(network, Training(optimizer=optimizer, learning_rate=0.2), steps=10, rate_factor=0.1)
    assert type(network.optimizer).__name__.lower() == optimizer
    rates = [float(network.optimizer.learning_rate)]
    for _ in range(10):
        network.train_on_batch(np.ones((1, 2)), np.ones(1))
        rates.append(float(network.optimizer.learning_rate))
    assert rates[0] == pytest.approx(0.02)
    assert rates[5] == pytest.approx(0.01)
    assert rates[10] == pytest.approx(0.0, abs=1e-8)


# Weight files


def test_every_array_of_the_bundled_file_in_half_precision_is_loaded_and_none_of_its_top():
    network = built(size=64)
    head = weights_of(network.head_layers)
    loading.load_base_weights(network, BUNDLED)
    with h5py.File(BUNDLED) as file:
        group = file.get("model_weights", file)
        for layer in network.base_layers:
            for weight in layer.weights:
                stored = next(array for name, array in _arrays(group[layer.name]) if name.split("/")[-1] == weight.name)
                assert weight.dtype == "float32"
                np.testing.assert_allclose(weight.numpy(), stored.astype("float32").reshape(weight.shape), rtol=1e-6)
    for before, now in zip(head, weights_of(network.head_layers), strict=True):
        np.testing.assert_array_equal(before, now)


def _arrays(group: h5py.Group) -> list[tuple[str, np.ndarray]]:
    names = [_text(name) for name in group.attrs["weight_names"]]
    return [(name.split(":")[0], group[name][()]) for name in names]


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


@pytest.mark.parametrize("name", ["MobileNet", pytest.param("InceptionV3", marks=pytest.mark.slow)])
def test_a_file_without_a_top_is_loaded_in_the_order_of_its_layers(name, tmp_path):
    size = BASES[name].min_size
    saved, network = built(name, size=size, seed=5), built(name, size=size, seed=6)
    for layer in saved.base_layers:  # BatchNorm begins alike in both, which no trained file does
        layer.set_weights([value + 0.25 for value in layer.get_weights()])
    loading.load_base_weights(network, save_base(saved, tmp_path / "no_top.h5"))
    for stored, loaded in zip(weights_of(saved.base_layers), weights_of(network.base_layers), strict=True):
        np.testing.assert_array_equal(stored, loaded)


def test_a_file_of_another_base_is_refused_with_what_to_do(tmp_path):
    other = save_base(built("MobileNetV2"), tmp_path / "other.h5")
    with pytest.raises(WeightsError, match=r"Expected the ImageNet weights of MobileNet .*Remove .*other\.h5"):
        loading.load_base_weights(built(), other)


@pytest.mark.parametrize(("renamed", "missing"), [("", 135), ("conv_pw_7", 1), ("conv_pw_7_bn", 4)])
def test_a_file_with_a_top_that_lacks_a_layer_is_refused_although_keras_passes_over_it(renamed, missing, tmp_path):
    path = tmp_path / "renamed.h5"
    with h5py.File(BUNDLED) as source, h5py.File(path, "w") as target:
        layers = source.get("model_weights", source)
        target.attrs.update(layers.attrs)
        names = [_text(name) for name in layers.attrs["layer_names"]]
        now = [f"other_{name}" if name == renamed or not renamed else name for name in names]
        for before, after in zip(names, now, strict=True):
            layers.copy(before, target, name=after)
        target.attrs["layer_names"] = [name.encode() for name in now]
    with pytest.raises(WeightsError, match=rf"Found: {missing} of 135 arrays are not in it"):
        loading.load_base_weights(built(), path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused(share, tmp_path):
    whole = BUNDLED.read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match="Expected the ImageNet weights of MobileNet"):
        loading.load_base_weights(built(), path)


# Saved and reloaded


@pytest.mark.parametrize("name", ["MobileNet", "VGG16", pytest.param("EfficientNetV2B0", marks=pytest.mark.slow)])
def test_a_saved_network_answers_as_before_in_float32_and_with_its_preprocessing(name, tmp_path):
    network = shared_network(name)
    network.model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(reloaded(pictures()), network.model(pictures()), rtol=1e-6, atol=1e-7)
    assert policies(reloaded) == {"float32"}
    assert reloaded.input_shape == (None, 32, 32, 3)


@pytest.mark.usefixtures("half_precision")
def test_a_network_in_mixed_precision_is_copied_into_float32_before_it_is_saved(tmp_path):
    network = built()
    assert "mixed_bfloat16" in policies(network.model)
    copy = model.float32_copy(network, PLAIN, n_classes=3)
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    assert policies(copy.model) == {"float32"}
    for one, other in zip(network.model.get_weights(), copy.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    copy.model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert policies(reloaded) == {"float32"}
    np.testing.assert_allclose(reloaded(pictures()), network.model(pictures()), atol=0.05)
    assert np.asarray(reloaded(pictures())).dtype == np.float32


def test_a_network_in_float32_is_its_own_copy():
    network = shared_network("MobileNet")
    assert model.float32_copy(network, PLAIN, n_classes=3) is network


@pytest.mark.usefixtures("half_precision")
def test_preprocessing_and_answers_stay_in_float32_where_the_rest_is_in_half():
    network = built("VGG16")
    assert network.model.get_layer("preprocessing").compute_dtype == "float32"
    assert network.model.output.dtype == "float32"


# Probabilities


@pytest.mark.parametrize("outputs", [[[0.25], [0.5], [1.0]], [[0.2, 0.3, 0.5000001], [0.1, 0.1, 0.8]]])
def test_probabilities_of_a_picture_sum_to_one_over_all_classes(outputs):
    answers = model.probabilities(np.array(outputs, "float32"))
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-15)
    assert answers.shape[1] >= 2


def test_of_two_classes_the_unit_speaks_of_the_second_which_is_chosen_above_one_half_as_in_keras_own_accuracy():
    answers = model.probabilities(np.array([[0.2], [0.5], [0.8]], "float32"))
    np.testing.assert_allclose(answers, [[0.8, 0.2], [0.5, 0.5], [0.2, 0.8]], atol=1e-7)
    assert model.chosen(answers).tolist() == [0, 0, 1]
    assert not keras.metrics.binary_accuracy([[1.0]], [[0.5]]).numpy().any()


def test_of_more_classes_the_most_probable_is_chosen():
    assert model.chosen(np.array([[0.1, 0.2, 0.7], [0.4, 0.35, 0.25]])).tolist() == [2, 0]


def test_without_a_gpu_the_device_is_the_processor_in_float32(monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda _: [])
    device = backend.prepare_device()
    assert keras.config.dtype_policy().name == "float32"
    assert device.label.startswith("CPU, ")
    assert device.engine == f"Keras {keras.__version__} on tensorflow, float32"
