"""The split: which share learns, which chooses the best epoch, which is kept for the test."""

import streamlit as st

from core import charts
from core import split as splits
from core.dataset import Dataset
from core.errors import SplitError
from core.names import natural
from core.split import Split
from pages import _shared


def section(of: Dataset) -> bool:
    """The split as one bar with numbers, and its choice; returns whether there is one."""
    st.subheader("Split", anchor=False)
    try:
        split = _shared.current_split(of)
    except SplitError as error:
        st.error(_shared.plain(str(error)), icon=":material/error:")
        return False
    counts = split.counts()
    st.markdown(
        ":gray[Both networks learn from the training part, the validation part picks their best epoch, "
        "and the test part is kept away until the end: it alone gives the score.]"
    )
    figure = charts.split_bar(counts, theme=_shared.theme())
    _shared.plot(figure, key="split_bar", revision=of.id, text=charts.describe_split(counts))
    _shared.table(
        counts.loc[natural(counts.index)].reset_index(), key="split_bar", label="Show the split of each class"
    )
    with st.expander("Advanced: another split", key="split_choice", type="compact"):
        _choice(of, split)
    return True


def _choice(of: Dataset, split: Split) -> None:
    """A seed and, unless the zip brings its own split, the shares; nothing changes before the button."""
    if of.has_own_split:
        st.markdown("The zip brings its own split. A seed matters only where it has no validation folder.")
    shares = [round(100 * share) for share in _shared.split_fractions(of)]
    with st.form("split", border=False):
        seed, validation, test = st.columns(3)
        chosen = seed.number_input(
            "Seed", 0, 2**31 - 1, value=split.seed, help="Another seed draws other pictures into each part."
        )
        options = {"min_value": 1, "max_value": 80, "disabled": of.has_own_split}
        for_validation = validation.number_input("Validation, %", value=shares[1], **options)
        for_test = test.number_input("Test, %", value=shares[2], help="Training gets the rest.", **options)
        if st.form_submit_button("Split again", key="split_again"):
            with _shared.errors():
                _split_again(of, int(chosen), int(for_validation), int(for_test))


def _split_again(of: Dataset, seed: int, validation: int, test: int) -> None:
    """Take the choice if it gives a split; else the present one stays.

    Raises:
        SplitError: It does not.
    """
    fractions = None
    if not of.has_own_split:
        fractions = ((100 - validation - test) / 100, validation / 100, test / 100)
    splits.split(of, seed=seed, fractions=fractions)
    _shared.choose_split(seed, fractions)
    st.rerun()
