"""Labelled pictures → the manifest: one row a picture and label, and what was left out; too little is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.data.findings import problem
from core.data.findings.problem import Problem, ProblemKind, found
from core.data.labels.layout import PARTS, TEST, TRAIN, Layout
from core.data.zips.archive import IS_LINK, Archive
from core.errors import DatasetError
from core.words.said import Said, say

if TYPE_CHECKING:  # pandas takes 34 MB: it is imported once the pictures are decoded
    import pandas as pd

COLUMNS = ["picture", "file", "label", "name", "width", "height", "part", "group"]
FEWEST = 3  # different pictures of a class: one for each part
OWN_FEWEST = {TRAIN: 2, TEST: 1}  # where the zip brings its own split; of two in train one may go to validation
FEW = 20
SHOWN = 3  # of classes that are too small
IMBALANCE = 5.0


def check_names(archive: Archive, arranged: Layout) -> None:
    """Refuse what can be seen before any picture is read.

    Raises:
        DatasetError: There are fewer than two classes.
    """
    classes = sorted({labelled.label for labelled in arranged.pictures})
    if len(classes) > 1:
        return
    loose = sum(len(each.found) for each in arranged.problems if each.kind is ProblemKind.UNLABELLED)
    if classes:
        raise DatasetError("dataset.one-class", label=classes[0], loose=loose)
    if loose:
        idle = [name for each in arranged.problems if each.kind is ProblemKind.TABLE for name in each.found]
        raise DatasetError("dataset.no-class", loose=loose, table=idle[0] if idle else None)
    if archive.refused:
        first, number = archive.refused[0], len(archive.refused)
        are_links = first.reason.kind == IS_LINK
        raise DatasetError("dataset.only-refused", n=number, name=first.name, reason=first.reason, are_links=are_links)
    name = archive.entries[0].name if archive.entries else None
    raise DatasetError("dataset.no-pictures", n=len(archive.entries), name=name)


def unique(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Problem]]:
    """One row a picture and label, each picture in one part only, and the problems of those that were repeated.

    Args:
        rows: `COLUMNS`, a row an entry of the zip.
    """
    two_labels, leaks, copies = [], [], []
    for _, group in rows[rows.duplicated("picture", keep=False)].groupby("picture", sort=False):
        names = " = ".join(group["name"])
        if group["label"].nunique() > 1:
            two_labels.append(names)
        if group["part"].nunique() > 1:
            leaks.append(names)
        if group["label"].nunique() == 1 and group["part"].nunique() < 2:
            copies.append(names)
    rank = rows["part"].map({part: rank for rank, part in enumerate(PARTS)}).fillna(0)
    kept = rows[rank == rank.groupby(rows["picture"]).transform("max")]
    kept = kept.drop_duplicates(["picture", "label"]).sort_values(["label", "name"], ignore_index=True)
    return kept, [
        *found(ProblemKind.TWO_LABELS, two_labels),
        *found(ProblemKind.IN_TRAIN_AND_TEST, leaks),
        *found(ProblemKind.DUPLICATE, copies),
    ]


def check_classes(pictures: pd.DataFrame, classes: set[str], unreadable: Sequence[str | Said]) -> None:
    """Refuse what is too little to be split.

    Args:
        pictures: What `unique` gave.
        classes: All that the zip names, readable pictures or not.
        unreadable: What could not be read, with the reasons.

    Raises:
        DatasetError: A class has fewer than `FEWEST` pictures, or than `OWN_FEWEST` in a part of the zip's own.
    """
    lost = say("dataset.lost", n=len(unreadable), first=unreadable[0]) if unreadable else None
    if pictures.empty:
        raise DatasetError("dataset.none-readable", lost=lost)
    has_own_split = pictures["part"].notna().any()
    needed = OWN_FEWEST if has_own_split else {None: FEWEST}
    for part, fewest in needed.items():
        counts = (pictures if part is None else pictures[pictures["part"] == part])["label"].value_counts()
        numbers = {label: int(counts.get(label, 0)) for label in sorted(classes)}
        few = [say("dataset.small-class", name=name, n=number) for name, number in numbers.items() if number < fewest]
        if few:
            raise DatasetError(
                "dataset.small-classes",
                needed=fewest,
                part=part,
                few=few[:SHOWN],
                more=max(0, len(few) - SHOWN),
                lost=lost,
            )


def small_classes(pictures: pd.DataFrame) -> list[Problem]:
    """Warnings about classes that are small, or small beside another."""
    counts = {str(label): int(count) for label, count in pictures["label"].value_counts().sort_index().items()}
    few = [say("found.counted", name=label, n=count) for label, count in counts.items() if count < FEW]
    return [*found(ProblemKind.TOO_FEW, few), *problem.imbalance(counts, limit=IMBALANCE)]
