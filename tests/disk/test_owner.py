"""Who may start, stop and delete. The pages only hide the buttons; here it is held to, whoever asks."""

from collections.abc import Callable

import pytest
from plans import ARMS, planned

from core.data import ingest, split
from core.disk import owner
from core.disk.files import write_json
from core.disk.home import arm_directory, dataset_directory, experiment_directory, new_id
from core.disk.status import State, Status, stop_requests, write_status
from core.errors import InputError
from core.plan import predictions, weights
from core.plan.experiments import create_experiment, owner_of
from core.queue import jobs, presence

LINK, OTHER = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def no_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is submitted stays in the queue."""
    monkeypatch.setattr(presence, "ensure_consumer", lambda: None)


@pytest.mark.parametrize(("of", "asked_by"), [(LINK, OTHER), (LINK, ""), ("", LINK)])
def test_nobody_but_the_owner_starts_stops_or_deletes(finished_experiment: Callable[..., str], of: str, asked_by: str):
    one = finished_experiment(workspace=of, arms=())
    with pytest.raises(InputError, match="the link under which this was started"):
        jobs.submit_experiment(one, asked_by)
    assert jobs.position(one) is None
    jobs.submit_experiment(one, of)
    for refused in (
        lambda: jobs.stop_arm(one, "transfer", asked_by),
        lambda: jobs.stop_all(one, asked_by),
        lambda: jobs.delete(one, asked_by),
    ):
        with pytest.raises(InputError, match="found another one, which may only look"):
            refused()
    assert experiment_directory(one).is_dir()
    assert [stop_requests(arm_directory(one, arm)) for arm in ARMS] == [0, 0]
    jobs.stop_all(one, of)
    assert [stop_requests(arm_directory(one, arm)) for arm in ARMS] == [1, 1]


def test_an_experiment_on_the_pictures_of_another_link_is_not_trained(zip_of):
    data = ingest.ingest(ingest.create(zip_of({"cat/": 9, "dog/": 9}), "Pets", workspace=LINK))
    theirs, mine = (create_experiment(planned(data.id, workspace=of), split.split(data).frame) for of in (OTHER, LINK))
    with pytest.raises(InputError, match="under which these pictures were uploaded"):
        jobs.submit_experiment(theirs, OTHER)
    assert jobs.queue_length() == 0
    jobs.submit_experiment(mine, LINK)
    assert jobs.position(mine) == 1


def test_the_owner_deletes_what_has_ended(finished_experiment: Callable[..., str]):
    one = finished_experiment(workspace=LINK)
    jobs.delete(one, LINK)
    assert not experiment_directory(one).exists()
    jobs.delete(one, OTHER)  # there is nothing any more, so nothing to refuse


def test_a_prediction_is_stopped_by_who_asked_not_by_who_owns_the_experiment(finished_experiment, picture_of):
    one = finished_experiment(workspace=LINK)
    directory = predictions.directory(predictions.create(one, [("a.png", picture_of(1))], OTHER))
    with pytest.raises(InputError, match="found another one"):
        jobs.stop_request(directory, LINK)
    assert stop_requests(directory) == 0
    jobs.stop_request(directory, OTHER)
    assert stop_requests(directory) == 1


def test_the_reading_of_pictures_is_stopped_by_who_brought_them(zip_of):
    directory = dataset_directory(ingest.create(zip_of({"cat/": 3}), "Pets", workspace=LINK))
    for other in (OTHER, ""):
        with pytest.raises(InputError, match="found another one"):
            jobs.stop_request(directory, other)
    jobs.stop_request(directory, LINK)
    assert stop_requests(directory) == 1
    write_status(directory, Status(state=State.DONE))
    jobs.stop_request(directory, LINK)
    assert stop_requests(directory) == 1, "what has ended is not stopped"


def test_a_download_is_stopped_by_who_asked_for_it_and_by_everybody_where_nobody_is_known():
    jobs.submit_weights("VGG16", LINK)
    jobs.submit_weights("VGG16", OTHER)  # it waits already
    directory = weights.directory("VGG16")
    for other in (OTHER, ""):
        with pytest.raises(InputError, match="found another one"):
            jobs.stop_weights("VGG16", other)
    assert stop_requests(directory) == 0
    jobs.stop_weights("VGG16", LINK)
    assert stop_requests(directory) == 1
    (directory / "request.json").unlink()
    jobs.stop_weights("VGG16", OTHER)
    assert stop_requests(directory) == 2


def test_what_was_asked_by_an_earlier_version_belongs_to_no_link(tmp_path):
    assert owner.of_request(tmp_path) == ""
    write_json(tmp_path / "request.json", {"name": "Pets", "zip_sha256": "ab"})
    assert owner.of_request(tmp_path) == ""


def test_there_is_no_owner_of_what_is_not_there():
    assert owner_of(new_id()) is None
    owner.check(None, LINK)
