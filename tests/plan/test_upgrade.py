"""Experiments that earlier versions wrote, a file of each form in `earlier`."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.plan.arm import Arm, ArmKind, Head, Optimizer, Pooling, Training
from core.plan.experiment import Experiment
from core.plan.upgrade import upgraded

EARLIER = Path(__file__).parent / "earlier"
FORMS = sorted(EARLIER.glob("experiment-*.json"))


def read(path: Path) -> Experiment:
    return Experiment.model_validate(json.loads(path.read_text(encoding="utf-8")))


def test_there_is_a_file_of_each_form():
    assert [path.stem.rpartition("-")[2] for path in FORMS] == ["first", "split", "views", "head", "number", "groups"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_experiment_of_every_earlier_form_opens_with_the_arms_that_it_had(path):
    opened = read(path)
    before = json.loads(path.read_text(encoding="utf-8"))
    transfer = opened.lead
    assert (opened.dataset_name, opened.created) == ("Things", "2026-11-21T12:00:00+00:00")
    assert (transfer.name, transfer.kind, transfer.base) == ("transfer", ArmKind.TRANSFER, "MobileNet")
    assert (transfer.frozen_blocks, transfer.image_size, transfer.seed) == (12, 160, 5)
    assert transfer.training.model_dump(mode="json", exclude_unset=True) == before["training"]
    assert transfer.head.model_dump(mode="json", exclude_unset=True) == before["head"]
    assert transfer.augmentation.model_dump(mode="json") == before["augmentation"]
    assert transfer.views == before.get("views")
    assert (opened.scratch is None) == (before["opponent"] is None)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_experiment_that_was_opened_is_written_in_the_form_of_today(path):
    opened = read(path)
    written = opened.model_dump(mode="json")
    assert upgraded(written) == written
    assert Experiment.model_validate(written) == opened


def test_an_opponent_becomes_an_arm_that_shares_all_that_was_not_its_own():
    scratch = read(EARLIER / "experiment-6-groups.json").arm("scratch")
    assert scratch == Arm(
        name="scratch",
        kind=ArmKind.SCRATCH,
        frozen_blocks=0,
        image_size=96,
        head=Head(pooling=Pooling.MAXIMUM, normalizes=True, hidden=(64,), dropout=0.5),
        training=Training(
            epochs=7,
            batch_size=4,
            learning_rate=0.01,
            optimizer=Optimizer.SGD,
            weight_decay=0.5,
            patience=3,
            class_weights=True,
        ),
        views=2,
        seed=5,
    )


def test_an_opponent_had_the_batches_of_the_other_arm_before_it_had_its_own():
    assert read(EARLIER / "experiment-1-first.json").arm("scratch").training.batch_size == 8


@pytest.mark.parametrize("change", [{"opponent": 3}, {"training": "long"}, {"opponent": {"epochs": {}}}, {"arms": 7}])
def test_what_no_version_wrote_is_refused(change):
    fields = json.loads((EARLIER / "experiment-6-groups.json").read_text(encoding="utf-8"))
    with pytest.raises(ValidationError):
        Experiment.model_validate(fields | change)
