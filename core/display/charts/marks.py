"""What the figures have in common beside their palette."""

from core.display.palette import COLOURS as COLOURS
from core.display.palette import NAMES as NAMES
from core.plan.experiment import Arm

TITLES = {"f1": "F1", "precision": "Precision", "recall": "Recall", "loss": "Loss", "accuracy": "Accuracy"}
SYMBOLS = {Arm.TRANSFER: "circle", Arm.SCRATCH: "diamond"}
