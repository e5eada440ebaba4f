#!/bin/sh
# Makes .venv with the project (editable) and all it is developed with. PYTHON names the Python to use.
set -eu

good() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
        if command -v "$candidate" >/dev/null && good "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "python: ${PYTHON:-none found} is not Python 3.11 or newer; install one, or name it: make PYTHON=/path/to/python3" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# Debian and Ubuntu keep ensurepip, without which there is no virtualenv, in a package of its own.
install_venv_module() {
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    command -v apt-get >/dev/null || return 1
    echo "python: $1 cannot make virtualenvs; installing $package with apt-get"
    as_root apt-get update -qq && as_root apt-get install -y -qq "$package" >/dev/null
}

# A virtualenv that another folder was copied from is made anew: it points to that folder.
if ! { good .venv/bin/python && grep -q "$(pwd -P)/.venv" .venv/pyvenv.cfg; }; then
    python="$(find_python)"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null && ! install_venv_module "$python"; then
        echo "python: $python has no venv module; install it (Debian, Ubuntu: apt-get install python3-venv) or take another Python: make PYTHON=..." >&2
        exit 1
    fi
    echo "python: making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
rm -f .venv/.set-up-*
echo "python: installing the project and its development tools into .venv (a minute or two on a fresh machine)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
