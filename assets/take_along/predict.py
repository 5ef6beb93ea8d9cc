"""What the network beside this file says of pictures: python predict.py PICTURE ... (needs Keras and Pillow alone)."""

import io
import json
import sys
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageCms

with suppress(ImportError):
    from pi_heif import HeifImagePlugin  # noqa: F401 - where it is installed, HEIC is read as well

LABELS = json.loads(Path(__file__).with_name("labels.json").read_text(encoding="utf-8"))
SIDE, STORED, ENDS = (LABELS[name] for name in ("image_size", "stored_side", "black_and_white"))
Image.MAX_IMAGE_PIXELS = None  # the pictures are one's own, and those of phones are large


def pixels(path: str) -> np.ndarray:
    """A picture as the network sees it, shape (SIDE, SIDE, 3), RGB from 0 to 255. README.md tells the steps."""
    image = source = Image.open(path)
    is_plain = source.format == "JPEG" and source.mode == "RGB" and max(source.size) <= STORED
    if not (is_plain and all(name == "APP0" and len(said) == 14 for name, said in source.applist)):
        image.draft(None, (STORED, STORED))
        if image.mode in ENDS:
            grey = np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
            image = Image.fromarray(np.uint8(np.interp(grey, ENDS[image.mode] or (grey.min(), grey.max()), (0, 255))))
        mode = {"L": "L", "LA": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")
        if image.has_transparency_data:
            image = Image.composite(clear := image.convert("RGBA"), Image.new("RGBA", image.size, "white"), clear)
        size = [max(1, round(length * min(1, STORED / max(image.size)))) for length in image.size]
        image = image.convert(mode).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        with suppress(Exception):  # a profile that is missing, broken or of other pixels changes nothing
            profile = io.BytesIO(source.info["icc_profile"])
            other = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), 1, "RGB", flags=0x2000)
            image = other if np.ptp(np.int16([other, image.convert("RGB")]), axis=0).max() > 2 else image
        with suppress(Exception):  # nor does an EXIF that is missing or broken
            image = image.transpose(LABELS["turns"][str(source.getexif()[0x0112])])
        if source.format in ("JPEG", "MPO", "WEBP") or max(image.size) > LABELS["lossless_side"]:
            image.convert("RGB").save(file := io.BytesIO(), "JPEG", quality=92, comment="")
            image = Image.open(file)
    image.draft("RGB", (SIDE, SIDE))
    return np.array(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


if __name__ == "__main__":
    network = keras.saving.load_model(Path(__file__).with_name("model.keras"), compile=False)
    for path in sys.argv[1:]:
        found = keras.ops.convert_to_numpy(network(pixels(path)[None].astype("float32"), training=False))[0]
        shares = found if len(found) > 1 else [1 - found[0], found[0]]
        print(path, LABELS["classes"][np.argmax(shares)], *(f"{share:.4f}" for share in shares), sep="\t")
