#!/bin/sh
# Write constraints.txt: one exact version of every package that the requirement files lead to, for every host they are for.
#
#   scripts/lock.sh [OPTIONS OF uv pip compile]
#
# What is pinned already stays as long as it fits, so that a second run changes nothing: --upgrade takes the newest of
# everything, --upgrade-package NAME of one. Then it looks whether each kind of host finds a wheel of each version.
# Needs Python and a package index; PYTHON=/path/to/python names the interpreter, which need not be one of the app's.
set -eu
cd "$(dirname "$0")/.."

uv=$PWD/.venv-lock/bin/uv  # in an environment of its own: the app does not run with it
if ! "$uv" --version >/dev/null 2>&1; then
    "${PYTHON:-python3}" -m venv .venv-lock
    .venv-lock/bin/python -m pip install --quiet --disable-pip-version-check "uv~=0.13"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in requirements*.txt; do
    grep -v '^-c ' "$file" >"$work/$file"  # without the pins of today, which would be a must
done
{ cat constraints.txt 2>/dev/null || true; } >"$work/pins.txt"

# No header and no origin: they would name this host's folders and its package index.
(cd "$work" && "$uv" pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
    --output-file pins.txt "$@" requirements.txt requirements-gpu.txt requirements-test.txt)

# wheels PLATFORM FILE…: whether such a host finds all of them, on each Python.
wheels() {
    platform=$1
    shift
    for version in 3.11 3.12 3.13; do
        (cd "$work" && "$uv" pip compile --quiet --only-binary :all: --python-platform "$platform" \
            --python-version "$version" --constraint pins.txt "$@" >/dev/null)
    done
}
wheels x86_64-manylinux_2_28 requirements.txt requirements-test.txt
wheels x86_64-manylinux_2_28 requirements-gpu.txt
wheels aarch64-manylinux_2_35 requirements.txt requirements-test.txt
wheels aarch64-apple-darwin requirements.txt requirements-test.txt

{
    echo "# One exact version of every package, for all hosts and Python 3.11 to 3.13. Made by 'make lock'; not edited by hand."
    grep -v '^#' "$work/pins.txt"
} >"$work/constraints.txt"
if cmp -s "$work/constraints.txt" constraints.txt; then
    echo "constraints.txt is as it was."
else
    cp "$work/constraints.txt" constraints.txt
    echo "constraints.txt was written anew. 'make test' installs by it."
fi
