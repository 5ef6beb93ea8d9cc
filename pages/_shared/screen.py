"""The frame of every page: the list of pages, the guard at their top, the style, the sidebar."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core import host
from core.queue import jobs
from core.words.numbers import count
from pages._shared import address, notices

FRAMED = "framed"  # set by app.py just before it runs a page
SIDEBAR_WIDTH = 240
PAGES = (
    ("upload", "Upload", ":material/add_photo_alternate:"),
    ("configure", "Configure", ":material/tune:"),
    ("train", "Train", ":material/model_training:"),
    ("compare", "Compare", ":material/compare_arrows:"),
    ("predict", "Predict", ":material/image_search:"),
)
STYLE = """<style>
.stMainBlockContainer { max-width: 78rem; }
@media (min-width: 768px) { .stMainBlockContainer { padding-inline: 2.5rem; } }
.stSidebar [data-testid="stMarkdownContainer"] p { line-height: 1.45; }
.mosaic { display: grid; grid-template-columns: repeat(5, 1fr); gap: 0.5rem; }
.mosaic img { width: 100%; aspect-ratio: 1; border-radius: 0.375rem; }
.thumbnails { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; align-items: center; padding: 0.375rem 0; }
.thumbnails div { min-width: 0; }
.thumbnails b { display: block; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.thumbnails span { font-size: 0.875rem; opacity: 0.65; }
.thumbnails p { display: flex; flex-wrap: wrap; gap: 0.375rem; height: 5rem; margin: 0; overflow: hidden; }
.thumbnails img { width: 5rem; height: 5rem; border-radius: 0.375rem; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0.75rem; }
.pairs figure { display: grid; grid-template-columns: 1fr 1fr; gap: 0.25rem; margin: 0; padding: 0.375rem; }
.pairs figure { border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-radius: 0.5rem; }
.pairs div { min-width: 0; }
.pairs img { width: 100%; aspect-ratio: 1; border-radius: 0.25rem; }
.pairs span { display: block; font-size: 0.75rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.pairs figcaption { grid-column: 1 / -1; font-size: 0.75rem; opacity: 0.75; }
.pairs .across { border-color: #D1242F; }
.pairs .across figcaption { color: #D1242F; font-weight: 600; opacity: 1; }
@media (max-width: 640px) { .thumbnails { grid-template-columns: 1fr; gap: 0.25rem; } }
.st-key-head_transfer, .st-key-head_scratch { min-height: 2.5rem; flex-wrap: nowrap; }
[class*="st-key-arm_"] [data-testid="stCaptionContainer"] { min-height: 2lh; line-height: 1.6; }
@media (max-width: 1200px) { [class*="st-key-arm_"] [data-testid="stCaptionContainer"] { min-height: 3lh; } }
.arm { font-size: 1.125rem; white-space: nowrap; }
.st-key-arm_transfer [data-testid="stProgressBarTrack"] > div { background-color: #0072B2; }
.st-key-arm_scratch [data-testid="stProgressBarTrack"] > div { background-color: #D55E00; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; font-size: 0.875rem; }
.legend i { display: inline-block; position: relative; width: 1.5rem; margin-right: 0.5rem; vertical-align: middle; }
.legend u { position: absolute; left: 0.5625rem; top: -0.25rem; width: 0.375rem; height: 0.375rem; border-radius: 50%; }
.number span, .number small { display: block; font-size: 0.875rem; }
.number span, .number small { color: color-mix(in srgb, currentColor 75%, transparent); }
.number i, .asked i { font-style: normal; }
.number b { display: block; font-size: 2.75rem; font-weight: 600; line-height: 1.25; }
.answers { display: grid; grid-template-columns: repeat(auto-fill, 5.5rem); gap: 0.5rem; min-height: 7rem; }
.answers img, .asked img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 0.375rem; }
.answers figcaption { font-size: 0.8125rem; text-align: center; opacity: 0.75; }
.asked { display: grid; grid-template-columns: 7rem repeat(2, minmax(0, 1fr)); gap: 2rem; align-items: start; }
.asked { padding: 0 0 1.5rem; overflow-wrap: anywhere; }
.answers figure, .asked figure { margin: 0; }
.asked figcaption { font-size: 0.8125rem; opacity: 0.75; }
.asked em { display: block; font-style: normal; font-weight: 600; }
.asked p { display: grid; grid-template-columns: 6rem 1fr 3.75rem; gap: 0.5rem; align-items: center; }
.asked p { margin: 0.375rem 0; }
.asked p span { font-size: 0.875rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.asked u { display: block; height: 0.625rem; border-radius: 0.3125rem; background: rgba(128, 128, 128, 0.2); }
.asked u i { display: block; height: 100%; border-radius: 0.3125rem; }
@media (max-width: 640px) { .asked { grid-template-columns: 1fr; gap: 0.5rem; } .asked img { width: 7rem; } }
[data-testid="stLayoutWrapper"]:has(> .st-key-summary) { position: sticky; top: 4.5rem; }
@media (max-width: 640px) { [data-testid="stLayoutWrapper"]:has(> .st-key-summary) { position: static; } }
.st-key-bases [role="radiogroup"] {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0.5rem; align-items: stretch;
}
.st-key-bases [role="radiogroup"] > div {
  position: relative; padding: 0.625rem 0.75rem; border-radius: 0.5rem;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent);
}
.st-key-bases [role="radiogroup"] > div:hover { border-color: #1B79B8; }
.st-key-bases [role="radiogroup"] > [data-selected] {
  border-color: #1B79B8; box-shadow: inset 0 0 0 1px #1B79B8; background: color-mix(in srgb, #1B79B8 8%, transparent);
}
.st-key-bases [data-testid="stRadioOption"]::before { content: ""; position: absolute; inset: 0; }
.st-key-bases [data-testid="stRadioOption"] > * { position: relative; }
.st-key-bases [data-testid="stRadioCaption"] { pointer-events: none; }
.st-key-slider_ends { margin-top: -1.25rem; }
.st-key-empty { min-height: 55vh; justify-content: center; align-items: center; text-align: center; }
/* Streamlit's own Stop ends the drawing of a page and nothing that trains. */
[data-testid="stStatusWidget"] button { display: none; }
@page { size: 330mm 467mm; margin: 12mm; }  /* shaped as A4, as wide as figures are on the screen */
@media print {
  .stSidebar, [data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stExpandSidebarButton"],
  .stButton, .stDownloadButton, [data-testid="stPageLink"], [data-testid="stButtonGroup"], .stFileUploader, .stForm,
  [data-testid="stElementToolbar"], .stExpander:not(:has(details[open])), .stPopover { display: none !important; }
  html, body, .stApp, [data-testid="stAppViewContainer"], [data-testid="stMain"] {
    position: static !important; height: auto !important; overflow: visible !important; background: #fff !important;
  }
  .stMainBlockContainer { max-width: none; padding: 0; }
  .headstart-plot, .number, .asked, .thumbnails, [data-testid="stColumn"] { break-inside: avoid; }
  h1, h2, h3 { break-after: avoid; }
  .headstart-plot { max-width: 100%; overflow: hidden; }
}
</style>"""


def pages() -> list[StreamlitPage]:
    """The steps of the app, the first being where it opens."""
    return [
        st.Page(f"pages/{name}.py", title=title, icon=icon, default=name == "upload") for name, title, icon in PAGES
    ]


def begin() -> None:
    """First line of every page: a deep link to a fresh server skips app.py, so go back through it.

    Until a session has called `st.navigation`, Streamlit runs the files of a folder called `pages` by themselves.
    """
    if not st.session_state.pop(FRAMED, False):
        st.navigation(pages(), position="top")
        st.rerun()


def style() -> None:
    """The few rules that the theme in .streamlit/config.toml cannot say."""
    st.html(STYLE)


def status_line() -> None:
    """The sidebar: what the present experiment is made of, and what this host does."""
    of, present = address.dataset(), address.experiment()
    name = present.lead.base if present else st.session_state.get("base")
    lines = {
        "Data set": f"{notices.plain(of.name)}  \n{count(len(of.pictures), 'picture')}, {len(of.classes)} classes"
        if of
        else "None yet",
        "Base": name or "Not chosen yet",
        "Device": host.device().label,
        "Queue": _queue(),
    }
    for title, value in lines.items():
        st.markdown(f":gray[{title}]  \n{value}")


def share() -> None:
    """The sidebar: a link for others. The address bar's own makes them owners of all that was started under it."""
    link = address.link_to_share()
    if link and (address.identifier("experiment") or address.identifier("dataset")):
        with st.popover("Link to share", icon=":material/link:", type="tertiary"):
            st.markdown(
                "Whoever has this link sees what you see. The address in the browser's bar has `workspace=…` besides: "
                "with that one they could also stop and delete it."
            )
            st.code(link, language=None, wrap_lines=True)


def _queue() -> str:
    named = address.identifier("experiment")
    position = jobs.position(named) if named else None
    if position is not None:
        return "Your training is running" if position == 0 else f"Your training is number {position}"
    own = address.identifier("dataset"), st.query_params.get("prediction")
    said = ", ".join(count(number, noun) for noun, number in jobs.queued(besides=own).items() if number)
    return f"{said} ahead" if said else "Empty"
