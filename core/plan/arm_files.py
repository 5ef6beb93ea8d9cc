"""The files of an arm that others than its own process look for, or remove after it."""

from contextlib import suppress
from pathlib import Path

SIGN = "predictions.parquet"  # the last file of an arm that was scored
TEMPORARY = ("*.npy", "*best.npz*", "start.json", "partial.keras")  # what only a running arm needs, half written too


def remove_temporary(directory: Path) -> None:
    """Free the disk of what only a running arm needs; for one that was killed somebody else must do it."""
    with suppress(OSError):  # on a disk that became read-only it stays
        while found := [path for pattern in TEMPORARY for path in directory.glob(pattern)]:  # a fit may still write
            for path in found:
                path.unlink(missing_ok=True)


def remove_unscored(directory: Path) -> None:
    """Free the disk of a network without scores as well, which nobody can use."""
    remove_temporary(directory)
    if not (directory / SIGN).exists():
        with suppress(OSError):
            for name in ("model.keras", "labels.json", "arm.json"):
                (directory / name).unlink(missing_ok=True)
