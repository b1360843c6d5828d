#!/bin/sh
# Makes .venv with a Python of 3.11 or newer. PYTHON names one; else the usual names are tried.
set -eu

version='import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))'
usable='import sys, importlib.util as u; sys.exit(sys.version_info < (3, 11) or not u.find_spec("pip"))'

if .venv/bin/python -c "$usable" 2>/dev/null; then
    exit 0
fi

for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$python" -c "$version" >/dev/null 2>&1; then
        echo "Making .venv with $("$python" --version) ..."
        "$python" -m venv --clear .venv >/dev/null && exit 0
        echo "$python -m venv failed: is its venv module (python3-venv) installed?" >&2
        exit 1
    fi
done

first=${PYTHON:-python3}
found=$("$first" -c "$version" 2>/dev/null) || true
echo "Python 3.11 or newer is needed, but $first is ${found:-not there}. Name one: make run PYTHON=/path/to/python3.12" >&2
exit 1
