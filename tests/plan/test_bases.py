"""Every row of the catalogue against the network that Keras builds for it."""

import math
import sys
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from core.errors import ExperimentError
from core.plan import bases
from core.plan.arm import Head
from core.plan.bases import BASES, Base, Block
from core.settings import ROOT

sys.path.append(str(ROOT / "scripts"))
import print_blocks

# Odd and even, a power of two and not, the smallest and larger than the base's own.
SIZES = {"InceptionV3": (75, 128, 161), "Xception": (71, 128, 161)}
OTHER_SIZES = (32, 33, 97, 128)

each_base = pytest.mark.parametrize("base", BASES.values(), ids=BASES)


def network(base: Base, size: int) -> Any:
    import keras

    own = {"include_preprocessing": False} if base.name.startswith("EfficientNet") else {}
    build = getattr(keras.applications, base.name)
    return build(weights=None, include_top=False, input_shape=(size, size, 3), **own)


@cache
def own_network(name: str) -> Any:
    return network(BASES[name], BASES[name].image_size)


def layers_of(base: Base) -> list[tuple[Block, list[Any]]]:
    """Each block with its layers, the input layer counted to the first."""
    ends = [block.last_layer + 1 for block in base.blocks]
    layers = own_network(base.name).layers
    return [(block, layers[start:end]) for block, start, end in zip(base.blocks, [0, *ends], ends, strict=False)]


def crossing(layers: list[Any], end: int) -> list[str]:
    """Names of the layers up to position `end` whose output a later layer takes in."""
    before = {layer.name for layer in layers[: end + 1]}
    sources = {
        tensor._keras_history.operation.name
        for layer in layers[end + 1 :]
        for node in layer._inbound_nodes
        for tensor in node.input_tensors
    }
    return sorted(before & sources)


@each_base
def test_exactly_one_tensor_crosses_the_end_of_every_block_but_the_last(base):
    layers = own_network(base.name).layers
    for block in base.blocks[:-1]:
        assert crossing(layers, block.last_layer) == [layers[block.last_layer].name], block.name


@each_base
def test_the_blocks_follow_each_other_and_cover_the_whole_network(base):
    ends = [block.last_layer for block in base.blocks]
    assert ends == sorted(set(ends))
    assert ends[-1] == len(own_network(base.name).layers) - 1
    assert len({block.name for block in base.blocks}) == len(base.blocks)


@each_base
def test_a_block_has_the_parameters_and_batch_norm_parameters_of_its_layers(base):
    import keras

    for block, layers in layers_of(base):
        normalisations = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert block.parameters == sum(layer.count_params() for layer in layers), block.name
        assert block.batch_norm_parameters == sum(layer.count_params() for layer in normalisations), block.name


@each_base
def test_a_block_puts_out_the_channels_and_the_scale_that_its_row_says(base):
    for block, layers in layers_of(base):
        _, height, width, channels = layers[-1].output.shape
        assert channels == block.channels, block.name
        assert height == width
        assert 2 ** round(math.log2(base.image_size / height)) == block.stride, block.name


@each_base
def test_the_activations_of_a_block_are_what_its_layers_put_out(base):
    for block, layers in layers_of(base):
        assert block.activations == sum(math.prod(layer.output.shape[1:]) for layer in layers), block.name


@each_base
def test_the_base_as_a_whole_has_the_parameters_and_the_output_of_keras(base):
    model = own_network(base.name)
    assert base.parameters == model.count_params()
    side = base.map_side(base.image_size)
    assert model.output_shape == (None, side, side, base.channels)


@each_base
def test_the_sides_of_the_last_map_are_those_of_keras_at_odd_and_even_sizes(base):
    for size in SIZES.get(base.name, OTHER_SIZES):
        assert base.map_side(size) == network(base, size).output_shape[1], size


@each_base
def test_the_smallest_size_builds_and_a_smaller_one_is_refused_by_keras(base):
    with pytest.raises(ValueError, match="Input size must be at least"):
        network(base, base.min_size - 1)
    assert base.map_side(base.min_size) >= 1


@each_base
def test_trained_parameters_agree_with_keras_for_every_number_of_frozen_blocks(base):
    import keras

    counted = [
        (
            sum(layer.count_params() for layer in layers),
            sum(layer.count_params() for layer in layers if isinstance(layer, keras.layers.BatchNormalization)),
            sum(math.prod(weight.shape) for layer in layers for weight in layer.non_trainable_weights),
        )
        for _, layers in layers_of(base)
    ]
    for frozen in range(len(base.blocks) + 1):
        rest = counted[frozen:]
        assert base.trained_parameters(frozen) == sum(total - norm for total, norm, _ in rest)
        from_scratch = base.trained_parameters(frozen, trains_batch_norm=True)
        assert from_scratch == sum(total - statistics for total, _, statistics in rest)


def keras_preprocessing(base: Base, pixels: np.ndarray) -> np.ndarray:
    """What Keras does to `pixels` before the first convolution: in a function, or in the network's first layers."""
    import importlib

    import keras

    build = getattr(keras.applications, base.name)
    if not base.name.startswith("EfficientNet"):
        # The module that holds the builder is the one that holds its function.
        return importlib.import_module(build.__module__).preprocess_input(pixels.copy())
    whole = build(weights=None, include_top=False, input_shape=(32, 32, 3), include_preprocessing=True)
    layers = [
        layer for layer in whole.layers if isinstance(layer, (keras.layers.Rescaling, keras.layers.Normalization))
    ]
    assert layers == whole.layers[1 : 1 + len(layers)]
    return np.asarray(keras.Sequential(layers)(pixels))


@each_base
def test_the_preprocessing_inside_the_network_is_that_of_keras(base):
    import keras

    from core.network import model

    size = max(32, base.min_size)
    whole = model.build(base.name, Head(), image_size=size, n_classes=3).model
    inside = keras.Model(whole.input, whole.get_layer("preprocessing").output)
    pixels = np.random.default_rng(0).integers(0, 256, (2, size, size, 3)).astype("float32")
    np.testing.assert_allclose(np.asarray(inside(pixels)), keras_preprocessing(base, pixels), rtol=1e-4, atol=1e-4)


class Asked(Exception):  # noqa: N818  stops Keras where it would download
    pass


@each_base
def test_the_weight_file_its_address_and_its_hash_are_those_that_keras_asks_for(base, monkeypatch):
    import importlib

    import keras

    build = getattr(keras.applications, base.name)
    asked: dict[str, Any] = {}

    def get_file(name: str, url: str, **options: Any) -> str:
        asked.update(name=name, url=url, md5=options.get("file_hash"))
        raise Asked

    monkeypatch.setattr(importlib.import_module(build.__module__).file_utils, "get_file", get_file)
    with pytest.raises(Asked):
        build(weights="imagenet", include_top=False, input_shape=(base.image_size, base.image_size, 3))
    weights = base.weights
    assert asked == {"name": weights.name, "url": weights.url, "md5": weights.md5}


@each_base
def test_the_weight_file_is_large_enough_for_its_parameters_as_32_bit_floats(base):
    assert 4 * base.parameters < base.weights.size_bytes < 1.4 * 4 * base.parameters


def test_a_base_that_is_not_in_the_catalogue_is_refused_with_those_that_are():
    with pytest.raises(ExperimentError, match="Expected a base out of MobileNet, .*Received: LeNet"):
        bases.base("LeNet")


def test_every_name_of_the_catalogue_finds_its_row():
    assert {name: bases.base(name).name for name in BASES} == {name: name for name in BASES}


@each_base
def test_the_script_prints_the_blocks_of_a_row(base, capsys, monkeypatch):
    monkeypatch.setattr(print_blocks, "built", lambda name, _: own_network(name))
    arguments = [base.name, *(str(block.last_layer) for block in base.blocks), "--size", str(base.image_size)]
    assert print_blocks.main(arguments) == 0
    printed = bases._blocks(capsys.readouterr().out)
    assert [replace(block, name="") for block in printed] == [replace(block, name="") for block in base.blocks]


def test_the_script_lists_where_a_block_can_end_and_refuses_other_layers(capsys):
    assert print_blocks.main(["VGG16"]) == 0
    assert "  10  block3_pool" in capsys.readouterr().out.splitlines()
    assert print_blocks.main(["VGG16", "block1_pool", "block2_pool"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split()[1:3] == ["6", "221_440"]
    assert print_blocks.main(["ResNet50", "conv2_block1_1_conv"]) == 2
    assert (
        capsys.readouterr().err
        == "error: expected layers behind which one tensor crosses. Found conv2_block1_1_conv.\n"
    )
    assert print_blocks.main(["ResNet51"]) == 2
