"""A plotly figure that updates in place, follows the theme and reports clicks, as a Streamlit element.

`st.plotly_chart` draws anew on every change of its data, which loses the zoom and flickers, and reports no clicks on
the cells of a heatmap. This element lives on between updates and lets plotly change what differs.
"""

import logging
import shutil
from pathlib import Path
from typing import Any, Literal, TypedDict

import plotly
import plotly.graph_objects as go
import streamlit as st

from core.disk.files import write_whole
from core.display.theme import Theme, dressed, packed

IS_SERVED = "plotly_is_served"  # set by app.py: whether the browser can get the script
SOURCE = f"./app/static/plotly.min.js?v={plotly.__version__}"  # put there by `place_script`; relative, for a base path
REMEDY = "Without it figures are drawn by Streamlit's own element. Run scripts/setup.sh as the owner of the folder."
HTML = '<div class="headstart-plot" role="img"></div>'
# The transition is a signal: it ends in an event when the theme, and with it the text's colour, has changed.
CSS = """
.headstart-plot { width: 100%; color: var(--st-text-color); transition: color 1ms; }
.headstart-plot .nsewdrag.cursor-crosshair { cursor: pointer; }
"""
SCRIPT = """
let loading;
function plotly(source) {
  if (window.Plotly) return Promise.resolve();
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = resolve;
    script.onerror = () => { loading = undefined; script.remove(); reject(new Error("plotly did not load")); };
    document.head.append(script);
  });
  return loading;
}

function themed(layout, plot) {
  const style = getComputedStyle(plot);
  const value = (name) => style.getPropertyValue("--st-" + name).trim();
  const text = value("text-color"), line = value("border-color"), ground = value("background-color");
  return {
    autosize: true, ...layout,
    font: { family: value("font"), ...layout.font },
    hoverlabel: { bgcolor: ground, bordercolor: line, font: { color: text }, ...layout.hoverlabel },
  };
}

function isDark(plot) {
  const [red, green, blue] = getComputedStyle(plot).color.match(/[0-9.]+/g).map(Number);
  return red + green + blue > 383;  // light text
}

function draw(plot) {
  const { figure, height } = plot.headstart;
  const config = { displaylogo: false, displayModeBar: figure.layout.meta?.modebar ?? false, responsive: false };
  return window.Plotly.react(plot, figure.data, { ...themed(figure.layout, plot), height }, config);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const plot = parentElement.querySelector(".headstart-plot");
  plot.headstart = { figure: JSON.parse(data.figure), height: data.height };
  plot.setAttribute("aria-label", data.text);
  plot.style.height = data.height + "px";
  let resized, hasEnded = false;
  const report = () => {
    const theme = isDark(plot) ? "dark" : "light";
    if (theme !== data.theme && plot.headstartReported !== theme) setTriggerValue("themed", theme);
    plot.headstartReported = theme;  // once, should page and server never agree
  };
  const redraw = (event) => {
    if (event.propertyName !== "color" || event.target !== plot) return;
    if (plot._fullLayout) draw(plot);
    report();
  };
  report();
  plot.addEventListener("transitionend", redraw);
  plotly(data.source).then(() => hasEnded ? undefined : draw(plot)).then(() => {
    if (hasEnded) return;
    plot.removeAllListeners("plotly_click");
    plot.on("plotly_click", ({ points: [{ x, y, data: trace }] }) => {
      setTriggerValue("clicked", { x, y, name: trace.name ?? null });
    });
    let width = plot.clientWidth;
    resized = new ResizeObserver(() => {
      if (plot.clientWidth === width || plot.clientWidth === 0) return;
      width = plot.clientWidth;
      window.Plotly.Plots.resize(plot);
    });
    resized.observe(plot);
  }).catch((error) => { plot.textContent = data.text; console.error(error); });
  return () => {
    hasEnded = true;
    resized?.disconnect();
    plot.removeEventListener("transitionend", redraw);
  };
}
"""


log = logging.getLogger(__name__)

Width = Literal["stretch"] | int


class Click(TypedDict):
    """A point or cell just clicked: its place on both axes and the name of its trace."""

    x: str | float
    y: str | float
    name: str | None


def place_script(folder: Path) -> bool:
    """Have plotly's script in the folder from which Streamlit serves files, and say whether it is there.

    Where the folder cannot be written, an older one than the installed package's is still better than none.
    """
    source, target = Path(plotly.__file__).parent / "package_data" / "plotly.min.js", folder / "plotly.min.js"
    try:
        if not target.exists() or target.stat().st_size != source.stat().st_size:
            write_whole(target, lambda partial: shutil.copyfile(source, partial))
    except OSError as error:
        log.warning("Expected a folder that can be written, for plotly's script; found %s. %s", error, REMEDY)
    return target.exists()


def theme() -> Theme:
    """The theme in use, for colours that a figure carries; a figure on the page asks for a rerun when it changes."""
    return "dark" if st.context.theme.type == "dark" else "light"


def plot(
    figure: go.Figure, *, key: str, text: str, revision: str = "", height: int | None = None, width: Width = "stretch"
) -> Click | None:
    """Draw a figure that updates in place.

    Args:
        figure: What to draw; what has no meaning in it, text, grid and ground, follows the theme.
        key: Names the element; the same key at the same place is the same element.
        text: What the figure shows, for those who cannot see it.
        revision: Zoom and hidden traces are kept until this changes: an experiment's id, say.
        height: In pixels; by default the figure's own, or 360. The width is that of its place.
        width: In pixels, instead.

    Returns:
        What was clicked since the last run, once.
    """
    pixels = height or figure.layout.height or 360
    if not st.session_state.get(IS_SERVED, True):
        _plainly(figure, key=key, text=text, pixels=pixels, width=width)
        return None
    # Registering the same definition again is free and makes up for a runtime that was started after this import.
    element = st.components.v2.component("headstart_plot", html=HTML, css=CSS, js=SCRIPT, isolate_styles=False)
    drawn = packed(figure, theme(), uirevision=revision)
    data = {"figure": drawn, "source": SOURCE, "height": pixels, "text": text, "theme": theme()}
    result: Any = element(
        key=key, data=data, width=width, on_clicked_change=lambda: None, on_themed_change=lambda: None
    )
    clicked: Click | None = result.clicked
    return clicked


def _plainly(figure: go.Figure, *, key: str, text: str, pixels: int, width: Width) -> None:
    """By Streamlit's element and the plotly inside it: always there, but drawn anew each time, and deaf to clicks."""
    drawn = dressed(figure, theme(), height=pixels)
    st.plotly_chart(drawn, key=f"{key}_plain", alt=text, width=width, config={"displaylogo": False})
