"""The command line below python -m core, which stands in for the pages where there is no browser.

May import display, report, queue, plan, data, disk."""
