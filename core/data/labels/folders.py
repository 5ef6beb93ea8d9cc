"""Folders of pictures → readings: which level holds the classes, which are parts of a split, which are groups.

One rule for all levels above the classes: folders that share the names of their sub-folders are no classes but parts,
sources, folds or variants, and the sub-folders are the classes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from core.data.findings import problem
from core.data.findings.problem import Problem, ProblemKind, found
from core.data.labels import parts
from core.data.labels.division import Folders, Place
from core.data.labels.parts import TEST, TRAIN, UNLABELLED, VALIDATION
from core.data.labels.reading import File, Label, Reading
from core.data.zips.names import loose
from core.words.names import natural
from core.words.said import Said, say

MOST_LEVELS = 4  # that are offered as classes
MOST_GROUPS = 8  # each of which is offered by itself
DEEP = 0.9  # of the pictures lie in sub-folders, where these can be the classes
SHARED = 0.5  # of all pairs of a folder and a sub-folder's name exist, where the names are shared


def readings(of: Folders) -> list[Reading]:
    """All that folders can mean, the likeliest first; none where no folder holds a class."""
    if of.is_flat:
        return []
    level = class_level(of.learned)
    others = [each for each in range(_common_depth(of.learned)) if each != level]
    first = _at_level(of, level)
    if len(first.classes) < 2:
        return [first]
    offered = [_at_level(of, other) for other in others[:MOST_LEVELS]]
    if are_uneven(of.learned):
        offered.append(_innermost(of))
    several = [first, *(each for each in offered if len(each.classes) > 1 and not each.says_what(first))]
    groups = natural({each.group for each in first.labels.values() if each.group})
    if 1 < len(groups) <= MOST_GROUPS:
        several += [_only(first, group) for group in groups]
    noted = replace(first, problems=(*first.problems, *_remark(of, level, several, groups)))
    return [noted, *several[1:]]


def class_level(places: Sequence[Place]) -> int:
    """How many levels of groups lie above the classes."""
    level = 0
    while depth := 1 if share_names(places) else shells(places):
        level += depth
        for _ in range(depth):
            places = [place.below() for place in places]
    return level


def shells(places: Sequence[Place]) -> int:
    """How many levels do nothing but divide one collection: part1/cat, part2/dog; pets-001/pets/cat; shop/images/cat.

    They are numbered pieces of one, by name; or each holds the same one folder, below which lie what may be classes.
    """
    tops = {place.folders[0] for place in places if place.folders}
    inner = {place.folders[1] for place in places if len(place.folders) > 1}
    deepest = {place.folders[2] for place in places if len(place.folders) > 2}
    deep = sum(len(place.folders) > 1 for place in places)
    if len(tops) < 2 or deep < DEEP * len(places):
        return 0
    if len(inner) == 1:
        below = [replace(place, folders=(*place.folders[:1], *place.folders[2:])) for place in places]
        is_piece = parts.are_numbered(tops) and len(deepest) > 1 and _may_be_classes(deepest)
        return 2 if is_piece or share_names(below) else 0
    return int(parts.are_shells(tops) and _may_be_classes(inner))


def _may_be_classes(names: set[str]) -> bool:
    return not parts.are_variants(names) and not parts.are_numbered(names)


def share_names(places: Sequence[Place]) -> bool:
    """Whether the first folders hold the same sub-folders, and these look more like classes than those above them."""
    below: dict[str, set[str]] = defaultdict(set)
    for place in places:
        if len(place.folders) > 1:
            below[place.folders[0]].add(place.folders[1])
    tops = {place.folders[0] for place in places if place.folders}
    names = Counter(name for inner in below.values() for name in inner)
    deep = sum(len(place.folders) > 1 for place in places)
    if len(tops) < 2 or len(names) < 2 or deep < DEEP * len(places):
        return False
    if sum(names.values()) < SHARED * len(tops) * len(names) or sum(times > 1 for times in names.values()) * 2 < len(
        names
    ):
        return False
    return not _may_be_classes(tops) or _may_be_classes({*names})


def are_uneven(places: Sequence[Place]) -> bool:
    """Whether some of the first folders hold pictures, and another one nothing but several folders."""
    flat = {place.folders[0] for place in places if len(place.folders) == 1}
    inner: dict[str, set[str]] = defaultdict(set)
    for place in places:
        if len(place.folders) > 1 and place.folders[0] not in flat:
            inner[place.folders[0]].add(place.folders[1])
    return bool(flat) and any(len(names) > 1 for names in inner.values())


def _innermost(of: Folders) -> Reading:
    """The reading in which the folder that a picture lies in is its class."""

    def label_of(place: Place) -> Label | None:
        return Label(place.folders[-1], group="/".join(place.folders[:-1]) or None) if place.folders else None

    known = {place.folders[-1] for place in of.learned if place.folders}
    return labelled_reading(of, "folders innermost", say("way.innermost"), labels_by_part(of, label_of, known=known))


def _common_depth(places: Iterable[Place]) -> int:
    return min((len(place.folders) for place in places if place.folders), default=0)


def _only(reading: Reading, group: str) -> Reading:
    labels = {at: label for at, label in reading.labels.items() if label.group == group}
    return Reading(f"only {group}", say("way.only", group=group), labels)


def _at_level(of: Folders, level: int) -> Reading:
    """The reading in which the folders of one level are the classes."""
    labelled = labels_by_part(of, lambda place: _label_at(place, level), known=_known(of, level))
    has_levels = level or _common_depth(of.learned) > 1
    title = say("way.level", level=level + 1) if has_levels else say("way.folders")
    return labelled_reading(of, f"folders {level + 1}", title, labelled)


def _label_at(place: Place, level: int) -> Label | None:
    if len(place.folders) <= level:
        return None
    return Label(place.folders[level], group="/".join(place.folders[:level]) or None)


def _known(of: Folders, level: int) -> set[str]:
    return {place.folders[level] for place in of.learned if len(place.folders) > level}


Labels = dict[str | None, list[tuple[File, Label | None]]]  # part → its pictures, with a label where they have one


def labels_by_part(of: Folders, label_of: Callable[[Place], Label | None], *, known: set[str]) -> Labels:
    """Each picture's label; in other parts than train a folder that train knows counts, however deep it lies."""
    spelled: dict[str, set[str]] = defaultdict(set)
    for name in known:
        spelled[loose(name)].add(name)

    def label_elsewhere(place: Place) -> Label | None:
        own = label_of(place)
        if own and own.label in known:
            return own
        exact = next((name for name in place.folders if name in known), None)
        alike = next((name for name in place.folders if len(spelled.get(loose(name), ())) == 1), None)
        if exact or alike:
            return Label(exact or next(iter(spelled[loose(str(alike))])), group=own.group if own else None)
        return own

    return {
        part: [(place.file, label_of(place) if part in (TRAIN, None) else label_elsewhere(place)) for place in places]
        for part, places in of.places.items()
    }


def labelled_reading(of: Folders, key: str, title: Said, labels: Labels) -> Reading:
    """The reading of these labels: parts without answers are left out, and so are classes that train does not have."""
    known = {label.label for part in (TRAIN, None) for _, label in labels.get(part, ()) if label}
    held = {part for part in labels if part in (TRAIN, None) or (part != UNLABELLED and _has_any(labels[part], known))}
    names = _parts_by_name(held)
    kept: dict[int, Label] = {}
    for part in held:
        for file, label in labels[part]:
            if label and label.label in known:
                kept[file.entry.position] = replace(label, part=names.get(part))
    unlabelled = tuple(file for part in labels if part not in held for file, _ in labels[part])
    loose_files = [*of.outside, *(file for part in held for file, label in labels[part] if not label)]
    loose_files.sort(key=lambda file: file.entry.position)
    problems = [
        *_unanswered(of, labels, held),
        *found(
            ProblemKind.OWN_SPLIT, of.folder_of.get(VALIDATION, [VALIDATION]) if names.get(VALIDATION) == TEST else ()
        ),
        *found(ProblemKind.UNLABELLED, (file.name for file in loose_files)),
        *_gaps(labels, held, known),
        *_respelled(labels, held, known),
    ]
    return Reading(key, title, kept, tuple(problems), unlabelled)


def _has_any(labels: Sequence[tuple[File, Label | None]], known: set[str]) -> bool:
    return any(label and label.label in known for _, label in labels)


def _parts_by_name(held: set[str | None]) -> dict[str | None, str]:
    """What each part is used as: train alone is no split, and the only part beside train is the test."""
    own = held & {TRAIN, VALIDATION, TEST}
    if own <= {TRAIN}:
        return {}
    return {part: TEST if own == {TRAIN, VALIDATION} and part == VALIDATION else str(part) for part in own}


def _unanswered(of: Folders, labels: Labels, held: set[str | None]) -> list[Problem]:
    """A note for each part without answers, with what stands in for it."""
    notes = []
    for part in labels:
        if part in held or not labels[part]:
            continue
        instead = say("part.by-validation") if VALIDATION in held else say("part.by-train")
        names = [file.name for file, _ in labels[part]]
        said = say(
            "problem.unlabelled-part",
            n=len(names),
            folders=of.folder_of.get(part, [str(part)]),
            instead=instead if part == TEST else None,
        )
        notes += problem.told(ProblemKind.UNLABELLED_PART, said, names)
    return notes


def _gaps(labels: Labels, held: set[str | None], known: set[str]) -> list[Problem]:
    """Classes that are in one part and not in another."""
    lines: list[Said] = []
    for part in sorted(held - {TRAIN, None}, key=str):
        there = Counter(label.label for _, label in labels[part] if label)
        alone = natural(set(there) - known)
        lines += [say("found.in-one-part", name=name, part=part, n=there[name]) for name in alone]
        lines += [say("found.in-no-part", name=name, part=part) for name in natural(known - set(there))]
    return found(ProblemKind.ONE_PART_ONLY, lines)


def _respelled(labels: Labels, held: set[str | None], known: set[str]) -> list[Problem]:
    """Classes whose folders are written in another way in another part, and count as the same."""
    pairs = {
        (label.label, name)
        for part in held - {TRAIN, None}
        for file, label in labels[part]
        if label and label.label in known and label.label not in file.folders
        for name in file.folders
        if loose(name) == loose(label.label)
    }
    return found(ProblemKind.RESPELLED, (f"{other} = {name}" for name, other in sorted(pairs)))


def _remark(of: Folders, level: int, several: Sequence[Reading], groups: Sequence[str]) -> list[Problem]:
    """A note about folders that could have been read otherwise."""
    if level:
        tops = groups or natural({place.folders[0] for place in of.learned if place.folders})
        are_pieces = parts.are_numbered(
            {place.folders[0] for place in of.learned if place.folders}
        ) and not share_names([place for place in of.learned if place.folders])
        kind = "reading.numbered-folders" if are_pieces else "reading.shared-folders"
        return problem.told(ProblemKind.READING, say(kind, n=len(tops), are_folds=of.are_folds), tops)
    if parts.are_shells(several[0].classes):
        return problem.told(ProblemKind.READING, say("reading.shells"), natural(several[0].classes))
    if len(several) > 1:
        inner = natural({place.folders[1] for place in of.learned if len(place.folders) > 1})
        return problem.told(ProblemKind.READING, say("reading.inner-folders", n=len(inner)), inner)
    return []
