"""Values → words: numbers, times, sizes, names, in the one way in which the project says each.

May import nothing but the root.
"""
