"""A page of the app as somebody's link opens it, without a browser."""

from streamlit.testing.v1 import AppTest

from core.settings import ROOT


def opened(page: str, **identifiers: str | None) -> AppTest:
    """The app at `pages/<page>.py`, run once with the identifiers in its address.

    Streamlit knows the pages only after a first run. That is of Upload without a data set, which costs little.
    """
    app = AppTest.from_file(ROOT / "app.py", default_timeout=30).run()
    app.query_params.clear()
    app.query_params.update({name: value for name, value in identifiers.items() if value})
    if page != "upload":
        app.switch_page(f"pages/{page}.py")
    return app.run()
