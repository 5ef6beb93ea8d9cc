"""The command line."""

TEXTS = {
    "command.wrong": "{reason}. `python -m core --help` shows what is understood.",
    "command.out": "--out: expected a folder that can be written. Found {folder}: {reason}.",
    "command.no-keras": "Keras must be importable for training. Run `make run` again, or read what pip said.",
    "command.waiting": "Waiting: {n} {n:experiment is|experiments are} ahead of this one.",
    "command.deleted": "The {arm} arm failed: its experiment was deleted while it ran.",
    "command.failed": "The {arm} arm failed: {reason} The log is {log}.",
}
