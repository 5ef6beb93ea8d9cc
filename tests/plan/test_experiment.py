"""What can be configured, what is refused and in which words, and what an experiment counts without Keras."""

import json
import math

import pytest
from plans import planned

from core.data.pictures.augmentation import NO_AUGMENTATION, Augmentation
from core.errors import ExperimentError
from core.plan import bases, defaults
from core.plan.arm import (
    MAX_IMAGE_SIZE,
    SCRATCH_IMAGE_SIZE_ON_CPU,
    Arm,
    ArmKind,
    Head,
    Optimizer,
    Pooling,
    Training,
)
from core.plan.counts import Counts, output_units, parameter_counts
from core.plan.experiment import Experiment, validated

# ---- defaults


@pytest.mark.parametrize("base", bases.BASES)
def test_the_default_of_every_base_is_possible_freezes_all_of_it_and_uses_its_own_size(base):
    transfer, scratch = defaults.experiment("0" * 32, base=base).arms
    assert transfer.is_all_frozen
    assert transfer.image_size == bases.base(base).image_size
    assert [(arm.name, arm.kind) for arm in (transfer, scratch)] == [
        ("transfer", ArmKind.TRANSFER),
        ("scratch", ArmKind.SCRATCH),
    ]
    assert transfer.seed == scratch.seed == 1


@pytest.mark.parametrize("base", bases.BASES)
def test_the_opponent_sees_smaller_pictures_on_a_cpu_and_the_bases_own_on_a_gpu(base):
    row = bases.base(base)
    assert defaults.arm(ArmKind.SCRATCH, base=base).image_size == SCRATCH_IMAGE_SIZE_ON_CPU >= row.min_size
    assert defaults.arm(ArmKind.SCRATCH, base=base, has_gpu=True).image_size == row.image_size


def test_the_opponent_of_someone_who_changes_nothing_shares_all_but_its_epochs_rate_patience_batches_and_pictures():
    transfer, scratch = defaults.experiment("0" * 32, n_train=1769).arms
    shared = {"base", "head", "augmentation", "views", "seed"}
    assert transfer.model_dump(include=shared) == scratch.model_dump(include=shared)
    own = {"epochs": 30, "learning_rate": 1e-3, "patience": 15, "batch_size": 16}
    assert scratch.training == transfer.training.model_copy(update=own)


# ---- JSON


def test_an_experiment_survives_the_way_to_json_and_back():
    chosen = planned(
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
        planned().arms = ()
    with pytest.raises(Exception, match="frozen"):
        planned().lead.seed = 2


# ---- refusals


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"base": "MobileNet", "frozen_blocks": 15}, "MobileNet has 14 blocks to freeze. Received: frozen_blocks=15"),
        ({"base": "InceptionV3", "image_size": 64}, "InceptionV3 needs pictures of at least 75 px. Received: 64 px"),
        (
            {"base": "Xception", "scratch": {"image_size": 64}},
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
        (
            {"scratch": {"epochs": 0}},
            "scratch.training.epochs: Input should be greater than or equal to 1. Received: 0",
        ),
    ],
)
def test_an_impossible_choice_is_refused_with_its_name_the_rule_and_what_was_received(choices, said):
    with pytest.raises(ExperimentError) as refusal:
        planned(**choices)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_unknown_base_is_refused_with_the_names_of_all():
    with pytest.raises(ExperimentError, match="Expected a base out of MobileNet, .*Received: LeNet"):
        planned(base="LeNet")


def test_an_arm_that_an_experiment_has_not_cannot_be_asked_for():
    alone = planned(is_alone=True)
    assert alone.scratch is None
    with pytest.raises(ExperimentError, match=r"Expected an arm of this experiment: transfer\. Received: scratch"):
        alone.arm("scratch")


def test_an_experiment_without_arms_is_refused():
    with pytest.raises(ExperimentError, match="arms: .*at least 1 item"):
        validated({"dataset": "0" * 32, "arms": []})


def test_two_arms_of_one_name_are_refused_for_they_would_share_a_folder():
    transfer = planned().lead.model_dump()
    with pytest.raises(ExperimentError, match="different names"):
        validated({"dataset": "0" * 32, "arms": [transfer, transfer]})


@pytest.mark.parametrize("name", ["", "Transfer", "../up", "a b", "status.json", "a" * 41])
def test_the_name_of_an_arm_is_one_of_a_folder(name):
    with pytest.raises(ExperimentError):
        validated({"dataset": "0" * 32, "arms": [planned().lead.model_dump() | {"name": name}]})


def test_from_scratch_nothing_can_be_frozen():
    with pytest.raises(ExperimentError, match="every block is trained"):
        validated({"dataset": "0" * 32, "arms": [planned().arm("scratch").model_dump() | {"frozen_blocks": 3}]})


# ---- arms


def test_the_opponent_has_its_own_epochs_rate_patience_and_batch_size_and_shares_the_rest():
    chosen = planned(
        training=Training(epochs=5, batch_size=8, optimizer=Optimizer.ADAMW, class_weights=True),
        scratch={"epochs": 9, "learning_rate": 0.01, "patience": None, "image_size": 64, "batch_size": 4},
    )
    own = chosen.arm("scratch").training
    assert (own.epochs, own.learning_rate, own.patience) == (9, 0.01, None)
    assert (own.batch_size, own.optimizer, own.class_weights) == (4, Optimizer.ADAMW, True)
    assert chosen.arm("scratch").image_size == 64


def test_the_opponent_freezes_nothing():
    assert [arm.frozen_blocks for arm in planned().arms] == [14, 0]


def test_there_may_be_any_number_of_arms_and_a_pair_is_the_first_of_each_kind():
    transfer, scratch = planned().arms
    other = transfer.model_copy(update={"name": "all-trained", "frozen_blocks": 0})
    chosen = Experiment(dataset="0" * 32, arms=(scratch, other, transfer))
    assert (chosen.lead, chosen.scratch) == (other, scratch)
    assert chosen.without("scratch").arms == (other, transfer)
    assert chosen.without("scratch").without("all-trained").lead == transfer
    changed = transfer.with_training(epochs=3)
    assert chosen.with_arm(changed).arms == (scratch, other, changed)
    assert Experiment(dataset="0" * 32, arms=(scratch,)).lead == scratch


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
    chosen = planned(frozen_blocks=frozen, training=Training(epochs=epochs))
    assert chosen.lead.phases == phases
    assert sum(phases) == epochs


def test_from_scratch_has_one_phase():
    assert planned(frozen_blocks=0, scratch={"epochs": 12}).arm("scratch").phases == (12,)


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

    chosen = planned(base=base, frozen_blocks=frozen, head=head, image_size=97, scratch={"image_size": 97})
    for arm in chosen.arms:
        network = model.build_for(arm, n_classes=n_classes)
        network.train_unfrozen()
        assert counted(arm, n_classes) == counted_by_keras(network.model)


def counted(arm: Arm, n_classes: int) -> tuple[int, int]:
    counts = parameter_counts(arm, n_classes=n_classes)
    return counts.trained, counts.frozen


def counted_by_keras(network) -> tuple[int, int]:
    def total(weights) -> int:
        return sum(math.prod(weight.shape) for weight in weights)

    return total(network.trainable_weights), total(network.non_trainable_weights)


def test_with_a_single_epoch_only_the_head_is_trained_and_counted():
    chosen = planned(frozen_blocks=0, training=Training(epochs=1), head=Head())
    assert parameter_counts(chosen.lead, n_classes=5) == Counts(
        trained=1024 * 5 + 5, frozen=bases.base("MobileNet").parameters
    )


def test_two_classes_have_one_output_unit_and_more_have_one_each():
    assert [output_units(n) for n in (2, 3, 10)] == [1, 3, 10]


def test_batches_grow_with_the_pictures():
    sizes = [defaults.batch_size_for(n) for n in (0, 6, 100, 600, 1769, 10**6)]
    assert sizes == [16, 16, 16, 16, 64, 256]
    assert defaults.arm(ArmKind.TRANSFER, n_train=1769).training.batch_size == 64


def test_views_are_four_and_one_on_many_pictures_unless_somebody_chose():
    automatic = planned().lead
    assert [automatic.n_views(n) for n in (3, 300, 301, 1769, 8000)] == [4, 4, 1, 1, 1]
    assert planned(views=8).lead.n_views(8000) == 8
    assert planned(views=8, augmentation=NO_AUGMENTATION).lead.n_views(10) == 1
    assert planned(views=8).arm("scratch").n_views(10) == 1
