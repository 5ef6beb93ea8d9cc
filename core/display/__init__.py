"""Results as figures, tables, diagrams and sentences, for whatever shows them.

May import report, queue, plan, data, disk."""
