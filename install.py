"""Install the course: python install.py (Windows: py install.py). `--help` shows the choices.

This file only looks for a Python that the course can use and hands over to course/install.py, which does the work. So
every Python that a machine may have must be able to read it, 2.7 included: no annotations, no f-strings, no pathlib.
"""

from __future__ import print_function

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.realpath(__file__))
VERSIONS = ((3, 12), (3, 11), (3, 13), (3, 10))  # in order of preference
# A Python that can make virtual environments says its version, and which program it is without the one it may be in.
PROBE = """
import ensurepip, os, sys, venv
program = getattr(sys, "_base_executable", sys.executable)
sys.stdout.buffer.write(os.fsencode("%d.%d.%d %s" % (sys.version_info[:3] + (program,))))
"""


def look_at(command):
    """The version (a tuple of numbers) and the program of a Python; (None, None) if it can't be used."""
    try:
        process = subprocess.Popen(command + ["-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        version, program = getattr(os, "fsdecode", str)(process.communicate()[0]).split(" ", 1)
        return tuple(int(part) for part in version.split(".")), program
    except (OSError, ValueError):
        return None, None


def candidates(asked):
    """Commands that may start a usable Python: the one that was asked for, or those that a machine may have."""
    if asked:
        return [[asked]]
    windows = os.name == "nt"
    own = os.path.join(ROOT, ".venv", "Scripts" if windows else "bin", "python")
    named = [["py", "-%d.%d" % version] if windows else ["python%d.%d" % version] for version in VERSIONS]
    return [[own], [sys.executable], ["python3"]] + named + [["python"]]


def asked_for(arguments):
    """What stands behind --python on the command line; None if it is not there."""
    for word, following in zip(arguments, arguments[1:] + [None]):
        if word == "--python" or word.startswith("--python="):
            return word[len("--python=") :] or following
    return None


def main(arguments):
    """Find a Python and let it install the course: the exit code."""
    asked = asked_for(arguments)
    for command in candidates(asked):
        version, program = look_at(command)
        if version and version[:2] in VERSIONS:
            try:
                return subprocess.call([program, "-m", "course.install"] + arguments, cwd=ROOT)
            except KeyboardInterrupt:  # the installer has it too, and has said so
                return 130
    found = "this is %d.%d.%d" % sys.version_info[:3]
    if asked:
        found = "%s is %s" % (asked, "%d.%d.%d" % version if version else "none")
    print(
        "This course needs Python 3.10, 3.11, 3.12 or 3.13 with the modules venv and ensurepip; %s.\n"
        "Install one (Debian and Ubuntu: apt install python3-venv; Windows and macOS: python.org), or name one:\n"
        "    python install.py --python /path/to/python3.12" % found,
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
