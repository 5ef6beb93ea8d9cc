"""An experiment that a host has not the memory for → the nearest one that it has.

Each step changes what costs least: smaller batches first, then, where blocks of the base are trained too, freezing all,
then smaller pictures, and the from-scratch arm is given up last.
"""

from collections.abc import Iterator
from typing import Any

from core.errors import ResourceError
from core.plan import bases, estimate
from core.plan.experiment import Arm, Experiment
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
        while not _fits(changed, arm, limit_bytes, counts):
            smaller = _with_half_the_batch(changed, arm)
            if smaller is None:
                return experiment
            changed = smaller
    return changed


def fitted(experiment: Experiment, *, limit_bytes: int, **counts: int) -> Experiment | None:
    """The nearest experiment whose arms fit, by the same arguments; None where this host can run none.

    An experiment that fits comes back as it is.
    """
    changed = experiment
    for arm in experiment.arms:
        steps = _steps(changed, arm)
        while not _fits(changed, arm, limit_bytes, counts):
            step = next(steps, None)
            if step is None:
                return None
            changed = step
            if arm not in changed.arms:
                break
    return changed


def changes(before: Experiment, after: Experiment) -> list[str]:
    """What `fitted` or `batches_fitted` has changed, in words."""
    return [sentence(each) for each in differences(before, after)]


def differences(before: Experiment, after: Experiment) -> list[Said]:
    """The same, to be said."""
    if before.opponent and not after.opponent:
        before = before.model_copy(update={"opponent": None})
        said = [say("change.no-scratch")]
    else:
        said = []
    if before.frozen_blocks != after.frozen_blocks:
        said.append(say("change.all-frozen"))
    for arm in after.arms:
        batch, size = after.training_of(arm).batch_size, after.image_size_of(arm)
        usual_batch, usual_size = before.training_of(arm).batch_size, before.image_size_of(arm)
        if batch != usual_batch:
            said.append(say(f"change.batch.{arm}", batch=batch, usual=usual_batch))
        if size != usual_size:
            said.append(say(f"change.size.{arm}", size=size, usual=usual_size))
    return said


def _fits(experiment: Experiment, arm: Arm, limit_bytes: int, counts: dict[str, int]) -> bool:
    try:
        estimate.check_memory(experiment, estimate.estimate(experiment, **counts), arms=(arm,), limit_bytes=limit_bytes)
    except ResourceError:
        return False
    return True


def _steps(experiment: Experiment, arm: Arm) -> Iterator[Experiment]:
    """One experiment after the other, each easier on memory than the one before."""
    changed = experiment
    trains_blocks = arm is Arm.SCRATCH or not experiment.is_all_frozen
    while trains_blocks and (smaller := _with_half_the_batch(changed, arm)):
        changed = smaller
        yield changed
    if arm is Arm.TRANSFER and trains_blocks:
        frozen = len(bases.base(experiment.base).blocks)
        changed = changed.model_copy(update={"frozen_blocks": frozen, "training": experiment.training})
        yield changed
    for size in SIZES:
        if bases.base(experiment.base).min_size <= size < changed.image_size_of(arm):
            changed = _with(changed, arm, "image_size", size)
            yield changed
    if arm is Arm.SCRATCH:
        yield changed.model_copy(update={"opponent": None})


def _with_half_the_batch(experiment: Experiment, arm: Arm) -> Experiment | None:
    half = experiment.training_of(arm).batch_size // 2
    return _with(experiment, arm, "batch_size", half) if half >= LEAST_BATCH else None


def _with(experiment: Experiment, arm: Arm, name: str, value: int) -> Experiment:
    """The experiment with another batch size or picture size of one arm."""
    update: dict[str, Any] = {name: value}
    if arm is Arm.SCRATCH:
        assert experiment.opponent
        update = {"opponent": experiment.opponent.model_copy(update=update)}
    elif name == "batch_size":
        update = {"training": experiment.training.model_copy(update=update)}
    return experiment.model_copy(update=update)
