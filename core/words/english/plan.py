"""What is to be trained: choices that cannot be, and what this host lacks for them."""

TEXTS = {
    "experiment.wrong": "{place:if|{place}: }{rule}.{place:if| Received: {received}}",
    "experiment.base": "Expected a base out of {bases}. Received: {received}",
    "experiment.freeze": "--freeze: expected 'all' or a number of blocks from 0 to {most}. Received: {received}",
    "experiment.gone": "Expected the link of an experiment on this host; found none. Was it deleted? Start a new one.",
    "experiment.no-files": "Expected the files of this {job} on this host; found none. Were they deleted? Begin anew.",
    "experiment.trained": "Expected an experiment that was not trained yet; this one was. Configure a new one.",
    "memory.transfer": "The {arm} arm would need about {needed:gigabytes} of memory; this host has "
    "{limit:gigabytes} for it. Lower {trains_blocks:if|the batch size or the picture size, or freeze more blocks|the "
    "picture size}.",
    "memory.scratch": "The {arm} arm would need about {needed:gigabytes} of memory; this host has "
    "{limit:gigabytes} for it. Lower the batch size or the picture size.",
    "memory.way-out": "{refusal}{changes:if| What would fit: {changes}.}",
    "experiment.no-arm": "Expected an arm of this experiment: {names}. Received: {name}",
    "change.no-scratch": "no training from scratch",
    "change.all-frozen": "all blocks frozen",
    "change.batch": "{arm} in batches of {batch} instead of {usual}",
    "change.size": "{arm} on pictures of {size} px instead of {usual}",
    "job.experiment": "experiment",
    "job.ingest": "ingest",
    "job.prediction": "prediction",
    "job.weights": "weights",
    "job.probe": "probe",
}
