"""The command line: `python -m core compare ZIP`, `check ZIP`, `doctor`.

Exit codes: 0 done, 1 something on this host failed, 2 the input must change (one line on stderr, "error: …").
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from core import host, profile
from core.cli import terminal
from core.cli.bars import Bar
from core.disk import home, space
from core.disk.home import dataset_directory
from core.errors import ExperimentError, HeadstartError, InputError, ResourceError, RunError, StopRequested
from core.plan import bases, defaults, estimate, experiment, fitting, weights
from core.plan.experiment import Experiment
from core.plan.experiments import create_experiment
from core.queue import standby
from core.settings import ROOT, settings
from core.words.numbers import gigabytes, size

# What brings pandas or scikit-learn along is imported where it is used: the process that trains is started before.
if TYPE_CHECKING:
    from core.data.dataset import Dataset

ASK_KERAS = "import json; from core.network import backend; print(json.dumps(backend.prepare_device().__dict__))"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError("command.wrong", reason=message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        chosen = _parser().parse_args(arguments)
        chosen.run(chosen)
    except StopRequested as stopped:
        print(stopped, file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        return 130
    except (HeadstartError, OSError, ValidationError) as error:
        print("error:", " ".join(str(space.refusal(error) or error).split()), file=sys.stderr)
        return 2 if isinstance(error, InputError | ValidationError) else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m core", description="What is transfer learning worth on your own pictures?")
    commands = parser.add_subparsers(required=True, metavar="compare|check|doctor", parser_class=_Parser)
    compare = commands.add_parser("compare", help="train both arms on a zip of labelled pictures and compare them")
    compare.add_argument("zip", type=Path)
    compare.add_argument("--base", default="MobileNet", help=", ".join(bases.BASES))
    compare.add_argument("--epochs", type=int, help="run exactly so many; by default at most 30, with early stopping")
    compare.add_argument("--freeze", default="all", help="'all' or how many blocks of the base stay frozen")
    compare.add_argument("--dropout", type=float, help="in the head, from 0 to below 1")
    compare.add_argument("--baseline", choices=["scratch", "none"], default="scratch")
    compare.add_argument("--baseline-epochs", type=int, help="likewise, from scratch")
    compare.add_argument("--image-size", type=int, help="side in pixels, for both arms")
    compare.add_argument("--seed", type=int, default=1, help="of the split and the training")
    compare.add_argument(
        "--near-copies",
        choices=["together", "apart"],
        default="together",
        help="in one part of the split, or as they fall",
    )
    compare.add_argument(
        "--group", default="", help="what else stays together: 'folder 2', 'name _', 'last _' or 'group'"
    )
    compare.add_argument("--out", type=Path, help="folder for result.json; by default ./headstart-<time>")
    compare.set_defaults(run=_compare)
    check = commands.add_parser("check", help="list what is wrong with a zip's pictures and labels")
    check.add_argument("zip", type=Path)
    check.set_defaults(run=_check)
    doctor = commands.add_parser("doctor", help="say what this host has")
    doctor.set_defaults(run=_doctor)
    return parser


def _check(chosen: argparse.Namespace) -> None:
    from core.cli import check
    from core.data import split

    with _ingested(chosen.zip, keeps=False) as data:
        print(check.describe(data, split.split(data)))


def _compare(chosen: argparse.Namespace) -> None:
    _configured("0" * 32, chosen)  # a wrong choice is refused before the pictures are read
    out = chosen.out or Path(f"headstart-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("command.out", folder=out, reason=error.strerror) from None
    with terminal.runner() as runner:
        experiment_id, arms = _new_experiment(chosen)
        if not standby.is_memory_short():
            threading.Thread(target=_import_for_the_report).start()  # for later, while the arms run
        runner.run(experiment_id, arms)
    from core.cli import outcome
    from core.report import report, result

    written = result.write_result(experiment_id)
    shutil.copy(written, out / "result.json")
    print(outcome.table(json.loads(written.read_text(encoding="utf-8"))))
    if leak := report.read(experiment_id).leak:
        print(leak)
    print(f"\nWritten: {out / 'result.json'}. In the app: /compare?experiment={experiment_id}")


def _import_for_the_report() -> None:
    from core.report import result

    result.load()


def _new_experiment(chosen: argparse.Namespace) -> tuple[str, list[str]]:
    from core.data import split

    with _ingested(chosen.zip, keeps=True) as data:
        choice = split.SplitChoice(chosen.seed, keeps_together=chosen.near_copies == "together", group=chosen.group)
        parts = split.split(data, choice=choice)
        sizes = parts.counts().sum()
        configured = _configured(data.id, chosen, n_train=int(sizes["train"])).model_copy(
            update={"dataset_name": data.name, **choice.facts, "split_fingerprint": parts.fingerprint}
        )
        _check_memory(configured, {f"n_{part}": int(number) for part, number in sizes.items()})
        return create_experiment(configured, parts.frame), [arm.name for arm in configured.arms]


def _check_memory(configured: Experiment, counts: dict[str, int]) -> None:
    """Refuse what cannot fit, and say what would."""
    try:
        estimate.check_memory(configured, estimate.estimate(configured, **counts))
    except ResourceError as error:
        nearest = fitting.fitted(configured, limit_bytes=estimate.memory_limit_bytes(), **counts)
        changes = fitting.differences(configured, nearest) if nearest else []
        raise ResourceError("memory.way-out", refusal=error.said, changes=changes) from None


def _configured(dataset_id: str, chosen: argparse.Namespace, *, n_train: int = 0) -> Experiment:
    row = bases.base(chosen.base)
    usual = defaults.experiment(dataset_id, base=row.name, has_gpu=host.device().has_gpu, n_train=n_train)
    if not host.device().has_gpu:
        limit = estimate.prudent_limit_bytes()
        usual = fitting.batches_fitted(usual, limit_bytes=limit, n_train=n_train, n_validation=0, n_test=0)
    shared: dict[str, Any] = {"seed": chosen.seed}
    if chosen.image_size is not None:
        shared["image_size"] = chosen.image_size
    frozen = {"frozen_blocks": _frozen_blocks(chosen.freeze, row)}
    transfer, scratch = (arm.model_dump() | shared for arm in usual.arms)
    arms = [transfer | frozen, *([scratch] if chosen.baseline == "scratch" else [])]
    for arm, epochs in zip(arms, (chosen.epochs, chosen.baseline_epochs), strict=False):
        arm["training"] |= _schedule(epochs)
        if chosen.dropout is not None:
            arm["head"] |= {"dropout": chosen.dropout}
    return experiment.validated(usual.model_dump() | {"arms": arms})


def _schedule(epochs: int | None) -> dict[str, int | None]:
    return {} if epochs is None else {"epochs": epochs, "patience": None}


def _frozen_blocks(freeze: str, row: bases.Base) -> int:
    if freeze == "all":
        return len(row.blocks)
    if not freeze.isdecimal():
        raise ExperimentError("experiment.freeze", most=len(row.blocks), received=freeze)
    return int(freeze)


@contextmanager
def _ingested(path: Path, *, keeps: bool) -> Iterator["Dataset"]:
    """The zip as a data set; its directory is removed after an error, and after all where it is not kept."""
    from core.data import ingest

    dataset_id = ingest.create(path, path.name)
    try:
        with Bar("reading pictures") as bar:
            data = ingest.ingest(dataset_id, progress=bar.show)
        yield data
    except BaseException:
        keeps = False
        raise
    finally:
        if not keeps:
            shutil.rmtree(dataset_directory(dataset_id), ignore_errors=True)


def _doctor(_: argparse.Namespace) -> None:
    asked = subprocess.run([sys.executable, "-c", ASK_KERAS], cwd=ROOT, capture_output=True, text=True, check=False)
    found = json.loads(asked.stdout.splitlines()[-1]) if asked.returncode == 0 else None
    lines = {
        "profile": settings().profile,
        "device": host.device().label,
        "Keras": f"{found['engine']}, computing on {found['label']}"
        if found
        else "cannot be imported: " + _last(asked.stderr),
        "memory": f"{gigabytes(estimate.memory_limit_bytes())} for one arm{_unseen()}",
        "home": f"{home.folder()} ({size(space.free_bytes())} free)",
        "weights": settings().weights or "no folder of the host (HEADSTART_WEIGHTS)",
    }
    for name, value in lines.items():
        print(f"{name:10}{value}")
    for row in bases.BASES.values():
        path = weights.find(row)
        print(f"{'  ' + row.name:20}{path or f'not on this host; {row.weights.size_bytes / 1e6:.0f} MB to download'}")
    print("\n".join(["", "Settings", *_settings(), "", "Disk", *_disk()]))
    space.check_writable()
    if found is None:
        raise RunError("command.no-keras")


def _unseen() -> str:
    """What is to be said where this process cannot see the limit of its container."""
    return "" if host.is_limit_known() else "; a container's limit cannot be seen here and may be lower"


def _settings() -> list[str]:
    """A line for each setting: how it is named in the environment, its value, and whether it was chosen there."""
    chosen, lines = settings(), []
    environment, by_profile = {name.upper() for name in os.environ}, profile.DEFAULTS.get(settings().profile, {})
    for name in type(chosen).model_fields:
        value = getattr(chosen, name)
        said = "none" if value is None else f"{value} ({size(value)})" if name.endswith("_bytes") else str(value)
        variable = f"HEADSTART_{name.upper()}"
        who = ", set" if variable in environment else ", by the profile" if name in by_profile else ""
        lines.append(f"  {variable:34}{said}{who}")
    return lines


def _disk() -> list[str]:
    """A line for each kind of thing, the largest first: how much it takes, where, and how it becomes smaller."""
    parts = space.usage()
    rows = [f"  {part.name:22}{size(part.size_bytes):>12}  {part.folder}; {part.remedy}" for part in parts]
    return [*rows, f"  {'all of it':22}{size(sum(part.size_bytes for part in parts)):>12}"]


def _last(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no message"


if __name__ == "__main__":
    sys.exit(main())
