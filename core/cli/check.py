"""What `python -m core check` prints."""

from core.data.dataset import Dataset
from core.data.findings import problem
from core.data.split import Split
from core.words.names import natural


def describe(dataset: Dataset, split: Split) -> str:
    """Classes with counts, split and problems as plain text, for a terminal."""
    counts = split.counts()
    counts = counts.loc[natural(counts.index)]
    counts["all"] = counts.sum(axis=1)
    counts.loc["all"] = counts.sum()
    parts = ", ".join(f"{number:,} {part}" for part, number in split.counts().sum().items())
    origin = "by the zip's own folders" if dataset.has_own_split else f"drawn with seed {split.seed}"
    problems = [line for each in dataset.problems for line in ("", *problem.lines(each))] or ["", "No problems found."]
    return "\n".join(
        [
            f"{dataset.name}: {len(dataset.pictures):,} pictures in {len(dataset.classes)} classes",
            "",
            counts.rename_axis(None).to_string(),
            "",
            f"Split, {origin}: {parts}",
            *split.remarks(dataset.near),
            *problems,
        ]
    )
