"""What a process of its own does, each started as python -m core.tasks.NAME. Loads Keras in functions only.

May import training, network, report, queue, plan, data, worker, disk."""
