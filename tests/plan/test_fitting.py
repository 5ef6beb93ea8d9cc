import pytest
from plans import planned

from core.plan import estimate, fitting
from core.plan.experiment import Experiment

COUNTS = {"n_train": 100, "n_validation": 26, "n_test": 41}
HUGE, NOTHING = 2**40, 0


def usual(**choices: object) -> Experiment:
    return planned("0" * 32, **choices)


def needs(of: Experiment, arm: str) -> int:
    return estimate.estimate(of, **COUNTS)[arm].memory_bytes


def test_what_fits_is_left_as_it_is():
    one = usual()
    assert fitting.fitted(one, limit_bytes=HUGE, **COUNTS) == one
    assert fitting.batches_fitted(one, limit_bytes=HUGE, **COUNTS) == one
    assert fitting.changes(one, one) == []


def test_the_batch_is_halved_before_anything_else():
    one = usual()
    limit = needs(one, "scratch") - 1
    changed = fitting.fitted(one, limit_bytes=limit, **COUNTS)
    assert changed
    assert changed.arm("scratch").training.batch_size == 8
    assert changed.arm("scratch").image_size == one.arm("scratch").image_size
    assert changed.lead == one.lead
    assert changed == fitting.batches_fitted(one, limit_bytes=limit, **COUNTS)
    assert fitting.changes(one, changed) == ["from scratch in batches of 8 instead of 16"]


def test_then_pictures_become_smaller_and_at_last_there_is_no_opponent():
    one = usual()
    smallest = one.with_arm(one.arm("scratch").with_training(batch_size=4))
    changed = fitting.fitted(one, limit_bytes=needs(smallest, "scratch") - 1, **COUNTS)
    assert changed
    assert changed.arm("scratch").image_size == 96
    changed = fitting.fitted(one, limit_bytes=needs(one, "transfer"), **COUNTS)
    assert changed
    assert changed.arms == (one.lead,)
    assert fitting.changes(one, changed) == ["no training from scratch"]


def test_an_arm_that_trains_blocks_may_freeze_all_of_them():
    one = usual(base="VGG16", frozen_blocks=2, is_alone=True)
    frozen = usual(base="VGG16", is_alone=True)
    changed = fitting.fitted(one, limit_bytes=needs(frozen, "transfer"), **COUNTS)
    assert changed == frozen.with_arm(frozen.lead.model_copy(update={"training": one.lead.training}))
    assert fitting.changes(one, changed) == ["all blocks frozen"]


def test_what_no_step_makes_fit_is_none_and_defaults_stay_as_they_are():
    one = usual()
    assert fitting.fitted(one, limit_bytes=NOTHING, **COUNTS) is None
    assert fitting.batches_fitted(one, limit_bytes=NOTHING, **COUNTS) == one


@pytest.mark.parametrize("base", ["ResNet50", "InceptionV3", "MobileNetV2"])
@pytest.mark.parametrize("share", [0.9, 0.7, 0.5, 0.3])
def test_whatever_is_proposed_fits(base, share):
    one = usual(base=base, frozen_blocks=3)
    limit = int(share * max(needs(one, arm.name) for arm in one.arms))
    changed = fitting.fitted(one, limit_bytes=limit, **COUNTS)
    if changed:
        assert all(needs(changed, arm.name) <= limit for arm in changed.arms)
        assert fitting.changes(one, changed)


def test_with_more_arms_each_is_fitted_and_those_from_scratch_are_given_up():
    one = usual()
    other = one.arm("scratch").model_copy(update={"name": "small", "base": "VGG16"})
    three = one.model_copy(update={"arms": (*one.arms, other)})
    changed = fitting.fitted(three, limit_bytes=needs(one, "transfer"), **COUNTS)
    assert changed
    assert changed.arms == (one.lead,)
    assert fitting.changes(three, changed) == ["no training from scratch"]
    lone = three.without("transfer").without("scratch")
    assert fitting.fitted(lone, limit_bytes=NOTHING, **COUNTS) is None
