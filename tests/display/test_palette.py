import numpy as np
import pytest
from plans import planned

from core.display import palette
from core.display.theme import INKS, Scale


def luminance(colour: str) -> float:
    channels = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def colour_at(share: float, scale: Scale) -> str:
    """The scale's colour at a share from 0 to 1, mixed as plotly mixes."""
    stops = [[int(colour[start : start + 2], 16) for colour in scale] for start in (1, 3, 5)]
    return "#" + "".join(f"{round(np.interp(share, (0.0, 0.5, 1.0), channel)):02X}" for channel in stops)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_number_is_readable_on_every_colour_of_the_scale(theme):
    scale = INKS[theme].scale
    for share in np.linspace(0, 1, 101):
        assert contrast(palette.readable_on(share, scale), colour_at(share, scale)) >= 4.2


@pytest.mark.parametrize(("theme", "ground"), [("light", "#FFFFFF"), ("dark", "#0E1117")])
def test_text_and_arms_stand_out_from_the_page(theme, ground):
    ink = INKS[theme]
    assert contrast(ink.text, ground) > 7
    assert contrast(ink.muted, ground) > 4.5
    colours = [colour for own in palette.COLOURS.values() for colour in own]
    assert all(contrast(colour, ground) > 3 for colour in colours)  # WCAG 2.2, 1.4.11: graphics


@pytest.mark.parametrize(("theme", "ground"), [("light", "#FFFFFF"), ("dark", "#0E1117")])
def test_more_counts_stand_out_more_from_the_page(theme, ground):
    scale = INKS[theme].scale
    steps = [contrast(colour_at(share, scale), ground) for share in np.linspace(0, 1, 11)]
    assert steps == sorted(steps)


def test_the_two_colours_are_those_of_the_story():
    looks = palette.looks(planned().arms)
    assert {name: look.colour for name, look in looks.items()} == {"transfer": "#0072B2", "scratch": "#D55E00"}


def test_arms_of_one_kind_are_told_apart_by_name_colour_and_symbol():
    transfer, scratch = planned().arms
    looks = palette.looks([transfer, transfer.model_copy(update={"name": "two"}), scratch]).values()
    for feature in ("name", "label", "short", "colour", "symbol"):
        assert len({getattr(look, feature) for look in looks}) == 3, feature


def test_a_class_axis_keeps_names_as_they_are_and_shows_them_as_text():
    axis = palette.class_axis(["<b>3</b>", "2020-01"])
    assert axis["type"] == "category"
    assert axis["tickvals"] == ["<b>3</b>", "2020-01"]
    assert axis["ticktext"] == ["&lt;b&gt;3&lt;/b&gt;", "2020-01"]
