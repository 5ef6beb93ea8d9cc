"""Names in a zip → which picture has which label, in which part of the zip's own split, and in which group.

What is understood, and what wins (docs/usage.md shows each): a table with a column of labels; folders, of which those
that share their sub-folders are parts or groups; file names that carry the label. Other ways to read the same zip are
kept, so that the user can choose one of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from core.data.findings import problem
from core.data.findings.problem import Problem, ProblemKind, found
from core.data.labels import division, folders, masks, rows, stems, table
from core.data.labels.division import Folders
from core.data.labels.parts import PARTS as PARTS
from core.data.labels.parts import TEST as TEST
from core.data.labels.parts import TRAIN as TRAIN
from core.data.labels.parts import VALIDATION as VALIDATION
from core.data.labels.reading import File, Reading
from core.data.labels.rows import Told
from core.data.zips import signature
from core.data.zips.archive import Archive, Entry
from core.data.zips.names import loose
from core.errors import DatasetError
from core.words.names import natural
from core.words.said import Said, plain, say

MOST_READINGS = 12


@dataclass(frozen=True)
class Labelled:
    """A picture that has a label."""

    entry: Entry
    name: str  # below the stripped folders
    label: str
    part: str | None  # of PARTS, where the zip brings its own split
    group: str | None = None  # the variant, source or fold, where folders above the classes tell


@dataclass(frozen=True)
class Layout:
    """One way to read a zip: all labelled pictures in its order, what else was found, and the other ways."""

    pictures: tuple[Labelled, ...]
    problems: tuple[Problem, ...]
    key: str = "folders 1"
    title: Said = field(default_factory=lambda: plain(""))
    unlabelled: tuple[File, ...] = ()  # pictures of parts without answers
    others: tuple["Layout", ...] = ()

    @property
    def all_pictures(self) -> tuple[Labelled, ...]:
        """Each picture that any reading labels, once, in the zip's order."""
        every = {each.entry.position: each for layout in (*self.others, self) for each in layout.pictures}
        return tuple(every[position] for position in sorted(every))


def arrange(archive: Archive) -> Layout:
    """Find the label of each picture by the zip's layout.

    Raises:
        DatasetError: A table contradicts itself, or nothing tells the classes.
    """
    every = [File(entry, entry.parts, is_picture=_is_picture(archive, entry)) for entry in archive.entries]
    files, outside = _stripped(every)
    pictures, left_out = masks.without([file for file in files if file.is_picture])
    of = division.divided(pictures)
    by_folder = _by_folder(of, pictures)
    tables = rows.told(archive, files, pictures, of, by_folder[0] if by_folder else None)
    readings = _ranked(by_folder, tables, of)[:MOST_READINGS]
    _check(readings, tables, of, files, left_out)
    others = [file for file in (*outside, *files) if not file.is_picture]
    common = (
        *found(ProblemKind.UNLABELLED, (file.name for file in outside if file.is_picture)),
        *masks.told(left_out),
        *found(ProblemKind.EMPTY_FOLDER, _empty_folders(archive)),
        *_of_names(archive),
    )
    first = next((each for each in by_folder if len(each.classes) > 1), None)
    layouts = [_layout(reading, pictures, (*common, *_unused(reading, tables, others, first))) for reading in readings]
    if layouts:
        return replace(layouts[0], others=tuple(layouts[1:]))
    return Layout((), (*found(ProblemKind.UNLABELLED, (file.name for file in pictures)), *tables.notes, *common))


def _by_folder(of: Folders, pictures: Sequence[File]) -> list[Reading]:
    """All that the folders can mean; where a part is only a guess, also without parts."""
    readings = folders.readings(of)
    if not of.is_guess:
        return readings
    plain = folders.readings(division.divided(pictures, guesses=False))[:1]
    learned = natural({place.file.folders[0] for place in of.learned})
    beside = natural({name for part, names in of.folder_of.items() if part != TRAIN for name in names})
    said = say("reading.parts-guessed", n=len(learned), beside=beside)
    note = problem.told(ProblemKind.READING, said, learned)
    noted = [replace(each, problems=(*note, *each.problems)) for each in readings]
    return [*noted, *(replace(each, key=f"plain {each.key}", title=say("way.no-part")) for each in plain)]


def _layout(reading: Reading, pictures: Sequence[File], common: Iterable[Problem]) -> Layout:
    labelled = tuple(
        Labelled(file.entry, file.name, label.label, label.part, label.group)
        for file in pictures
        if (label := reading.labels.get(file.entry.position))
    )
    problems = (*reading.problems, *_similar(reading), *common)
    return Layout(labelled, problems, reading.key, reading.title, reading.unlabelled)


def _is_picture(archive: Archive, entry: Entry) -> bool:
    """By its ending, or by its first bytes where that says nothing."""
    if entry.suffix in signature.PICTURE_SUFFIXES or entry.suffix in signature.OTHER_SUFFIXES:
        return entry.suffix in signature.PICTURE_SUFFIXES
    return signature.is_picture(archive.start(entry))


def _stripped(files: list[File]) -> tuple[list[File], list[File]]:
    """The files below the folders that are stripped, and those beside these folders."""
    outside: list[File] = []
    while (folder := _wrapper(files)) is not None:
        inside = [file for file in files if file.parts[0] == folder and len(file.parts) > 1]
        outside += [file for file in files if file.parts[0] != folder]
        files = [replace(file, parts=file.parts[1:]) for file in inside]
    return files, outside


def _wrapper(files: list[File]) -> str | None:
    """The one folder, if there is only one and it is no class: it holds folders with pictures, or a table."""
    tops = {file.parts[0] for file in files if file.is_picture and len(file.parts) > 1}
    if len(tops) != 1 or any(_is_table(file) and len(file.parts) == 1 for file in files):
        return None
    (folder,) = tops
    inside = [file for file in files if file.parts[0] == folder]
    has_folders = any(file.is_picture and len(file.parts) > 2 for file in inside)
    has_table = any(len(file.parts) == 2 and _is_table(file) for file in inside)
    return folder if has_folders or has_table else None


def _is_table(file: File) -> bool:
    return file.entry.suffix in table.SUFFIXES and file.entry.suffix != ".txt"


def _ranked(by_folder: list[Reading], tables: Told, of: Folders) -> list[Reading]:
    """All readings that give classes, the likeliest first."""
    good = [reading for reading in by_folder if len(reading.classes) > 1]
    by_table = [reading for reading in tables.readings if len(reading.classes) > 1]
    named = stems.readings(of) if not by_table else []
    if not good:
        return [*by_table, *named] or [*tables.readings, *by_folder]
    others = [reading for reading in named if not reading.says_what(good[0])]
    good[0] = replace(good[0], problems=(*_beside(others), *good[0].problems))
    is_first = by_table and tables.is_sure and (tables.is_called_labels or not by_table[0].says_what(good[0]))
    if is_first:
        return [*by_table, *good]
    wider = [
        each for each in by_table if each.classes == good[0].classes and each.labels.keys() > good[0].labels.keys()
    ]
    return [*wider, *good, *others, *(each for each in by_table if each not in wider)]


def _beside(others: Sequence[Reading]) -> list[Problem]:
    """A note that the file names tell other classes than the folders."""
    names = natural({name for each in others for name in each.classes})
    return problem.told(ProblemKind.READING, say("reading.names-differ", n=len(names)), names) if names else []


def _check(
    readings: Sequence[Reading], tables: Told, of: Folders, files: Sequence[File], left_out: Sequence[File]
) -> None:
    """Refuse what a table contradicts, and what nothing labels."""
    has_classes = any(len(reading.classes) > 1 for reading in readings)
    if left_out and not has_classes:
        raise DatasetError("layout.masks", name=left_out[0].name)
    wrong = (*tables.conflicts, *tables.failures)
    if wrong and (not has_classes or (tables.conflicts and tables.is_called_labels)):
        raise DatasetError("layout.wrong-table", reason=wrong[0])
    by_kind = [[f.name for f in files if f.entry.suffix in kind] for kind in (table.SPREADSHEETS, table.NOTES)]
    sheets = [name for names in by_kind for name in names]
    if sheets and not has_classes:
        raise DatasetError("layout.no-csv", name=sheets[0])
    if of.folder_of and not readings:
        raise DatasetError("layout.empty-part", folder=of.folder_of[TRAIN][0])


def _unused(reading: Reading, tables: Told, others: Sequence[File], by_folder: Reading | None) -> list[Problem]:
    """What was not made use of: folders beside a table, tables beside folders, and files that are no pictures."""
    is_against = bool(reading.named and by_folder and not by_folder.says_what(reading))
    against = problem.told(
        ProblemKind.READING,
        say("reading.table-against-folders", tables=natural(reading.named)),
        natural(by_folder.classes) if by_folder else (),
    )
    mentioned = tables.used | {name for note in tables.notes for name in note.names}
    idle = natural(tables.used - reading.named)
    beside = problem.told(ProblemKind.TABLE, say("table.beside-folders", n=len(idle)), idle) if idle else []
    wrong = tables.conflicts if not reading.named else ()
    refused = problem.told(ProblemKind.TABLE, say("table.refused"), wrong)
    left = [file.name for file in others if file.name not in mentioned]
    return [
        *(against if is_against else ()),
        *tables.notes,
        *beside,
        *(refused if wrong else ()),
        *found(ProblemKind.NOT_A_PICTURE, left),
    ]


def _of_names(archive: Archive) -> list[Problem]:
    """What the names in the zip themselves call for."""
    guess = archive.guess
    folders_shown = natural({entry.parts[-2] for entry in archive.entries if len(entry.parts) > 1} if guess else ())
    said = say("problem.code-page", page=guess.said if guess else None)
    read_as = problem.told(ProblemKind.CODE_PAGE, said, [name for name in folders_shown if not name.isascii()])
    return [
        *(read_as if guess else ()),
        *found(ProblemKind.HIDDEN, archive.hidden),
        *found(ProblemKind.MERGED, archive.merged),
        *found(ProblemKind.REPEATED, archive.repeated),
        *found(ProblemKind.OPENED, archive.opened),
    ]


def _similar(reading: Reading) -> list[Problem]:
    """Classes that differ by nothing but capitals, spaces or joining signs."""
    alike: dict[str, set[str]] = defaultdict(set)
    for name in reading.classes:
        alike[loose(name)].add(name)
    return found(ProblemKind.SIMILAR_NAMES, [" / ".join(natural(names)) for names in alike.values() if len(names) > 1])


def _empty_folders(archive: Archive) -> list[str]:
    names = [tuple(name.split("/")) for name in archive.folders]
    everything = chain(names, (entry.parts for entry in archive.entries))
    filled = {parts[:depth] for parts in everything for depth in range(1, len(parts))}
    return ["/".join(parts) for parts in names if parts not in filled]
