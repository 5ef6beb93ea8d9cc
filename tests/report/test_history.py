"""The experiments of one link."""

from collections.abc import Callable

from plans import planned

from core.disk.home import arm_directory, experiment_directory
from core.disk.status import State, Status, write_status
from core.report import history

LINK, OTHER = "a" * 32, "b" * 32


def test_lists_only_what_its_link_names_newest_first(finished_experiment: Callable[..., str]):
    old = finished_experiment(workspace=LINK, created="2026-01-01T00:00:00+00:00")
    new = finished_experiment(workspace=LINK, created="2026-02-01T00:00:00+00:00")
    finished_experiment(workspace=OTHER)
    assert [entry.id for entry in history.entries(LINK)] == [new, old]
    assert history.entries("") == []


def test_an_entry_says_what_came_out_and_what_it_takes(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, right={"transfer": 1.0, "scratch": 0.0})
    (entry,) = history.entries(LINK)
    assert entry.outcome == "100\xa0% transfer, 0\xa0% from scratch"
    assert (entry.dataset, entry.base) == ("Noise", "MobileNet")
    directory = experiment_directory(experiment_id)
    before = entry.size_bytes
    (directory / "more").write_bytes(bytes(1000))
    assert history.entries(LINK)[0].size_bytes == before + 1000


def test_an_entry_says_how_far_it_is_without_scores(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment(workspace=LINK, arms=())

    def outcome(transfer: State, scratch: State) -> str:
        for arm, state in (("transfer", transfer), ("scratch", scratch)):
            write_status(arm_directory(experiment_id, arm), Status(state=state))
        return history.entries(LINK)[0].outcome

    assert outcome(State.QUEUED, State.QUEUED) == "waiting"
    assert outcome(State.FIT, State.QUEUED) == "in training"
    assert outcome(State.STOPPED, State.FAILED) == "failed"
    assert outcome(State.STOPPED, State.STOPPED) == "stopped"


def test_an_entry_of_three_arms_says_what_came_out_of_each(finished_experiment: Callable[..., str]):
    transfer, scratch = planned(workspace=LINK).arms
    vgg = transfer.model_copy(update={"name": "vgg", "base": "VGG16", "frozen_blocks": 5})
    right = {"transfer": 1.0, "vgg": 1.0, "scratch": 0.0}
    finished_experiment(of_arms=(transfer, vgg, scratch), right=right, workspace=LINK)
    (entry,) = history.entries(LINK)
    said = entry.outcome.replace("\xa0", " ")
    assert said == "100 % transfer, MobileNet, 100 % transfer, VGG16, 0 % from scratch"
