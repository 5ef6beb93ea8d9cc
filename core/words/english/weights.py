"""Files of pretrained weights."""

TEXTS = {
    "weights.unfit": "The file {path} must hold the weights of {base} without its classification layers; {reason}. "
    "Move it away, or replace it by {url}",
    "weights.cut-off": "it is cut off, or a file of another kind",
    "weights.numbers": "expected {expected:,} numbers, found {found:,}",
    "weights.by-hand": "{base} needs the weight file {name}. This host does not have it, and the download failed: "
    "{reason}. Try again, or download {url} elsewhere and put it into {folder}",
    "weights.not-that-file": "what arrived is not that file; {reason}",
    "weights.md5": "expected MD5 {expected}, found {found}",
    "weights.broke-off": "the connection broke off {n} times",
    "weights.no-connection": "there is no connection to the server ({reason})",
    "weights.silent": "the server was silent for {seconds:g} seconds",
    "weights.status": "the server answered with status {status}",
    "weights.misfit": "Expected the ImageNet weights of {base} as Keras publishes them in {name}. Found: {found}. "
    "Remove {path}, so that it is downloaded again, or put the file from {url} there.",
    "weights.arrays": "{n} of {n_all} arrays are not in it",
    "weights.stopped": "The download was stopped.",
    "weights.fetched": "{name}, SHA-256 {sha256}",
}
