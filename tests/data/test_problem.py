from core.data.findings import problem
from core.data.findings.problem import ProblemKind, Severity


def test_every_kind_has_its_sentences_unless_they_are_written_where_it_is_found():
    assert set(problem.ROWS) == set(ProblemKind) - {ProblemKind.IMBALANCE} - set(problem.SEVERITIES)


def test_nothing_found_is_no_problem():
    assert problem.found(ProblemKind.DUPLICATE, []) == []


def test_a_title_counts_what_was_found():
    (one,) = problem.found(ProblemKind.UNREADABLE, ["a"])
    (many,) = problem.found(ProblemKind.UNREADABLE, (str(number) for number in range(1200)))
    assert one.title == "1 picture cannot be read"
    assert many.title == "1,200 pictures cannot be read"
    assert len(many.names) == 1200


def test_only_two_labels_for_one_picture_or_near_copies_are_red():
    red = [kind for kind, (severity, *_) in problem.ROWS.items() if severity is Severity.ERROR]
    assert red == [ProblemKind.TWO_LABELS, ProblemKind.NEAR_TWO_LABELS]


def test_at_most_twenty_names_are_written_out():
    (few,) = problem.found(ProblemKind.MISSING, ["a", "b"])
    assert problem.lines(few)[:3] == ["2 rows of the table name no picture of the zip.", "  a", "  b"]
    assert problem.lines(few)[-1].startswith("  → ")
    (many,) = problem.found(ProblemKind.MISSING, [str(number) for number in range(1025)])
    assert len(problem.lines(many)) == 23
    assert problem.lines(many)[21] == "  and 1,005 more"
