"""Make assets/sample/sample.zip: real photographs in five classes, small enough to be bundled.

The pictures are cut-outs from Debian's package tuxpaint-stamps-default (`apt-get install tuxpaint-stamps-default`).
The same package and the same Pillow give the same file, byte for byte.

    python scripts/build_sample.py [STAMPS_FOLDER] [ZIP]
"""

import io
import sys
import zipfile
from pathlib import Path

from PIL import Image

STAMPS = Path("/usr/share/tuxpaint/stamps")
SAMPLE = Path(__file__).resolve().parent.parent / "assets" / "sample" / "sample.zip"
# class → its folder in the package and how many pictures that must give
CLASSES = {
    "bird": ("animals/birds", 35),
    "flower": ("plants/flowers", 24),
    "fruit": ("food/fruit", 26),
    "mammal": ("animals/mammals", 64),
    "vegetable": ("food/vegetables", 18),
}
NO_PHOTOGRAPHS = {"cartoon", "toys", "plastic"}
SIDE = 256
JPEG_QUALITY = 88
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first date a zip can hold: today's would change the file


def photographs(folder: Path) -> list[Path]:
    """The stamps in `folder` and below that are photographs, in a fixed order."""
    found = (path for path in folder.rglob("*.png") if not NO_PHOTOGRAPHS & set(path.relative_to(folder).parts))
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def jpeg(stamp: Path) -> bytes:
    """The cut-out on white, padded to a square, `SIDE` pixels, as a JPEG file."""
    with Image.open(stamp) as opened:
        cut_out = opened.convert("RGBA")
    side = max(cut_out.size)
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(cut_out, ((side - cut_out.width) // 2, (side - cut_out.height) // 2))
    file = io.BytesIO()
    square.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def build(stamps: Path, target: Path) -> dict[str, int]:
    """Write the zip and return how many pictures each class has."""
    counts = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for label, (folder, expected) in CLASSES.items():
            pictures = photographs(stamps / folder)
            if len(pictures) != expected:
                raise SystemExit(
                    f"error: expected {expected} photographs in {stamps / folder}; found {len(pictures)}. "
                    "Install the package tuxpaint-stamps-default, version 2022.06.04."
                )
            for picture in pictures:
                entry = zipfile.ZipInfo(f"{label}/{picture.stem}.jpg", EARLIEST)
                entry.create_system = 3  # Unix, also where the script runs on another system
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, jpeg(picture))
            counts[label] = len(pictures)
    return counts


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    stamps, target = [*arguments, *(STAMPS, SAMPLE)[len(arguments) :]]
    for label, count in build(stamps, target).items():
        print(f"{label:10} {count:3}")
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")
