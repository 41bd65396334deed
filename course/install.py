"""What install.py does once it has found a Python: make .venv and install a lock and the course into it.

With the standard library alone, since nothing else is there yet.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
# Each audience's lock holds all that the ones before it have.
LOCKS = {"student": "requirements.lock", "test": "requirements-test.lock", "maintain": "requirements-maintain.lock"}
# Names the folder for which an environment was made. Not there while packages are being installed, and wrong after a
# move, which a virtual environment does not survive: then it is made anew.
MARK = VENV / "folder"
# No question about news and no look for updates in JupyterLab: a classroom may have no network.
PAGE_CONFIG = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


class InstallError(Exception):
    """A step failed; the message says which, and what to do."""


def run(*command: str | Path, quiet: bool = False) -> bool:
    """Run a command in the course's folder, its progress on the terminal: whether it went well."""
    ours = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    silence = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, cwd=ROOT, env=ours, stdout=silence, stderr=silence, check=False).returncode == 0


def say(text: str) -> None:
    print(text, flush=True)


def is_whole() -> bool:
    """Whether .venv was made here, by this version of Python, and completely."""
    asked = "import sys; sys.exit(sys.version_info[:2] != ({}, {}))".format(*sys.version_info[:2])
    try:
        return MARK.read_bytes() == os.fsencode(ROOT) and run(PYTHON, "-c", asked, quiet=True)
    except OSError:
        return False


def find_uv() -> list[str]:
    """The command that starts uv, put into the environment first where the machine has none; empty if it can't be."""
    found = shutil.which("uv") or shutil.which("uv", path=str(BIN))
    if found:
        return [found]
    say("Fetching uv, which installs packages in parallel …")
    lock = (ROOT / LOCKS["maintain"]).read_text(encoding="utf-8")
    pin = re.search(r"^uv==.*(?:\n    --hash.*)*", lock, flags=re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        only_uv = Path(folder) / "uv.txt"
        only_uv.write_text(pin[0] + "\n", encoding="utf-8")
        options = ("--disable-pip-version-check", "--retries=1", "--require-hashes", "-r", only_uv)
        if run(PYTHON, "-m", "pip", "install", *options, quiet=True):
            return [str(shutil.which("uv", path=str(BIN)))]
    say("uv cannot be had here; pip does the same, more slowly.")
    return []


def installer(with_pip: bool) -> list[str]:
    """The command line that installs packages into .venv, by uv or by pip."""
    uv = [] if with_pip else find_uv()
    if uv:
        # pip compiles what it installs, uv when asked to. Python would do it at the first import, and where it may not
        # write (a hub's shared environment, PYTHONDONTWRITEBYTECODE), at each: TensorFlow then takes 10 s, not 4.
        return [*uv, "pip", "install", "--compile-bytecode", "--python", str(PYTHON)]
    return [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]


def install(audience: str, with_pip: bool) -> str:
    """Make or update .venv: the name of the tool that did it.

    Raises:
        InstallError: a step failed.
    """
    if is_whole():
        say(f"Updating {VENV}.")
    else:
        say(f"Making {VENV} with Python {'.'.join(map(str, sys.version_info[:3]))}: about 2 GB when it is complete.")
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(VENV)
    MARK.unlink(missing_ok=True)
    command = installer(with_pip)
    tool = "pip" if "-m" in command else "uv"
    lock = LOCKS[audience]
    say(f"Installing the packages of {lock} with {tool}; the first time some 700 MB are downloaded.")
    if not run(*command, "--require-hashes", "-r", lock):
        other = ", or add --pip if uv itself is the trouble" if tool == "uv" else ""
        raise InstallError(
            f"{tool} could not install {lock}; the lines above say why. It needs the network. What came is kept: "
            f"run the same command again{other}."
        )
    # Without isolation and dependencies, so that nothing comes from outside the lock.
    if not run(*command, "--no-deps", "--no-build-isolation", "-e", "."):
        raise InstallError("The course itself could not be installed; the lines above say why.")
    config = VENV / "etc" / "jupyter" / "labconfig" / "page_config.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(PAGE_CONFIG, indent=2) + "\n", encoding="utf-8")
    MARK.write_bytes(os.fsencode(ROOT))
    # For make: an audience's packages are there, and those of the ones before it.
    for name in list(LOCKS)[: list(LOCKS).index(audience) + 1]:
        (VENV / f"installed-{name}").touch()
    return tool


def count_packages() -> int:
    """How many packages .venv has."""
    asked = "from importlib.metadata import distributions; print(len({d.name for d in distributions()}))"
    return int(subprocess.run([PYTHON, "-I", "-c", asked], capture_output=True, check=True).stdout)


def main(arguments: Sequence[str] | None = None) -> int:
    """Install and say what was done and what to type next: the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    parser = argparse.ArgumentParser(prog="python install.py", description="Install the course into .venv/.")
    who = "student (default), test (what `make test` needs besides) or maintain (what `make lock` needs besides)"
    parser.add_argument("--for", dest="audience", choices=LOCKS, default="student", help=who)
    parser.add_argument("--python", metavar="PATH", help="the Python to use; one that fits is found otherwise")
    parser.add_argument("--pip", action="store_true", help="install with pip even if uv is there")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        tool = install(asked.audience, asked.pip)
    except InstallError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"\nThe installation stopped: {error}.\nMend what it names and run it again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run it again: what was downloaded is kept.", file=sys.stderr)
        return 130
    course = BIN.relative_to(ROOT) / "course"
    say(
        f"\nInstalled in {time.monotonic() - began:.0f} s by {tool}: {count_packages()} packages and the course, "
        f"in {VENV}.\nIn {ROOT}, type next:\n"
        f"    {course} work      your own copy of the lessons\n"
        f"    {course} lab       open it in JupyterLab\n"
        f"    {course} --help    everything else (after `{activation()}`: `course`, from any folder)"
    )
    return 0


def activation() -> str:
    """What activates the environment in a terminal of this system."""
    return rf"{VENV.name}\Scripts\activate" if os.name == "nt" else f"source {VENV.name}/bin/activate"


if __name__ == "__main__":
    sys.exit(main())
