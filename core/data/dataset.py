"""A zip of labelled pictures → Dataset: pictures stored one way, a manifest, and the problems found.

    datasets/<id>/  request.json      the name, as uploaded, the zip's SHA-256, and the workspace that brought it
                    upload.zip        gone after the ingest
                    status.json       progress
                    pictures/         <sha256 of the file>.jpg or .png
                    dataset.json      name, classes, fingerprint, problems, seconds, how it was read, made of what
                    near.parquet      pairs of near-copies, whichever way the zip is read
                    unlabelled/       the first pictures of a part without answers, to be asked about later
                    readings.*        other ways to read the same zip (`alternatives`)
                    manifest.parquet  a row a picture and label; written last, so without it there is no data set

A zip with the same bytes as that of another data set is not read again: its pictures are linked, its manifest copied.

`tasks.ingest` is the process that does it for the app.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.data import alternatives
from core.data.alternatives import Way
from core.data.findings import problem
from core.data.findings.problem import Problem
from core.data.findings.problem import Severity as Severity
from core.data.near import copies
from core.data.pictures import depth as depths
from core.data.pictures.depth import Depth
from core.disk import record
from core.disk.home import dataset_directory

if TYPE_CHECKING:  # split imports this module
    import pandas as pd

    pass


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled pictures on disk."""

    id: str
    name: str
    fingerprint: str  # SHA-256 of all (picture, label, part)
    classes: tuple[str, ...]  # sorted
    pictures: pd.DataFrame  # manifest.COLUMNS and near, the group of near-copies; one under two labels is two rows
    problems: tuple[Problem, ...]
    seconds: float = 0.0  # that the ingest took
    near: pd.DataFrame = field(default_factory=copies.none)  # copies.COLUMNS; pairs of near-copies
    depth: Depth = field(default_factory=lambda: depths.UNKNOWN)  # of its pictures of more than 8 bits
    reading: str = ""  # the key of the way in which its zip is read; `alternatives` has the others
    unlabelled: tuple[tuple[str, str], ...] = ()  # name and stored file of the first pictures of a part without answers

    @property
    def has_own_split(self) -> bool:
        """Whether the zip says which picture is for training and which for the test."""
        return bool(self.pictures["part"].notna().any())

    @property
    def ways(self) -> list[Way]:
        """The ways in which its zip can be read, the likeliest first; none where there is only one."""
        return alternatives.titles(dataset_directory(self.id))

    @property
    def unlabelled_paths(self) -> list[tuple[str, Path]]:
        """Name and file of the first pictures of a part without answers, to be asked about."""
        return [(name, dataset_directory(self.id) / "unlabelled" / file) for name, file in self.unlabelled]

    def path(self, picture: str) -> Path:
        """The stored file of a picture."""
        return dataset_directory(self.id) / "pictures" / self._files[picture]

    @cached_property
    def _files(self) -> dict[str, str]:
        return dict(zip(self.pictures["picture"], self.pictures["file"], strict=True))


def read(dataset_id: str) -> Dataset | None:
    """A data set, or None where it is not ingested (yet)."""
    directory = dataset_directory(dataset_id)
    try:
        pictures = record.read_frame(directory / "manifest.parquet")
    except FileNotFoundError:
        return None
    said = record.read_object(directory / "dataset.json")
    if said is None:  # it is being removed
        return None
    return Dataset(
        id=dataset_id,
        name=said["name"],
        fingerprint=said["fingerprint"],
        classes=tuple(said["classes"]),
        pictures=pictures,
        problems=tuple(problem.parsed(each) for each in said["problems"]),
        seconds=said["seconds"],
        near=copies.among(copies.read(directory), pictures),
        depth=depths.read(said.get("depth")),  # what follows "get" is not said of those that an earlier version made
        reading=said.get("reading", ""),
        unlabelled=tuple((name, file) for name, file in said.get("unlabelled", ())),
    )
