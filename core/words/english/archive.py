"""A zip as a whole, and its entries."""

TEXTS = {
    "archive.not-there": "Expected a zip file at {path}. Found {is_folder:if|a folder; zip it first|nothing there; "
    "check the path}.",
    "archive.damaged": "Expected a whole zip file. Found one whose list of contents is damaged, or one part of a "
    "split zip. Zip the folder again, or join the parts.",
    "archive.cut-off": "Expected a whole zip file. Found one whose end is missing: it was cut off, or it is one part "
    "of a split zip. Download or copy it again, or join its parts.",
    "archive.last-part": "Expected a whole zip file. Found the last part of one that was split. Join its parts with "
    "the program that split it, and zip them whole.",
    "archive.no-zip": "Expected a zip file. Found {found}. {remedy}",
    "archive.too-many-entries": "A zip may hold at most {most:,} entries. Found {found:if|{found:,}|more}. Leave some "
    "out.",
    "archive.packed-too-well": "Unpacked, a zip may have at most {most} times its own size. Found {times:,.0f} times. "
    "Zip ordinary pictures only.",
    "archive.too-large": "Unpacked, a zip may have at most {most:size}. Found {found:size}. Leave some pictures out.",
    "archive.overlaps": "The files in a zip must not overlap. Found some that do. Zip the folder again.",
    "archive.locked": "A zip must open without a password. Found {n:,} encrypted, such as '{name}'. Zip the folder "
    "again without a password.",
    "archive.unknown-method": "A zip must be packed by Deflate, bzip2, LZMA or not at all. Found method "
    "{number}{title:if| ({title})} in '{name}'. Unpack it and zip the folder with another program, such as 7-Zip, by "
    "Deflate.",
    "method.deflate64": "Deflate64, which Windows takes for large files",
    "method.zstandard": "Zstandard",
    "method.xz": "XZ",
    "method.jpeg": "a packer of JPEG files",
    "method.ppmd": "PPMd",
    # what a file is that is no zip, and what to do
    "file.rar": "a RAR archive",
    "file.7z": "a 7z archive",
    "file.gzip": "a gzip file, such as tar.gz",
    "file.bzip2": "a bzip2 file, such as tar.bz2",
    "file.xz": "an xz file, such as tar.xz",
    "file.zstandard": "a Zstandard file, such as tar.zst",
    "file.cab": "a CAB archive",
    "file.first-part": "the first part of a zip that was split",
    "file.jpeg": "a JPEG picture",
    "file.png": "a PNG picture",
    "file.pdf": "a PDF document",
    "file.hdf5": "an HDF5 file",
    "file.git-lfs": "a pointer of Git LFS: a note that stands for the zip",
    "file.web-page": "a web page: the download failed",
    "file.xml": "an XML message of a server: the download failed",
    "file.json": "a JSON message of a server: the download failed",
    "file.tar": "a tar archive",
    "file.empty": "an empty file",
    "file.zeros": "nothing but zeros: the download or copy stopped before its end",
    "file.else": "something else",
    "remedy.zip-the-folder": "Zip the folder that contains the class folders.",
    "remedy.unpack": "Unpack it. Zip the folder that contains the class folders.",
    "remedy.download-again": "Download it again, in a browser where you are signed in, and look at its size.",
    "remedy.copy-again": "Copy or download it again.",
    "remedy.join": "Join its parts with the program that split it, and zip them whole.",
    "remedy.save-as-files": "Save its pictures as files, in a folder for each class, and zip these.",
    "remedy.git-lfs": "Fetch the zip itself with `git lfs pull`.",
    # why an entry is refused
    "entry.named": "{name}: {reason}",
    "entry.too-large": "it has {found:size}; at most {most:size} are read",
    "entry.damaged": "its data in the zip is damaged",
    "entry.no-file": "it is a link or a device, not a file",
    "entry.zip-in-zip": "a zip inside the zip is opened one level deep, where no folders of pictures lie beside it",
    "entry.archive": "an archive inside the zip is not opened",
    "entry.inner-zip": "it cannot be opened ({reason:open})",
    "entry.absolute": "its name is an absolute path",
    "entry.outside": "its name leads out of the zip's folder",
    "entry.too-deep": "it lies more than {most} folders deep",
}
