"""What came of an experiment: scores, intervals, the verdict, the files to take along.

May import plan, data, disk."""
