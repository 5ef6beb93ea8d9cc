"""What is to be trained: the catalogue of bases, an experiment, what it will need of this host.

May import data, disk."""
