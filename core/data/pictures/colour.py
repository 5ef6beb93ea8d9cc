"""Colours of any profile → sRGB, in which networks have learned and which pictures without a profile are taken for."""

import io
from contextlib import suppress
from functools import lru_cache

from PIL import Image, ImageChops, ImageCms

MODES = ("RGB", "L", "CMYK")  # whose pixels a profile can speak of
PROBE = 6  # steps of each channel at which a profile is compared with sRGB
UNSEEN = 2  # of 255, a difference up to which it is one and the same
NO_CACHE = 0x0040  # littlecms keeps the last pixel, and threads would share it
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB, as RGB; as it is where nobody would see that, or its profile is broken or of other pixels.

    Args:
        image: RGB, grey or CMYK.
        profile: An ICC profile, as it is beside the picture.
    """
    if not profile or image.mode not in MODES:
        return image
    transform = _transform(profile, image.mode)
    converted = None if transform is None else ImageCms.applyTransform(image, transform)
    return image if converted is None or _is_alike(image.convert("RGB"), converted) else converted


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From pixels of such a profile to sRGB; None where nothing is to be done."""
    with suppress(Exception):  # a broken profile is no reason to refuse a picture
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            SRGB,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION | NO_CACHE,
        )
        probe = _probe(mode)
        converted = ImageCms.applyTransform(probe, transform)
        if converted is not None and not (mode == "RGB" and _is_alike(probe, converted)):
            return transform
    return None


def _probe(mode: str) -> Image.Image:
    """Colours all over the space."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    steps = [round(255 * step / (PROBE - 1)) for step in range(PROBE)]
    colours = [b""]
    for _ in range(channels):
        colours = [colour + bytes([step]) for colour in colours for step in steps]
    return Image.frombytes(mode, (len(colours), 1), b"".join(colours))


def _is_alike(one: Image.Image, other: Image.Image) -> bool:
    seen = ImageChops.difference(one, other).point([max(0, level - UNSEEN) for level in range(256)] * 3)
    return seen.getbbox() is None
