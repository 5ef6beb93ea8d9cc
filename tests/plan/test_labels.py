"""What arms are called: by their kind, and by what differs where that is not enough."""

from plans import planned

from core.plan.arm import ArmKind
from core.plan.labels import ArmLabel, labels

TRANSFER, SCRATCH = planned().arms


def named(*changes: dict[str, object]) -> list[str]:
    arms = [TRANSFER.model_copy(update={"name": f"arm{number}", **change}) for number, change in enumerate(changes)]
    return [label.text for label in labels(arms).values()]


def test_one_arm_of_each_kind_is_called_by_it():
    said = labels([TRANSFER, SCRATCH])
    assert [said[arm.name].text for arm in (TRANSFER, SCRATCH)] == ["Transfer learning", "From scratch"]
    assert [said[arm.name].short for arm in (TRANSFER, SCRATCH)] == ["Transfer", "From scratch"]
    assert [said[arm.name].in_a_sentence for arm in (TRANSFER, SCRATCH)] == ["transfer learning", "from scratch"]
    assert [said[arm.name].adjective for arm in (TRANSFER, SCRATCH)] == ["Transfer", "From-scratch"]


def test_arms_of_one_kind_are_told_apart_by_what_differs():
    assert named({}, {"base": "VGG16", "frozen_blocks": 5}) == [
        "Transfer learning, MobileNet",
        "Transfer learning, VGG16",
    ]
    assert named({}, {"frozen_blocks": 0}, {"frozen_blocks": 12}) == [
        "Transfer learning, all blocks frozen",
        "Transfer learning, all blocks trained",
        "Transfer learning, 12 of 14 blocks frozen",
    ]
    assert named({}, {"image_size": 96})[1] == "Transfer learning, 96 px"


def test_no_more_is_said_than_tells_them_apart():
    assert named({}, {"base": "InceptionV3", "frozen_blocks": 3, "image_size": 299}) == [
        "Transfer learning, MobileNet",
        "Transfer learning, InceptionV3",
    ]


def test_where_nothing_of_that_differs_it_is_their_names():
    assert named({"seed": 1}, {"seed": 2}) == ["Transfer learning, arm0", "Transfer learning, arm1"]


def test_no_two_labels_of_an_experiment_are_the_same():
    said = named({}, {"frozen_blocks": 0}, {"frozen_blocks": 0, "seed": 2}, {"image_size": 96})
    assert len({*said}) == 4


def test_a_difference_keeps_its_capitals_in_a_sentence():
    assert ArmLabel(ArmKind.TRANSFER, "VGG16").in_a_sentence == "transfer learning, VGG16"
