from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from core import augment, features, picture
from core.errors import HeadstartError, StopRequested
from core.experiment import NO_AUGMENTATION, Augmentation
from core.features import BATCH, VIEWS, Batches, Pictures, Rows
from core.settings import settings

SIZE = 6
N = BATCH + 5  # two batches, the second one small
EVERYTHING = Augmentation(flip=True, rotation_degrees=30.0, zoom=0.2, brightness=0.3)


@pytest.fixture
def pictures(tmp_path: Path, picture_of: Callable[..., bytes]) -> Pictures:
    """So many noisy pictures of three classes, larger than the network wants them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    stored = [picture.store(picture_of(number, size=(9, 8)), folder) for number in range(N)]
    return Pictures([each.picture for each in stored], [folder / each.file for each in stored], np.arange(N) % 3)


@pytest.fixture(scope="module")
def prefix() -> keras.Model:
    """Something small that mixes all pixels of a picture."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((SIZE, SIZE, 3))
    tensor = keras.layers.Conv2D(4, 3, strides=2, activation="tanh")(keras.layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, tensor)


def computed(prefix: keras.Model, pictures: Pictures, store: Path, **options: object) -> np.ndarray:
    plain = {"progress": lambda *_: None, "stopped": lambda: False}
    return features.compute(prefix, pictures, store, **{**plain, **options})


def pixels_of(pictures: Pictures) -> np.ndarray:
    return np.stack([picture.load(path, SIZE) for path in pictures.paths])


# The frozen part, once


def test_the_rows_are_in_the_order_of_the_pictures_and_equal_those_of_each_alone(prefix, pictures, tmp_path):
    values = computed(prefix, pictures, tmp_path / "rows.npy")
    assert values.shape == (N, 1, *prefix.output_shape[1:])
    assert values.dtype == np.float32
    for index, pixels in enumerate(pixels_of(pictures)):
        np.testing.assert_allclose(values[index, 0], np.asarray(prefix(pixels[None]))[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), values.reshape(N, *values.shape[2:]))


def test_of_several_views_the_first_is_the_picture_itself_and_the_others_are_seeded(prefix, pictures, tmp_path):
    views = computed(prefix, pictures, tmp_path / "1.npy", views=3, augmentation=EVERYTHING, seed=4)
    alone = computed(prefix, pictures, tmp_path / "2.npy")
    again = computed(prefix, pictures, tmp_path / "3.npy", views=3, augmentation=EVERYTHING, seed=4)
    other = computed(prefix, pictures, tmp_path / "4.npy", views=3, augmentation=EVERYTHING, seed=5)
    np.testing.assert_allclose(views[:, 0], alone[:, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(views, again)
    np.testing.assert_allclose(views[:, 0], other[:, 0], rtol=1e-5, atol=1e-6)
    for index in range(N):
        flat = [views[index, 0], views[index, 1], views[index, 2], other[index, 1]]
        assert len({each.tobytes() for each in flat}) == 4
    seen = augment.view(pixels_of(pictures)[7], EVERYTHING, seed=(4, 2, 7))
    np.testing.assert_allclose(views[7, 2], np.asarray(prefix(seen[None]))[0], rtol=1e-5, atol=1e-6)


def test_pixels_are_decoded_once_as_they_are(pictures, tmp_path):
    reported: list[tuple[int, int]] = []
    pixels = features.read_pixels(
        pictures, SIZE, tmp_path / "pixels.npy", progress=lambda *done: reported.append(done), stopped=lambda: False
    )
    np.testing.assert_array_equal(pixels[:, 0], pixels_of(pictures))
    assert pixels.dtype == np.uint8
    assert reported == [(BATCH, N), (N, N)]


def test_progress_counts_views_and_a_stop_is_seen_after_each_batch(prefix, pictures, tmp_path):
    reported: list[tuple[int, int]] = []
    with pytest.raises(StopRequested):
        computed(
            prefix,
            pictures,
            tmp_path / "rows.npy",
            views=2,
            augmentation=EVERYTHING,
            progress=lambda *done: reported.append(done),
            stopped=lambda: len(reported) == 2,
        )
    assert reported == [(BATCH, 2 * N), (2 * BATCH, 2 * N)]
    with pytest.raises(StopRequested):
        features.read_pixels(pictures, SIZE, tmp_path / "pixels.npy", progress=lambda *_: None, stopped=lambda: True)


def test_answers_of_a_network_do_not_depend_on_how_many_are_asked_for(prefix):
    inputs = np.random.default_rng(0).integers(0, 256, (N, SIZE, SIZE, 3), dtype=np.uint8)
    answers = features.predict(prefix, inputs)
    assert len(answers) == N
    np.testing.assert_allclose(features.predict(prefix, inputs[-1:]), answers[-1:], rtol=1e-5, atol=1e-6)


def test_outputs_are_kept_up_to_the_limit_of_the_host(prefix, monkeypatch):
    row_bytes = 4 * int(np.prod(prefix.output_shape[1:]))
    monkeypatch.setenv("HEADSTART_MAX_FEATURE_BYTES", str(10 * row_bytes))
    settings.cache_clear()
    assert features.fits(prefix, 10)
    assert not features.fits(prefix, 11)


def test_outputs_for_which_the_disk_has_no_room_are_refused_before_they_are_computed(
    prefix, pictures, tmp_path, monkeypatch
):
    monkeypatch.setenv("HEADSTART_MIN_FREE_BYTES", str(10**18))
    settings.cache_clear()
    with pytest.raises(HeadstartError, match="This training needs"):
        computed(prefix, pictures, tmp_path / "rows.npy")
    assert not (tmp_path / "rows.npy").exists()


def test_a_picture_has_several_views_only_where_something_is_augmented():
    assert features.views_of(EVERYTHING) == VIEWS
    assert features.views_of(NO_AUGMENTATION) == 1


# Batches


def rows(n: int = 10, *, views: int = 1) -> Rows:
    """Row i, view v has the value 10 i + v, and i is its label."""
    return Rows(10.0 * np.arange(n)[:, None, None] + np.arange(views)[None, :, None], np.arange(n))


def epoch(batches: Batches) -> tuple[list[float], list[int]]:
    """Inputs and labels of one epoch, as Keras asks for them."""
    parts = [batches[number] for number in range(len(batches))]
    batches.on_epoch_end()
    return [float(value) for part in parts for value in part[0].ravel()], [int(y) for part in parts for y in part[1]]


def test_every_epoch_covers_each_row_once_with_its_own_label_in_a_new_order():
    batches = Batches(rows(), batch_size=4, seed=1)
    assert [len(batches[number][1]) for number in range(len(batches))] == [4, 4, 2]
    epochs = [epoch(batches) for _ in range(5)]
    for inputs, labels in epochs:
        assert sorted(labels) == list(range(10))
        assert inputs == [10.0 * label for label in labels]
    assert len({tuple(labels) for _, labels in epochs}) == 5


def test_the_same_seed_gives_the_same_batches_and_another_seed_others():
    def run(seed: int) -> list[tuple[list[float], list[int]]]:
        batches = Batches(rows(views=VIEWS), batch_size=4, seed=seed)
        return [epoch(batches) for _ in range(3)]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_validation_keeps_its_order():
    batches = Batches(rows(), batch_size=4, seed=0, shuffles=False)
    assert epoch(batches)[1] == epoch(batches)[1] == list(range(10))


def test_each_epoch_draws_a_view_of_each_picture_and_all_come_up():
    batches = Batches(rows(views=VIEWS), batch_size=10, seed=3)
    epochs = [dict(zip(labels, inputs, strict=True)) for inputs, labels in (epoch(batches) for _ in range(40))]
    for label in range(10):
        assert {inputs[label] - 10 * label for inputs in epochs} == set(map(float, range(VIEWS)))
    assert any(len({inputs[label] % 10 for label in inputs}) > 1 for inputs in epochs), "not one view for all"


def test_pixels_are_augmented_anew_each_epoch_and_reproducibly():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 1, SIZE, SIZE, 3), dtype=np.uint8)
    augmented = Rows(pixels, np.arange(3), EVERYTHING)
    every = np.arange(3)
    first, second = (augmented.batch(every, seed=1, epoch=number) for number in range(2))
    for index in range(3):
        assert not np.array_equal(first[index], second[index])
        assert not np.array_equal(first[index], pixels[index, 0])
        alone = augmented.batch(np.array([index]), seed=1, epoch=0)
        np.testing.assert_array_equal(alone[0], first[index])
    assert not np.array_equal(first, augmented.batch(every, seed=2, epoch=0))
    np.testing.assert_array_equal(Rows(pixels, np.arange(3)).batch(every, seed=1, epoch=5), pixels[:, 0])


def test_each_row_carries_the_weight_of_its_class():
    values = Rows(np.zeros((4, 1, 1)), np.array([0, 0, 0, 1]))
    batches = Batches(values, batch_size=3, seed=1, weights=np.array([0.5, 3.0], "float32"))
    for number in range(len(batches)):
        _, labels, weights = batches[number]
        np.testing.assert_array_equal(weights, np.where(labels == 1, 3.0, 0.5))


def test_a_stopwatch_has_a_rate_once_that_means_something(monkeypatch):
    watch = features.Stopwatch()
    assert watch.rate(0) is None
    monkeypatch.setattr("time.perf_counter", lambda begun=watch._start: begun + 2.0)
    assert watch.seconds == 2.0
    assert watch.rate(10) == 5.0
