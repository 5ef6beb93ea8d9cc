"""How a zip's folders, names and tables were understood: titles of the ways to read it, notes, refusals."""

TEXTS = {
    # titles
    "way.folders": "Folders",
    "way.level": "Folders of level {level}",
    "way.innermost": "Innermost folders",
    "way.only": "Only '{group}'",
    "way.no-part": "No folder as a part",
    "way.file-names": "Beginnings of the file names",
    "way.table": "Table {tables}, column '{column}'",
    "way.one-hot": "Table {tables}, one column a class",
    "tables.one": "{name}",
    "tables.more": "{name} and {others:count other table}",
    # notes
    "reading.parts-guessed": "{n:,} {n:folder is|folders are} read as the training part, because of what lies beside: "
    "{beside}",
    "reading.parts-guessed.remedy": "If no folder is a part, choose another way to read the zip.",
    "reading.names-differ": "The file names begin with {n:count word} that the folders do not follow",
    "reading.names-differ.remedy": "If these are the classes, and not the folders, choose another way to read the zip.",
    "reading.table-against-folders": "The table tells the classes, and the folders around the pictures do not: "
    "{tables}",
    "reading.table-against-folders.remedy": "If the folders are the classes, choose another way to read the zip.",
    "reading.numbered-folders": "{n:count folder} are numbered pieces of one collection, and no classes",
    "reading.numbered-folders.remedy": "The folders in them are used as classes, and each picture remembers its "
    "group{are_folds:if|; the parts in each fold are not kept, for the next fold has others}. If that is wrong, "
    "choose another way to read the zip.",
    "reading.shared-folders": "{n:count folder} hold the same sub-folders: these look like variants, sources or "
    "folds, not like classes",
    "reading.shared-folders.remedy": "The folders in them are used as classes, and each picture remembers its "
    "group{are_folds:if|; the parts in each fold are not kept, for the next fold has others}. If that is wrong, "
    "choose another way to read the zip.",
    "reading.shells": "The folders are called like numbered pieces of one collection, and not like classes",
    "reading.shells.remedy": "If they are none, sort the pictures into a folder for each class, or add a table of "
    "labels as a CSV file.",
    "reading.inner-folders": "{n:count folder} inside the class folders count to their class",
    "reading.inner-folders.remedy": "If they are the classes, choose another way to read the zip.",
    "reading.by-file-names": "Labels are taken from the file names: {n:count beginning} cover all pictures",
    "reading.by-file-names.remedy": "No folder holds a class, so this is a proposal. If it is wrong, sort the "
    "pictures into class folders.",
    "reading.masks": "{n:count picture} {n:is a mask|are masks} of others, by name, and {n:is|are} left out",
    "reading.masks.remedy": "A mask shows where something is and is no picture of a class. If these are none, give "
    "them other names.",
    "table.beside-folders": "{n:count table} beside the folders {n:is|are} not used",
    "table.beside-folders.remedy": "The folders tell the classes. If the table shall do it, choose another way to "
    "read the zip.",
    "table.refused": "A table beside the folders cannot be used",
    "table.refused.remedy": "The folders tell the classes.",
    "table.no-labels": "{n:count table} {n:gives|give} no picture of the zip a label",
    "table.no-labels.remedy": "Not used. A table of labels has a row for each picture, with its name as in the zip in "
    "one column and its label in another.",
    "table.columns": "{tables}: the column '{pictures}' names the pictures and {is_one_hot:if|a column for each "
    "class|the column '{label}'} says the label{n:if|; {n:count other column} {n:is|are} not used}",
    "table.columns.remedy": "{others:if|That is a guess, for no header says so: {others} could be it too. If another "
    "one is the label, choose another way to read the zip.|Nothing to do, unless another column is the label.}",
    "table.odd-rows": "{n:count row} of the table {n:has|have} too many or too few columns",
    "table.odd-rows.remedy": "Left out. Put a name that holds a comma in quotes.",
    "column.unnamed": "column {number}, without a name",
    # why a table cannot be used: "Found …, and zip again."
    "table.unusable": "that {name} cannot be used: {reason}. Save it again as CSV",
    "table.names-none": "that no column of {name} names pictures of the zip, with their labels in another. Write the "
    "names as in the zip, with their folders",
    "table.conflict": "in {tables} {reason}",
    "rows.two-labels": "'{name}' as '{one:if|{one}|nothing}' and as '{other:if|{other}|nothing}'. Delete the wrong row",
    "rows.several-marks": "'{name}' with {n} labels: {labels}. Leave out pictures with several, or make each "
    "combination a class",
    "rows.several-labels": "several labels in '{label}', for '{one}' and '{other}' are labels of their own. Leave "
    "such rows out, or write '{joined}' if it is a class",
    "rows.combinations": "several labels in a cell, such as '{label}': {words:,} words make {labels:,} labels. Keep "
    "one label for each picture",
    "table.too-large": "it has {found:size}; at most {most:size} are read",
    "table.no-columns": "it has no two columns that a comma, semicolon, tab or bar divides",
    "table.no-text": "it is no text",
    "table.wrong-quotes": "its quotes are wrong: {reason} in line {line}",
    # refusals
    "layout.masks": "Expected a folder for each class. Found masks, such as '{name}', which show where something is "
    "and are no class. Leave them out, and sort the pictures into a folder for each class.",
    "layout.wrong-table": "A table of labels must give each picture one label. Found {reason}, and zip again.",
    "layout.no-csv": "Expected class folders, or a table of labels as a CSV file. Found '{name}', which is no CSV "
    "file. Save the table as CSV, with a column for the pictures' names and one for the labels, and zip again.",
    "layout.empty-part": "Expected class folders in the zip's folder '{folder}'. Found none with pictures. Put the "
    "training pictures into a folder for each class, or add a table of labels as a CSV file.",
}
