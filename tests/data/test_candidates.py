import numpy as np
import pytest

from core.data.near.candidates import CLOSER, SIDE, candidates, turned


def look() -> None:
    """Go on."""


def smooth(number: int) -> np.ndarray:
    spots = np.random.default_rng(number).normal(0, 1, (8, 8)).repeat(4, 0).repeat(4, 1)
    kernel = np.exp(-0.5 * ((np.arange(SIDE)[:, None] - np.arange(SIDE)) / 2.5) ** 2)
    values = kernel @ spots @ kernel.T
    return (128 + 100 * values / np.abs(values).max()).astype(np.uint8)


@pytest.mark.parametrize("turn", range(8))
def test_a_turned_picture_is_a_candidate_and_says_how_it_is_turned(turn):
    first = smooth(0)
    others = [smooth(number) for number in range(1, 20)]
    inverse = {5: 6, 6: 5}.get(turn, turn)  # a quarter turn to the left undoes one to the right
    second = turned(first[None].astype(np.float32), inverse)[0].astype(np.uint8)
    found = candidates(np.stack([first, *others, second]), look)
    places = dict(zip(zip(found.first.tolist(), found.second.tolist(), strict=True), found.turn.tolist(), strict=True))
    assert places[0, 20] == turn


def test_where_all_are_alike_each_has_few_candidates_and_its_copy_among_them():
    random, common = np.random.default_rng(0), smooth(1).astype(float)
    alike = [common + random.normal(0, 12, (SIDE, SIDE)) for _ in range(100)]
    copies = [each + random.normal(0, 2, (SIDE, SIDE)) for each in alike[:10]]
    found = candidates(np.stack([*alike, *copies]).clip(0, 255).astype(np.uint8), look)
    assert len(found) and np.bincount(found.first).max() <= CLOSER
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert sum((place, 100 + place) in pairs for place in range(10)) >= 9
