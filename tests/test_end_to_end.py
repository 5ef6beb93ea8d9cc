"""The whole path in a real browser: sample → configure → train → reload → compare → a cell's pictures → predict.

Real weights, real pictures, real processes: what a newcomer does, with fewer epochs.
"""

import io
import re
import zipfile
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from core.settings import SAMPLE

pytestmark = pytest.mark.slow

POINTS = "plot => (plot.data ?? []).reduce((sum, trace) => sum + (trace.x?.length ?? 0), 0)"
TRAINED = 300_000  # milliseconds that two short arms may take on a busy machine


def press(page: Page, name: str) -> None:
    """Press a button once it can be pressed."""
    button = page.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled(timeout=60_000)
    button.click()


def choose(page: Page, place: str, label: str, value: int) -> None:
    """Open an "Advanced" part if it is closed, and type a number into one of its fields."""
    part = page.locator(f".st-key-{place}")
    if not part.get_by_label(label, exact=True).is_visible():
        part.locator("summary").click()
    field = part.get_by_label(label, exact=True)
    expect(field).to_be_visible()
    field.fill(str(value))
    field.press("Tab")
    expect(field).to_have_value(str(value))


def plot(page: Page, key: str) -> Locator:
    """A figure that has been drawn."""
    figure = page.locator(f".st-key-{key} .headstart-plot")
    expect(figure.locator(".main-svg").first).to_be_attached(timeout=60_000)
    return figure


def some_pictures(count: int) -> list[dict[str, object]]:
    """Files as a user would choose them, out of the sample."""
    with zipfile.ZipFile(io.BytesIO(SAMPLE.read_bytes())) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][:count]
        return [
            {"name": name.rsplit("/", 1)[-1], "mimeType": "image/jpeg", "buffer": archive.read(name)} for name in names
        ]


@pytest.mark.timeout(900)
def test_a_newcomer_gets_from_the_sample_to_answers_on_new_pictures(
    page: Page, server_of: Callable, wait_for: Callable[..., None]
) -> None:
    page.set_viewport_size({"width": 1440, "height": 1000})
    page.goto(server_of().start())

    press(page, "Use the sample")
    expect(page.get_by_text("167 pictures in 5 classes")).to_be_visible(timeout=60_000)
    press(page, "Configure the comparison")

    expect(page.get_by_text("264,709")).to_be_visible(timeout=60_000)  # trained parameters of the head
    choose(page, "training_choices", "Epochs", 4)
    choose(page, "opponent_choices", "Epochs", 12)
    choose(page, "opponent_choices", "Picture size (px)", 64)
    expect(page.get_by_text("64 × 64 px")).to_be_visible()
    press(page, "Train both")

    # The curves grow in the same plot, which is never mounted anew.
    expect(page).to_have_url(re.compile("/train"), timeout=60_000)
    curve = plot(page, "curve_loss")
    curve.evaluate("plot => { plot.mark = 'the same'; }")
    seen: list[int] = []

    def has_grown_twice() -> bool:
        points = curve.evaluate(POINTS)
        if not seen or points > seen[-1]:
            seen.append(points)
        return len(seen) > 2

    wait_for(has_grown_twice, 240)
    assert curve.evaluate("plot => plot.mark") == "the same"

    # A reload in mid-run loses nothing: the URL finds the experiment.
    address = page.url
    page.reload()
    assert page.url == address
    assert plot(page, "curve_loss").evaluate(POINTS) >= seen[-1]

    compare = page.get_by_role("button", name="Compare the two", exact=True)
    expect(compare).to_be_enabled(timeout=TRAINED)
    compare.click()

    expect(page.get_by_text(re.compile(r"right\. From scratch: "))).to_be_visible(timeout=60_000)
    click_a_right_answer(page)
    for label in ("True class", "Answer"):
        expect(page.get_by_role("combobox", name=label)).to_have_value("mammal", timeout=30_000)
    expect(page.locator("figure img").first).to_be_visible()
    press(page, "Try it on new pictures")

    page.set_input_files("input[type=file]", some_pictures(3))
    press(page, "Ask both networks")
    expect(page.locator(".st-key-answers-table")).to_be_visible(timeout=120_000)


def click_a_right_answer(page: Page) -> None:
    """Click the cell mammal, mammal of the transfer arm's matrix."""
    matrix = plot(page, "matrix_transfer")
    matrix.scroll_into_view_if_needed()
    x, y = matrix.evaluate(
        """plot => {
          const { xaxis, yaxis } = plot._fullLayout, at = axis => axis.c2p(axis._categories.indexOf('mammal'));
          return [xaxis._offset + at(xaxis), yaxis._offset + at(yaxis)];
        }"""
    )
    matrix.click(position={"x": x, "y": y})
