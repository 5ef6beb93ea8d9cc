"""What is wrong with a data set: of each kind a title, which is a claim with the count, and a remedy."""

TEXTS = {
    "problem.two-labels": "{n:,} {n:picture is there under two labels|pictures are there under two labels}",
    "problem.two-labels.remedy": "Both labels are kept, always in one part of the split, so at least one of them is "
    "counted as a mistake. Delete the copy that lies in the wrong class.",
    "problem.near-copies-under-two-labels": "{n:,} {n:pair of near-copies has two labels|pairs of near-copies have "
    "two labels}",
    "problem.near-copies-under-two-labels.remedy": "Look at each pair below. If both show the same, one label is "
    "wrong: delete that picture or move it.",
    "problem.unreadable": "{n:,} {n:picture cannot be read|pictures cannot be read}",
    "problem.unreadable.remedy": "Left out. Save such a picture as JPEG or PNG and zip again.",
    "problem.refused": "{n:,} {n:entry of the zip was refused|entries of the zip were refused}",
    "problem.refused.remedy": "Left out. Put plain picture files into the class folders and zip again.",
    "problem.in-train-and-test": "{n:,} {n:picture is in more than one of the folders train, validation and "
    "test|pictures are in more than one of the folders train, validation and test}",
    "problem.in-train-and-test.remedy": "Each is kept in test, else in validation, and taken out of the others: a "
    "network must not be tested on what it has learned from.",
    "problem.near-copies-in-train-and-test": "{n:,} {n:picture for training is a near-copy of one that is kept for "
    "validation or the test|pictures for training are near-copies of some that are kept for validation or the test}",
    "problem.near-copies-in-train-and-test.remedy": "With them the test is easier than new pictures are. They can be "
    "left out of the training, below the split under Advanced.",
    "problem.one-part-only": "{n:,} {n:class is not in every part of the zip's own split|classes are not in every "
    "part of the zip's own split}",
    "problem.one-part-only.remedy": "What train does not have cannot be learned and is left out; what another part "
    "does not have is not measured there. Add pictures, or name the folders alike in all parts.",
    "problem.similar-names": "{n:,} {n:group of classes differs only by capitals, spaces or joining signs|groups of "
    "classes differ only by capitals, spaces or joining signs}",
    "problem.similar-names.remedy": "Each is a class of its own. If they are the same, give them one name and zip "
    "again.",
    "problem.too-few": "{n:,} {n:class has fewer than 20 pictures|classes have fewer than 20 pictures}",
    "problem.too-few.remedy": "Add pictures if you can: what the report says about so few is little more than chance.",
    "problem.blank": "{n:,} {n:picture is one colour all over|pictures are one colour all over}",
    "problem.blank.remedy": "Kept. A network can learn nothing from it but its colour: look whether its file is what "
    "it should be.",
    "problem.unlabelled": "{n:,} {n:picture has no label|pictures have no label}",
    "problem.unlabelled.remedy": "Left out. Move each into the folder of its class, or give it a row in the table of "
    "labels.",
    "problem.missing": "{n:,} {n:row of the table names no picture of the zip|rows of the table name no picture of "
    "the zip}",
    "problem.missing.remedy": "Left out. Write each name as in the zip, with its folder where two pictures have the "
    "same name.",
    "problem.hidden": "{n:,} {n:picture was skipped because a folder's name begins with a dot|pictures were skipped "
    "because a folder's name begins with a dot}",
    "problem.hidden.remedy": "Such folders are hidden ones of programs. If it is a class, rename it without the dot "
    "and zip again.",
    "problem.respelled": "{n:,} {n:class is written in two ways, and counts as one|classes are written in two ways, "
    "and count as one each}",
    "problem.respelled.remedy": "The names differ only by case, spaces or joining signs. Train's or the commoner one "
    "is kept. If they are two classes, rename one.",
    "problem.merged": "{n:,} {n:folder was written in several ways and counts as one|folders were written in several "
    "ways and count as one each}",
    "problem.merged.remedy": "The names differ by spaces at their ends or signs that cannot be seen. If they are two "
    "classes, rename one.",
    "problem.repeated": "{n:,} {n:name is there more than once in the zip|names are there more than once in the zip}",
    "problem.repeated.remedy": "All are read. A program that unpacks the zip would keep the last one alone: look "
    "which of them is meant.",
    "problem.opened": "{n:,} {n:zip inside the zip was opened, and stands for a folder|zips inside the zip were "
    "opened, and stand for a folder each}",
    "problem.opened.remedy": "Nothing to do.",
    "problem.duplicate": "{n:,} {n:picture is there more than once in its class|pictures are there more than once in "
    "their class}",
    "problem.duplicate.remedy": "Each counts once. Nothing to do.",
    "problem.near-copies": "{n:,} {n:pair of near-copies within a class|pairs of near-copies within a class}",
    "problem.near-copies.remedy": "Such as one picture in two sizes, or two frames of a burst. The split keeps them "
    "in one part, unless the zip's own parts divide them or that is switched off.",
    "problem.empty-folder": "{n:,} {n:empty folder is no class|empty folders are no classes}",
    "problem.empty-folder.remedy": "Put pictures into it if it should be one.",
    "problem.own-split": "{n:,} {n:part beside train is used as the test|parts beside train are used as the test}",
    "problem.own-split.remedy": "A part of train is taken for validation. Add a folder 'validation' to choose it "
    "yourself.",
    "problem.not-a-picture": "{n:,} {n:file that is no picture was left out|files that are no pictures were left out}",
    "problem.not-a-picture.remedy": "Nothing to do.",
    "problem.imbalance": "The largest class has {times:.1f} times as many pictures as the smallest",
    "problem.imbalance.remedy": "Add pictures to small classes, or switch on class weights when you configure the "
    "training.",
    "problem.code-page": "Names are read as those of {page}",
    "problem.code-page.remedy": "The zip does not say its code page, so it was guessed. If the names look wrong, zip "
    "the folder again with a program that writes UTF-8, such as 7-Zip or macOS's own.",
    "problem.unlabelled-part": "{n:count picture} in {folders:and} {n:has|have} no label that train knows",
    "problem.unlabelled-part.remedy": "Left out. {instead:if|{instead} }Once networks are trained, the page Predict "
    "asks them about the first of these.",
    "part.by-validation": "The folder for validation is the test part instead.",
    "part.by-train": "A part of train is taken for the test instead.",
    "problem.earlier": "{title}",
    "problem.earlier.remedy": "{remedy}",
    # what was found, one by one
    "found.counted": "{name}: {n:,}",
    "found.written-as": "{name}: written as {ways}",
    "found.in-one-part": "{name}: in {part} alone ({n:,}), left out",
    "found.in-no-part": "{name}: not in {part}",
    "found.odd-line": "{table}, line {line}: {n} columns, not {width}",
    "page.named": "{title} ({page})",
    "page.unnamed": "{page}",
    "page.cp437": "DOS, United States",
    "page.cp850": "DOS, Western Europe",
    "page.cp1252": "Windows, Western Europe",
    "page.cp866": "DOS, Cyrillic",
    "page.cp1251": "Windows, Cyrillic",
    "page.cp932": "Windows, Japanese",
    "page.cp936": "Windows, simplified Chinese",
    "page.cp949": "Windows, Korean",
    "page.cp950": "Windows, traditional Chinese",
    "page.cp852": "DOS, Central Europe",
    "page.cp1250": "Windows, Central Europe",
    "page.cp1254": "Windows, Turkish",
    "page.cp857": "DOS, Turkish",
    "page.cp1253": "Windows, Greek",
    "page.cp737": "DOS, Greek",
    "page.cp1255": "Windows, Hebrew",
    "page.cp862": "DOS, Hebrew",
    "page.cp1256": "Windows, Arabic",
    "page.cp720": "DOS, Arabic",
    "page.cp874": "Windows, Thai",
}
