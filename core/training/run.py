"""An arm from its weights to its scores."""

from core.data import dataset
from core.errors import RunError
from core.network import engine
from core.training import fit, score
from core.training.arm import Run
from core.words.said import say


def carry_out(job: Run) -> None:
    """Fit the arm, save it, reload what was saved, score that.

    Raises:
        StopRequested: The user asked to stop before there was anything to score.
        HeadstartError: Something a user can mend.
    """
    if job.attempt and job.attempt.crash:
        engine.forbid(say("attempt.forbidden", cause=job.attempt.cause))
    data = dataset.read(job.experiment.dataset)
    if data is None:
        raise RunError("run.no-dataset")
    fitted = fit.restore(job, data) if job.scores_only else fit.fit(job, data)
    job.begin_scoring()
    try:
        score.score(job, data, fitted)
    finally:
        if fitted.beside:
            fitted.beside.leave()
