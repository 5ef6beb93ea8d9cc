"""What both networks say to each picture, side by side."""

import html
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from core.disk import record
from core.disk.status import State, read_status
from core.display import palette
from core.display.palette import ArmLook
from core.plan import predictions
from core.plan.experiments import read_experiment
from core.words.names import IN_A_SENTENCE, shortened
from core.words.numbers import count, percent
from core.words.said import say
from pages._shared import elements, notices
from pages._shared.thumbnails import thumbnail

LEAST = 0.001  # of a probability that is shown in digits
BESIDE_A_BAR = 12  # letters of a class
TOP = 3  # classes shown of each answer; the table has them all


def show(prediction_id: str) -> None:
    """Each picture with its answers; what could not be read; everything as a table."""
    asked, answers = predictions.request(prediction_id), predictions.read(prediction_id)
    status = read_status(predictions.directory(prediction_id))
    if asked is None:
        return
    for each in asked["refused"] if asked["pictures"] else ():  # else the message names them all
        said = f"**{notices.plain(each['name'])}** cannot be read: {notices.plain(each['reason'])}"
        st.warning(said, icon=":material/warning:")
    if answers is None:
        failed = status is not None and status.state is State.FAILED
        tell = st.error if failed else st.info
        tell(
            notices.plain(status.message if status else "These pictures are not here any more."), icon=":material/info:"
        )
        return
    if not asked["pictures"]:
        raise record.damaged(predictions.directory(prediction_id) / "pictures.json", say("damage.no-pictures"))
    st.subheader(_agreement(answers), anchor=False)
    folder = predictions.directory(prediction_id) / "pictures"
    rows = (answers[answers["number"] == number] for number in range(len(asked["pictures"])))
    pairs = zip(asked["pictures"], rows, strict=True)
    experiment = read_experiment(asked["experiment"])
    if experiment is None:  # deleted, and with it what it was asked about
        return
    looks = palette.looks(experiment.arms)
    st.html("".join(_row(folder / picture["file"], picture["name"], own, looks) for picture, own in pairs))
    elements.table(answers.drop(columns="number"), key="answers")


def _agreement(answers: pd.DataFrame) -> str:
    """How often both say the same, of how many pictures."""
    pictures = answers.groupby("number")["predicted"]
    n, differing = pictures.ngroups, int((pictures.nunique() > 1).sum())
    if answers["arm"].nunique() < 2:
        return count(n, "picture")
    if differing == 0:
        return f"Both networks agree on {'the picture' if n == 1 else f'all {n} pictures'}"
    return f"The networks disagree on {differing} of {count(n, 'picture')}"


def _row(path: Path, name: str, rows: pd.DataFrame, looks: Mapping[str, ArmLook]) -> str:
    """A picture with a column of bars an arm."""
    escaped = html.escape(name, quote=True)
    differ = "<em>They disagree</em>" if rows["predicted"].nunique() > 1 else ""
    arms = "".join(_arm(looks[row["arm"]], row) for _, row in rows.iterrows())
    caption = f"<figcaption>{_short(name, IN_A_SENTENCE)}{differ}</figcaption>"
    return f'<div class="asked"><figure><img src="{thumbnail(path)}" alt="{escaped}">{caption}</figure>{arms}</div>'


def _arm(look: ArmLook, row: pd.Series) -> str:
    shares = row.filter(like="p_").astype(float).rename(lambda column: column.removeprefix("p_"))
    shares = shares.sort_values(ascending=False).head(TOP)
    bars = "".join(_bar(str(label), share, look.colour) for label, share in shares.items())
    square = f'<i style="color:{look.colour}" aria-hidden="true">■</i>'
    answer = _short(str(row["predicted"]), IN_A_SENTENCE, tag="b")
    return f"<div><span>{square} {look.label}: {answer}</span>{bars}</div>"


def _bar(label: str, share: float, colour: str) -> str:
    filled = f'<i style="width:{100 * share:.1f}%;background:{colour}"></i>'
    return f"<p>{_short(label, BESIDE_A_BAR)}<u>{filled}</u><span>{_percent(share)}</span></p>"


def _short(name: str, letters: int, *, tag: str = "span") -> str:
    """A name with no more letters than there is room for; hovering shows all of it."""
    return f'<{tag} title="{html.escape(name, quote=True)}">{html.escape(shortened(name, letters))}</{tag}>'


def _percent(share: float) -> str:
    """A probability; what is as good as none in no more digits than there is room for."""
    return "&lt; 0.1\xa0%" if 0 < share < LEAST else "&gt; 99.9\xa0%" if 1 - LEAST < share < 1 else percent(share, 100)
