import pytest

from core.data.pictures import depth
from core.data.pictures.depth import Depth, Values


def values(low: float, high: float, kind: str = "integers") -> Values:
    return Values(kind, (low, high), (0.0, 65535.0))


@pytest.mark.parametrize(
    ("highest", "white"), [(200, 255), (255, 255), (256, 511), (1000, 1023), (4095, 4095), (4096, 8191), (65535, 65535)]
)
def test_white_is_the_largest_number_of_as_few_bits_as_all_pictures_need(highest, white):
    assert depth.of([values(3, 100), values(7, highest)])["integers"] == (0.0, white)


def test_signed_and_longer_numbers_go_by_their_own_ends():
    assert depth.of([values(-1000, 3000)])["integers"] == (-1000, 3000)
    assert depth.of([values(0, 70_000)])["integers"] == (0, 70_000)


def test_fractions_go_by_the_ends_of_all_pictures():
    found = depth.of([values(0.1, 0.5, "fractions"), values(0.2, 0.9, "fractions")])
    assert found == Depth(integers=None, fractions=(0.1, 0.9))


def test_names_the_pictures_that_were_scaled_otherwise():
    found = [values(0, 4000), None, Values("integers", (0.0, 9.0), (0.0, 4095.0))]
    assert depth.off(found, depth.of(each for each in found if each)) == [0]


def test_says_for_each_of_pillows_modes_what_is_black_and_white():
    modes = depth.by_mode(Depth(integers=(0.0, 4095.0), fractions=None))
    assert modes == {**dict.fromkeys(("I", "I;16", "I;16L", "I;16B", "I;16N"), (0.0, 4095.0)), "F": None}


@pytest.mark.parametrize("value", [None, {}, {"integers": [0.0, 4095.0], "fractions": None}])
def test_goes_through_json(value):
    assert depth.read(value)["integers"] == ((0.0, 4095.0) if value else None)
