"""The files for other hosts agree with the project, with each other and with the programs that read them."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from core.settings import ROOT, Settings

DEPLOY = ROOT / "deploy"
SERVICE, NGINX, CONTAINERFILE, FOR_GPU = (
    DEPLOY / name for name in ("headstart.service", "nginx.conf", "Containerfile", "Containerfile.gpu")
)
GUIDE = ROOT / "docs" / "deploy.md"
PORT = "8501"  # Streamlit's own, and the Makefile's
DEBIAN_PYTHON = {"bookworm": "3.11", "trixie": "3.13"}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def instructions(path: Path) -> list[tuple[str, str]]:
    """Each instruction of a container file and what follows it, lines joined and comments left out."""
    text = re.sub(r"\\\n", " ", "\n".join(line for line in read(path).splitlines() if not line.startswith("#")))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("path", [SERVICE, NGINX, CONTAINERFILE, FOR_GPU], ids=lambda path: path.name)
def test_one_port_is_named_everywhere(path: Path) -> None:
    named = re.findall(r"(?:server\.port=|127\.0\.0\.1:|EXPOSE )(\d+)", read(path))
    assert named and set(named) == {PORT}
    assert f"PORT ?= {PORT}" in read(ROOT / "Makefile")


@pytest.mark.parametrize("path", [SERVICE, NGINX, CONTAINERFILE, FOR_GPU], ids=lambda path: path.name)
def test_the_guide_names_every_file(path: Path) -> None:
    assert f"deploy/{path.name}" in read(GUIDE)


@pytest.mark.parametrize("path", [CONTAINERFILE, FOR_GPU], ids=lambda path: path.name)
def test_what_an_image_copies_is_in_the_project_and_holds_all_that_runs(path: Path) -> None:
    copied = [source for name, what in instructions(path) if name == "COPY" for source in what.split()[:-1]]
    assert not [source for source in copied if not list(ROOT.glob(source))]
    assert {"app.py", ".streamlit", "assets", "core", "pages", "*.txt"} <= set(copied)
    ignored = read(ROOT / ".dockerignore").splitlines()
    assert not set(copied) & set(ignored)


@pytest.mark.parametrize("path", [CONTAINERFILE, FOR_GPU], ids=lambda path: path.name)
def test_an_image_has_a_supported_python_a_user_a_volume_and_a_health_check(path: Path) -> None:
    given = dict(instructions(path))  # of those that come more than once, the last
    release = re.search(r"debian:(\w+)-slim", given["FROM"])
    assert release
    supported = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["requires-python"]
    lowest, above = re.findall(r"3\.(\d+)", supported)
    assert int(lowest) <= int(DEBIAN_PYTHON[release[1]].partition(".")[2]) < int(above)
    assert given["USER"] == "headstart"
    assert f"HEADSTART_HOME={given['VOLUME']}" in read(path)
    assert "/_stcore/health" in given["HEALTHCHECK"]
    assert given["CMD"].startswith("[") and given["ENTRYPOINT"].startswith("["), "a shell would keep the signals"


def test_the_images_differ_only_in_what_a_gpu_needs() -> None:
    plain, for_gpu = instructions(CONTAINERFILE), instructions(FOR_GPU)
    added = [each for each in for_gpu if each not in plain]
    assert [name for name, _ in added] == ["RUN", "ENV"]
    assert "requirements-gpu.txt" in added[0][1] and "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in added[1][1]


def test_versions_of_python_in_the_guide_are_supported_ones() -> None:
    for version in re.findall(r"Python\W{0,3}(3\.\d+)", read(GUIDE)):
        assert version in {"3.11", "3.12", "3.13"}


def test_every_setting_that_the_guide_and_the_files_name_is_one() -> None:
    for path in (GUIDE, SERVICE, CONTAINERFILE, FOR_GPU):
        for name in re.findall(r"HEADSTART_([A-Z_]+)", read(path)):
            assert name.lower() in Settings.model_fields, f"{path.name}: {name}"


def test_nginx_lets_through_what_the_app_takes() -> None:
    most = tomllib.loads(read(ROOT / ".streamlit" / "config.toml"))["server"]["maxUploadSize"]
    allowed = re.search(r"client_max_body_size (\d+)m;", read(NGINX))
    assert allowed and int(allowed[1]) > most


def test_the_unit_starts_what_is_in_the_checkout_and_lets_its_code_compile() -> None:
    text = read(SERVICE)
    assert "WorkingDirectory=/opt/headstart" in text
    assert re.search(r"^ExecStart=/opt/headstart/\.venv/bin/python -m streamlit run app\.py ", text, re.MULTILINE)
    state = re.search(r"^StateDirectory=(\w+)", text, re.MULTILINE)
    assert state and f"HEADSTART_HOME=/var/lib/{state[1]}\n" in text
    rows = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))
    assert rows["KillMode"] == "control-group", "the consumer is in a session of its own and would outlive the unit"
    assert rows["OOMPolicy"] == "continue", "one training without memory would end all"
    assert "MemoryDenyWriteExecute" not in rows and "PrivateDevices" not in rows


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze (Debian's package systemd)")
    unit = tmp_path / SERVICE.name
    unit.write_text(read(SERVICE).replace("/opt/headstart/.venv/bin/python", "/bin/true"), encoding="utf-8")
    answer = subprocess.run([program, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_nginx_understands_its_file(tmp_path: Path) -> None:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("needs nginx and openssl (Debian's packages nginx-light and openssl)")
    key, certificate, site, whole = (tmp_path / name for name in ("key.pem", "cert.pem", "site.conf", "nginx.conf"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=headstart.example.org"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    text = re.sub(r"/etc/letsencrypt/\S+/fullchain\.pem", str(certificate), read(NGINX))
    text = re.sub(r"listen (\[::\]:)?(80|443)\b", r"listen \g<1>18\2", text)  # ports that need no root
    site.write_text(re.sub(r"/etc/letsencrypt/\S+/privkey\.pem", str(key), text), encoding="utf-8")
    own = f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}} http {{ access_log off; include {site}; }}"
    whole.write_text(own, encoding="utf-8")
    answer = subprocess.run([program, "-t", "-c", str(whole)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
