#!/usr/bin/env bash
# make_venv.sh FOLDER REQUIREMENT: a virtual environment with this checkout installed in it, editable.
# Does nothing when it is up to date; starts afresh when another Python made it or the checkout has moved.
# PYTHON names the interpreter (default: python3). With MESH99_COMPILED=1 it gets a copy whose core is compiled, which
# is made again when a source has changed.
set -euo pipefail

venv=$1
requirement=$2
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "error: mesh99 needs Python 3.11 or newer; $python is $("$python" --version 2>&1)" >&2
    echo "hint: name another one: make PYTHON=python3.12 ..." >&2
    exit 1
}

made_by=$("$python" -c 'import sys; print(sys.version)'; pwd)
stamp="$venv/installed$requirement"
wanted=$(cat setup.cfg pyproject.toml setup.py)
editable=--editable
if [ "${MESH99_COMPILED:-}" = 1 ]; then
    editable=
    wanted+=$(find wire dht nat node cli simulations -name '*.py' -print0 | sort -z | xargs -0 sha256sum | sha256sum)
fi
if [ "$(cat "$venv/made_by" 2>/dev/null)" = "$made_by" ]; then
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0
else
    # Debian ships Python without ensurepip until python3-venv is installed.
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            echo "error: this Python cannot make virtual environments" >&2
            echo "hint: sudo apt-get install python3-venv" >&2
            exit 1
        fi
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
    echo "$made_by" >"$venv/made_by"
fi
echo "installing $requirement into $venv" >&2
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check $editable "$requirement"
echo "$wanted" >"$stamp"
