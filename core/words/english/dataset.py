"""A data set: what is too little for one, its split, its near-copies, its pictures as somebody's."""

TEXTS = {
    "dataset.one-class": "Expected at least 2 classes, each a folder of pictures. Found 1 ('{label}'){loose:if|, and "
    "{loose:count picture} outside of any}. {loose:if|Put each picture into the folder of its class|Zip the folder "
    "that contains the class folders}.",
    "dataset.no-class": "Expected at least 2 classes, each a folder of pictures. Found {loose:count picture} outside "
    "of any{table:if|, and '{table}', of which no column repeats the labels of classes}. Put each into the folder of "
    "its class.",
    "dataset.only-refused": "Expected at least 2 classes, each a folder of pictures. Found no pictures, and {n:,} "
    "{n:entry was|entries were} refused: '{name}', because {reason}. {are_links:if|Zip the pictures themselves, not "
    "links to them|Zip the folder that contains the class folders}.",
    "dataset.no-pictures": "Expected at least 2 classes, each a folder of pictures. Found no pictures among {n:count "
    "file}{name:if|, such as '{name}'}. Zip JPEG, PNG or HEIC files.",
    "dataset.none-readable": "Expected pictures that can be read. Found none.{lost:if| {lost}} Zip pictures that open "
    "on your computer, as JPEG or PNG.",
    "dataset.small-classes": "Each class needs at least {needed:1 picture|{needed} different pictures}{part:if| in "
    "{part}}. Found {few}{more:if| and {more:,} more classes}.{lost:if| {lost}} Add pictures, or leave the class out.",
    "dataset.lost": "{n:,} could not be read, such as {first}.",
    "dataset.small-class": "'{name}' with {n}",
    "dataset.no-way": "This way to read the pictures is not here any more. Upload the zip again.",
    "dataset.not-linked": "The pictures must be there and fit on the host's disk. Found them gone, or it full.",
    "dataset.no-zip": "This data set's zip is not here any more. Upload it again.",
    "dataset.directory": "Expected a data set's directory of this home. Found {directory}. Use the app's own.",
    "dataset.stopped": "Stopped before all pictures were read.",
    "upload.another-link": "Expected the link under which these pictures were uploaded; found another one, which may "
    "only look. Upload the same zip to train on them.",
    "upload.gone": "These pictures are not here any more. {policy}",
    "upload.being-removed": "{gone} Upload them again.",
    "upload.policy": "Uploads that no experiment uses are removed {seconds:days} after their last use.",
    "upload.not-deleted": "Only the link that uploaded these pictures can delete them. Open the app by that link.",
    "upload.in-use": "These pictures are in use just now. Try again in a moment.",
    "upload.being-read": "These pictures are still being read. Stop that first.",
    "upload.used": "{n:count experiment} {n:uses|use} these pictures. They go with the last one: delete {n:it|them} "
    "on the Compare page.{others:if| {others:,} of {n:,} can be deleted only under the link that started it.}",
    "split.seed": "A seed must be 0 or more. Received: {seed}. Choose another.",
    "split.own": "This zip brings its own split, so fractions cannot be chosen. Leave them out.",
    "split.nothing-left": "Each class needs pictures for training. Found that all of '{label}' are near-copies of "
    "pictures kept for validation or the test. Keep them, or add pictures.",
    "split.fractions": "Train, validation and test must each get a share, together 1. Received: {received}.",
    "split.too-few": "Each class needs at least {needed} pictures to be in every part. Found one with {found}.",
    "split.empty-part": "Each class must be in every part. Found no picture of '{label}' left for {part}, because too "
    "many are also under another label, or belong together. Correct the labels listed in red, choose smaller groups, "
    "or add pictures.",
    "split.groups": "Groups must be named as 'group', 'folder' and a level, or 'name' or 'last' and a mark, such as "
    "'name _'. Received: '{received}'.",
    "split.moved": "{n:count picture} changed the part so that what belongs together stays together.",
    "split.left-out": "{n:count picture} left out of training as near-copies of others in the zip's parts.",
    "split.divided": "Near-copies are nearly all of {classes}, so they had to be divided.",
    "split.leak": "{n:,} of {n_test:,} test pictures {n:has a near-copy|have near-copies} among those for training: "
    "the scores come out better than they would on new pictures.",
}
