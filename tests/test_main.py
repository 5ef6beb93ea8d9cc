"""The command line: `python -m core compare | check | doctor`, its exit codes and its one line of refusal."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from plans import ARMS

from core.__main__ import main
from core.disk.home import arm_directory
from core.disk.status import State, read_status
from core.settings import ROOT, settings

SCHEMA = {"schema", "experiment", "dataset", "arms", "difference", "pairs"}
ARM_KEYS = {
    *("label", "kind", "base", "frozen_blocks", "image_size", "accuracy", "interval", "confusion"),
    *("epochs", "trained_parameters", "seconds", "stopped", "proof"),
}
SECONDS = {"ingest", "features", "train", "evaluate", "total"}


@pytest.fixture
def small_zip(colours_zip: Callable[..., Path]) -> str:
    return str(colours_zip(2, 12))


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str], home: Path) -> Callable[..., str]:
    """A function that runs a command that must be refused and returns its one line, "error:" left off."""

    def run(*arguments: str, code: int = 2) -> str:
        assert main([*arguments]) == code
        printed = capsys.readouterr()
        assert printed.err.startswith("error: ")
        assert printed.err.count("\n") == 1, printed.err
        assert not printed.out
        assert not list(home.glob("datasets/*")), "a refused zip leaves nothing behind"
        assert not list(home.glob("experiments/*"))
        return printed.err.removeprefix("error: ").strip()

    return run


# compare


def result_of(compared) -> dict:
    return json.loads((compared.out / "result.json").read_text(encoding="utf-8"))


def test_compare_writes_every_key_of_the_contract(compared):
    result = result_of(compared)
    assert set(result) >= SCHEMA
    assert result["schema"] == 2
    assert set(result["dataset"]) >= {"images", "classes", "split"}
    assert set(result["difference"]) >= {"accuracy", "interval", "p_value", "verdict"}
    assert set(result["arms"]) == {"transfer", "scratch"}
    for entry in result["arms"].values():
        assert set(entry) >= ARM_KEYS
        assert set(entry["seconds"]) == SECONDS
        assert all(isinstance(value, float) and value >= 0 for value in entry["seconds"].values())


def test_what_compare_writes_speaks_of_this_data_and_these_choices(compared):
    result = result_of(compared)
    assert result["dataset"]["classes"] == ["earth", "grass", "water"]
    assert result["dataset"]["images"] == 36
    split = result["dataset"]["split"]
    assert sum(split.values()) == 36
    transfer, scratch = result["experiment"]["arms"]
    proof = result["arms"]["transfer"]["proof"]
    assert proof["seed"] == transfer["seed"] == scratch["seed"] == 5
    assert proof["frozen_unchanged"] is True
    assert len(proof["weights_sha256"]) == 64
    assert result["experiment"]["split_seed"] == 5
    assert transfer["base"] == scratch["base"] == "MobileNet"
    assert (transfer["frozen_blocks"], scratch["frozen_blocks"]) == (12, 0)
    assert transfer["head"]["dropout"] == scratch["head"]["dropout"] == 0.1
    assert transfer["image_size"] == scratch["image_size"] == 32
    for name, epochs in (("transfer", 3), ("scratch", 2)):
        entry = result["arms"][name]
        confusion = np.array(entry["confusion"])
        assert entry["epochs"] == epochs
        assert confusion.shape == (3, 3)
        assert confusion.sum() == split["test"]
        assert entry["accuracy"] == pytest.approx(np.trace(confusion) / split["test"])
        low, high = entry["interval"]
        assert 0 <= low <= entry["accuracy"] <= high <= 1


def test_the_seconds_of_the_phases_are_parts_of_the_total_and_ingest_counts_once(compared):
    arms = result_of(compared)["arms"]
    assert arms["transfer"]["seconds"]["ingest"] > 0
    assert arms["scratch"]["seconds"]["ingest"] == 0.0
    for entry in arms.values():
        seconds = entry["seconds"]
        assert min(seconds[key] for key in ("features", "train", "evaluate")) > 0
        assert sum(seconds[key] for key in SECONDS - {"total"}) <= seconds["total"]


def test_compare_prints_a_table_with_both_arms_and_where_the_result_is(compared):
    assert "Transfer learning" in compared.printed
    assert "From scratch" in compared.printed
    assert str(compared.out / "result.json") in compared.printed


def test_without_an_opponent_scratch_and_difference_are_null(small_zip, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # where the result goes if no folder is chosen
    assert main(["compare", small_zip, "--baseline", "none", "--epochs", "2", "--image-size", "32"]) == 0
    (written,) = tmp_path.glob("headstart-*/result.json")
    result = json.loads(written.read_text(encoding="utf-8"))
    assert set(result) >= SCHEMA
    assert result["arms"]["scratch"] is None
    assert result["difference"] is None
    assert [arm["name"] for arm in result["experiment"]["arms"]] == ["transfer"]
    assert result["arms"]["transfer"]["epochs"] == 2
    assert result["arms"]["transfer"]["trained_parameters"] == 1024 + 1025 * 256 + 257
    assert "From scratch" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--epochs", "0"], r"training\.epochs: .*Received: 0"),
        (["--epochs", "many"], "--epochs: invalid int value: 'many'"),
        (["--baseline-epochs", "-3"], r"scratch\.training\.epochs: .*Received: -3"),
        (["--base", "LeNet"], "Expected a base out of MobileNet, .*Received: LeNet"),
        (["--freeze", "15"], "MobileNet has 14 blocks to freeze. Received: frozen_blocks=15"),
        (["--freeze", "some"], "--freeze: expected 'all' or a number .*Received: some"),
        (["--freeze=-1"], "--freeze: expected 'all' or a number .*Received: -1"),
        (["--dropout", "1"], r"head\.dropout: .*Received: 1"),
        (["--image-size", "16"], "image_size: .*Received: 16"),
        (["--base", "InceptionV3", "--image-size", "64"], "InceptionV3 needs pictures of at least 75 px"),
        (["--seed", "-1"], "seed: .*Received: -1"),
        (["--baseline", "best"], "invalid choice: 'best'"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_choice_is_refused_before_the_pictures_are_read(options, says, refusal, small_zip):
    assert re.search(says, refusal("compare", small_zip, *options))


@pytest.mark.parametrize("command", ["compare", "check"])
def test_a_wrong_input_is_refused_in_one_line(command, refusal, zip_of, tmp_path):
    text = tmp_path / "notes.zip"
    text.write_text("not a zip")
    assert "Expected a zip" in refusal(command, str(text))
    assert "nothing there" in refusal(command, str(tmp_path / "missing.zip"))
    assert "a folder" in refusal(command, str(tmp_path))
    assert "Found 1 ('cats')" in refusal(command, str(zip_of({"cats/": 5}, "one.zip")))
    assert refusal(command, str(zip_of({"cats/": 2, "dogs/": 9}, "few.zip")))
    assert refusal(command, str(zip_of({"cats/a.txt": b"a", "dogs/b.txt": b"b"}, "none.zip")))


def test_a_command_that_is_missing_or_unknown_is_refused(refusal):
    assert "compare|check|doctor" in refusal()
    assert "invalid choice: 'train'" in refusal("train")
    assert "zip" in refusal("check")


def test_a_folder_for_the_result_that_cannot_be_written_is_refused_before_anything_is_trained(
    refusal, small_zip, tmp_path
):
    (tmp_path / "file").touch()
    said = refusal("compare", small_zip, "--out", str(tmp_path / "file" / "out"))
    assert said.startswith("--out: expected a folder that can be written.")


def test_what_cannot_fit_into_memory_is_refused_with_what_to_lower(small_zip, capsys, home, monkeypatch):
    monkeypatch.setenv("HEADSTART_MEMORY_BYTES", str(2**29))
    settings.cache_clear()
    assert main(["compare", small_zip]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: The from-scratch arm would need")
    assert printed.count("\n") == 1
    assert "Lower the batch size or the picture size. What would fit: " in printed
    assert not list(home.glob("datasets/*"))


def test_a_failed_arm_ends_compare_with_what_it_said_and_where_its_log_is(
    small_zip, tmp_path, home, monkeypatch, capsys
):
    own = tmp_path / "weights"
    own.mkdir()
    (own / "mobilenet_1_0_224_tf_no_top.h5").write_bytes(b"no HDF5")
    monkeypatch.setenv("HEADSTART_WEIGHTS", str(own))
    settings.cache_clear()
    out = tmp_path / "out"
    assert main(["compare", small_zip, "--epochs", "1", "--image-size", "32", "--out", str(out)]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "error: The transfer arm failed: The file" in last
    log = next(home.glob("experiments/*/transfer/log.txt"))
    assert str(log) in last
    assert not (out / "result.json").exists()


# check


def test_check_lists_classes_split_and_problems_and_keeps_nothing(zip_of, capsys, home):
    path = zip_of({"cats/": 8, "dogs/": 6, "cats/broken.jpg": b"no picture"})
    assert main(["check", str(path)]) == 0
    printed = capsys.readouterr()
    assert "14 pictures in 2 classes" in printed.out
    assert "cats" in printed.out
    assert "broken.jpg" in printed.out
    assert not printed.err
    assert not list(home.glob("datasets/*"))


def test_check_needs_neither_a_browser_nor_keras_and_its_exit_code_reaches_the_shell(small_zip, tmp_path, home):
    code = "import sys; from core.__main__ import main; assert main(['check', sys.argv[1]]) == 0; "
    code += "assert not {'keras', 'tensorflow', 'streamlit'} & set(sys.modules); sys.exit(main(['check', sys.argv[2]]))"
    command = [sys.executable, "-c", code, small_zip, str(tmp_path / "missing.zip")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "24 pictures in 2 classes" in done.stdout
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert not list(home.glob("datasets/*"))


# doctor


def test_doctor_says_what_this_host_has(capsys, home):
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert "Keras 3." in printed
    assert "GB for one arm" in printed
    assert str(home) in printed
    assert "mobilenet_1_0_224_tf.fp16.h5" in printed
    assert "not on this host; " in printed


def test_doctor_lists_every_setting_and_what_takes_the_disk_the_largest_first(capsys, home, monkeypatch):
    (home / "datasets").mkdir()
    (home / "datasets" / "a").write_bytes(b"x" * 5_000_000)
    (home / "cache").mkdir()
    (home / "cache" / "rows").write_bytes(b"x" * 2_000_000)
    monkeypatch.setenv("HEADSTART_MAX_ENTRIES", "77")
    settings.cache_clear()
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert all(f"HEADSTART_{name.upper()} " in printed for name in type(settings()).model_fields)
    assert re.search(r"HEADSTART_MAX_ENTRIES +77, set\n", printed)
    assert re.search(r"HEADSTART_STORED_SIDE +512\n", printed)
    listed = printed[printed.index("\nDisk\n") :].splitlines()
    assert listed[2].startswith("  pictures of data sets")
    assert "5.0 MB" in listed[2]
    assert listed[3].startswith("  the cache")


def test_doctor_says_that_keras_is_missing(capsys, monkeypatch):
    monkeypatch.setattr("core.__main__.ASK_KERAS", "import a_module_that_is_not_there")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr()
    assert "cannot be imported: ModuleNotFoundError" in printed.out
    assert printed.err.startswith("error: Keras must be importable")


def test_the_help_names_every_command_and_ends_well(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert {"compare", "check", "doctor"} <= set(capsys.readouterr().out.split())


def test_both_arms_of_compare_lie_where_the_app_finds_them(compared):
    for arm in ARMS:
        status = read_status(arm_directory(compared.experiment_id, arm))
        assert status
        assert status.state is State.DONE


def test_doctor_tells_what_was_set_from_what_the_profile_says(capsys, monkeypatch):
    main(["doctor"])
    assert re.search(r"HEADSTART_PROFILE +host\n", capsys.readouterr().out)
    monkeypatch.setenv("HEADSTART_PROFILE", "cloud")
    monkeypatch.setenv("HEADSTART_MAX_ENTRIES", "77")
    settings.cache_clear()
    main(["doctor"])
    printed = capsys.readouterr().out
    assert re.search(r"HEADSTART_PROFILE +cloud, set\n", printed)
    assert re.search(r"HEADSTART_MAX_ENTRIES +77, set\n", printed)
    assert re.search(r"HEADSTART_MAX_UPLOAD_MEGABYTES +100, by the profile\n", printed)
