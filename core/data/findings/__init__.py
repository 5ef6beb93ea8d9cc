"""What is wrong with a data set, found by whoever looks at it.

May import nothing but the root.
"""
