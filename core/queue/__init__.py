"""The jobs of this host: who waits, who runs, and the processes that carry them out, from the outside.

May import plan, data, worker, disk."""
