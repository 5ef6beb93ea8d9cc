"""Everything that can go wrong in a way a user can mend.

HeadstartError               every message says what must hold, what was found and what to do
├── InputError               the user's input; the command line ends with exit code 2
│   ├── ArchiveError         the zip as a whole cannot be read, or is over a limit
│   ├── DatasetError         the pictures or labels in it make no data set
│   ├── SplitError           the data set cannot be split as asked
│   └── ExperimentError      a choice on the configure page or the command line
├── WeightsError             a weight file is missing, broken or cannot be downloaded
├── ResourceError            this host has too little memory or disk
├── DamagedError             a file of the home folder cannot be read any more
├── RunError                 a training or prediction process failed
├── EngineError              OpenVINO cannot compute here; Keras does it then, so no run fails of it
└── StopRequested            the user asked to stop; not a failure

An error is raised with a kind and its values; `core.words` has the sentence.
"""

from core.words.said import Said
from core.words.sentences import sentence


class HeadstartError(Exception):
    """Base of all; `str(error)` is fit to show a user, and `error.said` to be kept."""

    def __init__(self, kind: str | Said, /, **values: object) -> None:
        """An error of this kind, or of what was said elsewhere.

        Args:
            kind: Of the catalogue, or a whole `Said`, which brings its values.
            **values: By name, as JSON has them; `Said` says more of them.
        """
        self.said = kind if isinstance(kind, Said) else Said(kind, values)
        super().__init__(self.said)

    def __str__(self) -> str:
        """The sentence."""
        return sentence(self.said)


class InputError(HeadstartError):
    """The user's input must change."""


class ArchiveError(InputError):
    """The zip as a whole cannot be read, or is over a limit."""


class DatasetError(InputError):
    """The pictures or labels make no data set."""


class SplitError(InputError):
    """The data set cannot be split as asked."""


class ExperimentError(InputError):
    """A choice of the experiment is impossible."""


class WeightsError(HeadstartError):
    """A weight file is missing, broken or cannot be downloaded."""


class ResourceError(HeadstartError):
    """This host has too little memory or disk."""


class DamagedError(HeadstartError):
    """A file of the home folder cannot be read any more."""


class RunError(HeadstartError):
    """A training or prediction process failed."""


class EngineError(HeadstartError):
    """OpenVINO cannot compute here; Keras takes its place."""


class StopRequested(HeadstartError):  # noqa: N818  a request, not an error
    """The user asked to stop."""
