"""Labelled pictures → the manifest: one row a picture and label, and what was left out; too little is refused."""

import pandas as pd

from core.data.findings import problem
from core.data.findings.problem import Problem, ProblemKind, found
from core.data.labels.layout import PARTS, TEST, TRAIN, Layout
from core.data.zips.archive import IS_LINK, Archive
from core.errors import DatasetError
from core.words.numbers import count

COLUMNS = ["picture", "file", "label", "name", "width", "height", "part", "group"]
FEWEST = 3  # different pictures of a class: one for each part
OWN_FEWEST = {TRAIN: 2, TEST: 1}  # where the zip brings its own split; of two in train one may go to validation
FEW = 20
ZIP_THE_FOLDER = "Zip the folder that contains the class folders"
IMBALANCE = 5.0


def check_names(archive: Archive, arranged: Layout) -> None:
    """Refuse what can be seen before any picture is read.

    Raises:
        DatasetError: There are fewer than two classes.
    """
    classes = sorted({labelled.label for labelled in arranged.pictures})
    if len(classes) > 1:
        return
    wanted = "Expected at least 2 classes, each a folder of pictures."
    loose = sum(len(each.names) for each in arranged.problems if each.kind is ProblemKind.UNLABELLED)
    outside = f"{count(loose, 'picture')} outside of any"
    if classes:
        beside = f", and {outside}" if loose else ""
        remedy = "Put each picture into the folder of its class" if loose else ZIP_THE_FOLDER
        raise DatasetError(f"{wanted} Found 1 ('{classes[0]}'){beside}. {remedy}.")
    if loose:
        idle = [name for each in arranged.problems if each.kind is ProblemKind.TABLE for name in each.names]
        table = f", and '{idle[0]}', of which no column repeats the labels of classes" if idle else ""
        raise DatasetError(f"{wanted} Found {outside}{table}. Put each into the folder of its class.")
    if archive.refused:
        first = archive.refused[0]
        remedy = "Zip the pictures themselves, not links to them" if first.reason == IS_LINK else ZIP_THE_FOLDER
        number = len(archive.refused)
        raise DatasetError(
            f"{wanted} Found no pictures, and {number:,} {'entry was' if number == 1 else 'entries were'} refused: "
            f"'{first.name}', because {first.reason}. {remedy}."
        )
    such = f", such as '{archive.entries[0].name}'" if archive.entries else ""
    files = count(len(archive.entries), "file")
    raise DatasetError(f"{wanted} Found no pictures among {files}{such}. Zip JPEG, PNG or HEIC files.")


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


def check_classes(pictures: pd.DataFrame, classes: set[str], unreadable: list[str]) -> None:
    """Refuse what is too little to be split.

    Args:
        pictures: What `unique` gave.
        classes: All that the zip names, readable pictures or not.
        unreadable: "name: reason" of what could not be read.

    Raises:
        DatasetError: A class has fewer than `FEWEST` pictures, or than `OWN_FEWEST` in a part of the zip's own.
    """
    lost = f" {len(unreadable):,} could not be read, such as {unreadable[0]}." if unreadable else ""
    if pictures.empty:
        remedy = "Zip pictures that open on your computer, as JPEG or PNG."
        raise DatasetError(f"Expected pictures that can be read. Found none.{lost} {remedy}")
    has_own_split = pictures["part"].notna().any()
    needed = OWN_FEWEST if has_own_split else {None: FEWEST}
    for part, fewest in needed.items():
        counts = (pictures if part is None else pictures[pictures["part"] == part])["label"].value_counts()
        few = [f"'{label}' with {counts.get(label, 0)}" for label in sorted(classes) if counts.get(label, 0) < fewest]
        if few:
            more = f" and {len(few) - 3:,} more classes" if len(few) > 3 else ""
            where = f" in {part}" if part else ""
            needs = f"{fewest} different pictures" if fewest > 1 else "1 picture"
            raise DatasetError(
                f"Each class needs at least {needs}{where}. Found {', '.join(few[:3])}{more}."
                f"{lost} Add pictures, or leave the class out."
            )


def small_classes(pictures: pd.DataFrame) -> list[Problem]:
    """Warnings about classes that are small, or small beside another."""
    counts = {str(label): int(count) for label, count in pictures["label"].value_counts().sort_index().items()}
    few = [f"{label}: {count}" for label, count in counts.items() if count < FEW]
    return [*found(ProblemKind.TOO_FEW, few), *problem.imbalance(counts, limit=IMBALANCE)]
