"""Masks: pictures that only show where something is on another one, and so are of no class.

They lie in a folder beside that of the pictures, or bear the picture's name and the word "mask" behind it.
"""

import re
from collections.abc import Sequence
from posixpath import splitext

from core.data.findings import problem
from core.data.findings.problem import Problem, ProblemKind
from core.data.labels import division, folders, parts
from core.data.labels.reading import File
from core.words.names import natural
from core.words.said import say

HINT = re.compile("mask|seg|gt|truth|label|annotation", re.IGNORECASE)  # one of these is in the name of each
BEHIND = re.compile(
    r"^(.+?)[\s_\-.]*(?:mask|masks|seg|segmentation|segmented|gt|groundtruth)(?:[\s_\-]*\d+)?$", re.IGNORECASE
)
PAIRED = 0.9  # of what bears such a name has its picture beside it
COMMON = 0.5  # of the pictures have such a one


def without(pictures: Sequence[File]) -> tuple[list[File], list[File]]:
    """The pictures, and the masks among them."""
    if not any(HINT.search(file.name) for file in pictures):
        return [*pictures], []
    first = folders.readings(division.divided(pictures))[:1]
    if first and parts.are_masks(first[0].classes):
        masks = [file for file in pictures if any(parts.is_mask(folder) for folder in file.folders)]
    else:
        masks = _by_name(pictures) or _beside(pictures)
    taken = {file.entry.position for file in masks}
    return [file for file in pictures if file.entry.position not in taken], masks


def _by_name(pictures: Sequence[File]) -> list[File]:
    stems = {(file.folders, _stem(file)) for file in pictures}
    named = [(file, (file.folders, match[1])) for file in pictures if (match := BEHIND.match(_stem(file)))]
    masks = [file for file, of in named if of in stems]
    covered = {of for _, of in named} & stems
    is_usual = len(covered) >= COMMON * (len(pictures) - len(named)) and len(masks) >= PAIRED * len(named)
    return masks if masks and is_usual else []


def _beside(pictures: Sequence[File]) -> list[File]:
    """Those in a folder of masks within a class, beside a folder with pictures of the same names."""
    stems = {(file.folders[:-1], _stem(file)) for file in pictures if file.folders and parts.is_look(file.folders[-1])}
    named = [file for file in pictures if len(file.folders) > 1 and parts.is_mask(file.folders[-1])]
    masks = [file for file in named if (file.folders[:-1], _stem(file)) in stems]
    return masks if masks and len(masks) >= PAIRED * len(named) else []


def _stem(file: File) -> str:
    return splitext(file.parts[-1])[0]


def told(masks: Sequence[File]) -> list[Problem]:
    """The note that they were left out; nothing where there are none."""
    if not masks:
        return []
    names = natural(file.name for file in masks)
    return problem.told(ProblemKind.READING, say("reading.masks", n=len(names)), names)
