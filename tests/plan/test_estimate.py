import json
from collections.abc import Callable

import pytest
from plans import planned

from core import host
from core.data.pictures.augmentation import NO_AUGMENTATION
from core.errors import ResourceError
from core.plan import estimate
from core.plan.estimate import Estimate, Rates
from core.plan.experiment import Experiment
from core.settings import settings
from core.words.numbers import duration, measured

MEASURED = Rates(
    start=6.0, features_rate=100.0, fit_rate=500.0, evaluate=4.0, peak_memory_bytes=1_500_000_000, batch_size=16
)


def chosen(**choices: object) -> Experiment:
    return planned("0" * 32, **choices)


def record(of: Experiment, arm: str = "transfer", **changes: object) -> None:
    estimate.record(of.arm(arm), MEASURED.model_copy(update=changes))


def seconds(of: Experiment, arm: str = "transfer", *, n_train: int = 600, n_rest: int = 100) -> float | None:
    return estimate.estimate(of, n_train=n_train, n_validation=n_rest, n_test=n_rest)[arm].seconds


def memory(of: Experiment, arm: str = "transfer") -> int:
    return estimate.estimate(of, n_train=600, n_validation=100, n_test=100)[arm].memory_bytes


@pytest.fixture
def set_limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_bytes(limit: int) -> None:
        monkeypatch.setenv("HEADSTART_MEMORY_BYTES", str(limit))
        settings.cache_clear()

    return set_bytes


# Seconds


def test_where_nothing_was_measured_there_is_no_number():
    one = chosen()
    assert {
        arm: found.seconds for arm, found in estimate.estimate(one, n_train=9, n_validation=2, n_test=2).items()
    } == {
        "transfer": None,
        "scratch": None,
    }
    assert len(estimate.missing(one)) == 2


def test_the_seconds_are_those_of_start_features_epochs_and_scoring():
    one = chosen(training={"epochs": 10})
    record(one)
    views = one.lead.n_views(600) * 600 + 200
    assert seconds(one) == pytest.approx(6 + 4 + views / 100 + 10 * 600 / 500)
    assert len(estimate.missing(one)) == 1
    record(one, "scratch", features_rate=None, fit_rate=50.0)
    assert seconds(one, "scratch") == pytest.approx(6 + 4 + one.arm("scratch").training.epochs * 600 / 50)
    assert not estimate.missing(one)


def test_more_pictures_epochs_or_views_take_longer():
    one = chosen(training={"epochs": 10})
    record(one)
    now = seconds(one)
    assert now
    assert seconds(one, n_train=1200) > now
    assert seconds(one, n_rest=300) > now
    assert seconds(chosen(training={"epochs": 20})) > now
    plain = chosen(training={"epochs": 10}, augmentation=NO_AUGMENTATION.model_dump())
    assert seconds(plain, n_train=200) < seconds(one, n_train=200)


def test_the_latest_measurement_counts():
    one = chosen()
    record(one, fit_rate=100.0)
    slow = seconds(one)
    record(one, fit_rate=1000.0)
    assert slow
    assert seconds(one) < slow


@pytest.mark.parametrize(
    "other",
    [
        {"base": "VGG16"},
        {"image_size": 128},
        {"frozen_blocks": 3},
        {"training": {"batch_size": 64}},
        {"head": {"pooling": "flatten"}},
    ],
    ids=str,
)
def test_rates_speak_only_of_the_base_size_freezing_pooling_and_batch_they_were_measured_on(other):
    record(chosen())
    assert seconds(chosen(**other)) is None
    assert seconds(chosen(seed=7, training={"learning_rate": 0.1})) is not None


def test_rates_that_an_earlier_version_wrote_are_used(home):
    line = (
        '{"key": "transfer MobileNet 224 14 average 16", "start": 6.0, "features_rate": 100.0, "fit_rate": 500.0, '
        '"evaluate": 4.0, "peak_memory_bytes": 1500000000, "head_parameters": 263681, "batch_size": 16}'
    )
    (home / "rates.jsonl").write_text(f"\n{line}\n", encoding="utf-8")
    of = chosen()
    assert seconds(of)
    assert memory(of) == MEASURED.peak_memory_bytes
    record(of)
    first, second = (json.loads(row) for row in (home / "rates.jsonl").read_text().splitlines() if row)
    assert first == second


def test_arms_of_one_kind_that_are_alike_share_their_rates():
    one = chosen()
    twin = one.lead.model_copy(update={"name": "twin", "seed": 2})
    record(one)
    three = one.model_copy(update={"arms": (*one.arms, twin)})
    assert seconds(three, "twin") == seconds(three)
    assert [arm.name for arm in estimate.unmeasured(three)] == ["scratch"]


@pytest.mark.parametrize(
    "damage",
    [b'{"key": "transfer Mob', b"\xff\xfe\x00garbage\n", b"\n", b"7\n", b'{"key": "x"}\n', b'{"rate": 3}\n'],
    ids=["torn", "bytes", "empty", "number", "few", "nameless"],
)
def test_a_line_that_cannot_be_read_counts_for_nothing(damage, home):
    one = chosen()
    record(one)
    before = seconds(one)
    path = home / "rates.jsonl"
    path.write_bytes(damage.rstrip(b"\n") + b"\n" + path.read_bytes() + damage)
    assert seconds(one) == before


def test_a_measurement_after_a_torn_line_is_heard(home):
    (home / "rates.jsonl").write_bytes(b'{"key": "transfer Mob')
    record(chosen())
    assert seconds(chosen()) is not None


def test_a_home_that_does_not_exist_yet_gets_its_rates(home):
    home.rmdir()
    record(chosen())
    assert [path.name for path in home.iterdir()] == ["rates.jsonl"]


# Memory


def test_memory_grows_with_batch_size_picture_size_and_what_is_trained():
    vgg = {"base": "VGG16", "frozen_blocks": 3}
    now = memory(chosen(**vgg))
    assert memory(chosen(**vgg, training={"batch_size": 256})) > now
    assert memory(chosen(**vgg, image_size=448)) > now
    assert memory(chosen(base="VGG16", frozen_blocks=0)) > now >= memory(chosen(base="VGG16", frozen_blocks=4))


def test_measured_memory_replaces_the_calculated_one_for_the_same_batch_size():
    record(chosen(), peak_memory_bytes=1_234_567_890)
    assert memory(chosen()) == 1_234_567_890
    record(chosen(), peak_memory_bytes=None)
    assert memory(chosen()) != 1_234_567_890


def test_an_arm_that_cannot_fit_is_refused_with_what_it_needs_what_there_is_and_what_to_lower(set_limit):
    set_limit(3_000_000_000)
    one = chosen(is_alone=True, frozen_blocks=5)
    with pytest.raises(ResourceError) as refused:
        estimate.check_memory(one, {"transfer": Estimate(None, 5_000_000_000)})
    assert str(refused.value) == (
        "The transfer arm would need about 5.0\xa0GB of memory; this host has 3.0\xa0GB for it. "
        "Lower the batch size or the picture size, or freeze more blocks."
    )
    with pytest.raises(ResourceError, match=r"The from-scratch arm .*Lower the batch size or the picture size\.$"):
        estimate.check_memory(chosen(), {"scratch": Estimate(None, 5_000_000_000)})
    estimate.check_memory(one, {"transfer": Estimate(None, 3_000_000_000)})


def test_where_all_is_frozen_nobody_is_told_to_freeze_more(set_limit):
    set_limit(2**29)
    with pytest.raises(ResourceError, match=r"picture size\.$"):
        estimate.check_memory(chosen(), estimate.estimate(chosen(), n_train=9, n_validation=3, n_test=3))


def test_the_defaults_fit_into_three_gigabytes(set_limit):
    set_limit(3 * 2**30)
    estimate.check_memory(chosen(), estimate.estimate(chosen(), n_train=9, n_validation=3, n_test=3))


def test_without_a_setting_an_arm_may_have_what_is_not_taken_by_what_is_there_beside_it(monkeypatch):
    monkeypatch.setattr(host, "memory_bytes", lambda: 1_000_000_000)
    monkeypatch.setattr(host, "own_bytes", lambda: 200_000_000)
    limit = estimate.memory_limit_bytes()
    assert 600_000_000 < limit < 800_000_000
    monkeypatch.setattr(host, "own_bytes", lambda: 300_000_000)
    assert estimate.memory_limit_bytes() == limit - 100_000_000
    monkeypatch.setattr(host, "own_bytes", lambda: 2_000_000_000)
    assert estimate.memory_limit_bytes() == 0


def test_defaults_count_on_little_where_a_limit_may_be_there_unseen_but_nothing_is_refused_for_that(monkeypatch):
    monkeypatch.setattr(host, "memory_bytes", lambda: 64 * 2**30)
    monkeypatch.setattr(host, "is_limit_known", lambda: False)
    assert estimate.prudent_limit_bytes() < host.UNKNOWN_BYTES
    assert estimate.memory_limit_bytes() > 60 * 2**30
    monkeypatch.setattr(host, "is_limit_known", lambda: True)
    assert estimate.prudent_limit_bytes() == pytest.approx(estimate.memory_limit_bytes(), rel=0.01)


def test_what_was_measured_with_a_smaller_head_counts_the_larger_one_in():
    record(chosen(head={"hidden": [64]}), peak_memory_bytes=600_000_000)
    assert memory(chosen(head={"hidden": [64]})) == 600_000_000
    assert memory(chosen(head={"hidden": [2048]})) > 600_000_000


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1, "1 s"), (8.4, "8 s"), (12.6, "15 s"), (58, "1 min"), (170, "3 min"), (3600, "1 h"), (4900, "1 h 20 min")],
)
def test_a_duration_is_said_no_finer_than_an_estimate_is(number, text):
    assert duration(number).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (22.74, "22.7 s"),
        (99.94, "99.9 s"),
        (99.96, "1 min 40 s"),
        (754.4, "12 min 34 s"),
        (3599.6, "1 h 0 min 0 s"),
        (100_000, "27 h 46 min 40 s"),
    ],
)
def test_a_time_that_was_taken_is_said_as_it_was(seconds, text):
    assert measured(seconds) == text


def test_a_run_that_found_its_outputs_in_the_cache_leaves_the_rate_of_computing_them():
    one = chosen()
    record(one)
    before = seconds(one)
    record(one, features_rate=None)
    assert seconds(one) == before
