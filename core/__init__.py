"""The story of an experiment, without a browser.

The modules that lie directly here (settings, host, errors, …) and `words` may be imported by all others. What each
package is and may import is said in its `__init__.py`, and `tests/test_architecture.py` holds it to that. The modules
written in Keras are in `network` and `training`, and only processes of their own, those of `tasks`, load them: the
server stays light.
"""
