"""Pictures in folders → the parts of the zip's own split, with the folders that are left to be understood."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.data.labels import parts
from core.data.labels.parts import TEST, TRAIN, UNLABELLED
from core.data.labels.reading import File
from core.data.zips.names import loose


@dataclass(frozen=True)
class Place:
    """A picture, and the folders around it that are not understood yet."""

    file: File
    folders: tuple[str, ...]

    def below(self) -> "Place":
        """Without its first folder."""
        return replace(self, folders=self.folders[1:])


Split = dict[str | None, list[Place]]  # part → its pictures; None where the zip has no split


@dataclass(frozen=True)
class Folders:
    """The pictures of a zip by the parts of its own split, if it has one, with what lies outside of it."""

    places: Split
    folder_of: dict[str | None, list[str]]  # part → the folders that make it
    outside: tuple[File, ...] = ()
    are_folds: bool = False  # of a cross-validation, whose parts are not kept
    is_guess: bool = False  # the parts are not called so: all folders may be classes

    @property
    def learned(self) -> list[Place]:
        """The pictures that say which classes there are."""
        return self.places.get(TRAIN, self.places.get(None, []))

    @property
    def is_flat(self) -> bool:
        """Whether no folder holds a class: names or a table must tell."""
        return not any(place.folders for place in self.learned)


def divided(files: Iterable[File], *, guesses: bool = True) -> Folders:
    """Pictures by the parts of the zip's own split.

    Args:
        files: The pictures.
        guesses: Whether a folder may be a part of which that is only likely.
    """
    whole = _uncrossed(_unwrapped([Place(file, file.folders) for file in files]))
    places = _hoisted(_beside_parts(_united(whole)))
    own = parts.split_of({place.folders[0] for place in places if place.folders})
    if guesses and not own and (guess := _guessed(places)):
        return replace(_by_part(*guess), is_guess=True)
    train = [place for place in places if place.folders and own.get(place.folders[0]) == TRAIN]
    strangers = any(place.folders and place.folders[0] not in own for place in places)
    if not own or (strangers and not any(len(place.folders) > 1 for place in train)):
        return Folders({None: places}, {}, are_folds=_depth(places) < _depth(whole))
    return _by_part(places, own)


def _by_part(places: Sequence[Place], own: Mapping[str, str]) -> Folders:
    """The places by the parts that their first folders are."""
    inside: Split = defaultdict(list)
    for place in places:
        if place.folders and place.folders[0] in own:
            inside[own[place.folders[0]]].append(place.below())
    outside = tuple(place.file for place in places if not place.folders or place.folders[0] not in own)
    names: dict[str | None, list[str]] = defaultdict(list)
    for folder, part in own.items():
        names[part].append(folder)
    classes = {place.folders[0] for place in inside[TRAIN] if place.folders}
    inner = {part: _unwrapped(each, () if part == TRAIN else classes) for part, each in inside.items()}
    return Folders(inner, names, outside)


Guess = tuple[list[Place], dict[str, str]]  # places with a folder of their part around each, and folder → part


def _guessed(places: list[Place]) -> Guess | None:
    """The parts, where names and sub-folders together tell them; None where they do not."""
    inner: dict[str, set[str]] = defaultdict(set)  # of each first folder, the folders in it
    for place in places:
        if place.folders:
            inner[place.folders[0]].update(loose(name) for name in place.folders[1:2])
    flat = {place.folders[0] for place in places if len(place.folders) == 1}
    named = {folder: part for folder in inner if (part := parts.part_of(folder))}
    strangers = [folder for folder in inner if folder not in named]
    holders = [folder for folder in inner if len(inner[folder]) > 1 and folder not in flat]  # of classes, as train is
    if [*named.values()] == [TRAIN] and holders == [*named] and len(strangers) == 1 and not inner[strangers[0]]:
        return places, {**named, strangers[0]: UNLABELLED}
    if not named or TRAIN in named.values():
        return None
    if len(strangers) == 1:
        is_train = strangers[0] in holders and all(inner[folder] & inner[strangers[0]] for folder in named)
        return (places, parts.settled({strangers[0]: TRAIN, **named})) if is_train else None
    classes = {loose(folder) for folder in strangers}
    if not classes or not all(_is_part_of(part, inner[folder], classes) for folder, part in named.items()):
        return None
    return [_below_train(place, strangers) for place in places], parts.settled({TRAIN: TRAIN, **named})


def _is_part_of(part: str, inner: set[str], classes: set[str]) -> bool:
    """Whether a folder with this name of a part and these folders in it belongs to the class folders beside it."""
    return len(inner & classes) * 2 > len(inner) if inner else part in (TEST, UNLABELLED)


def _below_train(place: Place, classes: Sequence[str]) -> Place:
    is_learned = bool(place.folders) and place.folders[0] in classes
    return replace(place, folders=(TRAIN, *place.folders)) if is_learned else place


def _uncrossed(places: list[Place]) -> list[Place]:
    """Folders that say part and class in one name become two folders."""
    pairs = parts.crossed({place.folders[0] for place in places if place.folders})
    if not pairs:
        return places
    return [
        replace(place, folders=(*pairs[place.folders[0]], *place.folders[1:])) if place.folders else place
        for place in places
    ]


def _united(places: list[Place]) -> list[Place]:
    """Without a folder that holds the very class folders, or the parts, beside which it lies: a copy of all, mostly."""
    inner: dict[str, set[str]] = defaultdict(set)
    for place in places:
        if place.folders:
            inner[place.folders[0]].update(place.folders[1:2])
    flat = {place.folders[0] for place in places if len(place.folders) == 1}
    classes = {folder for folder in inner if not inner[folder]}
    around = {
        folder
        for folder, names in inner.items()
        if len(names) > 1 and names <= classes and folder not in flat and not parts.part_of(folder)
    }
    return [place.below() if place.folders and place.folders[0] in around else place for place in places]


def _beside_parts(places: list[Place]) -> list[Place]:
    """The parts of a split that one of several folders holds come first, where the others hold the same classes."""
    inner: dict[str, set[str]] = defaultdict(set)
    for place in places:
        inner[place.folders[0] if place.folders else ""].add(place.folders[1] if len(place.folders) > 1 else "")
    holders = [folder for folder, names in inner.items() if parts.split_of(names).keys() == names]
    if len(holders) != 1 or len(inner) < 2:
        return places
    classes = {place.folders[2] for place in places if place.folders[:1] == (holders[0],) and len(place.folders) > 2}
    if not all(names <= classes for folder, names in inner.items() if folder != holders[0]):
        return places
    return [place.below() if place.folders[0] == holders[0] else place for place in places]


def _depth(places: Iterable[Place]) -> int:
    return max((len(place.folders) for place in places), default=0)


def _hoisted(places: list[Place]) -> list[Place]:
    """Parts that lie in each class or camera come first, as if they were around them; those of folds are dropped."""
    tops = {place.folders[0] for place in places if place.folders}
    deep = [place for place in places if len(place.folders) > 1]
    own = parts.split_of({place.folders[1] for place in deep})
    if len(tops) < 2 or parts.split_of(tops) or not own or {place.folders[1] for place in deep} - {*own}:
        return places
    if parts.are_folds(tops):
        return [replace(place, folders=place.folders[:1] + place.folders[2:]) for place in places]
    swapped = [replace(place, folders=(place.folders[1], place.folders[0], *place.folders[2:])) for place in deep]
    return [*swapped, *(place for place in places if len(place.folders) < 2)]


def _unwrapped(places: list[Place], classes: Iterable[str] = ()) -> list[Place]:
    """Without the folders around everything; one of `classes` is none of these."""
    while True:
        tops = {place.folders[0] for place in places if place.folders}
        has_inner = any(len(place.folders) > 1 for place in places)
        if len(tops) != 1 or not has_inner or tops & {*classes}:
            return places
        places = [place.below() if place.folders else place for place in places]
