"""A report as tables: every number is one of the arms' own notes."""

from collections.abc import Callable

from core.disk.files import write_json
from core.disk.home import arm_directory
from core.disk.record import read_json
from core.display import tables
from core.report import report, scores


def test_the_classes_have_all_measures_of_both_arms(finished_experiment: Callable[..., str]):
    read = report.read(finished_experiment())
    table = tables.classes(read)
    expected = scores.per_class(read.arms["scratch"].predictions, read.dataset.classes)
    assert table["From scratch, recall"].tolist() == expected["recall"].tolist()
    assert table["test pictures"].sum() == read.arms["scratch"].score.n
    assert len(table.columns) == 8


def test_the_cost_is_what_the_arms_noted(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    facts = read_json(arm_directory(experiment_id, "scratch") / "arm.json")
    cost = tables.cost(report.read(experiment_id)).set_index("what")["From scratch"]
    assert cost["Time in all"] == f"{facts['seconds']['total']:.1f} s"
    assert cost["Trained parameters"] == "3,211,076"
    assert cost["Epochs run"] == "12"


def test_the_proof_names_weights_frozen_parts_and_the_reloaded_file(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    path = arm_directory(experiment_id, "transfer") / "arm.json"
    write_json(path, read_json(path) | {"frozen_unchanged": False})
    proof = tables.proof(report.read(experiment_id)).set_index("what")
    assert proof["Transfer"]["Pretrained weights, SHA-256"] == "ab" * 32
    assert proof["From scratch"]["Pretrained weights, SHA-256"] == "none, random at the start"
    assert proof["Transfer"]["Frozen weights unchanged by the training"] == "no"
    assert proof["From scratch"]["Frozen weights unchanged by the training"] == "nothing is frozen"
    checked = proof["Transfer"]["The saved file, loaded again, answers the same"]
    assert checked == "yes: 25 pictures, probabilities at most 0.000002 apart"


def test_the_proof_says_why_keras_computed_where_openvino_should(finished_experiment: Callable[..., str]):
    experiment_id = finished_experiment()
    path = arm_directory(experiment_id, "transfer") / "arm.json"

    def said(**facts: str) -> str:
        write_json(path, read_json(path) | facts)
        return tables.proof(report.read(experiment_id)).set_index("what")["Transfer"]["Engine of the frozen part"]

    reason = "OpenVINO cannot convert this network (NameError)"
    assert said(features_engine="OpenVINO 2026.4, bfloat16") == "OpenVINO 2026.4, bfloat16"
    assert said(openvino_failure=reason) == (
        f"OpenVINO 2026.4, bfloat16; for the scores Keras, because OpenVINO failed: {reason}"
    )
    assert said(features_engine="Keras 3.15, float32") == f"Keras 3.15, float32, because OpenVINO failed: {reason}"


def test_an_arm_without_scores_has_no_column(finished_experiment: Callable[..., str]):
    read = report.read(finished_experiment(arms=("transfer",)))
    assert list(tables.cost(read).columns) == ["what", "Transfer"]
