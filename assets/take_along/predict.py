"""What the network beside this file says of pictures: python predict.py PICTURE ... (needs Keras and Pillow alone)."""

import io
import json
import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image, ImageCms

HERE = Path(__file__).parent
LABELS = json.loads((HERE / "labels.json").read_text(encoding="utf-8"))
UPRIGHT = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF's orientation → Pillow's transpose
SIDE, STORED, DEPTH = LABELS["image_size"], LABELS["stored_side"], LABELS["depth"]


def eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits by the depth of the pictures that the network has learned from."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    own = (0, 65535) if image.mode.startswith("I;16") else (values.min(), values.max())
    low, high = DEPTH["fractions" if image.mode == "F" else "integers"] or own
    return Image.fromarray(((values - low) * (255 / ((high - low) or 1))).clip(0, 255).astype(np.uint8))


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours of another profile as sRGB; a profile that is missing, broken or of another kind changes nothing."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), 1, "RGB", flags=0x2000)
    except Exception:
        return image


def on_white(image: Image.Image) -> Image.Image:
    """RGB, with white where it is transparent."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def pixels(path: str) -> np.ndarray:
    """A picture as the network sees it, shape (size, size, 3), RGB from 0 to 255."""
    image = Image.open(path)
    is_plain = image.format == "JPEG" and image.mode == "RGB" and max(image.size) <= STORED
    is_plain = is_plain and all(name == "APP0" for name, _ in image.applist)  # no word beside its pixels
    is_lossy, mode, profile = image.format in ("JPEG", "MPO", "WEBP"), image.mode, image.info.get("icc_profile")
    if not is_plain:
        image.draft(None, (STORED, STORED))
        image.load()
        turn = image.getexif().get(0x0112, 1)
        image = eight_bits(image)
        image = on_white(in_srgb(image, profile) if mode == "CMYK" else image)
        scale = min(1, STORED / max(image.size))
        small = [max(1, round(length * scale)) for length in image.size]
        image = image.resize(small, Image.Resampling.BILINEAR, reducing_gap=2.0)
        if mode != "CMYK":
            image = in_srgb(image.convert("L") if mode in ("L", "LA") else image, profile).convert("RGB")
        image = image.transpose(UPRIGHT[turn]) if turn in UPRIGHT else image
        if is_lossy or max(image.size) > LABELS["lossless_side"]:
            file = io.BytesIO()
            image.info.clear()
            image.save(file, "JPEG", quality=92)
            image = Image.open(file)
    image.draft("RGB", (SIDE, SIDE))
    return np.array(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def main(paths: list[str]) -> None:
    """Print each picture's answer and its probability."""
    network = keras.saving.load_model(HERE / "model.keras", compile=False)
    for path in paths:
        found = np.array(network(pixels(path)[None].astype("float32"), training=False))[0]
        found = np.array([1 - found[0], found[0]]) if len(found) == 1 else found
        print(path, LABELS["classes"][found.argmax()], *(f"{value:.4f}" for value in found), sep="\t")


if __name__ == "__main__":
    main(sys.argv[1:])
