"""Which picture has which label, in which part of the zip's own split, by the names in a zip and by its tables.

May import data.zips, data.findings, disk.
"""
