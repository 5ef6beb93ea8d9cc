"""A run: what its process says of itself, how it ends, what is tried again, which engine computes."""

TEXTS = {
    "run.no-dataset": "Expected this experiment's data set on this host; found none. Upload the pictures again.",
    "run.no-loss": "Expected a finite loss; found {loss} in epoch {epoch}. Lower the learning rate.",
    "run.answers-differ": "Expected the saved file to answer like the trained network, within {tolerance}; found a "
    "difference of {found:.2g}. Its scores would not be those of the file, so there are none. Please report this.",
    "run.reading": "Reading the pictures.",
    "run.too-large": "The frozen part puts out too much to keep, so it runs in every epoch: slower. Reading the "
    "pictures.",
    "run.no-openvino": "OpenVINO is not made for this platform, so Keras computes the frozen part: slower.",
    "run.slower": "Keras computes the frozen part, which is slower: {reason}.",
    "run.being-scored": "Stopped by you; the best epoch until then is scored.",
    "run.was-scored": "Stopped by you; the best epoch until then was scored.",
    "run.no-scores": "Stopped while it was scored: there are no scores. Train again to get them.",
    "run.no-epoch": "Stopped before its first epoch was complete: there is nothing to score.",
    "run.left-features": "Stopped while the pictures went through the frozen part.",
    "run.left-fit": "Stopped during the fit.",
    "run.left-scoring": "Stopped while the test pictures were scored.",
    "probe.stopped": "Stopped while it measured.",
    # a second attempt
    "attempt.second": "{cause:capital} at the first attempt, so this is a second one, {crash:if||with }{change}.",
    "attempt.place": "second attempt, {cause}: {change}",
    "attempt.memory": "memory ran out",
    "attempt.crash": "the process crashed ({signal})",
    "attempt.without-openvino": "without OpenVINO",
    "attempt.size": "pictures of {size} px instead of {usual}",
    "attempt.batch": "batches of {batch} instead of {usual}",
    "attempt.forbidden": "{cause} at the first attempt, as OpenVINO may do it",
    # OpenVINO
    "openvino.failed": "{what} ({reason})",
    "openvino.no-start": "OpenVINO is installed but does not start; 'make clean' and 'make run' install it again",
    "openvino.no-network": "OpenVINO cannot make this network ready",
    "openvino.no-processor": "OpenVINO cannot make this network ready for this processor",
    "openvino.no-conversion": "OpenVINO cannot convert this network",
    "openvino.no-folder": "OpenVINO's folder in the cache cannot be used: is the disk full or read-only?",
    "openvino.computing": "OpenVINO failed while it computed",
    # how a process ends
    "process.failed": "Failed with {error}: {reason}. The log tells more.",
    "ingest.failed": "Headstart failed on this zip ({error}). The log beside it says more.",
    "job.not-carried-out": "Headstart could not carry this out ({reason}).",
    "end.never-started": "Stopped before it started.",
    "end.lost": "Stopped. It did not answer in time and was ended, so what it had not yet written is lost.",
    "end.discarded": "Ended, because it is not wanted any more.",
    "end.interrupted": "This was interrupted (the host or the app was restarted). Please start it again.",
    "end.out-of-memory": "The system ended this run, probably because memory ran out. {remedy}",
    "end.out-of-disk": "The system ended this run by the signal SIGBUS, as when a disk becomes full under a mapped "
    "file. {reason}",
    "end.by-signal": "The process ended by the signal {signal} before its work was done. {log:if|The log ends with: "
    "{log}|The log is empty.}",
    "end.by-code": "The process ended with exit code {code} before its work was done. {log:if|The log ends with: "
    "{log}|The log is empty.}",
    "lower.training": "Lower the batch size, the picture size or the number of trained blocks.",
    "lower.host": "Free some memory on this host, then try again.",
}
