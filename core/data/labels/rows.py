"""Tables of a zip → readings: the label that the rows give each picture."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.data.findings import problem
from core.data.findings.problem import Problem, ProblemKind, found
from core.data.labels import columns, parts, table
from core.data.labels.columns import Columns, PictureNames
from core.data.labels.division import Folders, Place
from core.data.labels.folders import labelled_reading
from core.data.labels.reading import File, Label, Reading
from core.data.labels.table import Table, TableError
from core.data.zips.archive import Archive
from core.words.names import natural
from core.words.said import Said, say

MOST_TABLES = 200  # of a zip that are read; some have one in each class folder
ONE_HOT = "one column a class"
SEVERAL = ("|", ";", ",", "/", " ")  # between the labels of a picture that has several


@dataclass(frozen=True)
class Known:
    """A table that names pictures of the zip, with its columns."""

    table: Table
    columns: Columns
    part: str | None  # of which its name tells

    @property
    def label_names(self) -> list[str]:
        """Headers of its labels, the likeliest first."""
        return [ONE_HOT] if self.columns.one_hot else [self.columns.header[place] for place in self.columns.labels]


@dataclass(frozen=True)
class Told:
    """What the tables of a zip say."""

    readings: tuple[Reading, ...] = ()  # the likeliest first
    is_sure: bool = False  # a header says that its column is the label
    is_called_labels: bool = False  # one is `labels.csv` at the top, which is made for nothing else
    used: frozenset[str] = field(default_factory=frozenset)  # names of tables
    failures: tuple[Said, ...] = ()  # which and why it cannot be used, of tables that are meant to be
    conflicts: tuple[Said, ...] = ()  # likewise, of tables that name pictures
    notes: tuple[Problem, ...] = ()


class RowsError(TableError):
    """The rows give no picture one label; the message is the reason."""


def told(
    archive: Archive, files: Sequence[File], pictures: Sequence[File], of: Folders, by_folder: Reading | None = None
) -> Told:
    """What all tables among the files say of the pictures; in parts that they say nothing of, the folders do."""
    candidates = [file for file in files if file.entry.suffix in table.SUFFIXES][:MOST_TABLES]
    if not candidates or not pictures:
        return Told()
    index = PictureNames(pictures)
    known, failures, others = [], [], []
    for file in candidates:
        try:
            understood = _known(table.read(archive, file.entry, file.name), index)
        except TableError as error:
            if _is_called_labels(file.name):
                failures.append(say("table.unusable", name=file.name, reason=error.said))
            elif file.entry.suffix != ".txt":
                others.append(file.name)
            continue
        if understood:
            known.append(understood)
        elif file.entry.suffix != ".txt":
            others.append(file.name)
            if _is_called_labels(file.name):
                failures.append(say("table.names-none", name=file.name))
    made, wrong = _readings(known, index, of, by_folder)
    used = frozenset(each.table.name for each in known)
    is_sure = any(each.columns.is_sure for each in known)
    is_called_labels = any(_is_called_labels(each.table.name) for each in known)
    return Told(
        tuple(made), is_sure, is_called_labels, used, tuple(failures), tuple(wrong), tuple(_unmatched(others))
    )  # fmt: skip


def _known(read: Table, index: PictureNames) -> Known | None:
    name = read.name.rpartition("/")[2].rpartition(".")[0]
    if parts.part_of(name) == parts.UNLABELLED or "submission" in name.lower():
        return None  # an example of what to hand in, with made-up labels
    part = parts.part_of(name)
    understood = columns.understood(read, index, part)
    return Known(read, understood, part) if understood and (understood.labels or understood.one_hot) else None


def _is_called_labels(name: str) -> bool:
    return name.lower().startswith("labels.") and "/" not in name


def _unmatched(names: Sequence[str]) -> list[Problem]:
    return problem.told(ProblemKind.TABLE, say("table.no-labels", n=len(names)), names) if names else []


def _readings(
    known: Sequence[Known], index: PictureNames, of: Folders, by_folder: Reading | None
) -> tuple[list[Reading], list[Said]]:
    """A reading for each column that may be the label, over all tables that have it, and why others cannot be used."""
    made, wrong = [], []
    by_label: dict[str, list[Known]] = defaultdict(list)
    for each in known:
        for name in each.label_names:
            by_label[name].append(each)
    for name, tables in by_label.items():
        try:
            made.append(_reading(name, tables, index, of, by_folder))
        except RowsError as error:
            wrong.append(say("table.conflict", tables=_listed(tables), reason=error.said))
    return made, wrong


def _listed(tables: Sequence[Known]) -> Said:
    first = tables[0].table.name
    return say("tables.one", name=first) if len(tables) == 1 else say("tables.more", name=first, others=len(tables) - 1)


def _reading(
    name: str, tables: Sequence[Known], index: PictureNames, of: Folders, by_folder: Reading | None
) -> Reading:
    labels: dict[int, str] = {}
    part_of: dict[int, str] = {}
    missing: list[str] = []
    for each in tables:
        for row, positions, label in _labelled(each, name):
            if not positions:
                missing.append(row[each.columns.picture])
            for position in positions:
                if labels.setdefault(position, label) != label:
                    name = index.files[position].name
                    raise RowsError("rows.two-labels", name=name, one=labels[position], other=label)
                if part := _part(each, row):
                    part_of[position] = part
    _check_single({label for label in labels.values() if label}, name)
    if by_folder:
        labels |= _by_folder(labels, index, of, by_folder)
    reading = _divided(name, tables, index, of, labels, part_of)
    if len(reading.classes) < 2:  # parts that share no class are no split
        reading = _divided(name, tables, index, Folders({None: []}, {}), labels, {})
    problems = (*_explained(name, tables), *reading.problems, *found(ProblemKind.MISSING, missing), *_odd(tables))
    used = frozenset(each.table.name for each in tables)
    return Reading(reading.key, reading.title, reading.labels, problems, reading.unlabelled, used)


def _by_folder(labels: Mapping[int, str], index: PictureNames, of: Folders, by_folder: Reading) -> dict[int, str]:
    """The folders' labels in those parts of the zip's own split in which no table has any."""
    found: dict[int, str] = {}
    told = {index.files[position].entry.position for position, label in labels.items() if label}
    for part, places in of.places.items():
        own = {place.file.entry.position for place in places}
        if part and not own & told:
            found |= {at: by_folder.labels[at].label for at in own if at in by_folder.labels}
    return {place: found[file.entry.position] for place, file in enumerate(index.files) if file.entry.position in found}


def _labelled(each: Known, name: str) -> Iterator[tuple[Sequence[str], Sequence[int], str]]:
    """Row, pictures and label, "" for a row without one."""
    of = each.columns
    place = None if name == ONE_HOT else of.header.index(name)
    for row, positions in zip(of.rows, of.found, strict=True):
        yield row, positions, _marked(row, of) if place is None else row[place]


def _marked(row: Sequence[str], of: Columns) -> str:
    marked = [of.header[place] for place in of.one_hot if row[place].lower() in columns.TRUE]
    if len(marked) > 1:
        raise RowsError("rows.several-marks", name=row[of.picture], n=len(marked), labels=marked[:3])
    return marked[0] if marked else ""


def _check_single(labels: set[str], header: str) -> None:
    """Refuse cells that hold several labels: each stands alone in other cells, or few make many combinations."""
    for separator in SEVERAL:
        if separator != " " or header.lower().rstrip().endswith("s"):  # "golden retriever" is one breed, not two
            _check_combinations(labels, separator)
        for label in sorted(labels):
            tokens = [token.strip() for token in label.split(separator)]
            if len(tokens) > 1 and all(token in labels for token in tokens):
                one, other, *_ = tokens
                raise RowsError("rows.several-labels", label=label, one=one, other=other, joined="_".join(tokens))


def _check_combinations(labels: set[str], separator: str) -> None:
    split = {label: [token.strip() for token in label.split(separator)] for label in labels}
    several = [label for label, tokens in split.items() if len(tokens) > 1]
    tokens = Counter(token for each in split.values() for token in each)
    are_shared = sum(times > 1 for times in tokens.values()) > len(tokens) / 2
    if len(several) > len(labels) / 2 and len(tokens) < len(labels) and are_shared:
        raise RowsError("rows.combinations", label=min(several), words=len(tokens), labels=len(labels))


def _part(each: Known, row: Sequence[str]) -> str | None:
    split = each.columns.split
    return parts.part_of(row[split]) if split is not None else each.part


def _divided(
    name: str,
    tables: Sequence[Known],
    index: PictureNames,
    of: Folders,
    labels: dict[int, str],
    part_of: dict[int, str],
) -> Reading:
    """The labels by the parts of the zip's own folders, else by those that the tables tell."""
    own = {place.file.entry.position: part for part, places in of.places.items() for place in places}
    own |= {file.entry.position: None for file in of.outside}
    is_by_table = not of.folder_of and parts.TRAIN in part_of.values() and len(set(part_of.values())) > 1
    by_part: dict[str | None, list[tuple[File, Label | None]]] = defaultdict(list)
    for position, file in enumerate(index.files):
        part = part_of.get(position) if is_by_table else own.get(file.entry.position)
        by_part[part].append((file, Label(labels[position]) if labels.get(position) else None))
    stray = by_part.pop(None, []) if len(by_part) > 1 else []
    places = {part: [Place(file, ()) for file, _ in listed] for part, listed in by_part.items()}
    whole = Folders(places, of.folder_of, tuple(file for file, _ in stray))
    is_one_hot, listed_tables = name == ONE_HOT, _listed(tables)
    title = (
        say("way.one-hot", tables=listed_tables) if is_one_hot else say("way.table", tables=listed_tables, column=name)
    )
    return labelled_reading(whole, f"table {name}", title, dict(by_part))


def _explained(name: str, tables: Sequence[Known]) -> list[Problem]:
    """A note on the columns, unless the table is a plain `labels.csv`."""
    first = tables[0].columns
    unused = [header for header in first.unused if header != name]
    if not unused and _is_called_labels(tables[0].table.name):
        return []
    others = [each for each in tables[0].label_names if each != name] if not first.is_sure else []
    said = say(
        "table.columns",
        tables=_listed(tables),
        pictures=first.header[first.picture],
        label=name,
        is_one_hot=name == ONE_HOT,
        n=len(unused),
        others=others,
    )
    return problem.told(ProblemKind.TABLE, said, unused)


def _odd(tables: Sequence[Known]) -> list[Problem]:
    lines = [
        say("found.odd-line", table=name, line=line, n=n_columns, width=each.table.width)
        for name in natural({each.table.name for each in tables})
        for each in tables
        for line, n_columns in (each.table.odd_lines if each.table.name == name else ())
    ]
    return problem.told(ProblemKind.TABLE, say("table.odd-rows", n=len(lines)), lines) if lines else []
