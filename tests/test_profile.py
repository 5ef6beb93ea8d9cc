"""Kinds of host: what Community Cloud is recognised by, and the defaults that follow."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from core import host, profile
from core.host import Device
from core.plan import defaults
from core.plan.arm import ArmKind
from core.plan.bases import BASES
from core.profile import CLOUD_DEFAULTS, Profile
from core.queue import lanes
from core.settings import Settings, settings

CHECKOUT, PREFIX = Path("/mount/src/headstart"), Path("/home/adminuser/venv")
ENVIRONMENT = {"HOME": "/home/appuser", "HOSTNAME": "streamlit"}
LAPTOPS = {
    "a checkout at home": (Path("/home/ada/headstart"), {"HOME": "/home/ada"}, Path("/home/ada/headstart/.venv")),
    "a mount of that name": (CHECKOUT, {"HOME": "/root", "HOSTNAME": "box"}, CHECKOUT / ".venv"),
    "a machine called streamlit": (Path("/srv/app"), {"HOME": "/root", "HOSTNAME": "streamlit"}, Path("/usr")),
    "a user called appuser": (Path("/home/appuser/app"), {"HOME": "/home/appuser"}, Path("/usr/local")),
    "a folder that begins alike": (Path("/mount/src2/app"), ENVIRONMENT, PREFIX),
    "an empty environment": (Path("/app"), {}, Path("/usr")),
}


@pytest.mark.parametrize("name", LAPTOPS)
def test_no_other_host_is_taken_for_community_cloud(name: str) -> None:
    assert not profile.is_community_cloud(*LAPTOPS[name])


@pytest.mark.parametrize(
    ("environment", "prefix"),
    [
        (ENVIRONMENT, PREFIX),
        ({}, PREFIX),
        ({"HOME": "/home/appuser"}, Path("/usr")),
        ({"HOSTNAME": "streamlit"}, Path("/")),
    ],
)
def test_community_cloud_is_recognised_as_long_as_one_further_mark_is_left(environment: dict, prefix: Path) -> None:
    assert profile.is_community_cloud(CHECKOUT, environment, prefix)


def test_this_checkout_is_on_a_host_like_any_other() -> None:
    assert settings().profile is Profile.HOST
    assert settings().profile.keeps_files


def test_the_profile_that_is_found_decides_over_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "find", lambda _: Profile.CLOUD)
    assert Settings().max_entries == CLOUD_DEFAULTS["max_entries"]
    assert not Settings().profile.keeps_files


def test_a_named_profile_wins_over_the_one_that_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "find", lambda _: Profile.CLOUD)
    monkeypatch.setenv("HEADSTART_PROFILE", "host")
    assert Settings() == Settings(profile=Profile.HOST)
    assert Settings().max_entries > CLOUD_DEFAULTS["max_entries"]


def test_an_explicit_variable_wins_over_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_PROFILE", "cloud")
    monkeypatch.setenv("HEADSTART_MAX_ENTRIES", "70000")
    monkeypatch.setenv("HEADSTART_MEMORY_BYTES", "1000")
    chosen = Settings()
    assert (chosen.max_entries, chosen.memory_bytes) == (70_000, 1000)
    assert chosen.max_cache_bytes == CLOUD_DEFAULTS["max_cache_bytes"]


def test_an_empty_variable_names_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_PROFILE", "")
    assert Settings().profile is Profile.HOST


def test_an_unknown_profile_is_refused_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_PROFILE", "clod")
    with pytest.raises(ValidationError, match="'host' or 'cloud'"):
        Settings()


def test_every_limit_of_the_cloud_is_below_that_of_other_hosts() -> None:
    usual = Settings().model_dump()
    cloud = Settings(profile=Profile.CLOUD).model_dump()
    for name, limit in CLOUD_DEFAULTS.items():
        assert cloud[name] == limit
        assert usual[name] is None or limit < usual[name], name


def test_the_cloud_has_one_slot_and_trains_from_scratch_at_128_px(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_PROFILE", "cloud")
    settings.cache_clear()
    monkeypatch.setattr(host, "device", lambda: Device("", 2))
    assert lanes.slots() == [{}]
    assert settings().short_workers == 1
    for base in BASES:
        assert defaults.arm(ArmKind.SCRATCH, base=base, has_gpu=host.device().has_gpu).image_size == 128, base
