import csv
import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from plans import planned

from core.cli import outcome
from core.disk.home import experiment_directory, new_id
from core.display import tables
from core.errors import HeadstartError, InputError, RunError
from core.plan.arm import ArmKind
from core.plan.experiment import Experiment
from core.plan.experiments import read_experiment, read_split
from core.plan.facts import QuickCheck
from core.plan.labels import ArmLabel
from core.report import comparison, report, result, scores
from core.report.verdict import Verdict
from core.settings import ROOT

CLASSES = ("bee", "cat", "dog")
TRANSFER, SCRATCH = (ArmLabel(kind) for kind in ArmKind)
BOTH_RIGHT = {"transfer": 0.95, "scratch": 0.8}


def answers(pairs: list[tuple[str, str]], classes: tuple[str, ...] = CLASSES) -> pd.DataFrame:
    """Predictions on test pictures from (true, predicted); the answer's probability rises with each row."""
    rows = [
        {"picture": f"{number:03d}", "part": "test", "true": true, "predicted": predicted}
        | {f"p_{label}": (0.5 + number / 1000) if label == predicted else 0.1 for label in classes}
        for number, (true, predicted) in enumerate(pairs)
    ]
    return pd.DataFrame(rows)


def paired(both: int, only_transfer: int, only_scratch: int, neither: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both arms' predictions on two balanced classes with so many pictures of each outcome."""
    outcomes = [(1, 1)] * both + [(1, 0)] * only_transfer + [(0, 1)] * only_scratch + [(0, 0)] * neither
    labels = ["cat" if number % 2 else "dog" for number in range(len(outcomes))]
    other = {"cat": "dog", "dog": "cat"}
    first, second = (
        answers(
            [(label, label if right[arm] else other[label]) for label, right in zip(labels, outcomes, strict=True)],
            ("cat", "dog"),
        )
        for arm in (0, 1)
    )
    return first, second


def said(text: str) -> str:
    return text.replace("\xa0", " ")


# ---- one arm --------------------------------------------------------------------------------------------------------


def test_a_score_counts_what_was_answered_as_what():
    pairs = [("bee", "bee"), ("bee", "cat"), ("cat", "cat"), ("cat", "cat"), ("cat", "dog"), ("dog", "bee")]
    score = scores.score(answers(pairs), CLASSES)
    assert score.confusion.tolist() == [[1, 1, 0], [0, 2, 1], [1, 0, 0]]
    assert (score.n, score.correct, score.accuracy) == (6, 3, 0.5)
    assert (score.largest_class, score.largest_class_accuracy) == ("cat", 0.5)
    assert not score.is_above_largest_class


def test_a_class_that_nobody_answers_keeps_its_place_in_the_matrix():
    score = scores.score(answers([("bee", "bee"), ("dog", "bee")]), CLASSES)
    assert score.confusion.tolist() == [[1, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_only_the_test_part_is_scored():
    rows = answers([("bee", "bee"), ("cat", "dog"), ("dog", "dog")])
    rows.loc[1, "part"] = "validation"
    assert scores.score(rows, CLASSES).accuracy == 1.0


def test_an_arm_without_test_pictures_is_refused():
    rows = answers([("bee", "bee")]).assign(part="validation")
    with pytest.raises(RunError, match="found none"):
        scores.score(rows, CLASSES)


def test_precision_recall_and_f1_of_a_class_are_counted_by_hand():
    pairs = [("bee", "bee")] * 3 + [("bee", "cat")] + [("cat", "bee")] * 2 + [("cat", "cat")] * 4
    frame = scores.per_class(answers(pairs), CLASSES)
    assert frame["class"].tolist() == list(CLASSES)
    bee, cat, dog = frame.drop(columns="class").to_numpy()
    assert bee == pytest.approx([3 / 5, 3 / 4, 2 * 0.6 * 0.75 / 1.35, 4])
    assert cat == pytest.approx([4 / 5, 4 / 6, 2 * 0.8 * (4 / 6) / (0.8 + 4 / 6), 6])
    assert dog == pytest.approx([0, 0, 0, 0])


def test_a_cell_holds_its_pictures_with_the_surest_mistake_first():
    pairs = [("bee", "cat"), ("bee", "bee"), ("bee", "cat"), ("cat", "cat"), ("bee", "cat")]
    frame = scores.cell(answers(pairs), "bee", "cat")
    assert frame["picture"].tolist() == ["004", "002", "000"]
    assert frame["probability"].tolist() == pytest.approx([0.504, 0.502, 0.5])
    assert scores.cell(answers(pairs), "dog", "cat").empty


def test_the_cell_that_both_arms_mix_up_most_is_found():
    first = scores.score(answers([("bee", "cat")] * 2 + [("cat", "dog")] * 3), CLASSES)
    second = scores.score(answers([("bee", "cat")] * 3 + [("cat", "cat")] * 9), CLASSES)
    assert scores.most_mixed_up([first, second], CLASSES) == ("bee", "cat")
    assert scores.most_mixed_up([scores.score(answers([("cat", "cat")]), CLASSES)], CLASSES) == ("bee", "bee")


# ---- two arms -------------------------------------------------------------------------------------------------------


def test_transfer_better_is_said_with_the_numbers_in_it():
    found = comparison.compare(*paired(16, 9, 0, 1), ("cat", "dog"))
    assert found.verdict is Verdict.TRANSFER
    assert found.p_value == pytest.approx(2 / 2**9)
    assert found.difference == pytest.approx(9 / 26)
    assert found.sentence == (
        "Transfer learning: 25 of 26 right. From scratch: 16 of 26. A clear win for transfer learning."
    )
    assert said(comparison.margin(found.interval, 26)) == (
        "With 95 % confidence transfer learning is 15 to 54 points better."
    )


def test_scratch_better_is_said_as_plainly():
    found = comparison.compare(*paired(60, 2, 20, 18), ("cat", "dog"))
    assert found.verdict is Verdict.SCRATCH
    assert found.sentence == (
        "Transfer learning: 62 of 100 right. From scratch: 80 of 100. A clear win for training from scratch."
    )
    low, high = found.interval
    assert low < high < 0


def test_no_difference_shown_is_said_with_the_interval():
    found = comparison.compare(*paired(380, 10, 8, 2), ("cat", "dog"))
    assert found.verdict is Verdict.NO_DIFFERENCE
    assert found.sentence == "Transfer learning: 390 of 400 right. From scratch: 388 of 400. No difference shown."
    assert said(comparison.margin(found.interval, 400)) == (
        "With 95 % confidence transfer learning is 2 points worse to 2 points better."
    )


def test_too_few_test_pictures_are_called_that():
    found = comparison.compare(*paired(12, 4, 1, 3), ("cat", "dog"))
    assert found.verdict is Verdict.TOO_FEW
    assert found.sentence.endswith("of 20. Too few test pictures to say which is better.")


def test_arms_that_are_right_on_the_same_pictures_need_no_interval():
    found = comparison.compare(*paired(95, 0, 0, 5), ("cat", "dog"))
    assert found.interval == (0.0, 0.0)
    assert found.sentence.endswith(" No difference shown: both are right on the same pictures.")
    assert comparison.margin(found.interval, 100) == (
        "The interval of the difference has no width: no picture tells the two apart."
    )


def test_arms_may_list_their_pictures_in_any_order():
    transfer, scratch = paired(16, 9, 0, 1)
    shuffled = scratch.sample(frac=1, random_state=3)
    assert comparison.compare(transfer, shuffled, ("cat", "dog")).p_value == pytest.approx(2 / 2**9)


def test_a_picture_under_two_labels_counts_once_for_each():
    rows = answers([("bee", "bee"), ("cat", "bee"), ("dog", "dog")])
    rows["picture"] = ["same", "same", "other"]
    found = comparison.compare(rows, rows[::-1], CLASSES)
    assert found.transfer.n == found.scratch.n == 3
    assert found.difference == 0.0


@pytest.mark.parametrize("change", [{"picture": "another"}, {"true": "bee"}])
def test_refuses_to_compare_two_different_test_parts(change):
    transfer, scratch = paired(5, 1, 1, 1)
    scratch = scratch.assign(**{key: scratch[key].mask(scratch.index == 2, value) for key, value in change.items()})
    with pytest.raises(HeadstartError, match="same test pictures.*Found 8 and 8, of which 7 agree"):
        comparison.compare(transfer, scratch, ("bee", "cat", "dog"))


def test_refuses_arms_of_different_size():
    transfer, scratch = paired(5, 1, 1, 1)
    with pytest.raises(HeadstartError, match="Found 8 and 7"):
        comparison.compare(transfer, scratch[:-1], ("cat", "dog"))


def test_an_arm_not_above_the_largest_class_is_called_that():
    score = scores.score(answers([("cat", "cat")] * 6 + [("dog", "cat")] * 4), CLASSES)
    assert [said(line) for line in comparison.below_the_line({SCRATCH: score})] == [
        "From scratch is not above the line: always answering “cat” would be right on 60 %."
    ]


def test_an_arm_whose_interval_holds_the_line_has_shown_nothing():
    """53 of 100 against 50 of 100 is what random labels give."""
    right = [("cat", "cat")] * 27 + [("dog", "dog")] * 26
    score = scores.score(answers(right + [("cat", "dog")] * 23 + [("dog", "cat")] * 24), CLASSES)
    assert not score.is_above_largest_class
    assert [said(line) for line in comparison.below_the_line({TRANSFER: score})] == [
        "Transfer learning is not shown to be above the line: always answering “cat” would be right on 50 %, "
        "which lies within its interval of 43 to 62 %."
    ]
    clear = scores.score(answers([("cat", "cat")] * 40 + [("dog", "dog")] * 40 + [("dog", "cat")] * 20), CLASSES)
    assert comparison.below_the_line({TRANSFER: clear}) == []


# ---- an experiment --------------------------------------------------------------------------------------------------


def test_result_has_every_key_of_the_contract(finished_experiment):
    found = result.result(finished_experiment())
    assert list(found) == ["schema", "experiment", "dataset", "arms", "difference", "pairs"]
    assert found["schema"] == 2
    assert set(found["dataset"]) == {"images", "classes", "split"}
    assert set(found["dataset"]["split"]) == {"train", "validation", "test"}
    assert set(found["arms"]) == {"transfer", "scratch"}
    of_the_plan = {"label", "kind", "base", "frozen_blocks", "image_size"}
    of_the_run = {"accuracy", "interval", "confusion", "epochs", "trained_parameters", "seconds", "stopped", "proof"}
    for entry in found["arms"].values():
        assert set(entry) == of_the_plan | of_the_run
        assert set(entry["proof"]) == {"weights_sha256", "frozen_unchanged", "seed", "versions", "device"}
        assert set(entry["seconds"]) == {"ingest", "features", "train", "evaluate", "total"}
        assert all(type(seconds) is float for seconds in entry["seconds"].values())
    assert set(found["difference"]) == {"accuracy", "interval", "p_value", "verdict"}
    (pair,) = found["pairs"]
    assert pair == {"a": "transfer", "b": "scratch", **found["difference"], "p_holm": pair["p_value"]}
    assert json.loads(json.dumps(found, allow_nan=False)) == found  # plain JSON values, nothing of NumPy


def test_result_says_what_the_files_say(finished_experiment):
    experiment_id = finished_experiment({"zebra": 30, "ant": 20})
    found = result.result(experiment_id)
    assert found["dataset"] == {
        "images": 50,
        "classes": ["ant", "zebra"],
        "split": read_split(experiment_id)["part"].value_counts().to_dict(),
    }
    confusion = np.array(found["arms"]["transfer"]["confusion"])
    assert confusion.sum() == found["dataset"]["split"]["test"]
    assert found["arms"]["transfer"]["accuracy"] == np.trace(confusion) / confusion.sum()
    assert found["difference"]["accuracy"] == pytest.approx(
        found["arms"]["transfer"]["accuracy"] - found["arms"]["scratch"]["accuracy"]
    )
    transfer, scratch = found["arms"]["transfer"], found["arms"]["scratch"]
    assert (transfer["label"], transfer["kind"], transfer["frozen_blocks"]) == ("Transfer learning", "transfer", 14)
    assert (scratch["label"], scratch["kind"], scratch["frozen_blocks"]) == ("From scratch", "scratch", 0)
    assert (transfer["image_size"], scratch["image_size"]) == (224, 128)
    assert transfer["proof"]["weights_sha256"] == "ab" * 32
    assert (transfer["proof"]["frozen_unchanged"], scratch["proof"]["frozen_unchanged"]) == (True, None)
    assert found["arms"]["scratch"]["epochs"] == 12


def test_reading_the_pictures_in_counts_in_the_first_arm_only(finished_experiment):
    experiment_id = finished_experiment()
    ingest = report.read(experiment_id).dataset.seconds
    transfer, scratch = (result.result(experiment_id)["arms"][arm]["seconds"] for arm in ("transfer", "scratch"))
    assert ingest > 0
    assert (transfer["ingest"], scratch["ingest"]) == (ingest, 0.0)
    assert transfer["total"] == pytest.approx(10.0 + ingest)
    assert scratch["total"] == 50.5


def test_result_can_be_passed_on_without_the_way_to_the_pictures(finished_experiment):
    workspace = new_id()
    experiment_id = finished_experiment(workspace=workspace)
    text = json.dumps(result.result(experiment_id))
    assert workspace not in text
    assert read_experiment(experiment_id).dataset not in text
    assert Experiment.model_validate(json.loads(text)["experiment"]).dataset_name == "Noise"


def test_without_an_opponent_scratch_and_difference_are_null(finished_experiment):
    experiment_id = finished_experiment(is_alone=True)
    found = result.result(experiment_id)
    assert (found["arms"]["scratch"], found["difference"], found["pairs"]) == (None, None, [])
    read = report.read(experiment_id)
    assert read.comparison is None
    assert read.sentence.endswith(" right. There is no other arm's score to compare with.")
    assert said(read.margin).startswith("With 95 % confidence it would be right on ")


def test_an_arm_stopped_before_its_first_epoch_has_no_scores(finished_experiment):
    experiment_id = finished_experiment(arms=("scratch",))
    found = result.result(experiment_id)
    assert (found["arms"]["transfer"], found["difference"]) == (None, None)
    assert found["arms"]["scratch"]["proof"]["device"] == "CPU, 2 cores"
    assert report.read(experiment_id).sentence.startswith("From scratch: ")


def test_an_experiment_without_any_score_has_a_result_all_the_same(finished_experiment):
    experiment_id = finished_experiment(arms=())
    found = result.result(experiment_id)
    assert found["arms"] == {"transfer": None, "scratch": None}
    assert (found["difference"], found["pairs"]) == (None, [])
    assert report.read(experiment_id).sentence == "There are no scores yet, so there is nothing to compare."
    assert outcome.table(found) == "There are no scores yet, so there is nothing to compare."
    assert result.predictions_csv(experiment_id).startswith("name,true,arm,predicted,p_bird")


def test_a_stopped_arm_is_compared_and_marked(finished_experiment):
    experiment_id = finished_experiment(stopped=("scratch",), right=BOTH_RIGHT)
    found = result.result(experiment_id)
    assert (found["arms"]["transfer"]["stopped"], found["arms"]["scratch"]["stopped"]) == (False, True)
    assert found["difference"] is not None
    assert report.read(experiment_id).remarks == [
        "From scratch was stopped early; its best epoch until then is scored."
    ]
    assert "From scratch (stopped)" in outcome.table(found)


def test_arms_without_mistakes_have_no_remarks(finished_experiment):
    assert report.read(finished_experiment(right=BOTH_RIGHT)).remarks == []


def test_refuses_an_experiment_that_is_not_there():
    with pytest.raises(InputError, match="found none"):
        result.result(new_id())


def test_the_report_process_writes_the_result_without_keras(finished_experiment):
    experiment_id = finished_experiment()
    path = experiment_directory(experiment_id) / "result.json"
    path.unlink()
    script = "import runpy, sys; runpy.run_module('core.report.report', run_name='__main__')"
    command = [sys.executable, "-m", "core.tasks.report", str(path.parent), "when-told"]
    assert subprocess.run(command, cwd=ROOT, input=b"", check=False, timeout=60).returncode == 1
    assert not path.exists(), "nobody has told it"
    subprocess.run(command, cwd=ROOT, input=b"\n", check=True, timeout=60)
    assert json.loads(path.read_text(encoding="utf-8")) == result.result(experiment_id)
    checked = f"import sys; sys.argv = ['report', {str(path.parent)!r}]\ntry:\n    {script}\nexcept SystemExit: pass\n"
    loaded = f"{checked}assert not {{'keras', 'tensorflow', 'openvino', 'streamlit'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=True, timeout=60)


def test_the_report_process_says_in_one_line_what_is_wrong(home):
    command = [sys.executable, "-m", "core.tasks.report", str(home / "experiments" / new_id())]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: Expected the link of an experiment")
    assert len(ended.stderr.splitlines()) == 1


def test_the_table_shows_both_arms_and_ends_with_the_verdict(finished_experiment):
    experiment_id = finished_experiment(right=BOTH_RIGHT)
    lines = said(outcome.table(result.result(experiment_id))).splitlines()
    assert lines[0].split() == ["Transfer", "learning", "From", "scratch"]
    assert next(line.split() for line in lines if line.startswith("trained parameters"))[-2:] == ["4,100", "3,211,076"]
    assert "Transfer learning: a row is the true class, a column the answer" in lines
    known = report.read(experiment_id)
    assert lines[-1] == said(f"{known.sentence} {known.margin}")


def test_the_table_leaves_out_large_matrices(finished_experiment):
    experiment_id = finished_experiment({f"class{number:02d}": 6 for number in range(11)})
    assert "a row is the true class" not in outcome.table(result.result(experiment_id))


# ---- CSV ------------------------------------------------------------------------------------------------------------


def test_the_csv_has_a_row_a_picture_and_arm_under_the_pictures_own_names(finished_experiment):
    experiment_id = finished_experiment()
    rows = list(csv.DictReader(io.StringIO(result.predictions_csv(experiment_id))))
    read = report.read(experiment_id)
    assert len(rows) == 2 * read.arms["transfer"].score.n
    assert all(row["name"].startswith(f"{row['true']}/") for row in rows)
    assert [row["arm"] for row in rows[:2]] == ["transfer", "scratch"]
    right = sum(row["true"] == row["predicted"] for row in rows if row["arm"] == "scratch")
    assert right == read.arms["scratch"].score.correct
    probabilities = [[float(row[f"p_{label}"]) for label in read.dataset.classes] for row in rows]
    assert np.sum(probabilities, axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_no_cell_of_the_csv_is_a_formula(finished_experiment, start):
    evil = f"{start}HYPERLINK(1)"
    experiment_id = finished_experiment({evil: 8, "fair": 8})
    rows = list(csv.reader(io.StringIO(result.predictions_csv(experiment_id))))
    assert any(f"'{evil}" in row for row in rows)
    assert not [text for row in rows for text in row if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "=1"])
def test_cells_that_begin_with_a_tab_or_a_line_break_are_safe_too(text, finished_experiment, monkeypatch):
    experiment_id = finished_experiment()
    read = report.read(experiment_id)
    renamed = read.dataset.pictures.assign(name=text)
    object.__setattr__(read.dataset, "pictures", renamed)
    monkeypatch.setattr(result, "read", lambda _: read)
    names = [row[0] for row in csv.reader(io.StringIO(result.predictions_csv(experiment_id), newline=""))][1:]
    assert set(names) == {f"'{text}"}


def test_outputs_that_were_too_quick_to_be_exact_are_spoken_of(finished_experiment):
    known = report.read(finished_experiment()).arms["transfer"].facts

    def said(check: QuickCheck | None) -> str:
        return comparison.far_from_exact(TRANSFER, known.model_copy(update={"fast_check": check}))

    check = QuickCheck(pictures=400, answers_differ=5, largest_difference=0.3, passed=False)
    assert "Transfer learning was trained on quick outputs" in said(check)
    assert "5 of 400 test pictures" in said(check)
    assert not said(check.model_copy(update={"passed": True}))
    assert not said(None)


# ---- any number of arms


@pytest.fixture
def of_three(finished_experiment) -> str:
    """An experiment with a second transfer arm, which stands first but for the one from scratch."""
    transfer, scratch = planned().arms
    unfrozen = transfer.model_copy(update={"name": "all-trained", "frozen_blocks": 0})
    right = {"scratch": 0.5, "all-trained": 0.9, "transfer": 0.7}
    return finished_experiment(of_arms=(scratch, unfrozen, transfer), right=right)


def test_with_three_arms_the_verdict_is_of_the_first_of_each_kind_and_every_pair_is_in_the_result(of_three):
    found = result.result(of_three)
    assert list(found["arms"]) == ["transfer", "scratch", "all-trained"]
    assert found["arms"]["all-trained"]["label"] == "Transfer learning, all blocks trained"
    assert found["arms"]["transfer"]["label"] == "Transfer learning, all blocks frozen"
    accuracies = {name: entry["accuracy"] for name, entry in found["arms"].items()}
    assert found["difference"]["accuracy"] == accuracies["all-trained"] - accuracies["scratch"]
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [
        ("scratch", "all-trained"),
        ("scratch", "transfer"),
        ("all-trained", "transfer"),
    ]
    for pair in found["pairs"]:
        assert pair["accuracy"] == accuracies[pair["a"]] - accuracies[pair["b"]]
        assert pair["p_holm"] >= pair["p_value"]
    assert found["pairs"][0]["verdict"] == "all-trained better"


def test_with_three_arms_one_without_scores_is_null_and_in_no_pair(of_three):
    (experiment_directory(of_three) / "all-trained" / "predictions.parquet").unlink()
    found = result.result(of_three)
    assert found["arms"]["all-trained"] is None
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [("scratch", "transfer")]
    assert found["difference"] is None, "the first transfer arm has no scores"
    assert "There is no other arm's score" not in outcome.table(found)


def test_with_three_arms_table_answers_and_remarks_have_all_of_them(of_three):
    table = said(outcome.table(result.result(of_three)))
    assert "From scratch Transfer learning, all blocks trained Transfer learning, all blocks frozen" in " ".join(
        table.split()
    )
    assert table.count("a row is the true class") == 3
    rows = pd.read_csv(io.StringIO(result.predictions_csv(of_three)))
    assert set(rows["arm"]) == {"scratch", "all-trained", "transfer"}
    assert len(tables.cost(report.read(of_three)).columns) == 4
