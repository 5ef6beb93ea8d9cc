"""Columns of a table → which one names the pictures, which ones may be the label, which one tells the part."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.data.labels import languages, parts
from core.data.labels.reading import File
from core.data.labels.table import Table
from core.data.zips.names import EntryError, loose, name_parts, unaccented, words
from core.data.zips.signature import PICTURE_SUFFIXES
from core.words.said import Said, say

# Headers of labels, the surest first; names come before numbers that stand for them.
LABELS = words(
    "label labels class classname labelname classlabel category categoryname target breed species variety"
    " cultivar diagnosis dx disease emotion expression genre type kind tag tags groundtruth gt annotation"
    " answer y classid labelid categoryid targetid level"
) + tuple(sorted(languages.LABELS))
# Headers of what is known to be no label.
OTHERS = frozenset(
    words(
        "width height w h x xmin ymin xmax ymax x1 y1 x2 y2 bbox area size filesize url link date time"
        " timestamp year age split set subset partition fold usage path folder directory id uuid md5 sha1 hash"
        " lat lon latitude longitude confidence score author license source index unnamed unnamed0 rownumber"
        " comment notes camera device"
    )
).union(languages.OTHERS)
PICTURES = frozenset(
    words("filename file image imagename imageid imagepath path filepath filepaths name id picture photo")
)
SPLITS = frozenset(words("split set subset partition dataset part usage phase"))
TRUE = {
    "1",
    "1.0",
    "true",
    "t",
    "yes",
    "y",
    "x",
    "✓",
    "✔",
    "ja",
    "j",
    "oui",
    "o",
    "sí",
    "si",
    "s",
    "sim",
    "да",
    "是",
    "はい",
}
FALSE = {"0", "0.0", "false", "f", "no", "n", "", "-", "✗", "✘", "nein", "non", "não", "нет", "否", "いいえ"}
NUMBER = re.compile(r"-?\d+[.,]\d+(e-?\d+)?")
HEADERS = OTHERS | PICTURES | SPLITS | {*LABELS} - {""}
SAMPLE_ROWS = 500
MOST_LABELS = 4  # columns that are offered
FOUND = 0.5  # of the rows, or of the pictures, that a column must match to be the one that names them
EXACT, BY_STEM, BY_NUMBER = 3, 2, 1  # how sure a match is


class PictureNames:
    """The pictures of a zip, found by what a table calls them: with or without ending, with or without folders."""

    def __init__(self, files: Sequence[File]) -> None:
        """Note the names of all."""
        self.files = files
        self._by_name: dict[str, list[int]] = defaultdict(list)
        self._by_stem: dict[str, list[int]] = defaultdict(list)
        self._by_number: dict[str, list[int]] = defaultdict(list)
        for position, file in enumerate(files):
            name = file.parts[-1].casefold()
            stem = _stem(name)
            self._by_name[name].append(position)
            self._by_stem[stem].append(position)
            if stem.isdecimal():
                self._by_number[str(int(stem))].append(position)  # spreadsheets take "0012" for 12

    def find(self, cell: str, near: Sequence[str] = (), part: str | None = None) -> tuple[list[int], int]:
        """Positions of the pictures that `cell` names and how sure that is; none where it names two different ones.

        Args:
            cell: A name, path or number.
            near: The folders in which the table lies.
            part: The part of which the table tells.
        """
        path = _path(cell)
        if not path:
            return [], 0
        found, sureness = self._candidates(path[-1])
        ranked = [(self._likeness(position, path, near, part), position) for position in found]
        best = max((rank for rank, _ in ranked), default=(0,))
        chosen = [position for rank, position in ranked if rank == best and best >= (0,)]
        is_one = len({self.files[position].name for position in chosen}) == 1
        return (chosen, sureness) if is_one else ([], 0)

    def _candidates(self, name: str) -> tuple[list[int], int]:
        if found := self._by_name.get(name):
            return found, EXACT
        is_whole = PurePosixPath(name).suffix in PICTURE_SUFFIXES
        if found := self._by_stem.get(name) or (self._by_stem.get(_stem(name)) if is_whole else None):
            return found, BY_STEM
        number = name.removesuffix(".0")
        found = self._by_number.get(str(int(number))) if number.isdecimal() and len(number) < 20 else None
        return found or [], BY_NUMBER

    def _likeness(self, position: int, path: Sequence[str], near: Sequence[str], part: str | None) -> tuple[int, ...]:
        """How well a picture's folders fit those that a cell names and those of the table; (-1,) if they contradict."""
        folders = [folder.casefold() for folder in self.files[position].folders]
        own = next((each for folder in folders if (each := parts.part_of(folder))), None)
        named = next((each for folder in path[:-1] if (each := parts.part_of(folder))), None)
        if own and named and own != named:
            return (-1,)
        same = 0
        while same < min(len(folders), len(path) - 1) and folders[-1 - same] == path[-2 - same]:
            same += 1
        is_near = folders[: len(near)] == [folder.casefold() for folder in near]
        return (same, int(is_near), int(part is not None and own == part))


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.suffix in PICTURE_SUFFIXES or path.suffix[1:].isalpha() else name


def _path(cell: str) -> tuple[str, ...]:
    cell = cell.partition("?")[0] if "://" in cell else cell
    try:
        return tuple(part.casefold() for part in name_parts(re.sub(r"^([A-Za-z]:)?[\\/]+|^[a-z]+://", "", cell)))
    except EntryError:
        return ()


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]  # without the header
    found: tuple[tuple[int, ...], ...]  # the pictures of each row
    picture: int
    labels: tuple[int, ...]  # the likeliest first
    is_sure: bool  # a header says that it is the label
    one_hot: tuple[int, ...]  # columns that stand for a class each
    split: int | None

    @property
    def unused(self) -> list[str | Said]:
        """Headers of what is not looked at, with the first label taken for the label."""
        used = {self.picture, self.split, *self.one_hot, *self.labels[:1]}
        return [
            name or say("column.unnamed", number=place + 1)
            for place, name in enumerate(self.header)
            if place not in used
        ]


def understood(table: Table, pictures: PictureNames, part: str | None) -> Columns | None:
    """The columns of a table that names pictures, or None of one that does not."""
    near = table.name.split("/")[:-1]
    picture = _picture_column(table, pictures, near, part)
    matches = [pictures.find(row[picture], near, part)[0] for row in table.rows]
    place = _header_row(table.rows[: next((place for place, hit in enumerate(matches) if hit), 0)])
    begin = 0 if place is None else place + 1
    rows, found = table.rows[begin:], [tuple(hit) for hit in matches[begin:]]
    named = {position for hit in found for position in hit}
    most = min(len(rows), len(pictures.files))
    if not named or len(named) < FOUND * most:
        return None
    header = _header(table.rows[begin - 1] if begin else [f"column {place + 1}" for place in range(table.width)])
    split = _split_column(header, rows, picture)
    one_hot = _one_hot(rows, {picture, split})
    labels, is_sure = _label_columns(header, rows, {picture, split})
    is_one_hot = len(one_hot) > 1 and not is_sure
    return Columns(
        header, rows, tuple(found), picture, () if is_one_hot else labels, is_sure or is_one_hot,
        one_hot if is_one_hot else (), split,
    )  # fmt: skip


def _header_row(above: Sequence[Sequence[str]]) -> int | None:
    """The place of the header among the rows above the first that names a picture: people write titles over it."""
    headed = [place for place, row in enumerate(above) if HEADERS & {loose(unaccented(cell)) for cell in row}]
    return headed[-1] if headed else 0 if above else None


def _picture_column(table: Table, pictures: PictureNames, near: Sequence[str], part: str | None) -> int:
    """The column whose cells name pictures most surely; some rows of a long table tell."""
    for rows in (table.rows[:: len(table.rows) // SAMPLE_ROWS + 1], table.rows):
        scores = [_sureness(pictures.find(row[place], near, part) for row in rows) for place in range(table.width)]
        if max(scores) > (0, 0):
            break
    return scores.index(max(scores))


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    """No two columns of one name."""
    return tuple(
        f"{cell} ({place + 1})" if cell and cell in cells[:place] else cell for place, cell in enumerate(cells)
    )


def _sureness(matches: Iterable[tuple[list[int], int]]) -> tuple[int, int]:
    listed = list(matches)
    return sum(sure for hit, sure in listed if hit), len({tuple(hit) for hit, _ in listed if hit})


def _split_column(header: Sequence[str], rows: Sequence[Sequence[str]], picture: int) -> int | None:
    for place, name in enumerate(header):
        values = {row[place] for row in rows if row[place]}
        if place == picture or len(values) > 12 or not all(parts.part_of(value) for value in values):
            continue
        if parts.split_of(values) and (loose(name) in SPLITS or len(values) > 1):
            return place
    return None


def _one_hot(rows: Sequence[Sequence[str]], taken: set[int | None]) -> tuple[int, ...]:
    """Columns of yes and no, each of which is yes somewhere."""
    return tuple(
        place
        for place in range(len(rows[0]) if rows else 0)
        if place not in taken
        and (values := {row[place].lower() for row in rows}) <= TRUE | FALSE
        and values & TRUE
        and values & FALSE
    )


def _label_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], taken: set[int | None]
) -> tuple[tuple[int, ...], bool]:
    """Columns that may be the label, the likeliest first, and whether a header says so."""
    possible = [place for place in range(len(header)) if place not in taken and any(row[place] for row in rows)]
    names = {place: loose(unaccented(header[place])) for place in possible}
    has_corner = {"x", "y"} <= {loose(name) for name in header}  # then y is a coordinate
    sure = [place for place in possible if names[place] in LABELS and not (has_corner and names[place] == "y")]
    if sure:
        ranked = sorted(sure, key=lambda place: LABELS.index(names[place]))
        return tuple(ranked[:MOST_LABELS]), True
    left = [
        place
        for place in possible
        if names[place] not in OTHERS | PICTURES | {""} and _is_plain(rows, place) and _has_classes(rows, place)
    ]
    ranked = sorted(left, key=lambda place: len({row[place] for row in rows}))
    return tuple(ranked[:MOST_LABELS]), False


def _is_plain(rows: Sequence[Sequence[str]], place: int) -> bool:
    return not all(NUMBER.fullmatch(row[place]) for row in rows if row[place])


def _has_classes(rows: Sequence[Sequence[str]], place: int) -> bool:
    counts = Counter(row[place] for row in rows if row[place])
    return 1 < len(counts) <= max(2, len(rows) // 2)
