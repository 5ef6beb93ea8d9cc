"""Kinds of host that Headstart knows by sight, and the defaults that fit each. `HEADSTART_PROFILE` names one.

An explicit `HEADSTART_…` variable wins over what the profile says; `core.settings` puts both together.
"""

import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

MEBIBYTE = 2**20
GIBIBYTE = 2**30
CLOUD_CHECKOUTS = Path("/mount/src")
CLOUD_ENVIRONMENTS = Path("/home/adminuser")


class Profile(StrEnum):
    """Whose host it is."""

    HOST = "host"  # a laptop, a server, a container: its memory and its disk are Headstart's to use, and the disk stays
    CLOUD = "cloud"  # Streamlit Community Cloud: at most 2.7 GB and 2 cores, shared; the disk goes with each restart

    @property
    def keeps_files(self) -> bool:
        """Whether what is written here is still there after a restart."""
        return self is not Profile.CLOUD


# Its hosts have 0.7 to 2.7 GB, which an app there may not be able to see. One prediction beside a training is as much
# as fits, so there is one short job at a time. An upload is held in memory while it arrives, and the disk is shared by
# all visitors.
CLOUD_DEFAULTS = {
    "most_memory_bytes": 3 * GIBIBYTE,
    "short_workers": 1,
    "max_upload_megabytes": 100,
    "max_entries": 5_000,
    "max_entry_bytes": 50 * MEBIBYTE,
    "max_total_bytes": GIBIBYTE,
    "min_free_bytes": 512 * MEBIBYTE,
    "max_feature_bytes": 512 * MEBIBYTE,
    "max_cache_bytes": GIBIBYTE,
}
DEFAULTS: Mapping[Profile, Mapping[str, object]] = MappingProxyType(
    {Profile.HOST: {}, Profile.CLOUD: MappingProxyType(CLOUD_DEFAULTS)}
)


def find(root: Path) -> Profile:
    """What this process runs on, for a checkout in `root`."""
    return Profile.CLOUD if is_community_cloud(root, os.environ, Path(sys.prefix)) else Profile.HOST


def is_community_cloud(root: Path, environment: Mapping[str, str], prefix: Path) -> bool:
    """Whether Streamlit Community Cloud runs this checkout.

    Streamlit documents no mark of it. What tracebacks from there and many public apps show: the repository lies in a
    folder of /mount/src, Python in a virtual environment below /home/adminuser, HOME is /home/appuser, and the host is
    called "streamlit". The first alone could be anybody's mount, so one of the others must be there as well. We have
    not seen it ourselves. Should it have changed, the app runs as on any other host, until the app's secrets say
    `HEADSTART_PROFILE = "cloud"`.

    Args:
        root: The checkout.
        environment: As `os.environ`.
        prefix: As `sys.prefix`.
    """
    others = (
        prefix.is_relative_to(CLOUD_ENVIRONMENTS),
        environment.get("HOME") == "/home/appuser",
        environment.get("HOSTNAME") == "streamlit",
    )
    return root.is_relative_to(CLOUD_CHECKOUTS) and any(others)
