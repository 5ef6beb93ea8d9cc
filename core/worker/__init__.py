"""A process that works on a directory, from the inside: who it is, whether it is still wanted, how it ends.

May import disk."""
