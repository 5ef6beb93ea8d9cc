"""Pictures with labels: a zip becomes a data set, and a data set is split.

May import disk.
"""
