"""An experiment that a host has not the memory for → the nearest one that it has.

Each step changes what costs least: smaller batches first, then, where blocks of the base are trained too, freezing all,
then smaller pictures, and the from-scratch arm is given up last.
"""

from collections.abc import Iterator

from core.errors import ResourceError
from core.plan import bases, estimate
from core.plan.arm import Arm
from core.plan.experiment import Experiment
from core.plan.labels import labels
from core.words.said import Said, say
from core.words.sentences import sentence

LEAST_BATCH = 4
SIZES = (192, 160, 128, 96, 64)  # px


def batches_fitted(experiment: Experiment, *, limit_bytes: int, **counts: int) -> Experiment:
    """The experiment with batches no larger than fit, if that is all it takes; else as it is.

    Args:
        experiment: Usually the defaults, before anybody has seen them.
        limit_bytes: Memory for one arm.
        **counts: n_train, n_validation and n_test, as for `estimate.estimate`.
    """
    changed = experiment
    for arm in experiment.arms:
        while not _fits(changed, arm.name, limit_bytes, counts):
            smaller = _with_half_the_batch(changed.arm(arm.name))
            if smaller is None:
                return experiment
            changed = changed.with_arm(smaller)
    return changed


def fitted(experiment: Experiment, *, limit_bytes: int, **counts: int) -> Experiment | None:
    """The nearest experiment whose arms fit, by the same arguments; None where this host can run none.

    An experiment that fits comes back as it is.
    """
    changed = experiment
    for arm in experiment.arms:
        steps = _steps(arm)
        while not _fits(changed, arm.name, limit_bytes, counts):
            step = next(steps, None)
            if step is not None:
                changed = changed.with_arm(step)
            elif arm.is_scratch and len(changed.arms) > 1:
                changed = changed.without(arm.name)
                break
            else:
                return None
    return changed


def changes(before: Experiment, after: Experiment) -> list[str]:
    """What `fitted` or `batches_fitted` has changed, in words."""
    return [sentence(each) for each in differences(before, after)]


def differences(before: Experiment, after: Experiment) -> list[Said]:
    """The same, to be said."""
    pairs = [(before.arm(arm.name), arm) for arm in after.arms]
    said = [] if len(after.arms) == len(before.arms) else [say("change.no-scratch")]
    if any(old.frozen_blocks != new.frozen_blocks for old, new in pairs):
        said.append(say("change.all-frozen"))
    titles = labels(before.arms)
    for old, new in pairs:
        title, batch, usual = titles[new.name].short_in_a_sentence, new.training.batch_size, old.training.batch_size
        if batch != usual:
            said.append(say("change.batch", arm=title, batch=batch, usual=usual))
        if new.image_size != old.image_size:
            said.append(say("change.size", arm=title, size=new.image_size, usual=old.image_size))
    return said


def _fits(experiment: Experiment, arm: str, limit_bytes: int, counts: dict[str, int]) -> bool:
    try:
        estimate.check_memory(experiment, estimate.estimate(experiment, **counts), arms=(arm,), limit_bytes=limit_bytes)
    except ResourceError:
        return False
    return True


def _steps(arm: Arm) -> Iterator[Arm]:
    """One plan after the other, each easier on memory than the one before."""
    changed = arm
    while not arm.is_all_frozen and (smaller := _with_half_the_batch(changed)):
        changed = smaller
        yield changed
    if not (arm.is_scratch or arm.is_all_frozen):
        frozen = len(bases.base(arm.base).blocks)
        changed = changed.model_copy(update={"frozen_blocks": frozen, "training": arm.training})
        yield changed
    for size in SIZES:
        if bases.base(arm.base).min_size <= size < changed.image_size:
            changed = changed.model_copy(update={"image_size": size})
            yield changed


def _with_half_the_batch(arm: Arm) -> Arm | None:
    half = arm.training.batch_size // 2
    return arm.with_training(batch_size=half) if half >= LEAST_BATCH else None
