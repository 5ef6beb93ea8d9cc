import keras
import numpy as np

from core.data.pictures.augmentation import Augmentation
from core.network.batches import Batches, Rows, for_fit
from core.plan.arm import VIEWS

SIZE = 6
EVERYTHING = Augmentation(flip=True, rotation_degrees=30.0, zoom=0.2, brightness=0.3)


def rows(n: int = 10, *, views: int = 1) -> Rows:
    """Row i, view v has the value 10 i + v, and i is its label."""
    values = 10.0 * np.arange(n)[:, None, None] + np.arange(views)[None, :, None]
    return Rows(values.reshape(-1, 1), np.arange(n * views).reshape(n, views), np.arange(n))


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
    pixels = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    places = np.arange(3)[:, None]
    augmented = Rows(pixels, places, np.arange(3), EVERYTHING)
    every = np.arange(3)
    first, second = (augmented.batch(every, seed=1, epoch=number) for number in range(2))
    for index in range(3):
        assert not np.array_equal(first[index], second[index])
        assert not np.array_equal(first[index], pixels[index])
        alone = augmented.batch(np.array([index]), seed=1, epoch=0)
        np.testing.assert_array_equal(alone[0], first[index])
    assert not np.array_equal(first, augmented.batch(every, seed=2, epoch=0))
    np.testing.assert_array_equal(Rows(pixels, places, np.arange(3)).batch(every, seed=1, epoch=5), pixels)


def test_each_row_carries_the_weight_of_its_class():
    values = Rows(np.zeros((4, 1)), np.arange(4)[:, None], np.array([0, 0, 0, 1]))
    batches = Batches(values, batch_size=3, seed=1, weights=np.array([0.5, 3.0], "float32"))
    for number in range(len(batches)):
        _, labels, weights = batches[number]
        np.testing.assert_array_equal(weights, np.where(labels == 1, 3.0, 0.5))


def test_rows_are_found_by_their_places_whatever_else_lies_between():
    values = np.arange(5.0)[:, None]
    found = Rows(values, np.array([[3], [0], [3]]), np.array([1, 0, 1]))
    np.testing.assert_array_equal(found.batch(np.array([0, 1, 2]), seed=1, epoch=0)[:, 0], [3.0, 0.0, 3.0])
    np.testing.assert_array_equal(found.first(2)[:, 0], [3.0, 0.0])


def test_halves_reach_the_network_as_floats():
    found = Rows(np.ones((2, 3), np.float16), np.array([[0], [1]]), np.array([0, 1]))
    assert found.batch(np.array([1]), seed=1, epoch=0).dtype == np.float32


def test_a_fit_is_fed_the_batches_of_each_epoch_in_their_order():
    expected, batches = (Batches(rows(views=VIEWS), batch_size=4, seed=1) for _ in range(2))
    seen: list[float] = []

    def step(data: tuple) -> dict[str, float]:
        seen.extend(float(value) for value in data[0].numpy().ravel())
        return {"loss": 0.0}

    source, turns = for_fit(batches)
    inputs = keras.Input((1,))
    network = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    network.compile("sgd", "mse", run_eagerly=True)
    network.train_step = step
    network.fit(source, epochs=3, callbacks=turns, verbose=0, shuffle=False)
    assert seen == [value for _ in range(3) for value in epoch(expected)[0]]
