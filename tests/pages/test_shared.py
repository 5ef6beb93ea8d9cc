"""What every page shares: messages, ids, the split's choice, and the figure that updates in place."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import plotly
import pytest
from streamlit.testing.v1 import AppTest

from core.data import ingest
from core.data.split import SplitChoice
from core.display.theme import INKS
from core.plan.experiments import read_experiment
from core.queue import jobs
from core.settings import ROOT
from pages._shared import address
from pages._shared.plot import IS_SERVED, place_script

MESSAGES = """
import streamlit as st
from core.errors import DatasetError
from core.words.said import plain
from pages._shared import notices
with notices.errors():
    raise DatasetError(plain("Expected 2 classes. Found 1 ('*cats*_[a](b)')."))
st.write("the page goes on")
"""
EMPTY = """
import streamlit as st
from pages._shared import notices, screen
st.session_state["framed"] = True
st.navigation(screen.pages(), position="top")
notices.missing("Choose pictures first.", page="upload", label="Go to Upload")
st.write("never")
"""
SPLIT = """
import streamlit as st
from core.data.split import SplitChoice
from pages._shared import address, parts
address.remember_identifiers()
of = address.dataset()
if "choice" in st.session_state:
    parts.choose_split(SplitChoice(*st.session_state["choice"]))
split = parts.current_split(of)
st.session_state["found"] = (split.seed, split.counts().sum().tolist(), split.fingerprint)
"""
PLOT = """
import plotly.graph_objects as go
import streamlit as st
from pages._shared.plot import plot, theme

@st.fragment
def growing():
    n = st.session_state.setdefault("n", 3)
    if st.button("Grow"):
        st.session_state["n"] = n = n + 1
    curve = go.Figure(go.Scatter(y=[1 / (i + 1) for i in range(n)], name="loss"))
    plot(curve, key="curve", text=f"loss after {n} epochs", revision="run", height=300)

growing()
matrix = go.Figure(go.Heatmap(z=[[9, 1], [2, 8]], x=["bee", "ant"], y=["bee", "ant"]))
clicked = plot(matrix, key="matrix", text="a matrix", height=300)
st.text(f"clicked {clicked['y']} as {clicked['x']}" if clicked else "not clicked")
st.text(f"theme {theme()}")
"""


@pytest.fixture
def dataset_id(zip_of) -> str:
    created = ingest.create(zip_of({"cat/": 20, "dog/": 20}), "Pets")
    ingest.ingest(created)
    return created


@pytest.fixture
def plots(tmp_path, server_of, page):
    """A page with the figures of `PLOT`, opened in a browser."""
    script = tmp_path / "app.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{PLOT}", encoding="utf-8")
    (tmp_path / "static").mkdir()
    shutil.copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", tmp_path / "static")
    page.goto(server_of(script).start())
    page.wait_for_selector(".st-key-matrix .main-svg", timeout=60_000)
    page.wait_for_selector(".st-key-curve .main-svg")
    return page


def test_shows_an_error_as_a_message_and_goes_on():
    at = AppTest.from_string(MESSAGES, default_timeout=30).run()
    assert "Found 1" in at.error[0].value and r"\*cats\*\_\[a\]\(b\)" in at.error[0].value
    assert at.markdown[-1].value == "the page goes on"


def test_says_what_is_missing_and_ends_the_page(tmp_path):
    script = tmp_path / "app.py"
    script.write_text(EMPTY)
    (tmp_path / "pages").symlink_to(ROOT / "pages")
    at = AppTest.from_file(str(script), default_timeout=30).run()
    assert not at.exception
    assert [each.value for each in at.markdown] == ["##### Choose pictures first."]
    assert at.get("page_link")[0].proto.label == "Go to Upload"


def test_makes_a_workspace_and_puts_it_into_the_url():
    at = AppTest.from_string(
        "from pages._shared import address; address.remember_identifiers()", default_timeout=30
    ).run()
    workspace = at.query_params["workspace"]
    assert len(workspace) == 32 and at.session_state["workspace"] == workspace


def test_ids_of_the_url_win_over_those_of_the_session():
    at = AppTest.from_string("from pages._shared import address; address.remember_identifiers()", default_timeout=30)
    at.session_state["workspace"] = "a" * 32
    at.query_params["workspace"] = "b" * 32
    at.run()
    assert at.session_state["workspace"] == "b" * 32


def test_an_id_that_is_none_is_taken_out_of_the_url():
    at = AppTest.from_string("from pages._shared import address; address.remember_identifiers()", default_timeout=30)
    at.query_params["dataset"] = "../../etc"
    at.run()
    assert not at.exception
    assert "dataset" not in at.query_params


def test_an_experiment_brings_its_data_set(finished_experiment):
    experiment_id = finished_experiment()
    at = AppTest.from_string("from pages._shared import address; address.remember_identifiers()", default_timeout=30)
    at.query_params["experiment"] = experiment_id
    at.run()
    assert at.query_params["dataset"] == read_experiment(experiment_id).dataset


def test_another_data_set_lets_go_of_the_experiment(finished_experiment):
    code = "from pages._shared import address; address.remember_identifiers(); "
    code += f"address.set_identifier('dataset', '{'c' * 32}')"
    at = AppTest.from_string(code, default_timeout=30)
    at.query_params["experiment"] = finished_experiment()
    at.run()
    assert at.query_params["dataset"] == "c" * 32 and "experiment" not in at.query_params


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"training": 0, "upload": 0, "prediction": 0}, "Empty"),
        ({"training": 2, "upload": 1, "prediction": 0}, "2 trainings, 1 upload ahead"),
        ({"training": 0, "upload": 0, "prediction": 3}, "3 predictions ahead"),
    ],
)
def test_the_status_line_counts_all_that_waits(monkeypatch, counts, said):
    monkeypatch.setattr(jobs, "queued", lambda **_: counts)
    at = AppTest.from_string("from pages._shared import screen; screen.status_line()", default_timeout=30).run()
    assert at.markdown[-1].value == f":gray[Queue]  \n{said}"


def test_splits_by_seed_1_and_the_default_fractions_unless_chosen(dataset_id):
    at = AppTest.from_string(SPLIT, default_timeout=30)
    at.query_params["dataset"] = dataset_id
    first = at.run().session_state["found"]
    assert first[:2] == (1, [24, 6, 10])
    at.session_state["choice"] = (7, (0.5, 0.25, 0.25))
    second = at.run().session_state["found"]
    assert second[:2] == (7, [20, 10, 10]) and second[2] != first[2]


def test_forgets_the_choice_of_split_with_another_data_set(dataset_id):
    at = AppTest.from_string(SPLIT, default_timeout=30)
    at.query_params["dataset"] = dataset_id
    at.session_state["split_dataset"], at.session_state["split_choice"] = "d" * 32, SplitChoice(seed=7)
    assert at.run().session_state["found"][0] == 1


def test_a_figure_grows_in_place_and_keeps_its_zoom(plots):
    plots.evaluate("document.querySelector('.st-key-curve .main-svg').marked = true")
    plots.evaluate("Plotly.relayout(document.querySelector('.st-key-curve .headstart-plot'), {'xaxis.range': [0, 1]})")
    for n in (4, 5, 6):
        plots.get_by_role("button", name="Grow").click()
        plots.get_by_role("img", name=f"loss after {n} epochs").wait_for()
    shown = "document.querySelector('.st-key-curve .headstart-plot')"
    plots.wait_for_function(f"{shown}.data[0].y.length === 6 || {shown}._fullData[0]._length === 6")
    assert plots.evaluate("document.querySelector('.st-key-curve .main-svg').marked") is True
    assert plots.evaluate(f"{shown}._fullLayout.xaxis.range") == [0, 1]


def test_a_click_on_a_cell_arrives_once(plots):
    cell = plots.locator(".st-key-matrix .nsewdrag").bounding_box()
    plots.mouse.click(cell["x"] + cell["width"] * 0.75, cell["y"] + cell["height"] * 0.25)
    plots.get_by_text("clicked ant as ant").wait_for()
    plots.get_by_role("button", name="Grow").click()
    plots.get_by_role("img", name="loss after 4 epochs").wait_for()


def test_a_figure_follows_its_place_and_the_theme(plots):
    curve = "document.querySelector('.st-key-curve .headstart-plot')"
    plots.get_by_text("theme light").wait_for()
    plots.set_viewport_size({"width": 700, "height": 900})
    plots.wait_for_function(f"{curve}._fullLayout.width === {curve}.clientWidth && {curve}.clientWidth < 700")
    plots.emulate_media(color_scheme="dark")
    plots.reload()
    plots.get_by_text("theme dark").wait_for()
    plots.wait_for_selector(".st-key-curve .main-svg")
    plots.wait_for_function(f"getComputedStyle({curve}).color === 'rgb(231, 235, 240)'")
    ink = INKS["dark"].text
    plots.wait_for_function(f"{curve}._fullLayout.font.color.toUpperCase() === '{ink}'")


# ---- a host whose checkout cannot be written


def test_puts_plotlys_script_where_the_browser_finds_it(tmp_path):
    assert place_script(tmp_path)
    first = (tmp_path / "plotly.min.js").stat()
    assert place_script(tmp_path)
    assert (tmp_path / "plotly.min.js").stat().st_mtime_ns == first.st_mtime_ns, "copied again"


def test_a_script_that_cannot_be_copied_is_said_in_the_log_and_one_that_is_there_is_used(tmp_path, caplog, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied", "static")

    monkeypatch.setattr(shutil, "copyfile", refused)
    assert not place_script(tmp_path)
    assert "Permission denied" in caplog.text and "scripts/setup.sh" in caplog.text
    (tmp_path / "plotly.min.js").write_text("an older one")
    assert place_script(tmp_path)


def test_a_folder_that_is_not_there_is_no_error_either(tmp_path):
    assert not place_script(tmp_path / "static")


def test_figures_are_drawn_without_the_script_as_well():
    at = AppTest.from_string(PLOT, default_timeout=30)
    at.session_state[IS_SERVED] = False
    at.run()
    assert not at.exception
    assert len(at.get("plotly_chart")) == 2 and not at.get("bidi_component")
    assert at.text[0].value == "not clicked"


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({"workspace": "w", "dataset": "d", "experiment": "e"}, "http://host:8501/base/train?experiment=e"),
        ({"workspace": "w", "dataset": "d"}, "http://host:8501/base/train?dataset=d"),
        ({"workspace": "w"}, "http://host:8501/base/train"),
    ],
)
def test_a_link_to_share_names_what_is_shown_and_not_whose_it_is(monkeypatch, ids, expected):
    context = SimpleNamespace(url="http://host:8501/base/train?workspace=w&dataset=d&experiment=e&prediction=p")
    monkeypatch.setattr(address, "st", SimpleNamespace(context=context, session_state=ids))
    assert address.link_to_share() == expected
    context.url = None
    assert address.link_to_share() is None
