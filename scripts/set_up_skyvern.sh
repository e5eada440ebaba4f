#!/bin/sh
# Installs the published Python SDK of Skyvern's API, for the tests that call us through it: in a virtualenv of its own
# ($1), because it pins versions that are not ours. $2 is its version. Nothing is done twice; the tests call this too.
set -eu

if [ -e "$1/.set-up-$2" ]; then
    exit 0
fi
echo "skyvern: installing its SDK $2 into $1 (half a minute)"
rm -rf "$1"
python="${PYTHON:-python3}"
[ -x .venv/bin/python ] && python=.venv/bin/python
"$python" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check "skyvern==$2"
touch "$1/.set-up-$2"
