"""The result of an experiment is written. `python -m core.tasks.report EXPERIMENT_DIR [when-told]`

A short process without Keras. When told means once a line comes from its input: what it imports takes longer than what
it does, so it is started before the arms' end.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import HeadstartError
from core.report import result
from core.worker import process


def main(arguments: Sequence[str]) -> int:
    """Write result.json of the experiment directory that is named; 1 and a line on stderr when that fails."""
    if "when-told" in arguments[1:]:
        result.load()
        if not sys.stdin.readline():  # who should have told is gone
            return 1
    try:
        result.write_result(Path(arguments[0]).name)
    except HeadstartError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
