"""One arm trained and scored. Loads Keras.

May import network, plan, data, worker, disk."""
