"""The split: which share learns, which chooses the best epoch, which is kept for the test."""

from dataclasses import replace

import streamlit as st

from core.data import groups
from core.data import split as splits
from core.data.dataset import Dataset
from core.data.near import copies
from core.data.split import Split, SplitChoice
from core.display.charts import dataset
from core.errors import SplitError
from core.words.names import natural
from pages._shared import elements, notices, parts
from pages._shared.plot import plot

TOGETHER = (
    "Frames of one burst, or one picture in two sizes, go into the same part. "
    "Without it the network is tested on pictures that it has nearly seen."
)
KINDS = {
    "": "nothing else",
    groups.NAME: "beginning of the file name, up to the first mark",
    groups.LAST: "beginning of the file name, up to the last mark",
    groups.FOLDER: "folder, at level {0}",
    groups.GROUP: "source, variant or fold, as the zip's folders name them",
}


def section(of: Dataset) -> bool:
    """The split as one bar with numbers, and its choice; returns whether there is one."""
    st.subheader("Split", anchor=False)
    try:
        split = parts.current_split(of)
    except SplitError as error:
        st.error(notices.plain(str(error)), icon=":material/error:")
        return False
    counts = split.counts()
    st.markdown(
        ":gray[Both networks learn from the training part, the validation part picks their best epoch, "
        "and the test part is kept away until the end: it alone gives the score.]"
    )
    figure = dataset.split_bar(counts)
    plot(figure, key="split_bar", revision=of.id, text=dataset.describe_split(counts))
    elements.table(
        counts.loc[natural(counts.index)].reset_index(), key="split_bar", label="Show the split of each class"
    )
    _remarks(of, split)
    with st.expander("Advanced: another split", key="split_choice", type="compact"):
        _choice(of, split)
    return True


def _remarks(of: Dataset, split: Split) -> None:
    leak = copies.leak(of.near, split.frame)
    for remark in split.remarks(of.near):
        if remark == leak:
            st.markdown(f":red[:material/error: **{notices.plain(remark)}**]")
        else:
            st.markdown(f":gray[:material/info: {notices.plain(remark)}]")


def _choice(of: Dataset, split: Split) -> None:
    """Seed, shares unless the zip brings its own split, what stays together; nothing changes before the button."""
    if of.has_own_split:
        st.markdown("The zip brings its own split. A seed matters only where it has no validation folder.")
    present = parts.split_choice(of)
    shares = [round(100 * share) for share in parts.split_fractions(of)]
    with st.form("split", border=False):
        seed, validation, test = st.columns(3)
        chosen = seed.number_input(
            "Seed", 0, 2**31 - 1, value=split.seed, help="Another seed draws other pictures into each part."
        )
        is_given = of.has_own_split
        for_validation = validation.number_input("Validation, %", 1, 80, value=shares[1], disabled=is_given)
        for_test = test.number_input(
            "Test, %", 1, 80, value=shares[2], disabled=is_given, help="Training gets the rest."
        )
        keeps_together = st.checkbox("Keep near-copies together", value=present.keeps_together, help=TOGETHER)
        leaves_out = of.has_own_split and st.checkbox(
            "Leave near-copies of validation and test pictures out of training", value=present.leaves_out
        )
        group = _group(of, groups.Common.read(present.group))
        if st.form_submit_button("Split again", key="split_again"):
            fractions = (100 - for_validation - for_test) / 100, for_validation / 100, for_test / 100
            wanted = None if of.has_own_split else fractions
            with notices.errors():
                _split_again(of, SplitChoice(int(chosen), wanted, keeps_together, str(group), leaves_out))


def _group(of: Dataset, present: groups.Common) -> groups.Common:
    """What else pictures that stay together have in common."""
    levels = [groups.Common(groups.FOLDER, level=level + 1) for level in range(groups.levels(of.pictures["name"]))]
    named = [groups.Common(groups.GROUP)] if "group" in of.pictures and of.pictures["group"].notna().any() else []
    by_name = [groups.Common(groups.NAME, mark="_"), groups.Common(groups.LAST, mark="_")]
    kinds = [groups.Common(), *by_name, *levels, *named]
    alike = [kind for kind in kinds if (kind.kind, kind.level) == (present.kind, present.level)]
    left, right = st.columns([2, 1])
    kind = left.selectbox(
        "Also keep together pictures with the same",
        kinds,
        index=kinds.index(alike[0]) if alike else 0,
        format_func=lambda kind: KINDS[kind.kind].format(kind.level),
        help="Such as all pictures of one patient: patient12_left.jpg and patient12_right.jpg.",
    )
    mark = right.text_input("Mark in the name", value=present.mark or "_", max_chars=10)
    return replace(kind, mark=mark) if kind.mark else kind


def _split_again(of: Dataset, choice: SplitChoice) -> None:
    """Take the choice if it gives a split; else the present one stays.

    Raises:
        SplitError: It does not.
    """
    splits.split(of, choice=choice)
    parts.choose_split(choice)
    st.rerun()
