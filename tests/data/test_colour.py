import pytest
from PIL import Image, ImageCms

from core.data.pictures.colour import in_srgb

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_colours_of_a_wider_space_become_stronger(display_p3):
    converted = in_srgb(Image.new("RGB", (4, 4), (200, 60, 60)), display_p3)
    red, green, blue = converted.getpixel((1, 1))
    assert red == pytest.approx(216, abs=3)
    assert green < 50
    assert blue < 58


def test_grey_stays_grey_in_a_wider_space(display_p3):
    assert (
        max(abs(value - 128) for value in in_srgb(Image.new("RGB", (4, 4), (128,) * 3), display_p3).getpixel((1, 1)))
        <= 1
    )


@pytest.mark.parametrize("profile", [None, b"", b"nonsense", SRGB, SRGB[:200]])
def test_leaves_what_is_srgb_or_has_no_usable_profile_as_it_is(profile):
    image = Image.new("RGB", (4, 4), (200, 60, 60))
    assert in_srgb(image, profile) is image


@pytest.mark.parametrize("mode", ["RGBA", "P", "I;16"])
def test_leaves_pixels_that_no_profile_speaks_of(mode, display_p3):
    image = Image.new(mode, (4, 4))
    assert in_srgb(image, display_p3) is image


def test_a_profile_for_other_pixels_changes_nothing(display_p3):
    image = Image.new("L", (4, 4), 77)
    assert in_srgb(image, display_p3) is image
