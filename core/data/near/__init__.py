"""Which pictures of a data set are copies or nearly copies of each other.

May import data.pictures, data.labels, data.findings, disk.
"""
