"""The network drawn: blocks in order, what is frozen, and the same said in words."""

import re
from collections.abc import Sequence

import pytest
from plans import ARMS, planned

from core.display import diagram, palette
from core.display.palette import ArmLook
from core.plan import bases
from core.plan.arm import Arm, Head, Pooling, Training
from core.plan.counts import parameter_counts

CLASSES = ("bird", "flower", "fruit")


def default(**choices: object) -> Arm:
    """The transfer arm of an experiment."""
    return planned(**choices).lead


def from_scratch(**own: object) -> Arm:
    return planned(scratch={"image_size": 128, **own}).arm("scratch")


def bars(arm: Arm) -> list[diagram.Segment]:
    return [part for part in diagram.strip(arm, n_classes=3) if not part.is_head]


def card_of(arm: Arm, *, classes: Sequence[str] = CLASSES, picture: str = "", **facts: str) -> str:
    return diagram.card(arm, look_of(arm), classes=classes, picture=picture, facts=facts)


def look_of(arm: Arm) -> ArmLook:
    return palette.looks([arm])[arm.name]


@pytest.mark.parametrize("base", bases.BASES)
def test_the_strip_has_every_block_in_order_and_never_grows_on_the_way(base):
    drawn = bars(default(base=base))
    assert [part.name for part in drawn] == [block.name for block in bases.base(base).blocks]
    assert [part.height for part in drawn] == sorted((part.height for part in drawn), reverse=True)
    assert drawn[0].height == 1.0


def test_the_first_blocks_are_frozen_and_the_rest_trained():
    drawn = bars(default(frozen_blocks=12))
    assert [part.is_trained for part in drawn] == [False] * 12 + [True] * 2
    assert drawn[12].text == "block12: 535,040 parameters, trained; puts out about 7 × 7 × 1,024"


def test_from_scratch_every_block_is_trained():
    assert all(part.is_trained for part in bars(from_scratch()))


def test_with_a_single_epoch_no_block_is_trained():
    assert not any(part.is_trained for part in bars(default(frozen_blocks=0, training=Training(epochs=1))))


def test_the_head_is_always_trained_and_has_a_part_for_each_hidden_layer():
    parts = diagram.strip(default(head=Head(hidden=(64, 32))), n_classes=2)
    head = [part for part in parts if part.is_head]
    assert [part.text for part in head] == [
        "Hidden layer 1: 64 units",
        "Hidden layer 2: 32 units",
        "Output: one sigmoid unit",
    ]
    assert all(part.is_trained for part in head)


def test_the_words_say_what_the_drawing_shows():
    chosen = default(frozen_blocks=12)
    counts = parameter_counts(chosen, n_classes=3)
    said = diagram.describe(chosen, look_of(chosen), classes=CLASSES)
    assert "224 × 224 pixels" in said
    assert "14 blocks of MobileNet, 12 frozen and 2 trained" in said
    assert f"{counts.trained:,} parameters are trained, {counts.frozen:,} are not" in said


@pytest.mark.parametrize(
    ("head", "n_classes", "said"),
    [
        (Head(), 5, "average of each channel → dropout of 20\xa0% → softmax over 5 classes."),
        (
            Head(pooling=Pooling.MAXIMUM, hidden=(64,), dropout=0.0),
            2,
            "maximum of each channel → a hidden layer of 64 units → one sigmoid unit for two classes.",
        ),
        (
            Head(pooling=Pooling.FLATTEN, hidden=(1024, 32)),
            3,
            "every place of each channel → hidden layers of 1,024, 32 units → dropout of 20\xa0% → "
            "softmax over 3 classes.",
        ),
    ],
)
def test_the_head_is_described_step_by_step(head, n_classes, said):
    assert diagram.describe_head(head, n_classes) == said


def test_a_card_has_the_strip_with_its_words_the_numbers_and_the_facts():
    chosen = default()
    card = card_of(chosen, picture="data:x", Time="about 40 s")
    assert 'role="img"' in card
    assert f'aria-label="{diagram.describe(chosen, look_of(chosen), classes=CLASSES)}"' in card
    assert "14 blocks frozen" in card
    assert "264,195" in card  # normalisation 1,024, hidden layer 1,025 × 256, output 257 × 3
    assert "3,228,864" in card
    assert "about 40 s" in card
    assert 'src="data:x"' in card


def test_frozen_and_trained_differ_by_more_than_colour():
    card = card_of(default(frozen_blocks=13))
    assert "13 blocks frozen" in card
    assert "1 block and head trained" in card
    assert ">lock<" in card
    scratch = card_of(from_scratch())
    assert ">lock<" not in scratch
    assert "14 blocks and head trained" in scratch


@pytest.mark.parametrize("arm", ARMS)
def test_each_arm_has_its_own_colour_only(arm):
    looks = palette.looks(planned().arms)
    card = card_of(planned().arm(arm))
    colours = {look.colour for look in looks.values()}
    assert set(re.findall("#[0-9A-F]{6}", card)) & colours == {looks[arm].colour}


def test_a_card_of_the_opponent_speaks_of_its_own_picture_size():
    card = card_of(from_scratch(image_size=64))
    assert "64 × 64 pixels" in card


def test_names_of_classes_are_escaped_and_many_are_counted():
    classes = ("<b>bold</b>", *(f"class{number}" for number in range(20)))
    card = card_of(default(), classes=classes)
    assert "<b>bold</b>" not in card
    assert "&lt;b&gt;bold&lt;/b&gt;" in card
    assert "and 17 more" in card
