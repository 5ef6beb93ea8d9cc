"""The host's disk and the files of the home folder; who may use what is there; settings and ids."""

TEXTS = {
    "disk.too-little": "{what} needs about {needed:size} of disk with {kept:size} left over. Found {free:size} free "
    "in {folder}. {free_up}",
    "need.zip": "This zip",
    "need.pictures": "Reading these pictures",
    "need.outputs": "Keeping the frozen part's outputs",
    "need.weights": "The weight file of {base}",
    "disk.full": "Headstart must be able to write to {folder}. Found its disk full{free:if| ({free} free)}. {free_up}",
    "disk.free": "{n:size}",
    "disk.quota": "Headstart must be able to write to {folder}. Found that this user's share of the disk is used up. "
    "{free_up}",
    "disk.was-unwritable": "Headstart must be able to write to {folder}. Found that it could not: the disk was full "
    "or mounted read-only. {free_up}",
    "disk.read-only": "Headstart must be able to write to {folder}. Found its file system mounted read-only. Mount it "
    "for writing, or name another folder by HEADSTART_HOME.",
    "disk.forbidden": "Headstart must be able to write to {folder}. Found that this user may not write to it. Change "
    "its owner or its rights, or name another folder by HEADSTART_HOME.",
    "disk.no-home": "Headstart needs a folder that it can write to, for pictures and results. Found {folder}: "
    "{reason}. Name another one in the environment variable HEADSTART_HOME and start the app again.",
    "free.elsewhere": "Free some disk there, then try again.",
    "free.others": "Free some disk: Headstart itself takes {taken:size} of it, the rest is other files{cache:if|; "
    "{cache}}. All of it is listed by: python -m core doctor",
    "free.own": "Free some disk: most is in {largest}{cache:if|; {cache}}. All of it is listed by: python -m core "
    "doctor",
    "free.part": "{name} ({n:size} in {folder}; {remedy})",
    "usage.datasets": "pictures of data sets",
    "usage.datasets.remedy": "delete uploads and experiments that nobody needs, in the app",
    "usage.experiments": "experiments",
    "usage.experiments.remedy": "delete those that nobody needs, on the Compare page",
    "usage.predictions": "predictions",
    "usage.predictions.remedy": "they may be removed",
    "usage.cache": "the cache",
    "usage.cache.remedy": "it may be removed whenever nothing trains",
    "usage.weights": "downloaded weights",
    "usage.weights.remedy": "they may be removed, and are fetched again when they are needed",
    "usage.probes": "probes",
    "usage.probes.remedy": "they may be removed",
    "usage.others": "other files",
    "usage.others.remedy": "the queue, logs and locks, which are small, and whatever else was put there",
    "file.gone": "Headstart must be able to read {path}. Found it gone, as what it belongs to was deleted or somebody "
    "removed it. Begin anew, or put it back from a copy.",
    "file.damaged": "Headstart must be able to read {path}. Found it damaged ({reason:open}), as after a power "
    "failure. Put it back from a copy, or begin anew.",
    "damage.something-else": "it holds something else",
    "damage.lacks": "it has no '{key}'",
    "damage.no-file": "it is gone",
    "damage.no-pictures": "it names no pictures",
    "owner.another-link": "Expected the link under which this was started; found another one, which may only look. "
    "Use the browser or the command line in which it was started.",
    "home.no-id": "Expected an id of 32 hexadecimal digits, as the app's own links have. Open the app without it.",
    "settings.wrong": "{wrong:semicolons}. Change the environment and start again.",
    "settings.one": "{variable}: {rule}. Received: {received}",
}
