"""The result of an experiment is written. `python -m core.tasks.report EXPERIMENT_DIR [when-told]`

A short process without Keras. When told means once a line comes from its input: what it imports takes longer than what
it does, so it is started before the arms' end.
"""

import sys
from pathlib import Path

from core.report import result
from core.worker import process


def main(arguments: list[str]) -> int:
    """Write result.json of the experiment directory that is named; 1 where nobody told to.

    Raises:
        HeadstartError: It cannot be written, which is said on stderr.
    """
    if "when-told" in arguments[1:]:
        result.load()
        if not sys.stdin.readline():  # who should have told is gone
            return 1
    result.write_result(Path(arguments[0]).name)
    return 0


if __name__ == "__main__":
    sys.exit(process.carried_out(main, sys.argv[1:]))
