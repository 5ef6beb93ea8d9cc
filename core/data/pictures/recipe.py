"""What a picture goes through on its way to a network, as labels.json says it to whoever takes the network along."""

from collections.abc import Sequence
from typing import Any

from core.data.pictures import depth, header, pixels
from core.data.pictures.depth import Depth
from core.settings import settings

STEPS = (  # predict.py does them
    "The first frame, a large JPEG decoded at a half, a quarter or an eighth (draft)",
    "Grey of more than 8 bits so that the two numbers of black_and_white become 0 and 255; where there are none, the "
    "picture's own lowest and highest value",
    "What is transparent laid over white",
    "Long side at most stored_side, by Pillow's bilinear filter with a reducing gap of 2",
    "Colours of another profile converted to sRGB (relative colorimetric, black point compensation), unless no pixel "
    "would change by more than 2 of 255; turned upright by the EXIF orientation; RGB",
    "Stored as a JPEG of quality 92 and read again; not where it is a JPEG of that size that says nothing beside its "
    "pixels, nor where it came without loss and its long side is at most lossless_side",
    "Stretched to a square of image_size by Pillow's bilinear filter, a JPEG decoded at a fraction before (draft)",
    "RGB from 0 to 255 as it is: no rescaling, the network does its own preprocessing",
)


def labels(classes: Sequence[str], known: Depth, *, image_size: int) -> dict[str, Any]:
    """What labels.json says of a network: its classes, and all that a picture goes through on the way to it.

    Args:
        classes: In the order of the outputs.
        known: Black and white of the pictures that it has learned from.
        image_size: Side in pixels of what it takes.
    """
    return {
        "classes": list(classes),
        "image_size": image_size,
        "resize": "stretched to a square by Pillow's bilinear filter",
        "input": "(n, image_size, image_size, 3), RGB, 0 to 255",
        "steps": STEPS,
        "stored_side": settings().stored_side,
        "lossless_side": pixels.PNG_SIDE,
        "depth": known,
        "black_and_white": depth.by_mode(known),
        "turns": {str(orientation): int(turn) for orientation, turn in header.UPRIGHT.items()},
        "output": "P(classes[1])" if len(classes) == 2 else "a probability for each class",
    }
