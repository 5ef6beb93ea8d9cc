"""What watches over a fit, one concern in each, in the manner of Keras's own callbacks.

May import network, plan, worker, disk."""
