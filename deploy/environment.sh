#!/bin/sh
# The course's environment for a hub, made once and again after each update of the course. As root, in the course's folder:
#
#     git pull && sh deploy/environment.sh
#
# Run here: each of its steps, in the trial's environment (tools/hub/class_of.py) and in tests/test_deploy.py.
set -eu
cd "$(dirname "$(dirname "$(readlink -f "$0")")")"
umask 022
python3 install.py --pip
.venv/bin/python -m pip install --require-hashes -r deploy/hub.lock
# Compiled now: a student may not write here, and would compile TensorFlow anew at the start of each kernel.
.venv/bin/python -m compileall -q .venv/lib course utils
COURSE_CACHE=/srv/course-cache .venv/bin/course prefetch --quick
chmod -R a+rX,go-w . /srv/course-cache
