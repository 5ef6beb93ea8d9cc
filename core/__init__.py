"""The story of an experiment, without a browser.

This package imports neither Streamlit nor `pages`. Keras, TensorFlow and OpenVINO are imported only in `model`,
`features`, `training` and `predict`, and only processes of their own import those: the server stays light.
`tests/test_architecture.py` holds it to that.
"""
