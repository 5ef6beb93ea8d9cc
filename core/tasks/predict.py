"""New pictures → both arms' answers, in a child process. `python -m core.tasks.predict PREDICTION_DIR`"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from core.data.pictures import depth, picture
from core.data.pictures.decoding import Decoding
from core.data.pictures.depth import Depth
from core.disk import record
from core.disk.files import write_frame, write_json
from core.disk.home import arm_directory
from core.disk.record import read_json
from core.disk.status import State
from core.errors import InputError, RunError, StopRequested
from core.plan import predictions
from core.plan.predictions import scored_arms
from core.words.said import Said, say
from core.worker import process
from core.worker.task import Task

STOPPED = "prediction.stopped"
BATCH = 8  # pictures that go together: what the layers put out for 32 would be a third of a gigabyte


def store(folder: Path, progress: Callable[[int, int], object]) -> None:
    """Make the uploads of a prediction pictures like those of a data set, and list those that cannot be read.

    Args:
        folder: The prediction's directory.
        progress: Called with pictures done and pictures in all.

    Raises:
        InputError: None of them can be read.
    """
    asked = read_json(folder / "request.json")
    names = asked["names"]
    stored, refused = [], []
    (folder / "pictures").mkdir(exist_ok=True)
    with Decoding(folder / "pictures", workers=1, depth=_depth(asked["experiment"])) as decoding:
        for number, name in enumerate(names):
            progress(number, len(names))
            outcome = decoding.submit((folder / "uploads" / str(number)).read_bytes()).result()
            if isinstance(outcome, Said):
                refused.append({"name": name, "reason": asdict(outcome)})
            else:
                stored.append({"name": name, "file": outcome.file})
    progress(len(names), len(names))
    write_json(folder / "pictures.json", {"pictures": stored, "refused": refused})
    shutil.rmtree(folder / "uploads", ignore_errors=True)
    if not stored:
        reasons = [say("entry.named", **each) for each in refused]
        raise InputError("prediction.none-readable", reasons=reasons)


def _depth(experiment_id: str) -> Depth:
    """That of the pictures which the networks have learned from."""
    said = (record.readable(arm_directory(experiment_id, arm) / "labels.json") for arm in scored_arms(experiment_id))
    return depth.read(next((labels.get("depth") for labels in said if labels), None))


def run(task: Task) -> None:
    """Let each arm's saved network answer every picture.

    Raises:
        StopRequested: The user asked to stop.
        InputError: No picture can be read.
        RunError: The experiment is gone.
    """
    folder, report = task.directory, task.report
    store(folder, lambda done, total: report.tell(done=done, total=total))
    asked = predictions.request(folder.name) or {}
    names = [each["name"] for each in asked["pictures"]]
    paths = [folder / "pictures" / each["file"] for each in asked["pictures"]]
    arms = scored_arms(asked["experiment"])
    if not arms:
        raise RunError("prediction.no-networks")
    report.enter(State.SCORE)
    frames = []
    for number, arm in enumerate(arms):
        report.progress(number, len(arms))
        source = arm_directory(asked["experiment"], arm)
        network = _network(source / "model.keras")
        if task.is_stopped():
            raise StopRequested(STOPPED)
        frames.append(_answers(network, _labels(source), names, paths, arm))
    write_frame(folder / "answers.parquet", pd.concat(frames, ignore_index=True))


def _network(path: Path) -> Any:
    import keras  # only now: what decodes and the networks need their memory one after the other

    try:  # only ever a file that this project's own training wrote: a user's file is never loaded
        return keras.saving.load_model(path, compile=False)
    except (ValueError, LookupError, TypeError, OSError, BadZipFile) as error:  # as Keras and h5py raise them
        raise record.damaged(path, error) from None


def _labels(folder: Path) -> dict[str, Any]:
    labels = record.read_object(folder / "labels.json", ("classes", "image_size"))
    if labels is None:
        raise record.damaged(folder / "labels.json", say("damage.no-file"))
    return labels


def _answers(network: Any, labels: dict[str, Any], names: list[str], paths: list[Path], arm: str) -> pd.DataFrame:
    from core.network import engine, model

    pixels = np.stack([picture.load(path, labels["image_size"]) for path in paths])
    answers = model.probabilities(engine.predict(network, pixels, batch_size=BATCH))
    classes = labels["classes"]
    columns = pd.DataFrame(answers, columns=[f"p_{name}" for name in classes])
    predicted = [classes[index] for index in model.chosen(answers)]
    columns.insert(0, "predicted", predicted)
    columns.insert(0, "arm", arm)
    columns.insert(0, "name", names)
    columns.insert(0, "number", range(len(names)))
    return columns


def main(arguments: list[str]) -> int:
    """Answer one prediction's pictures; the exit code is 0 unless it failed."""
    return Task(Path(arguments[0]).resolve(), stopped=STOPPED).carry_out(run)


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
