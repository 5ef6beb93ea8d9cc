"""A zip of unknown origin, opened with care: entries, their names, what each file is by its first bytes.

May import disk.
"""
