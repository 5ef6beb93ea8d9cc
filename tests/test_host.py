"""Control groups are folders of files, so folders of files stand in for them here."""

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core import host
from core.settings import settings

IS_LIMIT_KNOWN = host.is_limit_known  # itself: every test has another in its place
MACHINE = psutil.virtual_memory().total


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that lays out groups: the lines of /proc/self/cgroup, and files below /sys/fs/cgroup."""

    def lay_out(own: str, files: dict[str, str]) -> None:
        (tmp_path / "own").write_text(own)
        for name, content in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        monkeypatch.setattr(host, "is_limit_known", IS_LIMIT_KNOWN)
        monkeypatch.setattr(host, "OWN_GROUPS", tmp_path / "own")
        monkeypatch.setattr(host, "CGROUP", tmp_path / "cgroup")

    return lay_out


ONE = "9:cpu:/\n4:memory:/room/app\n0::/\n"
TWO = "0::/system.slice/headstart.service\n"


def test_version_2_names_the_limit_of_the_own_group(groups):
    groups(TWO, {"system.slice/headstart.service/memory.max": "1000000\n"})
    assert host.memory_bytes() == 1_000_000
    assert host.is_limit_known()


def test_a_group_above_may_allow_less(groups):
    groups(TWO, {"system.slice/headstart.service/memory.max": "3000000\n", "system.slice/memory.max": "2000000\n"})
    assert host.memory_bytes() == 2_000_000


def test_in_a_container_the_own_group_is_mounted_as_the_root(groups):
    groups("0::/../../docker/0123\n", {"memory.max": "1000000\n"})
    assert host.memory_bytes() == 1_000_000
    groups(ONE, {"memory/memory.limit_in_bytes": "500000\n"})
    assert host.memory_bytes() == 500_000


def test_version_1_names_it_below_its_own_controller(groups):
    groups(ONE, {"memory/room/app/memory.limit_in_bytes": "700000\n", "cpu/memory.limit_in_bytes": "7\n"})
    assert host.memory_bytes() == 700_000


def test_version_2_may_lie_beside_version_1(groups):
    groups("4:cpu:/\n0::/app\n", {"unified/app/memory.max": "800000\n"})
    assert host.memory_bytes() == 800_000


@pytest.mark.parametrize("limit", ["max\n", "9223372036854771712\n", ""])
def test_where_there_is_no_limit_the_machine_counts(groups, limit):
    groups(TWO, {"system.slice/headstart.service/memory.max": limit})
    assert host.memory_bytes() == MACHINE
    assert host.is_limit_known()
    assert host.prudent_bytes() == MACHINE


def test_where_no_group_can_be_read_a_limit_may_be_there_all_the_same(groups):
    groups(ONE, {})
    assert host.memory_bytes() == MACHINE
    assert not host.is_limit_known()
    assert host.prudent_bytes() == min(MACHINE, host.UNKNOWN_BYTES)


def test_more_memory_than_hosts_of_its_kind_have_is_the_memory_of_something_else(groups, monkeypatch):
    groups(TWO, {"system.slice/headstart.service/memory.max": "max\n"})
    monkeypatch.setenv("HEADSTART_PROFILE", "cloud")
    settings.cache_clear()
    assert host.is_limit_known() is (MACHINE <= 3 * 2**30)
    groups(TWO, {"system.slice/headstart.service/memory.max": "1000000\n"})
    assert host.is_limit_known()


def test_the_root_group_of_version_2_has_no_limit_and_that_is_known(groups):
    groups("0::/\n", {"cgroup.controllers": "cpu memory\n"})
    assert host.is_limit_known()
    groups("0::/app\n", {})
    assert not host.is_limit_known()


def test_a_kernel_that_names_no_groups_may_still_have_a_limit_at_the_root(groups, monkeypatch, tmp_path):
    groups("", {"memory.max": "600000\n"})
    monkeypatch.setattr(host, "OWN_GROUPS", tmp_path / "none")
    assert host.memory_bytes() == 600_000


@pytest.mark.parametrize(
    ("own", "folder", "limit", "used", "prefix"),
    [
        (TWO, "system.slice/headstart.service/", "memory.max", "memory.current", ""),
        (ONE, "memory/room/app/", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
    ],
    ids=["version 2", "version 1"],
)
def test_what_is_left_of_a_limit_counts_files_as_free_for_they_can_be_dropped(groups, own, folder, limit, used, prefix):
    said = f"anon 300000\n{prefix}inactive_file 250000\n{prefix}active_file 150000\n"
    groups(own, {folder + limit: "1000000\n", folder + used: "700000\n", f"{folder}memory.stat": said})
    assert host.available_bytes() == 700_000


def test_nothing_is_left_of_a_limit_that_was_lowered_below_what_is_used(groups):
    folder = "system.slice/headstart.service/"
    groups(TWO, {f"{folder}memory.max": "10\n", f"{folder}memory.current": "700\n", f"{folder}memory.stat": "anon 1\n"})
    assert host.available_bytes() == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc gives memory back when told to")
def test_what_was_freed_is_given_back():
    pieces = [bytearray(b"x" * 60_000) for _ in range(1000)]
    pinned = pieces[-1]  # keeps the rest below it from being given back by itself
    before = host.own_bytes()
    del pieces
    host.give_back()
    assert before - host.own_bytes() > 30_000_000
    assert pinned


def test_own_memory_grows_by_what_is_allocated():
    before = host.own_bytes()
    held = bytearray(64_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert 60_000_000 < host.own_bytes() - before < 100_000_000
    del held
