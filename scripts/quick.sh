#!/usr/bin/env bash
# What a change needs first: format, lint, types, the arrows, and the tests of what was changed since the last commit on
# main. Called by `make quick`; arguments go on to pytest. The tests get 40 seconds; `make test` runs all of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=.venv/bin/python

$python -m ruff format --check
$python -m ruff check
$python -m mypy

base=$(git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
mapfile -t changed < <({ git diff --name-only "$base"; git ls-files --others --exclude-standard; } | sort -u)
tests=(tests/test_architecture.py)
for path in "${changed[@]}"; do
    case $path in
        tests/*test_*.py) found=$path ;;
        *.py) found=$(find tests -name "test_$(basename "$path")") ;;  # a test has the name of its module
        *) found='' ;;
    esac
    for test in $found; do
        if [[ -f $test && " ${tests[*]} " != *" $test "* ]]; then tests+=("$test"); fi
    done
done
echo "Tests of what was changed: ${tests[*]}"
exec $python -m pytest -q -m "not slow" -n auto --maxprocesses 4 --dist loadgroup --session-timeout 40 "${tests[@]}" "$@"
