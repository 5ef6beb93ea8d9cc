"""What a stranger meets first: set-up, requirements, bundled files, the pages of documentation."""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections import Counter
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image, ImageChops

from core.data.pictures import picture
from core.plan import bases
from core.settings import ASSETS, ROOT, SAMPLE

SAMPLE_CLASSES = {"bird": 35, "flower": 24, "fruit": 26, "mammal": 64, "vegetable": 18}
REQUIREMENTS = ("requirements.txt", "requirements-gpu.txt", "requirements-common.txt", "requirements-test.txt")


# ---- set-up ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirement files ask for nothing, so that its set-up needs no network."""
    folder = tmp_path / "checkout"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "scripts" / "setup.sh", folder / "scripts")
    for name in REQUIREMENTS:
        (folder / name).write_text("# nothing\n", encoding="utf-8")
    (folder / "constraints.txt").write_text("# nothing\n", encoding="utf-8")
    return folder


def set_up(checkout: Path, *arguments: str, python: str = sys.executable, path: Path | None = None, **environment: str):
    """Run scripts/setup.sh with `python` on offer; `path` is searched before the rest of PATH."""
    search = f"{path}{os.pathsep}{os.environ['PATH']}" if path else os.environ["PATH"]
    return subprocess.run(
        ["sh", "scripts/setup.sh", *arguments],
        cwd=checkout,
        env={**os.environ, "PATH": search, "PYTHON": python, "PIP_NO_INDEX": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def stand_in(folder: Path, program: str, exit_code: int) -> Path:
    """A folder to put into PATH with a program that ends with `exit_code` at once."""
    folder.mkdir()
    (folder / program).write_text(f"#!/bin/sh\nexit {exit_code}\n", encoding="utf-8")
    (folder / program).chmod(0o755)
    return folder


def test_a_second_set_up_does_nothing_and_is_quick(checkout, tmp_path):
    no_gpu = stand_in(tmp_path / "no-gpu", "nvidia-smi", 1)
    first = set_up(checkout, path=no_gpu)
    assert first.returncode == 0, first.stderr
    assert "Installing requirements.txt requirements-common.txt" in first.stdout

    begin = time.monotonic()
    second = set_up(checkout, path=no_gpu)
    assert (second.returncode, second.stdout) == (0, "")
    assert time.monotonic() - begin < 3

    for name in ("requirements-common.txt", "constraints.txt"):
        (checkout / name).write_text("# nothing, in other words\n", encoding="utf-8")
        assert "Installing" in set_up(checkout, path=no_gpu).stdout, name
        assert set_up(checkout, path=no_gpu).stdout == ""


def test_the_tests_need_more_than_the_app_and_do_not_undo_it(checkout, tmp_path):
    no_gpu = stand_in(tmp_path / "no-gpu", "nvidia-smi", 1)
    assert "requirements-test.txt" in set_up(checkout, "test", path=no_gpu).stdout
    assert set_up(checkout, path=no_gpu).stdout == ""


def test_a_host_that_gets_a_gpu_begins_anew_with_the_other_build(checkout, tmp_path):
    set_up(checkout, path=stand_in(tmp_path / "no-gpu", "nvidia-smi", 1))
    left_over = checkout / ".venv" / "left-over"
    left_over.touch()

    answer = set_up(checkout, path=stand_in(tmp_path / "gpu", "nvidia-smi", 0))

    assert "Installing requirements-gpu.txt" in answer.stdout, answer.stderr
    assert "Installing requirements.txt" not in answer.stdout
    assert not left_over.exists()


def test_set_up_puts_plotlys_script_where_the_browser_finds_it(checkout, tmp_path):
    no_gpu = stand_in(tmp_path / "no-gpu", "nvidia-smi", 1)
    set_up(checkout, path=no_gpu)
    (checkout / "static").mkdir()
    installed = next((checkout / ".venv" / "lib").glob("python3*")) / "site-packages" / "plotly" / "package_data"
    installed.mkdir(parents=True)
    for version in ("one", "another"):
        (installed / "plotly.min.js").write_text(version, encoding="utf-8")
        assert set_up(checkout, path=no_gpu).returncode == 0
        assert (checkout / "static" / "plotly.min.js").read_text(encoding="utf-8") == version


def test_set_up_without_a_fitting_python_says_what_to_install(checkout, tmp_path):
    too_old = stand_in(tmp_path / "old", "python3.99", 1)
    answer = set_up(checkout, python="python3.99", path=too_old)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: expected Python 3.11, 3.12 or 3.13")
    assert "apt-get install python3-venv" in answer.stderr
    assert not (checkout / ".venv").exists()


def rehearsed(cache: Path, *before: str, path: str) -> subprocess.CompletedProcess[str]:
    command = [*before, ROOT / "scripts" / "rehearse.sh"]
    own = {"PATH": path, "XDG_CACHE_HOME": str(cache)}
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False)


def test_a_rehearsal_that_a_host_cannot_make_is_left_out_and_says_why(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "dirname"):
        (programs / name).symlink_to(str(shutil.which(name)))
    answer = rehearsed(tmp_path / "cache", path=str(programs))
    assert answer.returncode == 77
    why = "it needs debootstrap" if os.geteuid() == 0 else "it needs root"
    assert answer.stderr.startswith(f"The rehearsal was left out: {why}")
    assert not (tmp_path / "cache").exists()


def test_a_rehearsal_removes_nothing_below_which_something_is_mounted(tmp_path):
    cache, kept = tmp_path / "cache", tmp_path / "host"
    below = cache / "headstart-rehearsal" / "trixie" / "root" / "headstart"
    below.mkdir(parents=True)
    kept.mkdir()
    (kept / "file").touch()
    mounted = ("unshare", "--mount", "sh", "-c", f'mount --bind "{kept}" "{below}" && exec "$@"', "sh")
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    if shutil.which("debootstrap", path=path) is None or subprocess.run([*mounted, "true"], check=False).returncode:
        pytest.skip("needs root, debootstrap and a mount namespace")
    answer = rehearsed(cache, *mounted, path=path)
    assert answer.returncode == 77
    assert "something is mounted below" in answer.stderr
    assert (kept / "file").exists()


def test_make_compare_without_a_zip_says_how_to_name_one(checkout):
    answer = subprocess.run(["make", "compare"], cwd=checkout, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "make compare ZIP=pictures.zip" in answer.stderr


# ---- requirements ---------------------------------------------------------------------------------------------------


def requirement_lines(name: str) -> list[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith(("#", "-r ", "-c "))]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_says_why_it_is_there(name):
    for line in requirement_lines(name):
        assert re.search(r"\s# \w", line), line


@pytest.mark.parametrize(
    ("host", "build"),
    [
        ({"platform_machine": "x86_64", "sys_platform": "linux"}, "tensorflow-cpu"),
        ({"platform_machine": "AMD64", "sys_platform": "win32"}, "tensorflow-cpu"),
        ({"platform_machine": "aarch64", "sys_platform": "linux"}, "tensorflow"),
        ({"platform_machine": "arm64", "sys_platform": "darwin"}, "tensorflow"),
        ({"platform_machine": "x86_64", "sys_platform": "darwin"}, "tensorflow"),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else value,
)
def test_each_host_gets_exactly_one_build_of_tensorflow(host, build):
    asked = [Requirement(line.split(" #")[0]) for line in requirement_lines("requirements.txt")]
    chosen = [one.name for one in asked if one.marker is None or one.marker.evaluate(default_environment() | host)]
    assert chosen == [build]


HOSTS = [
    {"python_full_version": f"{version}.0", "python_version": version, **host}
    for version in ("3.11", "3.12", "3.13")
    for host in (
        {"platform_machine": "x86_64", "sys_platform": "linux", "platform_system": "Linux"},
        {"platform_machine": "aarch64", "sys_platform": "linux", "platform_system": "Linux"},
        {"platform_machine": "arm64", "sys_platform": "darwin", "platform_system": "Darwin"},
    )
]


def pins(host: dict[str, str]) -> dict[str, str]:
    """The version of each package that constraints.txt asks for on a host."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    asked = [Requirement(line) for line in lines if not line.startswith("#")]
    chosen = [one for one in asked if one.marker is None or one.marker.evaluate(default_environment() | host)]
    found = {}
    for one in chosen:
        (exact,) = one.specifier
        assert exact.operator == "==" and "*" not in exact.version, one
        assert canonicalize_name(one.name) not in found, f"{one.name} has two versions on {host}"
        found[canonicalize_name(one.name)] = exact.version
    return found


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: f"{host['python_version']}-{host['platform_machine']}")
def test_every_requirement_has_one_exact_version_that_fits_it_on_each_host(host):
    pinned = pins(host)
    asked = [Requirement(line.split(" #")[0]) for name in REQUIREMENTS for line in requirement_lines(name)]
    for one in asked:
        if one.marker is None or one.marker.evaluate(default_environment() | host):
            assert pinned[canonicalize_name(one.name)] in one.specifier, one


def test_what_is_installed_here_are_those_versions():
    for name, version in pins({}).items():
        with suppress(metadata.PackageNotFoundError):
            assert metadata.version(name) == version, f"{name}: run scripts/setup.sh test"


def test_the_versions_name_no_index_and_no_folder():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith("-") or "/" in line or "@" in line]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-gpu.txt", "requirements-test.txt"])
def test_whoever_installs_from_a_requirement_file_is_held_to_those_versions(name):
    assert "-c constraints.txt" in (ROOT / name).read_text(encoding="utf-8").splitlines()


# ---- bundled files --------------------------------------------------------------------------------------------------


def test_the_sample_has_its_five_classes_and_fits_into_two_megabytes():
    with zipfile.ZipFile(SAMPLE) as archive:
        entries = archive.infolist()
        digests = {hashlib.sha256(archive.read(entry)).hexdigest() for entry in entries}
    assert Counter(entry.filename.partition("/")[0] for entry in entries) == SAMPLE_CLASSES
    assert len(digests) == len(entries), "a picture is there twice"
    assert SAMPLE.stat().st_size < 2_000_000


def test_the_sample_holds_square_pictures_of_256_pixels_and_no_date():
    with zipfile.ZipFile(SAMPLE) as archive:
        for entry in archive.infolist():
            with Image.open(io.BytesIO(archive.read(entry))) as opened:
                assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (256, 256)), entry.filename
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_the_sample_is_what_its_script_makes_of_the_stamps(tmp_path):
    stamps = Path("/usr/share/tuxpaint/stamps")
    if not (stamps / "animals" / "birds").is_dir():
        pytest.skip("needs Debian's package tuxpaint-stamps-default")
    made = tmp_path / "made.zip"
    script = ROOT / "scripts" / "build_sample.py"
    subprocess.run([sys.executable, script, stamps, made], check=True, capture_output=True)
    with zipfile.ZipFile(made) as new, zipfile.ZipFile(SAMPLE) as bundled:
        assert new.namelist() == bundled.namelist()
        for name in new.namelist():  # by pixels: another libjpeg rounds in another way
            with Image.open(new.open(name)) as left, Image.open(bundled.open(name)) as right:
                largest = max(high for _, high in ImageChops.difference(left, right).getextrema())
                assert largest <= 4, name


def test_origin_and_licence_stand_beside_what_is_bundled():
    assert "GPL-2 or later" in (ASSETS / "sample" / "README.md").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in (ASSETS / "sample" / "GPL-2.txt").read_text(encoding="utf-8")
    assert "Bill Kendrick" in (ASSETS / "sample" / "COPYRIGHT").read_text(encoding="utf-8")
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    bundled = [path for path in ASSETS.rglob("*") if path.suffix in {".h5", ".zip", ".json"}]
    described = "".join(path.read_text(encoding="utf-8") for path in ASSETS.rglob("README.md"))
    assert not [path.name for path in bundled if path.name not in described]


def test_the_bundled_weights_are_those_that_are_described():
    weights = ASSETS / "weights" / str(bases.base("MobileNet").weights.bundled)
    described = (weights.parent / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in described
    assert f"{weights.stat().st_size:,} bytes" in described


def class_names() -> list[str]:
    return json.loads((ASSETS / "imagenet_classes.json").read_text(encoding="utf-8"))


def test_there_are_a_thousand_class_names_in_the_order_of_imagenet():
    names = class_names()
    assert len(names) == len(set(names)) == 1000
    known = {0: "tench", 1: "goldfish", 291: "lion", 292: "tiger", 340: "zebra", 954: "banana", 999: "toilet tissue"}
    assert {index: names[index] for index in known} == known


@pytest.mark.slow
def test_the_bundled_network_names_what_is_on_sample_pictures(tmp_path):
    import keras

    weights = ASSETS / "weights" / str(bases.base("MobileNet").weights.bundled)
    network = keras.applications.MobileNet(weights=None)
    network.load_weights(weights)
    expected = {"mammal/tiger.jpg": "tiger", "mammal/zebra.jpg": "zebra", "fruit/banana.jpg": "banana"}
    with zipfile.ZipFile(SAMPLE) as archive:
        for name, answer in expected.items():
            pixels = picture.load(Path(archive.extract(name, tmp_path)), 224)
            scores = network.predict(pixels[None] / 127.5 - 1.0, verbose=0)[0]
            assert answer in [class_names()[index] for index in scores.argsort()[-3:]], name


# ---- documentation --------------------------------------------------------------------------------------------------

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ASSETS.rglob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(document):
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert not [target for target in local if not (document.parent / target).exists()]


def test_the_map_in_the_readme_is_that_of_the_house():
    """Each package has a line, at its place, and each file that is named is there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Where things are")[2].partition("```\n")[2].partition("```")[0]
    folders, named = [ROOT], set()
    for indent, name in re.findall(r"^( *)([\w.]+/?) ", section, flags=re.MULTILINE):
        del folders[len(indent) // 2 + 1 :]
        folders.append(folders[-1] / name)
        named.add(folders[-1])
    assert not [str(path) for path in named if not path.exists()]
    packages = {path.parent for path in (ROOT / "core").rglob("__init__.py")}
    pages = {*(ROOT / "pages").glob("[!_]*.py")}
    assert packages | pages <= named
