"""Open JupyterLab on the lessons, in the student's copy if there is one: python -m course.lab [NN]."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from course.lessons import lesson_files
from utils import paths


def page(lesson: str | None) -> Path:
    """The notebook to open: the first lesson or the one asked for, in work/ if it was copied there."""
    original = lesson_files([lesson] if lesson else [])[0]
    copied = paths.WORK / original.name
    return copied if copied.exists() else original


def command(lesson: str | None) -> list[str]:
    """The command line that starts JupyterLab, with the first lesson open or the one asked for."""
    options = [
        # The root is the repository, so that the lessons find the pictures in assets/.
        f"--ServerApp.root_dir={paths.ROOT}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # a container's only user is often root, and Jupyter refuses it otherwise
    # For a remote machine or a test: LAB_OPTIONS="--no-browser --port=9000".
    options += os.environ.get("LAB_OPTIONS", "").split()
    return [sys.executable, "-m", "jupyterlab", *options, str(page(lesson))]


if __name__ == "__main__":
    os.chdir(paths.ROOT)
    asked = sys.argv[1] if len(sys.argv) > 1 else None
    if page(asked).parent == paths.WORK:
        print("Opening your copy, work/.", flush=True)
    else:
        print("Opening notebooks/, the course's own files. `make work` makes a copy to work in.", flush=True)
    arguments = command(asked)
    os.execv(arguments[0], arguments)
