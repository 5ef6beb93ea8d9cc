import struct

import pytest
from PIL import Image, ImageCms

from core.colour import in_srgb

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3 = {b"rXYZ": (0.51512, 0.24120, -0.00105), b"gXYZ": (0.29198, 0.69225, 0.04189), b"bXYZ": (0.15710, 0.06657, 0.78407)}


def display_p3() -> bytes:
    """The profile of phones: that of sRGB with other primaries (SMPTE EG 432-1, adapted to D50)."""
    profile = bytearray(SRGB)
    for number in range(struct.unpack(">I", profile[128:132])[0]):
        name, offset, _ = struct.unpack(">4sII", profile[132 + 12 * number : 144 + 12 * number])
        if name in P3:
            profile[offset + 8 : offset + 20] = struct.pack(">3i", *(round(65536 * value) for value in P3[name]))
    return bytes(profile)


def test_colours_of_a_wider_space_become_stronger():
    converted = in_srgb(Image.new("RGB", (4, 4), (200, 60, 60)), display_p3())
    red, green, blue = converted.getpixel((1, 1))
    assert red == pytest.approx(216, abs=3)
    assert green < 50
    assert blue < 58


def test_grey_stays_grey_in_a_wider_space():
    assert (
        max(abs(value - 128) for value in in_srgb(Image.new("RGB", (4, 4), (128,) * 3), display_p3()).getpixel((1, 1)))
        <= 1
    )


@pytest.mark.parametrize("profile", [None, b"", b"nonsense", SRGB, SRGB[:200]])
def test_leaves_what_is_srgb_or_has_no_usable_profile_as_it_is(profile):
    image = Image.new("RGB", (4, 4), (200, 60, 60))
    assert in_srgb(image, profile) is image


@pytest.mark.parametrize("mode", ["RGBA", "P", "I;16"])
def test_leaves_pixels_that_no_profile_speaks_of(mode):
    image = Image.new(mode, (4, 4))
    assert in_srgb(image, display_p3()) is image


def test_a_profile_for_other_pixels_changes_nothing():
    image = Image.new("L", (4, 4), 77)
    assert in_srgb(image, display_p3()) is image
