"""How many near-copies are found, and how many pairs are none: `python benchmarks/copies.py ZIP [--every 10]`

Among ZIP's pictures copies of each tenth are planted, of one kind at a time. Prints the pairs without any, for somebody
to look at, and for each kind the share that is found, the further pairs, and the seconds of the processor.
"""

import argparse
import io
import tempfile
import time
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath

import measure
import pandas as pd
from PIL import Image, ImageEnhance, ImageOps

from core.data.near import copies
from core.data.pictures import picture, pixels
from core.data.pictures.picture import Stored
from core.settings import settings

Change = Callable[[Image.Image], Image.Image]


def resized(share: float) -> Change:
    return lambda image: image.resize((round(image.width * share), round(image.height * share)))


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    """Shares of width and height that are cut off."""

    def change(image: Image.Image) -> Image.Image:
        width, height = image.size
        return image.crop(
            (round(left * width), round(top * height), round((1 - right) * width), round((1 - bottom) * height))
        )

    return change


def brightened(factor: float) -> Change:
    return lambda image: ImageEnhance.Brightness(image).enhance(factor)


def same(image: Image.Image) -> Image.Image:
    return image


KINDS: dict[str, tuple[Change, int]] = {  # what is done, and the quality of the JPEG
    **{f"recompressed at {quality}": (same, quality) for quality in (30, 60, 90)},
    **{f"resized to {share:.0%}": (resized(share), 90) for share in (0.5, 0.75, 1.5)},
    "cropped by 5 % around": (cropped(0.025, 0.025, 0.025, 0.025), 90),
    "cropped by 5 % at a corner": (cropped(0.05, 0.05, 0.0, 0.0), 90),
    "mirrored": (ImageOps.mirror, 90),
    "10 % darker": (brightened(0.9), 90),
    "10 % brighter": (brightened(1.1), 90),
}


def jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def stored(data: bytes, folder: Path) -> Stored:
    """What an upload stores of a picture's bytes."""
    small = pixels.small(data, max_pixels=settings().max_picture_pixels, side=settings().stored_side)
    return picture.write(small, data, folder)


def pairs(pictures: Collection[Stored], folder: Path) -> tuple[set[frozenset[str]], float]:
    """The pairs that are found, and the seconds of the processor."""
    rows = pd.DataFrame([(each.picture, each.file, each.width, each.height) for each in pictures])
    rows.columns = pd.Index(["picture", "file", "width", "height"])
    begun = time.process_time()
    found = copies.find(rows, {each.picture: each.thumbnail for each in pictures}, folder)
    return {frozenset(pair) for pair in zip(found["first"], found["second"], strict=True)}, time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip", type=Path)
    parser.add_argument("--every", type=int, default=10, help="a copy of each so manieth picture")
    chosen = parser.parse_args()
    print(measure.machine(), flush=True)
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(chosen.zip) as archive:
        folder = Path(name)
        measure.use_home(folder)
        files = [each for each in archive.namelist() if PurePosixPath(each).suffix.lower() in measure.SUFFIXES]
        sources = list({stored(data, folder): data for data in {archive.read(each): None for each in files}}.items())
        known, seconds = pairs([each for each, _ in sources], folder)
        print(f"{len(sources):,} pictures: {len(known)} pairs, {seconds:.2f} s")
        print("\n| kind | found | further pairs | s |\n|---|---|---|---|")
        for kind, (change, quality) in KINDS.items():
            planted = {}
            for source, data in sources[:: chosen.every]:
                with Image.open(io.BytesIO(data)) as image:
                    planted[source] = stored(jpeg(change(image.convert("RGB")), quality), folder)
            found, seconds = pairs([*(each for each, _ in sources), *planted.values()], folder)
            wanted = {frozenset((source.picture, copy.picture)) for source, copy in planted.items()}
            original = {copy.picture: source.picture for source, copy in planted.items()}
            further = {frozenset(original.get(each, each) for each in pair) for pair in found} - known
            n_further = sum(len(pair) > 1 for pair in further)
            print(f"| {kind} | {len(wanted & found) / len(wanted):.1%} | {n_further} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
