"""The configure page: what it shows follows from the choices, and its button trains what it shows."""

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import visits
from plans import planned
from streamlit.testing.v1 import AppTest

from core.data import dataset
from core.data.pictures.augmentation import Augmentation
from core.data.split import split
from core.disk.record import read_json
from core.disk.status import State, Status, read_status, stop_requests, write_status
from core.plan import bases, estimate, weights
from core.plan.arm import ArmKind, Head, Optimizer, Training
from core.plan.counts import parameter_counts
from core.plan.estimate import Rates
from core.plan.experiment import Experiment
from core.plan.experiments import create_experiment, read_experiment, read_split
from core.queue import jobs, presence
from core.settings import settings
from core.words.numbers import duration
from pages._configure import summary

pytestmark = pytest.mark.usefixtures("warm_server")

LINK, OTHER = "a" * 32, "b" * 32
CLASSES = {"bird": 8, "flower": 6, "fruit": 7}


@pytest.fixture(autouse=True)
def no_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is submitted stays in the queue: these tests are of the page."""
    monkeypatch.setattr(presence, "ensure_consumer", lambda: None)


@pytest.fixture
def pictures(
    zip_of: Callable[..., Path], picture_of: Callable[..., bytes], ingested: Callable[..., str]
) -> Callable[..., str]:
    """A function that makes a data set of so many pictures a class and returns its id."""

    def make(workspace: str = "", **classes: int) -> str:
        labels = [label for label, count in classes.items() for _ in range(count)]
        files = {f"{label}/{number}.png": picture_of(number) for number, label in enumerate(labels)}
        return ingested(tuple(labels), lambda: zip_of(files), "Things", workspace=workspace)

    return make


def opened(**identifiers: str) -> AppTest:
    app = visits.opened("configure", **identifiers)
    assert not app.exception
    return app


def visit(app: AppTest, page: str) -> AppTest:
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    return app


def cards(app: AppTest) -> list[str]:
    """The HTML of each arm's card, without its picture."""
    bodies = [element.proto.body for element in app.get("html")]
    return [re.sub(r'src="[^"]*"', "", body) for body in bodies if 'role="img"' in body]


def numbers(card: str) -> dict[str, str]:
    names, values = re.findall(r"<dt[^>]*>(.*?)</dt>", card), re.findall(r"<dd[^>]*>(.*?)</dd>", card)
    return {html.unescape(name): html.unescape(value) for name, value in zip(names, values, strict=True)}


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in app.markdown)


def choose(app: AppTest, kind: str, name: str, value: object) -> AppTest:
    getattr(app, kind)(key=f"draft_{name}").set_value(value).run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def experiment_of(app: AppTest) -> Experiment:
    found = read_experiment(app.session_state["experiment"])
    assert found is not None
    return found


# ---- what is missing


def test_without_pictures_it_says_so_and_leads_to_upload():
    app = opened()
    assert "Choose pictures first." in texts(app)
    assert not app.radio


# ---- a newcomer


def test_the_defaults_are_those_of_someone_who_changes_nothing(pictures):
    dataset_id = pictures(**CLASSES)
    app = opened(dataset=dataset_id)
    assert app.radio(key="draft_base").value == "MobileNet"
    assert app.button(key="train").label == "Train both"
    assert not app.button(key="train").disabled
    press(app, "train")
    own = experiment_of(app)
    assert own == planned(
        dataset_id,
        dataset_name="Things",
        workspace=app.session_state["workspace"],
        created=own.created,
        number=own.number,
        split_fingerprint=own.split_fingerprint,
    )
    assert own.split_fingerprint == split(dataset.read(dataset_id)).fingerprint


def test_the_button_creates_the_experiment_queues_it_and_goes_to_train(pictures):
    dataset_id = pictures(**CLASSES)
    app = press(opened(dataset=dataset_id), "train")
    experiment_id = app.session_state["experiment"]
    assert app.query_params["experiment"] in (experiment_id, [experiment_id])
    assert jobs.position(experiment_id) == 1
    of = dataset.read(dataset_id)
    assert of is not None
    assert read_split(experiment_id).to_dict() == split(of).frame.to_dict()
    assert not app.radio  # another page


# ---- who may train


def keys(app: AppTest) -> set[str | None]:
    return {each.key for each in app.button}


def test_who_has_only_the_link_sees_the_choices_and_trains_on_pictures_of_their_own(pictures, monkeypatch):
    monkeypatch.setattr(summary, "SETTLED_SECONDS", 0.0)
    dataset_id = pictures(LINK, **CLASSES)
    chosen = planned(dataset_id, workspace=LINK, training=Training(epochs=9))
    shown = create_experiment(chosen, split_of(dataset_id))
    app = opened(experiment=shown, workspace=OTHER)
    assert "train" not in keys(app)
    assert "These pictures were uploaded under another link: you see them" in texts(app)
    choose(app, "number_input", "epochs", 7).run()
    assert not list(settings().home.glob("probes/*")), "nothing is measured for who only looks"
    press(app, "own_pictures")
    assert "dataset" not in app.query_params
    assert app.button(key="sample")
    own = pictures(OTHER, **CLASSES)
    app = visit(bring(app, own), "configure")
    assert app.number_input(key="draft_epochs").value == 7
    assert experiment_of(press(app, "train")).dataset == own
    assert [each.parent.name for each in settings().home.glob("experiments/*/experiment.json")].count(shown) == 1


def bring(app: AppTest, dataset_id: str) -> AppTest:
    app.query_params["dataset"] = dataset_id
    return app.run()


def test_who_uploaded_the_pictures_trains_on_them_after_a_reload_and_in_a_second_tab(pictures):
    dataset_id = pictures(LINK, **CLASSES)
    first = opened(dataset=dataset_id, workspace=LINK)
    second = opened(dataset=dataset_id, workspace=LINK)
    for tab in (visit(first.run(), "configure"), second):
        press(tab, "train")
        assert jobs.position(tab.session_state["experiment"])


# ---- numbers that follow the choices


@pytest.mark.parametrize("frozen", [14, 12, 0])
def test_the_numbers_of_parameters_follow_the_slider(pictures, frozen):
    app = opened(dataset=pictures(**CLASSES))
    choose(app, "select_slider", "frozen_blocks_MobileNet", frozen)
    transfer, scratch = (numbers(card) for card in cards(app))
    chosen = planned("0" * 32, frozen_blocks=frozen)
    counts = parameter_counts(chosen.lead, n_classes=3)
    assert transfer["Trained parameters"] == f"{counts.trained:,}"
    assert transfer["Frozen parameters"] == f"{counts.frozen:,}"
    counts = parameter_counts(chosen.arm("scratch"), n_classes=3)
    assert scratch["Trained parameters"] == f"{counts.trained:,}"


def test_unfreezing_blocks_explains_the_two_phases_and_batch_norm(pictures):
    app = opened(dataset=pictures(**CLASSES))
    assert "only the head learns" in texts(app)
    app.number_input(key="draft_epochs").set_value(30)
    choose(app, "select_slider", "frozen_blocks_MobileNet", 12)
    assert "for 10 epochs the head learns alone, then for 20 epochs the last 2 blocks with it" in texts(app)
    assert "BatchNorm layers are never trained" in texts(app)


def test_a_base_without_batch_norm_does_not_speak_of_it(pictures):
    app = opened(dataset=pictures(**CLASSES))
    choose(app, "radio", "base", "VGG16")
    choose(app, "select_slider", "frozen_blocks_VGG16", 4)
    assert "the last block with it" in texts(app)
    assert "BatchNorm" not in texts(app)


@pytest.mark.parametrize("base", bases.BASES)
def test_every_base_can_be_chosen_with_the_slider_over_its_own_blocks(pictures, base):
    app = opened(dataset=pictures(**CLASSES))
    choose(app, "radio", "base", base)
    slider = app.select_slider(key=f"draft_frozen_blocks_{base}")
    n_blocks = len(bases.base(base).blocks)
    assert slider.value == n_blocks
    assert slider.options[0] == f"{n_blocks} of {n_blocks} frozen"
    assert slider.options[-1] == f"0 of {n_blocks} frozen"
    assert base in "\n".join(element.value for element in app.sidebar.markdown)
    assert f"blocks of {base}" in cards(app)[0]


def test_each_base_keeps_its_own_frozen_blocks(pictures):
    app = opened(dataset=pictures(**CLASSES))
    choose(app, "select_slider", "frozen_blocks_MobileNet", 9)
    choose(app, "radio", "base", "VGG16")
    choose(app, "radio", "base", "MobileNet")
    assert app.select_slider(key="draft_frozen_blocks_MobileNet").value == 9


def test_the_output_layer_is_shown_and_not_asked(pictures):
    three, two = opened(dataset=pictures(**CLASSES)), opened(dataset=pictures(bird=6, fruit=6))
    assert "softmax over 3 classes" in texts(three)
    assert "one sigmoid unit for two classes" in texts(two)


def test_hidden_layers_ask_for_their_units_and_are_counted(pictures):
    app = opened(dataset=pictures(**CLASSES))
    app.button_group(key="draft_n_hidden").set_value(2).run()
    app.number_input(key="draft_units_0").set_value(64)
    choose(app, "number_input", "units_1", 32)
    chosen = planned("0" * 32, head=Head(normalizes=True, hidden=(64, 32)))
    counts = parameter_counts(chosen.lead, n_classes=3)
    assert numbers(cards(app)[0])["Trained parameters"] == f"{counts.trained:,}"


def test_without_an_opponent_there_is_one_card_and_the_button_says_so(pictures):
    app = opened(dataset=pictures(**CLASSES))
    assert len(cards(app)) == 2
    choose(app, "toggle", "has_opponent", False)
    assert len(cards(app)) == 1
    assert app.button(key="train").label == "Train"
    assert experiment_of(press(app, "train")).scratch is None


def test_every_choice_reaches_the_experiment(pictures):
    app = opened(dataset=pictures(**CLASSES))
    for kind, name, value in [
        ("number_input", "epochs", 7),
        ("select_slider", "learning_rate", 3e-4),
        ("select_slider", "batch_size", 32),
        ("number_input", "image_size_MobileNet", 96),
        ("number_input", "seed", 5),
        ("number_input", "patience", 3),
        ("toggle", "class_weights", True),
        ("slider", "dropout", 50),
        ("toggle", "flip", False),
        ("slider", "rotation", 0),
        ("slider", "zoom", 30),
        ("slider", "brightness", 10),
        ("selectbox", "views", 2),
        ("toggle", "normalizes", False),
        ("select_slider", "weight_decay", 0.3),
        ("select_slider", "opponent_batch_size", 8),
        ("number_input", "opponent_epochs", 9),
        ("select_slider", "opponent_learning_rate", 3e-3),
        ("toggle", "opponent_stops_early", False),
        ("number_input", "opponent_image_size_MobileNet", 64),
    ]:
        getattr(app, kind)(key=f"draft_{name}").set_value(value)
    app.button_group(key="draft_optimizer").set_value(Optimizer.SGD).run()
    own = experiment_of(press(app, "train"))
    transfer, scratch = own.arms
    assert transfer.training == Training(
        epochs=7,
        batch_size=32,
        learning_rate=3e-4,
        optimizer=Optimizer.SGD,
        patience=3,
        class_weights=True,
        weight_decay=0.3,
    )
    assert (transfer.views, transfer.head.normalizes) == (2, False)
    assert (transfer.image_size, transfer.seed, transfer.head.dropout) == (96, 5, 0.5)
    assert transfer.augmentation == Augmentation(flip=False, rotation_degrees=0, zoom=0.3, brightness=0.1)
    shared = {"name": "scratch", "kind": ArmKind.SCRATCH, "frozen_blocks": 0, "image_size": 64}
    assert scratch == transfer.model_copy(update=shared).with_training(
        epochs=9, learning_rate=3e-3, patience=None, batch_size=8
    )


# ---- coming back


def test_the_choices_are_still_there_after_a_visit_to_another_page(pictures):
    app = opened(dataset=pictures(**CLASSES))
    choose(app, "radio", "base", "VGG16")
    choose(app, "select_slider", "frozen_blocks_VGG16", 3)
    choose(app, "number_input", "epochs", 4)
    visit(visit(app, "upload"), "configure")
    assert app.radio(key="draft_base").value == "VGG16"
    assert app.select_slider(key="draft_frozen_blocks_VGG16").value == 3
    assert app.number_input(key="draft_epochs").value == 4


def test_a_link_to_an_experiment_opens_with_its_choices(pictures):
    chosen = planned(
        pictures(**CLASSES),
        base="ResNet50",
        frozen_blocks=4,
        head=Head(hidden=(48,)),
        training=Training(epochs=11, learning_rate=0.002, batch_size=20, patience=None),
        is_alone=True,
    )
    app = opened(experiment=create_experiment(chosen, split_of(chosen.dataset)))
    assert app.radio(key="draft_base").value == "ResNet50"
    assert app.select_slider(key="draft_frozen_blocks_ResNet50").value == 4
    assert app.number_input(key="draft_units_0").value == 48
    assert app.select_slider(key="draft_learning_rate").value == 0.002
    assert app.button(key="train").label == "Train"
    again = experiment_of(press(app, "train"))
    ignored = {"created", "number", "workspace", "dataset_name", "split_fingerprint"}
    assert again.model_dump(exclude=ignored) == chosen.model_dump(exclude=ignored)


def split_of(dataset_id: str):
    of = dataset.read(dataset_id)
    assert of is not None
    return split(of).frame


# ---- weights


def test_a_base_whose_weights_are_here_is_marked_and_the_others_say_their_size(pictures):
    app = opened(dataset=pictures(**CLASSES))
    captions = dict(zip(bases.BASES, app.radio(key="draft_base").proto.captions, strict=True))
    assert "on this host" in captions["MobileNet"]
    assert "59\xa0MB" in captions["VGG16"]
    assert "to fetch" in captions["VGG16"]
    assert not has_button(app, "fetch")


def has_button(app: AppTest, key: str) -> bool:
    return any(button.key == key for button in app.button)


def test_weights_can_be_fetched_now_and_the_download_shows_progress_and_can_be_stopped(pictures):
    app = choose(opened(dataset=pictures(**CLASSES)), "radio", "base", "VGG16")
    assert app.button(key="fetch").label == "Fetch now (59\xa0MB)"
    press(app, "fetch")
    directory = weights.directory("VGG16")
    status = read_status(directory)
    assert status is not None
    assert status.state is State.QUEUED
    write_status(directory, Status(state=State.WEIGHTS, done=20_000_000, total=58_889_256))
    app.run()
    assert not has_button(app, "fetch")
    progress = app.get("progress")[0].proto
    assert progress.value == 33
    assert "20 of 59" in progress.text
    press(app, "fetch_stop")
    assert stop_requests(directory) == 1


def test_a_download_is_stopped_by_who_began_it_and_the_others_see_it(pictures):
    dataset_id = pictures(**CLASSES)
    mine, theirs = (opened(dataset=dataset_id, workspace=each) for each in (LINK, OTHER))
    press(choose(mine, "radio", "base", "VGG16"), "fetch")
    directory = weights.directory("VGG16")
    write_status(directory, Status(state=State.WEIGHTS, done=20_000_000, total=58_889_256))
    choose(theirs, "radio", "base", "VGG16")
    assert theirs.get("progress")
    assert not has_button(theirs, "fetch_stop")
    assert "Started under another link: you see it" in texts(theirs)
    press(mine, "fetch_stop")
    assert stop_requests(directory) == 1


def test_a_failed_download_says_why_and_can_be_tried_again(pictures):
    directory = weights.directory("VGG16")
    directory.mkdir(parents=True)
    write_status(directory, Status(state=State.FAILED, message="There is no connection to the server."))
    app = choose(opened(dataset=pictures(**CLASSES)), "radio", "base", "VGG16")
    assert "no connection" in app.error[0].value
    assert app.button(key="fetch").label == "Try again (59\xa0MB)"


# ---- time and memory


def rates(chosen: Experiment, arm: str, **measured: object) -> None:
    usual = Rates(start=5.0, features_rate=100.0, fit_rate=50.0, evaluate=5.0, batch_size=16, peak_memory_bytes=None)
    estimate.record(chosen.arm(arm), usual.model_copy(update=measured))


def test_with_rates_of_earlier_runs_it_says_how_long_each_arm_takes(pictures):
    chosen = planned(pictures(**CLASSES))
    rates(chosen, "transfer", peak_memory_bytes=3_000_000_000, batch_size=chosen.lead.training.batch_size)
    rates(chosen, "scratch", peak_memory_bytes=None)
    transfer, scratch = (numbers(card) for card in cards(opened(dataset=chosen.dataset)))
    counts = split_of(chosen.dataset)["part"].value_counts()
    expected = estimate.estimate(
        chosen, n_train=int(counts["train"]), n_validation=int(counts["validation"]), n_test=int(counts["test"])
    )
    assert transfer["Time"] == f"about {duration(expected['transfer'].seconds)}"
    assert scratch["Time"] == f"about {duration(expected['scratch'].seconds)}"
    assert transfer["Memory"] == "about 3.0\xa0GB"


def probes() -> list[Path]:
    return sorted((settings().home / "probes").glob("*"))


def test_without_rates_it_measures_once_the_choices_have_settled(pictures, monkeypatch):
    app = opened(dataset=pictures(**CLASSES))
    assert numbers(cards(app)[0])["Time"] == "measuring …"
    assert probes() == []
    monkeypatch.setattr(summary, "SETTLED_SECONDS", 0.0)
    app.run()
    app.run()
    [directory] = probes()
    assert read_json(directory / "request.json")["n_classes"] == 3
    status = read_status(directory)
    assert status is not None
    assert status.state is State.QUEUED


def test_a_probe_of_choices_that_have_changed_is_stopped(pictures, monkeypatch):
    monkeypatch.setattr(summary, "SETTLED_SECONDS", 0.0)
    app = opened(dataset=pictures(**CLASSES)).run()
    [directory] = probes()
    choose(app, "select_slider", "frozen_blocks_MobileNet", 12)
    assert stop_requests(directory) == 1
    assert len(probes()) == 2


def test_a_probe_goes_on_when_it_has_measured_one_of_the_arms(pictures, monkeypatch):
    monkeypatch.setattr(summary, "SETTLED_SECONDS", 0.0)
    chosen = planned(pictures(**CLASSES))
    app = opened(dataset=chosen.dataset).run()
    [directory] = probes()
    rates(chosen, "transfer", batch_size=chosen.lead.training.batch_size)
    app.run()
    assert stop_requests(directory) == 0
    assert [numbers(card)["Time"].startswith("measuring") for card in cards(app)] == [False, True]


def test_a_probe_that_failed_leaves_the_time_unknown_and_the_button_alive(pictures, monkeypatch):
    monkeypatch.setattr(summary, "SETTLED_SECONDS", 0.0)
    app = opened(dataset=pictures(**CLASSES)).run()
    write_status(probes()[0], Status(state=State.FAILED))
    app.run()
    assert numbers(cards(app)[0])["Time"] == "not known yet"
    assert not app.button(key="train").disabled


def test_nothing_is_measured_while_a_training_runs_or_waits(pictures, monkeypatch):
    monkeypatch.setattr(summary, "SETTLED_SECONDS", 0.0)
    app = opened(dataset=pictures(**CLASSES))
    press(app, "train")
    visit(app, "configure").run()
    choose(app, "select_slider", "frozen_blocks_MobileNet", 11)
    assert numbers(cards(app)[0])["Time"] == "not known yet"
    assert all(stop_requests(directory) for directory in probes())


def test_what_cannot_fit_into_memory_is_refused_with_what_to_lower(pictures, monkeypatch):
    monkeypatch.setenv("HEADSTART_MEMORY_BYTES", str(560_000_000))
    settings.cache_clear()
    app = opened(dataset=pictures(**CLASSES))
    assert app.button(key="train").disabled
    assert "Lower the batch size" in app.error[0].value


def test_the_refusal_and_its_way_out_stand_above_the_networks_where_a_low_window_shows_them(pictures, monkeypatch):
    monkeypatch.setenv("HEADSTART_MEMORY_BYTES", str(560_000_000))
    settings.cache_clear()
    shown = list(opened(dataset=pictures(**CLASSES)).main)
    first_card = min(at for at, each in enumerate(shown) if "Trained parameters" in str(getattr(each, "proto", "")))
    for key in ("error", "fit_host"):
        place = next(at for at, each in enumerate(shown) if key in (each.type, getattr(each, "key", None)))
        assert place < first_card


def test_what_cannot_fit_has_a_way_out_at_a_press(pictures, monkeypatch):
    monkeypatch.setenv("HEADSTART_MEMORY_BYTES", str(560_000_000))
    settings.cache_clear()
    app = opened(dataset=pictures(**CLASSES))
    assert "from scratch in batches of 4 instead of 16, from scratch on pictures of 96 px instead of 128" in texts(app)
    press(app, "fit_host")
    assert not app.error
    assert not app.button(key="train").disabled
    assert app.session_state["draft_opponent_image_size_MobileNet"] == 96


def test_on_a_host_where_nothing_fits_that_is_said(pictures, monkeypatch):
    monkeypatch.setenv("HEADSTART_MEMORY_BYTES", str(100_000_000))
    settings.cache_clear()
    app = opened(dataset=pictures(**CLASSES))
    assert app.button(key="train").disabled
    assert "Train on a host with more memory" in texts(app)


def test_with_little_memory_the_defaults_have_smaller_batches_and_that_is_said(pictures, monkeypatch):
    monkeypatch.setenv("HEADSTART_MEMORY_BYTES", str(750_000_000))
    settings.cache_clear()
    app = opened(dataset=pictures(**CLASSES))
    assert not app.button(key="train").disabled
    assert app.session_state["draft_opponent_batch_size"] == 8
    assert any("from scratch in batches of 8 instead of 16" in each.value for each in app.caption)


# ---- augmentation


def previews(app: AppTest) -> list[str]:
    return [element.proto.imgs[0].url for element in app.get("image")]


def test_augmentation_is_shown_on_the_users_own_picture_beside_the_original(pictures):
    app = opened(dataset=pictures(**CLASSES))
    first = previews(app)
    assert len(first) == 5
    press(app, "another_picture")
    assert previews(app)[0] != first[0]


def test_without_augmentation_only_the_original_is_shown(pictures):
    app = opened(dataset=pictures(**CLASSES))
    app.toggle(key="draft_flip").set_value(False)
    for name in ("rotation", "zoom"):
        app.slider(key=f"draft_{name}").set_value(0)
    app.run()
    assert len(previews(app)) == 1
    assert "every epoch shows the pictures as they are" in texts(app)
