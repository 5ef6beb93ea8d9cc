"""Other ways to read a zip, kept beside its data set: one can be chosen later without a second upload.

    datasets/<id>/  readings.json      each way: key, title, classes, problems; and the problems that all have
                    readings.parquet   a row an entry: its stored picture, and label, part and group of each way

A zip that can be read in one way only has neither.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data import manifest
from core.data.findings.problem import Problem, parsed
from core.data.labels.layout import Layout
from core.disk import record
from core.disk.files import write_frame, write_json
from core.words.names import natural
from core.words.said import Said
from core.words.sentences import sentence

if TYPE_CHECKING:  # pandas takes 34 MB: it is imported once the pictures are decoded
    import pandas as pd

STORED = ["position", "picture", "file", "name", "width", "height"]
SAID = ["label", "part", "group"]


@dataclass(frozen=True)
class Way:
    """One way to read a zip."""

    key: str
    said: Said  # what it takes for the classes, in a few words
    labels: tuple[str, ...]  # of all classes, sorted
    pictures: int  # that have one
    problems: tuple[Problem, ...]

    @property
    def title(self) -> str:
        """What it takes for the classes."""
        return sentence(self.said)

    @property
    def shown(self) -> list[str]:
        """The classes in the order in which people count."""
        return natural(self.labels)


@dataclass(frozen=True, eq=False)
class Ways:
    """All ways to read a zip whose pictures are stored."""

    ways: tuple[Way, ...]  # the likeliest first
    common: tuple[Problem, ...]  # unreadable pictures and refused entries: in every way
    frame: pd.DataFrame  # STORED, and "label 0", "part 0", "group 0", "label 1" …

    def rows(self, way: Way) -> pd.DataFrame:
        """`manifest.COLUMNS`, a row an entry that has a label in this way."""
        import pandas as pd  # see `storing`

        number = self.ways.index(way)
        rows = self.frame.rename(columns={f"{name} {number}": name for name in SAID})
        rows = rows.loc[rows["label"].notna(), manifest.COLUMNS]
        return pd.DataFrame({name: rows[name].tolist() for name in manifest.COLUMNS})  # types as of a new frame

    def write(self, directory: Path) -> None:
        """Keep them, where there is more than one."""
        if len(self.ways) > 1:
            said = {"ways": [asdict(way) for way in self.ways], "common": [asdict(each) for each in self.common]}
            write_frame(directory / "readings.parquet", self.frame)
            write_json(directory / "readings.json", said)


def gathered(arranged: Layout, stored: pd.DataFrame, common: Sequence[Problem]) -> Ways:
    """All ways of a layout, for the pictures that could be stored (columns `STORED`)."""
    import pandas as pd  # see `storing`

    layouts = (arranged, *arranged.others)
    frame = stored.copy()
    for number, layout in enumerate(layouts):
        said = {each.entry.position: (each.label, each.part, each.group) for each in layout.pictures}
        told = [said.get(position, (None, None, None)) for position in stored["position"]]
        frame[[f"{name} {number}" for name in SAID]] = pd.DataFrame(told, columns=SAID, index=frame.index, dtype=object)
    ways = tuple(
        Way(
            each.key, each.title, tuple(sorted({one.label for one in each.pictures})), len(each.pictures), each.problems
        )
        for each in layouts
    )
    return Ways(ways, tuple(common), frame)


def titles(directory: Path) -> list[Way]:
    """The ways that a data set's zip can be read, the likeliest first; none where there is only one."""
    said = _said(directory)
    return list(said.ways) if said else []


def read(directory: Path) -> Ways | None:
    """The same with their pictures, or None where there is only one way or the data set is gone."""
    said = _said(directory)
    try:
        return replace(said, frame=record.read_frame(directory / "readings.parquet", STORED)) if said else None
    except FileNotFoundError:
        return None


def _said(directory: Path) -> Ways | None:
    """What readings.json says; the frame is still to be read."""
    import pandas as pd  # see `storing`

    path = directory / "readings.json"
    said = record.read_object(path)
    if said is None:
        return None
    try:
        return Ways(tuple(map(_way, said["ways"])), tuple(map(parsed, said["common"])), pd.DataFrame())
    except (ValueError, LookupError, TypeError) as error:
        raise record.damaged(path, error) from None


def files(directory: Path) -> set[str]:
    """The stored pictures that the ways of a data set need."""
    kept = read(directory)
    return set(kept.frame["file"]) if kept else set()


def copy(source: Path, target: Path) -> None:
    """Keep the ways of one data set beside another of the same pictures."""
    for name in ("readings.parquet", "readings.json"):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)


def _way(said: dict[str, Any]) -> Way:
    problems = tuple(map(parsed, said["problems"]))
    title = Said.read(said["said"] if "said" in said else said["title"])  # in words, as an earlier version wrote it
    return Way(said["key"], title, tuple(said["labels"]), said["pictures"], problems)
