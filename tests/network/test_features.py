import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from stand_ins import store

from core.data.pictures import picture
from core.data.pictures.augmentation import NO_AUGMENTATION, Augmentation
from core.disk import cache, space
from core.disk.home import cache_directory
from core.errors import EngineError, HeadstartError, StopRequested
from core.network import decoded, engine, features
from core.network.batches import Pictures
from core.network.features import Frozen
from core.settings import settings
from core.words.sentences import sentence

SIZE = 6
N = 37
EVERYTHING = Augmentation(flip=True, rotation_degrees=30.0, zoom=0.2, brightness=0.3)


@pytest.fixture
def pictures(tmp_path: Path, picture_of: Callable[..., bytes]) -> Pictures:
    """So many noisy pictures of three classes, larger than the network wants them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    stored = [store(picture_of(number, size=(9, 8)), folder) for number in range(N)]
    return Pictures([each.picture for each in stored], [folder / each.file for each in stored], np.arange(N) % 3)


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    """Something small that mixes all pixels of a picture."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((SIZE, SIZE, 3))
    tensor = keras.layers.Conv2D(4, 3, strides=2, activation="tanh")(keras.layers.Rescaling(1 / 255)(pixels))
    return Frozen(keras.Model(pixels, tensor), "a test's", "0" * 64, "all")


class Counted:
    """The engine of this host, with the pictures that it was given counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pictures = 0
        genuine = Frozen.open

        def opened(frozen: Frozen, chosen: engine.EngineChoice) -> engine.Engine:
            found = genuine(frozen, chosen)
            run = found.run

            def counting(pixels, write):
                def counted():
                    for each in pixels:
                        self.pictures += 1
                        yield each

                run(counted(), write)

            found.run = counting
            return found

        monkeypatch.setattr(Frozen, "open", opened)


@pytest.fixture
def counted(monkeypatch) -> Counted:
    return Counted(monkeypatch)


def computed(frozen: Frozen, pictures: Pictures, n_views: int = 1, **options: object) -> np.ndarray:
    """Shape (n, views, …)."""
    plain = {"precision": "float32", "stopped": lambda: False}
    values, places = features.compute(frozen, features.views_of(pictures, n_views), **{**plain, **options})
    return np.asarray(values[places]).reshape(len(pictures), n_views, *values.shape[1:])


def pixels_of(pictures: Pictures) -> np.ndarray:
    return np.stack([picture.load(path, SIZE) for path in pictures.paths])


def part(pictures: Pictures, numbers: range) -> Pictures:
    chosen = list(numbers)
    return Pictures([pictures.names[k] for k in chosen], [pictures.paths[k] for k in chosen], pictures.labels[chosen])


def test_the_rows_are_in_the_order_of_the_pictures_and_equal_those_of_each_alone(frozen, pictures):
    values = computed(frozen, pictures)
    assert values.dtype == np.float32
    expected = np.asarray(frozen.prefix(pixels_of(pictures)))
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-5, atol=1e-6)


def test_what_trains_is_kept_in_half_the_bytes_with_an_error_below_a_thousandth(frozen, pictures):
    exact, quick = computed(frozen, pictures), computed(frozen, pictures, precision=engine.fast_precision())
    assert quick.dtype == (np.float32 if engine.fast_precision() == "float32" else np.float16)
    keras_in_half = frozen.prefix(pixels_of(pictures))
    halves = np.asarray(keras_in_half).astype(np.float16).astype(np.float32)
    assert np.linalg.norm(halves - np.asarray(keras_in_half)) < 1e-3 * np.linalg.norm(halves)
    assert np.linalg.norm(quick[:, 0].astype(np.float32) - exact[:, 0]) < 0.02 * np.linalg.norm(exact)


@pytest.mark.skipif(engine.fast_precision() == "float32", reason="everything is kept in float32 here")
def test_what_half_precision_would_spoil_is_kept_in_float32(frozen, pictures):
    large = keras.layers.Rescaling(1e6)(frozen.prefix.output)
    found = computed(
        replace(frozen, prefix=keras.Model(frozen.prefix.input, large), frontier="large"),
        pictures,
        precision="bfloat16",
    )
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max() > 70_000


def test_nothing_is_computed_twice(frozen, pictures, counted):
    first = computed(frozen, pictures)
    assert counted.pictures == N
    np.testing.assert_array_equal(computed(frozen, pictures), first)
    np.testing.assert_array_equal(computed(frozen, part(pictures, range(3, 9))), first[3:9])
    assert counted.pictures == N


def test_pictures_that_were_added_are_all_that_is_computed(frozen, pictures, counted):
    computed(frozen, part(pictures, range(30)))
    assert counted.pictures == 30
    expected = np.asarray(frozen.prefix(pixels_of(pictures)))
    np.testing.assert_allclose(computed(frozen, pictures)[:, 0], expected, rtol=1e-5, atol=1e-6)
    assert counted.pictures == N


def test_a_picture_under_two_labels_is_computed_once(frozen, pictures, counted):
    twice = Pictures(pictures.names[:2] * 2, pictures.paths[:2] * 2, np.array([0, 1, 1, 0]))
    values = computed(frozen, twice)
    assert counted.pictures == 2
    np.testing.assert_array_equal(values[:2], values[2:])


@pytest.mark.parametrize("change", ["weights_sha256", "frontier", "base"])
def test_another_network_never_gets_these_rows(frozen, pictures, counted, change):
    computed(frozen, pictures)
    computed(replace(frozen, **{change: "another"}), pictures)
    assert counted.pictures == 2 * N


def test_of_several_views_the_first_is_the_picture_itself_and_the_others_are_seeded(frozen, pictures):
    views = computed(frozen, pictures, 3, augmentation=EVERYTHING)
    alone = computed(frozen, pictures)
    other = computed(frozen, pictures, 3, augmentation=EVERYTHING.model_copy(update={"zoom": 0.3}))
    np.testing.assert_array_equal(views[:, 0], alone[:, 0])
    np.testing.assert_array_equal(other[:, 0], alone[:, 0])
    for index in range(N):
        flat = [views[index, 0], views[index, 1], views[index, 2], other[index, 1]]
        assert len({each.tobytes() for each in flat}) == 4
    view = features.views_of(pictures, 3)[7 * 3 + 2]
    seen = decoded.seen(pixels_of(pictures)[7], view, EVERYTHING)
    np.testing.assert_allclose(views[7, 2], np.asarray(frozen.prefix(seen[None]))[0], rtol=1e-5, atol=1e-6)


def test_a_view_depends_on_its_picture_alone_so_that_every_run_finds_it(frozen, pictures, counted):
    views = computed(frozen, pictures, 3, augmentation=EVERYTHING)
    assert counted.pictures == 3 * N
    fewer = computed(frozen, part(pictures, range(20, 30)), 2, augmentation=EVERYTHING)
    np.testing.assert_array_equal(fewer, views[20:30, :2])
    assert counted.pictures == 3 * N


def test_a_stop_is_seen_at_each_picture_and_what_was_finished_stays(frozen, pictures, counted):
    reported: list[tuple[int, int]] = []
    with pytest.raises(StopRequested):
        computed(
            frozen,
            pictures,
            progress=lambda done, total, _: reported.append((done, total)),
            stopped=lambda: len(reported) == 20,
        )
    assert reported[-1][0] <= 20
    assert {total for _, total in reported} == {N}
    computed(frozen, pictures)
    assert N <= counted.pictures < N + 20, "most of the 20 were not computed again"


def test_progress_begins_with_what_was_there_before(frozen, pictures):
    computed(frozen, part(pictures, range(30)))
    reported: list[tuple[int, int]] = []
    computed(frozen, pictures, progress=lambda done, total, _: reported.append((done, total)))
    assert reported[0][0] >= 30
    assert reported[-1] == (N, N)


def test_pixels_are_decoded_once_as_they_are(pictures, monkeypatch):
    def read() -> np.ndarray:
        rows = features.read_pixels(pictures, SIZE, progress=lambda *_: None, stopped=lambda: False)
        assert rows.labels is pictures.labels
        return rows.first()

    pixels = pixels_of(pictures)
    np.testing.assert_array_equal(read(), pixels)
    monkeypatch.setattr(picture, "load", lambda *_: pytest.fail("decoded again"))
    again = read()
    np.testing.assert_array_equal(again, pixels)
    assert again.dtype == np.uint8


def test_a_stop_is_seen_while_pictures_are_decoded(pictures):
    with pytest.raises(StopRequested):
        features.read_pixels(pictures, SIZE, progress=lambda *_: None, stopped=lambda: True)


def test_outputs_are_kept_up_to_the_limit_of_the_host(frozen, monkeypatch):
    row_bytes = 2 * int(np.prod(frozen.shape))
    monkeypatch.setenv("HEADSTART_MAX_FEATURE_BYTES", str(10 * row_bytes))
    settings.cache_clear()
    assert features.fits(frozen, 10)
    assert not features.fits(frozen, 11)


def test_outputs_are_not_kept_where_the_disk_is_slower_than_computing_them(frozen, monkeypatch):
    monkeypatch.setattr(features, "SMALL_BYTES", 0)
    monkeypatch.setattr(features, "disk_rate", lambda _: 1.0)
    assert not features.fits(frozen, 10)
    monkeypatch.setattr(features, "disk_rate", lambda _: 1e15)
    assert features.fits(frozen, 10)


def test_the_disks_rate_is_measured_and_leaves_nothing(tmp_path):
    assert space.disk_rate(tmp_path / "home") > 1e5
    assert not list((tmp_path / "home").iterdir())


def test_outputs_for_which_the_disk_has_no_room_are_refused_before_they_are_computed(
    frozen, pictures, monkeypatch, counted
):
    monkeypatch.setenv("HEADSTART_MIN_FREE_BYTES", str(10**18))
    settings.cache_clear()
    with pytest.raises(HeadstartError, match="outputs needs"):
        computed(frozen, pictures)
    assert counted.pictures == 0


def test_rows_that_were_thrown_out_are_computed_again(frozen, pictures, monkeypatch, counted):
    first = computed(frozen, pictures)
    monkeypatch.setenv("HEADSTART_MAX_CACHE_BYTES", "0")
    settings.cache_clear()
    cache.make_room()
    np.testing.assert_array_equal(computed(frozen, pictures), first)
    assert counted.pictures == 2 * N


def test_without_augmentation_no_view_differs(pictures):
    assert {view.number for view in features.views_of(pictures, 1)} == {0}
    assert not NO_AUGMENTATION.is_on


# Where OpenVINO fails


def raising(error: Exception) -> Callable[..., None]:
    def fails(*_: object, **__: object) -> None:
        raise error

    return fails


def _no_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.network.conversion._converted", raising(NameError("name 'tensorflow' is not defined")))


def _full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvino.save_model", raising(OSError(errno.ENOSPC, "No space left on device")))


def _no_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvino.Core.compile_model", raising(RuntimeError("no kernel")))


def _no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvino.AsyncInferQueue", raising(MemoryError()))


def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = cache.directory

    def refusing(facts: dict[str, object]):
        if "holds" in facts:
            raise PermissionError(errno.EROFS, "Read-only file system")
        return genuine(facts)

    monkeypatch.setattr(cache, "directory", refusing)


def _no_fifth_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    import openvino

    class Queue(openvino.AsyncInferQueue):
        given = 0

        def start_async(self, *arguments: object) -> None:
            Queue.given += 1
            if Queue.given == 5:
                raise RuntimeError("it went wrong")
            super().start_async(*arguments)

    monkeypatch.setattr("openvino.AsyncInferQueue", Queue)


def _does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvino.Core", raising(ImportError("libtbb.so.12: cannot open shared object file")))


def _ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvino.Core", raising(SystemExit("no licence")))


def _ends_itself_while_it_converts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.network.conversion._converted", raising(SystemExit(1)))


def _ends_itself_while_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openvino.AsyncInferQueue", raising(SystemExit(1)))


BREAKS = {
    _ends_itself: "(SystemExit: no licence)",
    _ends_itself_while_it_converts: "cannot convert this network (SystemExit: 1)",
    _ends_itself_while_it_computes: "failed while it computed (SystemExit: 1)",
    _no_conversion: "cannot convert",
    _full_disk: "No space left",
    _no_compilation: "cannot make this network ready",
    _no_queue: "MemoryError",
    _no_folder: "Read-only file system",
    _no_fifth_picture: "it went wrong",
    _does_not_start: "'make clean' and 'make run' install it again",
}
needs_openvino = pytest.mark.skipif(not engine.is_openvino(), reason="OpenVINO does not compute on this host")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process in which nothing has failed yet."""
    monkeypatch.setattr(engine, "_FAILURES", {})
    engine._started.cache_clear()
    yield
    engine._started.cache_clear()


def engines_of_rows() -> dict[str, int]:
    """Finished rows on disk by the engine that their key names."""
    found = {}
    for path in cache_directory().glob("*/index.bin"):
        found[cache.read_facts(path.parent)["engine"]] = path.stat().st_size // cache.RECORD.itemsize
    return found


@needs_openvino
@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: each.__name__.strip("_"))
def test_keras_computes_what_openvino_cannot_and_under_its_own_name(frozen, pictures, monkeypatch, broken):
    told: list[engine.EngineChoice] = []
    with monkeypatch.context() as patch:
        broken(patch)
        values = computed(frozen, pictures, precision="bfloat16", told=told.append)
        assert sentence(frozen.failure).startswith("Keras computes the frozen part, which is slower: OpenVINO")
        assert BREAKS[broken] in sentence(frozen.failure)
        assert not frozen.choose("bfloat16").is_openvino
    np.testing.assert_allclose(values[:, 0], np.asarray(frozen.prefix(pixels_of(pictures))), rtol=1e-5, atol=1e-6)
    assert told[-1].label == f"Keras {keras.__version__} on tensorflow, float32"
    by_keras = engines_of_rows().pop(told[-1].label)
    others = {label: rows for label, rows in engines_of_rows().items() if label != told[-1].label}
    assert by_keras == N
    assert all(rows < 5 for rows in others.values()), "only what it had really computed"


@needs_openvino
@pytest.mark.usefixtures("fresh")
def test_what_keras_computed_in_its_place_is_not_taken_for_openvinos_later(frozen, pictures, monkeypatch, counted):
    with monkeypatch.context() as patch:
        _no_conversion(patch)
        computed(frozen, pictures)
    assert counted.pictures == N
    engine._FAILURES.clear()  # as in the next process
    computed(frozen, pictures)
    assert counted.pictures == 2 * N
    assert sorted(engines_of_rows().values()) == [N, N]


@needs_openvino
@pytest.mark.usefixtures("fresh")
def test_a_failure_is_remembered_for_that_network_alone(frozen, pictures, monkeypatch):
    asked: list[object] = []

    def fails(path: object) -> None:
        asked.append(path)
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("core.network.conversion._converted", fails)
        computed(frozen, pictures)
        computed(frozen, pictures, n_views=2, augmentation=EVERYTHING, precision="bfloat16")
        assert len(asked) == 1
    other = replace(frozen, frontier="another")
    assert other.choose("float32").is_openvino and not other.failure
    computed(other, pictures)
    assert not other.failure


@needs_openvino
@pytest.mark.usefixtures("fresh")
def test_a_layer_that_openvino_does_not_know_is_left_to_keras(frozen, pictures):
    matrix = keras.layers.Reshape((6, 18))(keras.Input((SIZE, SIZE, 3)))
    tensor = keras.ops.linalg.svd(matrix, compute_uv=False)
    unknown = replace(frozen, prefix=keras.Model(matrix._keras_history.operation.input, tensor), frontier="svd")
    values = computed(unknown, pictures)
    assert re.search("cannot (convert|make)", sentence(unknown.failure))
    np.testing.assert_allclose(values[:, 0], np.asarray(unknown.prefix(pixels_of(pictures))), rtol=1e-3)


@needs_openvino
@pytest.mark.usefixtures("fresh")
def test_what_is_no_failure_of_the_engine_reaches_who_asked(frozen, pictures, monkeypatch):
    with pytest.raises(StopRequested):
        computed(frozen, pictures, stopped=lambda: True)
    pictures.paths[3].write_bytes(b"no picture")
    with pytest.raises(Exception, match="identify") as caught:
        computed(frozen, pictures)
    assert not isinstance(caught.value, EngineError)
    monkeypatch.setattr("core.disk.cache.Range.write", raising(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        computed(replace(frozen, frontier="another"), part(pictures, range(3)))
    assert frozen.failure is None


@needs_openvino
@pytest.mark.usefixtures("fresh")
def test_an_engine_on_trial_is_one_that_works(frozen, monkeypatch):
    _no_fifth_picture(monkeypatch)
    seen: dict[int, np.ndarray] = {}
    pixels = np.zeros((8, SIZE, SIZE, 3), np.uint8)
    frozen.trial("float32", pixels).run(iter(pixels), lambda number, values: seen.update({number: values.copy()}))
    assert len(seen) == 8
    assert "it went wrong" in sentence(frozen.failure)
    monkeypatch.setattr(features, "SMALL_BYTES", 0)
    monkeypatch.setattr(features, "disk_rate", lambda _: 1e15)
    assert features.fits(frozen, 10)
