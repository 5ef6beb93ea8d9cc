import pytest

from core.plan import estimate, experiment, fitting
from core.plan.experiment import Arm, Experiment

COUNTS = {"n_train": 100, "n_validation": 26, "n_test": 41}
HUGE, NOTHING = 2**40, 0


def usual(**choices: object) -> Experiment:
    return experiment.default("0" * 32, **choices)


def needs(of: Experiment, arm: Arm) -> int:
    return estimate.estimate(of, **COUNTS)[arm].memory_bytes


def test_what_fits_is_left_as_it_is():
    one = usual()
    assert fitting.fitted(one, limit_bytes=HUGE, **COUNTS) == one
    assert fitting.batches_fitted(one, limit_bytes=HUGE, **COUNTS) == one
    assert fitting.changes(one, one) == []


def test_the_batch_is_halved_before_anything_else():
    one = usual()
    limit = needs(one, Arm.SCRATCH) - 1
    changed = fitting.fitted(one, limit_bytes=limit, **COUNTS)
    assert changed
    assert changed.training_of(Arm.SCRATCH).batch_size == 8
    assert changed.image_size_of(Arm.SCRATCH) == one.image_size_of(Arm.SCRATCH)
    assert changed.training == one.training
    assert changed == fitting.batches_fitted(one, limit_bytes=limit, **COUNTS)
    assert fitting.changes(one, changed) == ["from scratch in batches of 8 instead of 16"]


def test_then_pictures_become_smaller_and_at_last_there_is_no_opponent():
    one = usual()
    smallest = one.model_copy(
        update={"opponent": one.opponent.model_copy(update={"batch_size": 4, "image_size": 128})}  # type: ignore[union-attr]
    )
    changed = fitting.fitted(one, limit_bytes=needs(smallest, Arm.SCRATCH) - 1, **COUNTS)
    assert changed
    assert changed.image_size_of(Arm.SCRATCH) == 96
    changed = fitting.fitted(one, limit_bytes=needs(one, Arm.TRANSFER), **COUNTS)
    assert changed
    assert changed.arms == (Arm.TRANSFER,)
    assert fitting.changes(one, changed) == ["no training from scratch"]


def test_an_arm_that_trains_blocks_may_freeze_all_of_them():
    one = usual(base="VGG16", frozen_blocks=2, opponent=None)
    frozen = usual(base="VGG16", opponent=None)
    changed = fitting.fitted(one, limit_bytes=needs(frozen, Arm.TRANSFER), **COUNTS)
    assert changed == frozen.model_copy(update={"training": one.training})
    assert fitting.changes(one, changed) == ["all blocks frozen"]


def test_what_no_step_makes_fit_is_none_and_defaults_stay_as_they_are():
    one = usual()
    assert fitting.fitted(one, limit_bytes=NOTHING, **COUNTS) is None
    assert fitting.batches_fitted(one, limit_bytes=NOTHING, **COUNTS) == one


@pytest.mark.parametrize("base", ["ResNet50", "InceptionV3", "MobileNetV2"])
@pytest.mark.parametrize("share", [0.9, 0.7, 0.5, 0.3])
def test_whatever_is_proposed_fits(base, share):
    one = usual(base=base, frozen_blocks=3)
    limit = int(share * max(needs(one, arm) for arm in one.arms))
    changed = fitting.fitted(one, limit_bytes=limit, **COUNTS)
    if changed:
        assert all(needs(changed, arm) <= limit for arm in changed.arms)
        assert fitting.changes(one, changed)
