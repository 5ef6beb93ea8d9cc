"""A picture: decoded within bounds, stored one way, turned into pixels, changed at random for training.

May import data.zips, disk.
"""
