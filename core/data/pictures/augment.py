"""Seeded picture transforms: one code for the preview, the cached views and training on the fly.

One random view of a picture is, in this order: a left-right flip with probability one half; a rotation by an angle
uniform within ± `rotation_degrees` and a change of scale uniform within 1 ± `zoom`, both about the centre and done in
one bilinear resampling, with what comes in from outside mirrored at the edge; a factor on brightness uniform within
1 ± `brightness`. All draws come from NumPy's PCG64 seeded with the seed given, so a view can be made again anywhere.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.data.pictures.augmentation import Augmentation

Pixels = npt.NDArray[np.uint8]


def view(pixels: Pixels, augmentation: Augmentation, *, seed: int | Sequence[int]) -> Pixels:
    """One random view of a picture.

    Args:
        pixels: Shape (side, side, 3), RGB 0 to 255; not changed.
        augmentation: What may change.
        seed: The same seed gives the same view.

    Returns:
        Shape (side, side, 3), RGB 0 to 255.
    """
    random = np.random.default_rng(seed)
    flips, angle, scale, brightness = random.random() < 0.5, *random.uniform(-1.0, 1.0, 3)
    if augmentation.flip and flips:
        pixels = pixels[:, ::-1]
    if augmentation.rotation_degrees or augmentation.zoom:
        turn = math.radians(angle * augmentation.rotation_degrees)
        pixels = _turned(pixels, turn, 1.0 + scale * augmentation.zoom)
    if augmentation.brightness:
        factor = 1.0 + brightness * augmentation.brightness
        pixels = np.clip(pixels * np.float32(factor), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def _turned(pixels: Pixels, radians: float, scale: float) -> Pixels:
    side = pixels.shape[0]
    reach = (abs(math.cos(radians)) + abs(math.sin(radians))) / scale  # of the view's corners, in half sides
    margin = max(0, math.ceil((reach - 1.0) * side / 2)) + 1
    padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    cosine, sine = math.cos(radians) / scale, math.sin(radians) / scale
    centre, source = side / 2, side / 2 + margin
    matrix = (
        *(cosine, sine, source - (cosine + sine) * centre),
        *(-sine, cosine, source - (cosine - sine) * centre),
    )
    turned = Image.fromarray(padded).transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(turned)
