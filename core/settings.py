"""Where things live and this host's limits: defaults here or by its profile; `HEADSTART_…` variables win."""

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core import profile
from core.errors import InputError
from core.profile import GIBIBYTE as GIBIBYTE
from core.profile import MEBIBYTE as MEBIBYTE
from core.profile import Profile
from core.words.said import Said, say

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
SAMPLE = ASSETS / "sample" / "sample.zip"
DAY_SECONDS = 86_400.0


class Settings(BaseSettings):
    """Read once a process; tests set the environment and call `settings.cache_clear()`."""

    model_config = SettingsConfigDict(env_prefix="HEADSTART_", frozen=True)

    profile: Profile = Field(
        Profile.HOST, description="The kind of host, which decides over other defaults; by default found out"
    )
    home: Path = ROOT / ".headstart"
    weights: Path | None = Field(
        None, description="A folder of the host with weight files, looked into before any download"
    )

    max_upload_megabytes: int | None = Field(
        None, ge=1, description="One upload; by default the most that the server takes, see .streamlit/config.toml"
    )
    max_entries: int = Field(50_000, description="Entries in one zip")
    max_picture_pixels: int = Field(50_000_000, description="Width times height of one picture")
    max_entry_bytes: int = Field(200 * MEBIBYTE, description="One picture, unpacked")
    max_total_bytes: int = Field(8 * GIBIBYTE, description="All of a zip, unpacked")
    max_ratio: int = Field(200, description="Unpacked over packed size of a zip, against bombs")
    min_free_bytes: int = Field(GIBIBYTE, description="Disk left free by everything Headstart writes")
    picture_seconds: float = Field(20.0, gt=0, description="Time for decoding one picture")
    picture_bytes: int | None = Field(
        None, description="Memory for decoding one picture; by default an eighth of the host's, from 100 MB to 1 GB"
    )
    stored_side: int = Field(512, description="Long side, in pixels, of a stored picture")

    max_feature_bytes: int = Field(4 * GIBIBYTE, description="Outputs of the frozen part kept on disk for one run")
    max_cache_bytes: int = Field(
        10 * GIBIBYTE, description="Outputs of frozen parts and decoded pictures kept for later runs, all together"
    )

    keep_uploads_days: float = Field(
        1.0, gt=0, description="Uploaded pictures that no experiment uses go so long after somebody last opened them"
    )
    keep_predictions_days: float = Field(7.0, gt=0, description="New pictures and the answers to them go after so long")
    keep_cache_days: float = Field(
        30.0, gt=0, description="What is kept for later runs goes when none has used it for so long"
    )

    memory_bytes: int | None = Field(
        None, description="Memory that one arm may use; by default what the host or its container has"
    )
    most_memory_bytes: int | None = Field(
        None, description="What hosts of this kind have at most: where more is seen, their limit cannot be seen"
    )
    weights_timeout: float = Field(30.0, description="Seconds without a byte after which a download is given up")
    short_workers: int = Field(
        2, ge=1, description="Zips read, pictures predicted and weights fetched at the same time"
    )
    python: str = Field(sys.executable, description="Interpreter of the processes that train, predict and read zips")
    idle_seconds: float = Field(60.0, description="The consumer exits after this long without work or server")
    standby: bool | None = Field(
        None,
        description="Whether a process with Keras imported waits for the next run; by default from 1.5 GB of memory on",
    )
    standby_min_free_bytes: int = Field(
        512 * MEBIBYTE, description="With less memory available the standby is given up"
    )

    @model_validator(mode="before")
    @classmethod
    def _as_its_profile_has_it(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Fill in, under what the environment gives, the defaults of the profile that it names or that is found."""
        named = given.get("profile") or profile.find(ROOT)
        return {**profile.DEFAULTS.get(named, {}), **given, "profile": named}

    def places(self) -> dict[str, str]:
        """The folders for the environment of a process that starts in another one: a relative path would be lost."""
        found = {"HEADSTART_HOME": str(self.home.absolute())}
        return found if self.weights is None else {**found, "HEADSTART_WEIGHTS": str(self.weights.absolute())}


@lru_cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        InputError: The environment gives one a value that it cannot have.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = [_wrong(each["loc"], each["msg"], each["input"]) for each in error.errors()]
        raise InputError("settings.wrong", wrong=wrong) from None


def _wrong(place: tuple[int | str, ...], what: str, given: object) -> Said:
    variable = "_".join(map(str, ("HEADSTART", *place))).upper()
    return say("settings.one", variable=variable, rule=what, received=str(given))
