"""The network itself: built, cut at its frontier, and its frozen part run by the fastest engine. Loads Keras.

May import plan, data, disk."""
