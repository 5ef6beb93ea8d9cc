import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plans import planned

from core.display import palette
from core.display.charts import accuracy, confusion, curves, dataset
from core.display.charts import classes as charts_of_classes
from core.display.palette import ArmLook
from core.display.theme import dressed, packed
from core.report import scores

T, S = palette.looks(planned().arms).values()
CLASSES = ["bee", "cat", "dog"]
MATRIX = np.array([[4, 1, 0], [0, 5, 0], [3, 0, 2]])
OTHER = np.array([[2, 2, 1], [1, 3, 1], [0, 0, 5]])


def metrics(losses: list[float], *, phase_change: int | None = None) -> pd.DataFrame:
    """Curves with these validation losses, half of that in training, an epoch taking two seconds."""
    rows = [
        {
            "phase": 2 if phase_change and epoch >= phase_change else 1,
            "epoch": epoch,
            "seconds": 2.0 * epoch,
            "loss": loss / 2,
            "accuracy": 1 - loss / 4,
            "val_loss": loss,
            "val_accuracy": 1 - loss / 3,
        }
        for epoch, loss in enumerate(losses, start=1)
    ]
    return pd.DataFrame(rows, columns=["phase", "epoch", "seconds", "loss", "accuracy", "val_loss", "val_accuracy"])


def answers(matrix: np.ndarray) -> pd.DataFrame:
    """Predictions whose confusion matrix this is."""
    pairs = [(i, j) for i in range(len(matrix)) for j in range(len(matrix)) for _ in range(matrix[i, j])]
    columns = {"true": [CLASSES[i] for i, _ in pairs], "predicted": [CLASSES[j] for _, j in pairs]}
    return pd.DataFrame({"picture": [f"{k:03d}" for k in range(len(pairs))], "part": "test", **columns})


def both_scores() -> dict[ArmLook, scores.Score]:
    return {T: scores.score(answers(MATRIX), CLASSES), S: scores.score(answers(OTHER), CLASSES)}


def named(figure: go.Figure, name: str) -> go.Scatter:
    return next(trace for trace in figure.data if trace.name == name)


def notes(figure: go.Figure) -> list[str]:
    return [annotation.text.strip() for annotation in figure.layout.annotations]


def plain(text: str) -> str:
    return text.replace("\xa0", " ")


BOTH = {T: metrics([0.9, 0.6, 0.4, 0.5]), S: metrics([1.4, 1.2, 1.1])}


# ---- curves ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
@pytest.mark.parametrize("axis", ["epoch", "seconds"])
def test_curves_draw_what_their_table_says(metric, axis):
    frame, figure = curves.curves_frame(BOTH, metric=metric), curves.curves(BOTH, metric=metric, x=axis)
    for name, own in frame.groupby("arm"):
        for part in ("training", "validation"):
            trace = named(figure, f"{name}, {part}")
            assert list(trace.x) == own[axis].tolist()
            assert list(trace.y) == own[part].tolist()
    assert frame.loc[frame["arm"] == "Transfer", "validation"].tolist() == BOTH[T][f"val_{metric}"].tolist()


@pytest.mark.parametrize(("epochs", "step"), [(4, 1), (10, 1), (40, None)])
def test_few_epochs_are_counted_one_by_one(epochs, step):
    assert curves.curves(BOTH, x_limit=epochs).layout.xaxis.dtick == step
    assert curves.curves(BOTH, x="seconds", x_limit=epochs).layout.xaxis.dtick is None


def test_colour_is_the_arm_and_dash_the_part():
    figure = curves.curves(BOTH)
    looks = {trace.name: (trace.line.color, trace.line.dash, trace.mode) for trace in figure.data}
    assert looks == {
        "Transfer, training": ("#0072B2", "solid", "lines"),
        "Transfer, validation": ("#0072B2", "dash", "lines+markers"),
        "From scratch, training": ("#D55E00", "solid", "lines"),
        "From scratch, validation": ("#D55E00", "dash", "lines+markers"),
    }


def test_an_arm_that_waits_keeps_its_place_so_nothing_jumps():
    waiting = curves.curves({T: BOTH[T], S: metrics([])}, x_limit=30)
    assert [trace.name for trace in waiting.data] == [trace.name for trace in curves.curves(BOTH).data]
    assert named(waiting, "From scratch, training").x == (None,)
    assert waiting.layout.height == curves.curves(BOTH).layout.height
    assert waiting.layout.xaxis.range[1] > 30


def test_a_first_epoch_can_be_seen_though_it_makes_no_line_yet():
    figure = curves.curves({T: metrics([0.9])})
    assert named(figure, "Transfer, training").mode == "lines+markers"


def test_curves_before_the_first_epoch_are_an_empty_figure():
    figure = curves.curves({T: metrics([]), S: metrics([])})
    assert list(figure.layout.yaxis.range) == [0, 1]
    assert curves.curves_frame({T: metrics([])}).empty


def test_accuracy_goes_from_0_to_100_percent_and_loss_begins_at_0():
    accuracy, loss = (curves.curves(BOTH, metric=metric).layout.yaxis for metric in ("accuracy", "loss"))
    assert accuracy.range[0] == 0
    assert 1 <= accuracy.range[1] < 1.05
    assert accuracy.tickformat == ".0%"
    assert loss.range[0] == 0
    assert loss.range[1] == pytest.approx(1.05 * 1.4)


def test_one_absurd_validation_loss_does_not_flatten_the_rest_and_is_told():
    spiked = metrics([1.4, 1.2, 1.1])
    spiked.loc[0, "val_loss"] = 14.2
    figure = curves.curves({S: spiked})
    assert figure.layout.yaxis.range[1] < 2
    assert "peaks of up to 14.2 are cut off" in notes(figure)
    assert notes(curves.curves(BOTH)) == []


def test_a_loss_that_is_no_number_leaves_a_gap():
    broken = metrics([1.4, np.nan, np.inf])
    figure = curves.curves({S: broken})
    assert np.isfinite(figure.layout.yaxis.range).all()
    assert "NaN" not in figure.to_json()
    assert curves.describe_curves({S: metrics([np.nan])}) == "From scratch: no epoch yet."


@pytest.mark.parametrize(("axis", "place"), [("epoch", 2.5), ("seconds", 4.0)])
def test_the_change_of_phase_is_marked_where_it_happens(axis, place):
    figure = curves.curves({T: metrics([0.9, 0.6, 0.4, 0.5], phase_change=3)}, x=axis)
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(place, place)]
    assert notes(figure) == ["blocks unfrozen"]


def test_the_kept_epoch_has_a_ring():
    figure = curves.curves(BOTH, metric="accuracy", best={T: 3}, x="seconds")
    ring = named(figure, "Transfer, best epoch")
    assert (list(ring.x), list(ring.y)) == ([6.0], [pytest.approx(1 - 0.4 / 3)])
    assert not any(trace.name == "From scratch, best epoch" for trace in figure.data)


def test_curves_are_told_in_words():
    assert curves.describe_curves(BOTH) == (
        "Transfer: validation loss 0.50 after 4 epochs, best 0.40 in epoch 3. "
        "From scratch: validation loss 1.10 after 3 epochs, best 1.10 in epoch 3."
    )
    words = curves.describe_curves({T: metrics([0.9]), S: metrics([])}, metric="accuracy")
    assert plain(words) == (
        "Transfer: validation accuracy 70 % after 1 epoch, best 70 % in epoch 1. From scratch: no epoch yet."
    )


# ---- confusion matrices ---------------------------------------------------------------------------------------------


def cells(figure: go.Figure) -> go.Heatmap:
    return next(trace for trace in figure.data if trace.type == "heatmap")


@pytest.mark.parametrize("normalised", [False, True])
def test_a_matrix_draws_what_its_table_says_with_the_number_on_every_cell(normalised):
    figure = confusion.confusion(MATRIX, CLASSES, T, normalised=normalised)
    frame = confusion.confusion_frame(MATRIX, CLASSES, normalised=normalised)
    assert np.array_equal(cells(figure).z, frame.to_numpy())
    numbers = next(trace for trace in figure.data if trace.type == "scatter")
    shown = {(true, answer): float(text) for answer, true, text in zip(numbers.x, numbers.y, numbers.text, strict=True)}
    factor = 100 if normalised else 1
    assert shown == {(t, a): round(factor * frame.loc[t, a]) for t in CLASSES for a in CLASSES}


def test_shares_are_of_the_true_class_and_a_class_without_pictures_has_none():
    frame = confusion.confusion_frame(np.array([[3, 1], [0, 0]]), ["a", "b"], normalised=True)
    assert frame.to_numpy().tolist() == [[0.75, 0.25], [0.0, 0.0]]


def test_both_matrices_share_one_scale():
    figures = [confusion.confusion(matrix, CLASSES, arm, ceiling=5) for matrix, arm in ((MATRIX, T), (OTHER, S))]
    assert {(cells(figure).zmin, cells(figure).zmax) for figure in figures} == {(0, 5)}
    assert cells(confusion.confusion(MATRIX, CLASSES, T, normalised=True, ceiling=5)).zmax == 1


def test_a_matrix_is_framed_and_named_in_the_arms_colour():
    figure = confusion.confusion(MATRIX, CLASSES, S)
    frame = figure.layout.shapes[0]
    assert (frame.xref, frame.line.color) == ("x domain", "#D55E00")
    assert "From scratch" in figure.layout.title.text
    assert "#D55E00" in figure.layout.title.text


def test_the_chosen_cell_is_outlined():
    figure = confusion.confusion(MATRIX, CLASSES, T, selected=("dog", "bee"))
    outline = figure.layout.shapes[1]
    assert (outline.x0, outline.x1, outline.y0, outline.y1) == (-0.5, 0.5, 1.5, 2.5)


def test_a_click_on_a_number_reaches_the_cell_below():
    figure = confusion.confusion(MATRIX, CLASSES, T)
    assert [trace.hoverinfo for trace in figure.data] == ["text", "skip"]
    assert figure.layout.dragmode is False


@pytest.mark.parametrize(("n", "has_numbers"), [(2, True), (25, True), (26, False), (50, False)])
def test_many_classes_show_a_scale_instead_of_numbers(n, has_numbers):
    names = [f"class {number}" for number in range(n)]
    figure = confusion.confusion(np.eye(n, dtype=int), names, T)
    assert any(trace.type == "scatter" for trace in figure.data) is has_numbers
    assert cells(figure).showscale is not has_numbers
    assert figure.layout.height == 440
    assert len(figure.layout.yaxis.tickvals) <= 25


def test_names_that_look_like_numbers_dates_or_markup_stay_names():
    names = ["3", "2020-01", "<b>x</b>"]
    figure = confusion.confusion(MATRIX, names, T)
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("category", "category")
    assert list(cells(figure).x) == names  # what a click gives back
    assert figure.layout.xaxis.ticktext[2] == "&lt;b&gt;x&lt;/b&gt;"
    assert cells(figure).hovertext[2][0] == "&lt;b&gt;x&lt;/b&gt; answered as 3: 3"


def test_a_matrix_is_told_in_words():
    assert confusion.describe_confusion(MATRIX, CLASSES, T) == (
        "Transfer: 11 of 15 test pictures right. Most often mixed up: dog answered as bee, 3 times."
    )
    assert confusion.describe_confusion(np.eye(3, dtype=int), CLASSES, S) == (
        "From scratch: 3 of 3 test pictures right. No class is mixed up with another."
    )


# ---- accuracies and classes -----------------------------------------------------------------------------------------


def test_accuracies_stand_on_one_axis_with_their_intervals():
    figure, frame = accuracy.accuracy_axis(both_scores()), accuracy.accuracy_frame(both_scores())
    for trace, row in zip(figure.data, frame.itertuples(), strict=True):
        assert (trace.x[0], trace.y[0]) == (row.accuracy, row.arm)
        assert trace.x[0] + trace.error_x.array[0] == pytest.approx(row.high)
        assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(row.low)
    assert list(figure.layout.xaxis.range) == [0, 1]
    assert [trace.marker.symbol for trace in figure.data] == ["circle", "diamond"]


def test_the_line_of_the_largest_class_is_drawn_and_named():
    figure = accuracy.accuracy_axis(both_scores())
    assert figure.layout.shapes[0].x0 == pytest.approx(5 / 15)
    assert [plain(text) for text in notes(figure)] == ["always “bee”: 33 %"]


def test_one_arm_alone_has_the_same_axis_and_height():
    alone = accuracy.accuracy_axis({T: both_scores()[T]})
    assert len(alone.data) == 1
    assert alone.layout.height == accuracy.accuracy_axis(both_scores()).layout.height
    assert accuracy.accuracy_axis({}).data == ()


def test_accuracies_are_told_in_words():
    assert plain(accuracy.describe_accuracy(both_scores())) == (
        "Transfer: 73 % of 15 test pictures right, 95 % interval 48 to 89 %. "
        "From scratch: 67 % of 15 test pictures right, 95 % interval 42 to 85 %. "
        "Always answering “bee” would be right on 33 %."
    )


@pytest.mark.parametrize("metric", ["f1", "precision", "recall"])
def test_classes_are_dumbbells_of_what_their_table_says(metric):
    classes = {T: scores.per_class(answers(MATRIX), CLASSES), S: scores.per_class(answers(OTHER), CLASSES)}
    figure, frame = (
        charts_of_classes.per_class(classes, metric=metric),
        charts_of_classes.per_class_frame(classes, metric=metric),
    )
    for name in ("Transfer", "From scratch"):
        assert list(named(figure, name).x) == frame[name].tolist()
        assert list(named(figure, name).y) == frame["class"].tolist()
    bars = figure.data[0]
    assert list(bars.x[:2]) == frame.loc[0, ["Transfer", "From scratch"]].tolist()
    assert bars.x[2] is None
    assert frame["support"].tolist() == [5, 5, 5]


def test_one_arms_classes_have_no_bars_between():
    figure = charts_of_classes.per_class({T: scores.per_class(answers(MATRIX), CLASSES)})
    assert [trace.name for trace in figure.data] == ["Transfer"]


def test_classes_are_told_in_words():
    classes = {T: scores.per_class(answers(MATRIX), CLASSES)}
    assert charts_of_classes.describe_per_class(classes) == "F1. Transfer: best class cat (0.91), worst dog (0.57)."


# ---- the data set ---------------------------------------------------------------------------------------------------


def test_class_counts_are_bars_with_their_numbers():
    counts = dataset.class_counts_frame(pd.DataFrame({"label": ["dog"] * 3 + ["bee"] * 1200}))
    bars = dataset.class_counts(counts).data[0]
    assert (list(bars.y), list(bars.x), list(bars.text)) == (["bee", "dog"], [1200, 3], ["1,200", "3"])
    assert dataset.describe_class_counts(counts) == (
        "1,203 pictures in 2 classes: most in bee (1,200), fewest in dog (3)."
    )


def test_even_classes_are_told_shortly():
    counts = pd.DataFrame({"class": ["a", "b"], "pictures": [6, 6]})
    assert dataset.describe_class_counts(counts) == "12 pictures in 2 classes, 6 in each."


def test_the_split_is_one_bar_with_numbers():
    counts = pd.DataFrame({"train": [60, 9], "validation": [10, 6], "test": [20, 6]}, index=["a", "b"])
    figure, frame = dataset.split_bar(counts), dataset.split_frame(counts)
    assert [trace.x[0] for trace in figure.data] == frame["pictures"].tolist() == [69, 16, 26]
    assert [trace.name for trace in figure.data] == ["Training 69", "Validation 16", "Test 26"]
    assert figure.layout.barmode == "stack"
    assert dataset.describe_split(counts) == "Training 69, validation 16, test 26 pictures."


# ---- all ------------------------------------------------------------------------------------------------------------


def every_figure(theme: str) -> dict[str, go.Figure]:
    by_arm = {T: scores.per_class(answers(MATRIX), CLASSES), S: scores.per_class(answers(OTHER), CLASSES)}
    counts = pd.DataFrame({"train": [60], "validation": [10], "test": [20]}, index=["a"])
    return {
        "curves": curves.curves(BOTH),
        "confusion": confusion.confusion(MATRIX, CLASSES, T, theme=theme),
        "accuracy": accuracy.accuracy_axis(both_scores()),
        "classes": charts_of_classes.per_class(by_arm),
        "counts": dataset.class_counts(pd.DataFrame({"class": ["a"], "pictures": [9]})),
        "split": dataset.split_bar(counts),
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_is_transparent_and_has_a_height(theme):
    for figure in every_figure(theme).values():
        shared = dressed(figure, theme).layout.template.layout
        assert shared.paper_bgcolor == shared.plot_bgcolor == "rgba(0,0,0,0)"
        assert figure.layout.height > 0


def test_themes_differ_in_ink_alone():
    light, dark = every_figure("light"), every_figure("dark")
    for name, figure in light.items():
        looks = [dressed(each[name], theme) for each, theme in ((light, "light"), (dark, "dark"))]
        texts, scales = zip(
            *((one.font.color, one.colorscale.sequential) for one in map(shared_by, looks)), strict=True
        )
        assert texts[0] != texts[1]
        assert scales[0] != scales[1]
        assert figure.layout == dark[name].layout or name == "confusion"  # the outline of a chosen cell
        assert [trace.type for trace in figure.data] == [trace.type for trace in dark[name].data]


def shared_by(figure: go.Figure) -> go.layout.template.Layout:
    return figure.layout.template.layout


def test_what_has_a_scale_has_that_of_the_theme():
    figures = every_figure("light")
    (cells,) = (trace for trace in figures["confusion"].data if trace.type == "heatmap")
    bars = [trace.marker for name in ("counts", "split") for trace in figures[name].data]
    for scaled in (cells, *bars):
        assert scaled.autocolorscale
        assert scaled.colorscale is None


def test_a_figure_is_packed_as_plotly_does_it():
    figure = confusion.confusion(MATRIX, CLASSES, T, theme="dark")
    expected = json.loads(dressed(figure, "dark", uirevision="one").to_json())
    assert json.loads(packed(figure, "dark", uirevision="one")) == expected


def test_a_figure_in_a_theme_is_a_copy():
    figure = curves.curves(BOTH)
    before = figure.to_json()
    assert dressed(figure, "dark", height=100).layout.height == 100
    assert figure.to_json() == before
