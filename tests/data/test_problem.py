import json
from dataclasses import asdict

from core.data.findings import problem
from core.data.findings.problem import ProblemKind, Severity
from core.words.said import say


def test_every_kind_has_its_severity():
    assert {*problem.SEVERITIES} == {*ProblemKind}


def test_nothing_found_is_no_problem():
    assert problem.found(ProblemKind.DUPLICATE, []) == []


def test_a_title_counts_what_was_found():
    (one,) = problem.found(ProblemKind.UNREADABLE, ["a"])
    (many,) = problem.found(ProblemKind.UNREADABLE, (str(number) for number in range(1200)))
    assert one.title == "1 picture cannot be read"
    assert many.title == "1,200 pictures cannot be read"
    assert len(many.names) == 1200


def test_only_two_labels_for_one_picture_or_near_copies_are_red():
    red = [kind for kind, severity in problem.SEVERITIES.items() if severity is Severity.ERROR]
    assert red == [ProblemKind.TWO_LABELS, ProblemKind.NEAR_TWO_LABELS]


def test_at_most_twenty_names_are_written_out():
    (few,) = problem.found(ProblemKind.MISSING, ["a", "b"])
    assert problem.lines(few)[:3] == ["2 rows of the table name no picture of the zip.", "  a", "  b"]
    assert problem.lines(few)[-1].startswith("  → ")
    (many,) = problem.found(ProblemKind.MISSING, [str(number) for number in range(1025)])
    assert len(problem.lines(many)) == 23
    assert problem.lines(many)[21] == "  and 1,005 more"


def test_what_a_file_keeps_of_a_problem_are_kinds_and_values():
    reason = say("entry.damaged")
    (made,) = problem.found(ProblemKind.UNREADABLE, ["a.jpg", say("entry.named", name="b.jpg", reason=reason)])
    kept = json.loads(json.dumps(asdict(made)))
    assert kept["said"] == {"kind": "problem.unreadable", "values": {"n": 2}}
    assert kept["found"][1]["values"]["reason"] == {"kind": "entry.damaged", "values": {}}
    assert problem.parsed(kept) == made
    assert made.names == ("a.jpg", "b.jpg: its data in the zip is damaged")


def test_a_problem_that_an_earlier_version_has_put_in_words_shows_them():
    kept = {"kind": "table", "severity": "note", "title": "1 table is odd", "names": ["a.csv"], "remedy": "Mend it."}
    found = problem.parsed(kept)
    assert problem.lines(found) == ["1 table is odd.", "  a.csv", "  → Mend it."]
    assert problem.parsed(json.loads(json.dumps(asdict(found)))) == found
