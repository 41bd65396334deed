"""Open JupyterLab on the lessons: python -m tools.lab [NN]."""

from __future__ import annotations

import os
import sys

from tools.lessons import ROOT, lesson_files


def command(lesson: str | None) -> list[str]:
    """The command line that starts JupyterLab, with the first lesson open or the one asked for."""
    page = lesson_files([lesson] if lesson else [])[0]
    options = [
        # The root is the repository, so that the lessons find the pictures in assets/.
        f"--ServerApp.root_dir={ROOT}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # a container's only user is often root, and Jupyter refuses it otherwise
    # For a remote machine or a test: LAB_OPTIONS="--no-browser --port=9000".
    options += os.environ.get("LAB_OPTIONS", "").split()
    return [sys.executable, "-m", "jupyterlab", *options, str(page)]


if __name__ == "__main__":
    os.chdir(ROOT)
    arguments = command(sys.argv[1] if len(sys.argv) > 1 else None)
    os.execv(arguments[0], arguments)
