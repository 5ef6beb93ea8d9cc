"""What can be configured, what is refused and in which words, and what an experiment counts without Keras."""

import json
import math

import pytest

from core.data.pictures.augmentation import NO_AUGMENTATION, Augmentation
from core.errors import ExperimentError
from core.plan import bases, experiment
from core.plan.experiment import (
    MAX_IMAGE_SIZE,
    SCRATCH_IMAGE_SIZE_ON_CPU,
    Arm,
    Experiment,
    Head,
    Opponent,
    Optimizer,
    Pooling,
    Training,
)

DATASET = "0" * 32


def default(**choices: object) -> Experiment:
    return experiment.default(DATASET, **choices)


# ---- defaults


@pytest.mark.parametrize("base", bases.BASES)
def test_the_default_of_every_base_is_possible_freezes_all_of_it_and_uses_its_own_size(base):
    chosen = default(base=base)
    assert chosen.is_all_frozen
    assert chosen.image_size == bases.base(base).image_size
    assert chosen.arms == (Arm.TRANSFER, Arm.SCRATCH)
    assert chosen.seed == 1


@pytest.mark.parametrize("base", bases.BASES)
def test_the_opponent_sees_smaller_pictures_on_a_cpu_and_the_bases_own_on_a_gpu(base):
    row = bases.base(base)
    assert default(base=base).image_size_of(Arm.SCRATCH) == SCRATCH_IMAGE_SIZE_ON_CPU >= row.min_size
    assert default(base=base, has_gpu=True).image_size_of(Arm.SCRATCH) == row.image_size


def test_a_choice_replaces_a_default():
    chosen = default(base="VGG16", frozen_blocks=3, opponent=None, seed=7)
    assert (chosen.base, chosen.frozen_blocks, chosen.opponent, chosen.seed) == ("VGG16", 3, None, 7)
    assert not chosen.is_all_frozen


# ---- JSON


def test_an_experiment_survives_the_way_to_json_and_back():
    chosen = default(
        base="ResNet50",
        frozen_blocks=2,
        head=Head(pooling=Pooling.FLATTEN, hidden=(64, 32), dropout=0.5),
        training=Training(optimizer=Optimizer.SGD, patience=None, class_weights=True),
        augmentation=Augmentation(brightness=0.2),
    )
    text = json.dumps(chosen.model_dump(mode="json"))
    assert Experiment.model_validate(json.loads(text)) == chosen


def test_an_experiment_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        default().seed = 2


# ---- refusals


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"base": "MobileNet", "frozen_blocks": 15}, "MobileNet has 14 blocks to freeze. Received: frozen_blocks=15"),
        ({"base": "InceptionV3", "image_size": 64}, "InceptionV3 needs pictures of at least 75 px. Received: 64 px"),
        (
            {"base": "Xception", "opponent": Opponent(image_size=64)},
            "Xception needs pictures of at least 71 px. Received: 64 px",
        ),
        ({"head": {"hidden": [8, 8, 8, 8]}}, "head: Expected at most 3 hidden layers of 1 to 4096 units."),
        ({"head": {"hidden": [0]}}, "Received: [0]"),
        ({"head": {"dropout": 1.0}}, "head.dropout: Input should be less than 1. Received: 1.0"),
        ({"training": {"epochs": 0}}, "training.epochs: Input should be greater than or equal to 1. Received: 0"),
        ({"training": {"learning_rate": 0.0}}, "training.learning_rate: Input should be greater than 0"),
        ({"training": {"optimizer": "rmsprop"}}, "Received: 'rmsprop'"),
        ({"training": {"patience": 0}}, "training.patience"),
        ({"image_size": MAX_IMAGE_SIZE + 1}, "image_size"),
        ({"frozen_blocks": -1}, "frozen_blocks"),
        ({"seed": -1}, "seed: Input should be greater than or equal to 0. Received: -1"),
        ({"augmentation": {"zoom": 1.0}}, "augmentation.zoom"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_an_impossible_choice_is_refused_with_its_name_the_rule_and_what_was_received(choices, said):
    with pytest.raises(ExperimentError) as refusal:
        default(**choices)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_base_is_refused_with_the_names_of_all():
    with pytest.raises(ExperimentError, match="Expected a base out of MobileNet, .*Received: LeNet"):
        default(base="LeNet")


def test_what_a_missing_opponent_has_cannot_be_asked():
    alone = default(opponent=None)
    assert alone.arms == (Arm.TRANSFER,)
    with pytest.raises(ExperimentError, match="no from-scratch arm"):
        alone.training_of(Arm.SCRATCH)


# ---- arms


def test_the_opponent_has_its_own_epochs_rate_patience_and_batch_size_and_shares_the_rest():
    chosen = default(
        training=Training(epochs=5, batch_size=8, optimizer=Optimizer.ADAMW, class_weights=True),
        opponent=Opponent(epochs=9, learning_rate=0.01, patience=None, image_size=64, batch_size=4),
    )
    own, shared = chosen.training_of(Arm.SCRATCH), chosen.training_of(Arm.TRANSFER)
    assert (own.epochs, own.learning_rate, own.patience) == (9, 0.01, None)
    assert (own.batch_size, own.optimizer, own.class_weights) == (4, Optimizer.ADAMW, True)
    assert shared == chosen.training


def test_the_opponent_freezes_nothing():
    assert default().frozen_blocks_of(Arm.SCRATCH) == 0
    assert default().frozen_blocks_of(Arm.TRANSFER) == 14


def test_augmentation_is_off_when_nothing_may_change():
    assert Augmentation().is_on
    assert Augmentation(flip=False, rotation_degrees=0, zoom=0, brightness=0.1).is_on
    assert not NO_AUGMENTATION.is_on


# ---- phases


@pytest.mark.parametrize(
    ("epochs", "frozen", "phases"),
    [(30, 14, (30,)), (30, 12, (10, 20)), (10, 0, (3, 7)), (2, 12, (1, 1)), (1, 12, (1,))],
)
def test_with_unfrozen_blocks_the_first_third_of_the_epochs_trains_the_head_alone(epochs, frozen, phases):
    chosen = default(frozen_blocks=frozen, training=Training(epochs=epochs))
    assert chosen.phases_of(Arm.TRANSFER) == phases
    assert sum(phases) == epochs


def test_from_scratch_has_one_phase():
    assert default(frozen_blocks=0, opponent=Opponent(epochs=12)).phases_of(Arm.SCRATCH) == (12,)


# ---- parameters


CONFIGURATIONS = [
    ("MobileNet", 14, Head(), 5),
    ("MobileNet", 12, Head(pooling=Pooling.MAXIMUM, hidden=(64, 32)), 2),
    ("MobileNetV2", 0, Head(pooling=Pooling.FLATTEN), 3),
    ("VGG16", 4, Head(pooling=Pooling.FLATTEN, hidden=(16,), dropout=0.0), 4),
    ("EfficientNetV2B0", 6, Head(dropout=0.5), 7),
    ("InceptionV3", 11, Head(hidden=(10, 10, 10)), 2),
]


@pytest.mark.parametrize(("base", "frozen", "head", "n_classes"), CONFIGURATIONS)
def test_parameters_are_those_that_keras_counts(base, frozen, head, n_classes):
    from core.network import model

    chosen = default(base=base, frozen_blocks=frozen, head=head, image_size=97, opponent=Opponent(image_size=97))
    network = model.build(base, head, image_size=97, n_classes=n_classes)
    network.train_from(frozen)
    assert counted(chosen, Arm.TRANSFER, n_classes) == counted_by_keras(network.model)
    network.train_all()
    assert counted(chosen, Arm.SCRATCH, n_classes) == counted_by_keras(network.model)


def counted(chosen: Experiment, arm: Arm, n_classes: int) -> tuple[int, int]:
    counts = experiment.parameter_counts(chosen, arm, n_classes=n_classes)
    return counts.trained, counts.frozen


def counted_by_keras(network) -> tuple[int, int]:
    def total(weights) -> int:
        return sum(math.prod(weight.shape) for weight in weights)

    return total(network.trainable_weights), total(network.non_trainable_weights)


def test_with_a_single_epoch_only_the_head_is_trained_and_counted():
    chosen = default(frozen_blocks=0, training=Training(epochs=1), head=Head())
    counts = experiment.parameter_counts(chosen, Arm.TRANSFER, n_classes=5)
    assert counts == experiment.Counts(trained=1024 * 5 + 5, frozen=bases.base("MobileNet").parameters)


def test_two_classes_have_one_output_unit_and_more_have_one_each():
    assert [experiment.output_units(n) for n in (2, 3, 10)] == [1, 3, 10]


def test_batches_grow_with_the_pictures():
    sizes = [experiment.batch_size_for(n) for n in (0, 6, 100, 600, 1769, 10**6)]
    assert sizes == [16, 16, 16, 16, 64, 256]
    assert experiment.default(DATASET, n_train=1769).training.batch_size == 64


def test_views_are_four_and_one_on_many_pictures_unless_somebody_chose():
    automatic = experiment.default(DATASET)
    assert [automatic.n_views(n) for n in (3, 300, 301, 1769, 8000)] == [4, 4, 1, 1, 1]
    assert experiment.default(DATASET, views=8).n_views(8000) == 8
    assert experiment.default(DATASET, views=8, augmentation=NO_AUGMENTATION).n_views(10) == 1
