#!/bin/sh
# Make .venv and install what the app needs, or with `test` what its tests need too. Quick when nothing has changed.
#
#   scripts/setup.sh [test]
#
# PYTHON=/path/to/python names the interpreter; otherwise the newest that fits is taken. Needs Python and pip alone.
set -eu
cd "$(dirname "$0")/.."

refuse() {
    echo "error: $*" >&2
    exit 2
}

# The first interpreter of the list that runs, is of a version with TensorFlow wheels and passes one more test.
first_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 || continue
        "$candidate" "$@" >/dev/null 2>&1 || continue
        echo "$candidate"
        return
    done
}

make_environment() {
    python=$(first_python -c 'import ensurepip')
    if [ -n "$python" ]; then
        "$python" -m venv .venv
        return
    fi
    # Debian's python3 without python3-venv: the pip outside can put one inside, from version 23 on at the latest.
    python=$(first_python -c 'import pip; assert int(pip.__version__.split(".")[0]) >= 23')
    [ -n "$python" ] || refuse "expected Python 3.11, 3.12 or 3.13 with pip; found none that runs among" \
        "${PYTHON:-python3.13, python3.12, python3.11, python3}." \
        "Install one (Debian, Ubuntu: apt-get install python3-venv), or name it: make PYTHON=/path/to/python3.12 run"
    "$python" -m venv --without-pip .venv
    "$python" -m pip --python .venv/bin/python install pip
}

# install NAME FILE…: once for each content of the requirement files and of the versions that they are held to.
install() {
    name=$1
    shift
    wanted="$tensorflow $(cat "$@" constraints.txt | cksum)"
    [ "$(cat ".venv/installed-$name" 2>/dev/null)" != "$wanted" ] || return 0
    echo "Installing $* into .venv. The first time this takes some minutes and about 2 GB of disk (with a GPU: 6 GB)."
    .venv/bin/python -m pip install --disable-pip-version-check $(printf -- '-r %s ' "$@")
    set -- .venv/lib/python3*/site-packages/tensorflow-[0-9]*.dist-info .venv/lib/python3*/site-packages/tensorflow_cpu-*.dist-info
    if [ -d "$1" ] && [ -d "$2" ]; then
        refuse "expected one of tensorflow and tensorflow-cpu; found both in .venv. Run 'make clean' and try again."
    fi
    echo "$wanted" >".venv/installed-$name"
}

tensorflow=requirements.txt
if nvidia-smi >/dev/null 2>&1; then tensorflow=requirements-gpu.txt; fi

# The two builds of TensorFlow share their files, so a host that got or lost its GPU begins anew.
if [ -f .venv/installed-app ] && ! grep -q "^$tensorflow " .venv/installed-app; then
    echo "This host's GPU came or went: making .venv anew with $tensorflow."
    rm -rf .venv
fi
.venv/bin/python -c '' 2>/dev/null || { rm -rf .venv; make_environment; }
install app "$tensorflow" requirements-common.txt
# The app copies plotly's script by itself, but not where the one who runs it may not write into the checkout.
for script in .venv/lib/python3*/site-packages/plotly/package_data/plotly.min.js; do
    [ ! -f "$script" ] || cmp -s "$script" static/plotly.min.js || cp "$script" static/
done
if [ "${1:-}" = test ]; then install test "$tensorflow" requirements-common.txt requirements-test.txt; fi
