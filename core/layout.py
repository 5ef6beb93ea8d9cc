"""Names in a zip → which picture has which label, and which part where the zip brings its own split.

Folders above the classes are stripped while there is only one. Then, first match wins:

labels.csv at the top          its rows `filename,label` are the labels
train beside val and/or test   the zip's own split; the folders in them are the classes
anything else                  the folders are the classes, and what lies deeper belongs to them
"""

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.archive import Archive, Entry, EntryError, name_parts, printable, size
from core.errors import DatasetError
from core.picture import SUFFIXES
from core.problem import Problem, ProblemKind, found

if TYPE_CHECKING:
    from _csv import Reader  # the type of csv.reader has no public name in Python 3.11

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
PART_FOLDERS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
# Pictures to a user, but not read here: named as unreadable, and they make their folder a class.
OTHER_SUFFIXES = (".heic", ".heif", ".avif", ".jp2", ".svg", ".psd", ".ico", ".tga", ".dng", ".cr2", ".nef", ".arw")
LABELS = "labels.csv"
LABELS_HEADER = ["filename", "label"]
MAX_LABELS_BYTES = 32_000_000  # 50,000 rows are about 3 MB


@dataclass(frozen=True)
class Labelled:
    """A picture that has a label."""

    entry: Entry
    name: str  # below the stripped folders
    label: str
    part: str | None  # of PARTS, where the zip brings its own split


@dataclass(frozen=True)
class Layout:
    """All labelled pictures of a zip in its order, and what else was found."""

    pictures: tuple[Labelled, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _File:
    entry: Entry
    parts: tuple[str, ...]  # below the stripped folders

    @property
    def name(self) -> str:
        return "/".join(self.parts)

    @property
    def is_picture(self) -> bool:
        return self.entry.suffix in SUFFIXES + OTHER_SUFFIXES

    @property
    def is_labels(self) -> bool:
        return len(self.parts) == 1 and self.parts[0].lower() == LABELS


def arrange(archive: Archive) -> Layout:
    """Find the label of each picture by the zip's layout.

    Raises:
        DatasetError: labels.csv is wrong, or the zip's own train folder has no class folders.
    """
    files, outside = _stripped([_File(entry, entry.parts) for entry in archive.entries])
    labels = next((file for file in files if file.is_labels), None)
    pictures = [file for file in files if file.is_picture]
    layout = _by_rows(pictures, _read_labels(archive, labels.entry)) if labels else _by_folders(pictures)
    others = [file for file in (*outside, *files) if not file.is_picture and file != labels]
    return Layout(
        layout.pictures,
        (
            *layout.problems,
            *found(ProblemKind.UNLABELLED, (file.name for file in outside if file.is_picture)),
            *found(ProblemKind.EMPTY_FOLDER, _empty_folders(archive)),
            *found(ProblemKind.NOT_A_PICTURE, (file.name for file in others)),
        ),
    )


def _stripped(files: list[_File]) -> tuple[list[_File], list[_File]]:
    """The files below the folders that are stripped, and those beside these folders."""
    outside: list[_File] = []
    while (folder := _wrapper(files)) is not None:
        inside = [file for file in files if file.parts[0] == folder and len(file.parts) > 1]
        outside += [file for file in files if file.parts[0] != folder]
        files = [_File(file.entry, file.parts[1:]) for file in inside]
    return files, outside


def _wrapper(files: list[_File]) -> str | None:
    """The one folder, if there is only one and it is no class: it holds folders with pictures, or labels.csv."""
    folders = {file.parts[0] for file in files if file.is_picture and len(file.parts) > 1}
    if len(folders) != 1 or any(file.is_labels for file in files):
        return None
    (folder,) = folders
    inside = [file for file in files if file.parts[0] == folder]
    has_folders = any(file.is_picture and len(file.parts) > 2 for file in inside)
    has_labels = any(len(file.parts) == 2 and file.parts[1].lower() == LABELS for file in inside)
    return folder if has_folders or has_labels else None


def _by_folders(pictures: list[_File]) -> Layout:
    parts = {file.parts[0]: PART_FOLDERS.get(file.parts[0].lower()) for file in pictures if len(file.parts) > 1}
    own = {folder: part for folder, part in parts.items() if part}
    if TRAIN in own.values() and len(set(own.values())) > 1:
        return _by_parts(pictures, own)
    labelled = tuple(Labelled(file.entry, file.name, file.parts[0], None) for file in pictures if len(file.parts) > 1)
    loose = (file.name for file in pictures if len(file.parts) == 1)
    return Layout(labelled, tuple(found(ProblemKind.UNLABELLED, loose)))


def _by_parts(pictures: list[_File], own: dict[str, str]) -> Layout:
    """The zip's own split; a folder of it without class folders, such as a test set without labels, counts as none."""
    labelled = [file for file in pictures if len(file.parts) > 2 and file.parts[0] in own]
    loose = [file.name for file in pictures if len(file.parts) < 3 or file.parts[0] not in own]
    held = {own[file.parts[0]] for file in labelled}
    if TRAIN not in held:
        raise DatasetError(
            "Expected class folders in the zip's folder 'train'. Found none with pictures. "
            "Put the training pictures into a folder for each class."
        )
    names: dict[str, str | None] = dict(own)
    if held == {TRAIN}:
        names = dict.fromkeys(own)
    tests = [folder for folder, part in own.items() if part == VALIDATION and held == {TRAIN, VALIDATION}]
    names.update(dict.fromkeys(tests, TEST))
    return Layout(
        tuple(Labelled(file.entry, file.name, file.parts[1], names[file.parts[0]]) for file in labelled),
        (*found(ProblemKind.OWN_SPLIT, tests), *found(ProblemKind.UNLABELLED, loose)),
    )


def _by_rows(pictures: list[_File], labels: dict[str, str]) -> Layout:
    names = {file.name for file in pictures}
    labelled = [Labelled(file.entry, file.name, labels[file.name], None) for file in pictures if labels.get(file.name)]
    if pictures and not labelled:
        raise DatasetError(
            f"labels.csv must name pictures of the zip with their labels. Found none of {len(pictures):,} pictures in "
            f"its {len(labels):,} rows. Write names with their folders, counted from where labels.csv lies."
        )
    return Layout(
        tuple(labelled),
        (
            *found(ProblemKind.MISSING, (name for name in labels if name not in names)),
            *found(ProblemKind.UNLABELLED, (file.name for file in pictures if not labels.get(file.name))),
        ),
    )


def _read_labels(archive: Archive, entry: Entry) -> dict[str, str]:
    """File name → label, "" for a row without one."""
    try:
        if entry.size_bytes > MAX_LABELS_BYTES:
            raise EntryError(f"it has {size(entry.size_bytes)}; at most {size(MAX_LABELS_BYTES)} are read")
        text = archive.read(entry).decode("utf-8-sig")
    except EntryError as error:
        raise DatasetError(f"labels.csv must be readable. Found that {error}. Save it and zip again.") from None
    except UnicodeDecodeError:
        raise DatasetError(
            "labels.csv must be UTF-8 text. Found another encoding. Save it as 'CSV UTF-8' and zip again."
        ) from None
    try:
        return _rows(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise DatasetError(f"labels.csv must be a table with commas. Found: {error}. Save it again as CSV.") from None


def _rows(reader: "Reader") -> dict[str, str]:
    header = next(reader, [])
    if [cell.strip().lower() for cell in header] != LABELS_HEADER:
        raise DatasetError(
            f"labels.csv must begin with the line {','.join(LABELS_HEADER)}. "
            f"Found '{printable(','.join(header))[:60]}'. Mend its first line and zip again."
        )
    labels: dict[str, str] = {}
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(LABELS_HEADER):
            raise DatasetError(
                f"Each row of labels.csv must have 2 columns. Found {len(row)} in line {reader.line_num}. "
                "Put a name that holds a comma in double quotes."
            )
        name, label = _as_in_zip(row[0]), printable(" ".join(row[1].split()))
        if labels.setdefault(name, label) != label:
            raise DatasetError(
                f"A file can have one label in labels.csv. Found '{name}' as '{labels[name]}' and as '{label}'. "
                "Delete the wrong row."
            )
    return labels


def _as_in_zip(name: str) -> str:
    try:
        return "/".join(name_parts(name))
    except EntryError:
        return printable(name)  # such a name is never in the zip, so it is listed as missing


def _empty_folders(archive: Archive) -> list[str]:
    names = [tuple(name.split("/")) for name in archive.folders]
    everything = [*names, *(entry.parts for entry in archive.entries)]
    filled = {parts[:depth] for parts in everything for depth in range(1, len(parts))}
    return ["/".join(parts) for parts in names if parts not in filled]
