#!/bin/sh
# Find a Python that can run the course and install the locked packages into a virtual environment.
# Usage: PYTHON=(interpreter, optional) sh tools/setup.sh VENV_FOLDER
set -eu
venv=$1

usable() {  # a Python 3.10-3.13 that can make virtual environments
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

python=""
for candidate in ${PYTHON:+"$PYTHON"} python3 python3.12 python3.11 python3.13 python3.10 python; do
    if usable "$candidate"; then
        python=$candidate
        break
    elif [ -n "${PYTHON:-}" ]; then
        break  # the one that was asked for, or none
    fi
done

if [ -z "$python" ]; then
    {
        echo "This course needs Python 3.10, 3.11, 3.12 or 3.13 with the modules venv and ensurepip; ${PYTHON:-PATH} has none."
        echo "Found: $(python3 --version 2>/dev/null || echo 'no python3')."
        echo "Install one (Debian and Ubuntu: apt install python3-venv; macOS and Windows: python.org), or name it:"
        echo "    make lab PYTHON=/path/to/python3.12"
    } >&2
    exit 1
fi

# An environment made by another Python version, or a broken one, is made anew; pip updates a good one in place.
version=$("$python" -c 'import sys; print(sys.version_info[:2])')
if [ "$("$venv/bin/python" -c 'import sys; print(sys.version_info[:2])' 2>/dev/null || true)" != "$version" ]; then
    echo "Setting up $venv with $("$python" --version): once, about 700 MB to download and 2.5 GB on disk."
    "$python" -m venv --clear "$venv"
else
    echo "Updating $venv: requirements.lock has changed."
fi
"$venv/bin/python" -m pip install --disable-pip-version-check --quiet --progress-bar off -r requirements.lock
# The course's own package. Without build isolation, so that setuptools comes from the lock and not from the network.
"$venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps -e .
# No question about news and no look for updates: a classroom may have no network.
"$venv/bin/python" -m jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" \
    >/dev/null 2>&1
echo "Ready."
