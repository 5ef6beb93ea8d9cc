"""What the figures have in common beside their palette."""

TITLES = {"f1": "F1", "precision": "Precision", "recall": "Recall", "loss": "Loss", "accuracy": "Accuracy"}
