"""Frames → plotly figures, each with a sentence that says the same and a frame that tables the same.

May import display, report, queue, plan, data, disk.
"""
