"""Open JupyterLab on the lessons, in the student's copy if there is one."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from course.kernels import ENCRYPTION, environment
from course.lessons import lesson_files
from course.places import prepare
from utils import paths


def page(lesson: str | None) -> Path:
    """The notebook to open: the first lesson or the one asked for, in work/ if it was copied there."""
    original = lesson_files([lesson] if lesson else [])[0]
    copied = paths.WORK / original.name
    if copied.exists():
        return copied
    return original if paths.HOME == paths.ROOT else paths.HOME / "notebooks" / original.name  # a link to it


def options(root: Path) -> list[str]:
    """What a server of lessons is told, at home and on a hub.

    Args:
        root: the folder that it shows; the lessons find the pictures in assets/ below it.
    """
    return [
        f"--ServerApp.root_dir={root}",
        f"--KernelManager.transport_encryption={ENCRYPTION}",
        "--ServerApp.contents_manager_class=course.contents.LessonContents",
    ]


def command(lesson: str | None) -> list[str]:
    """The command line that starts JupyterLab, with the first lesson open or the one asked for."""
    words = [sys.executable, "-m", "jupyterlab", *options(paths.HOME)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")  # a container's only user is often root, and Jupyter refuses it otherwise
    # For a remote machine or a test: LAB_OPTIONS="--no-browser --port=9000".
    words += shlex.split(os.environ.get("LAB_OPTIONS", ""), posix=os.name == "posix")
    return [*words, str(page(lesson))]


def open_lab(lesson: str | None) -> int:
    """Become JupyterLab; where a process cannot become another one (Windows), wait for its end: its exit code."""
    if page(lesson).parent == paths.WORK:
        print("Opening your copy, work/.", flush=True)
    else:
        print("Opening notebooks/, the course's own files. `course work` makes a copy to work in.", flush=True)
    if paths.unwritable(paths.HOME):
        print("The course's folder cannot be written: keep what you change by File, Download.", flush=True)
    prepare()
    os.chdir(paths.HOME)
    if os.name == "posix":
        os.execve(sys.executable, command(lesson), environment())
    process = subprocess.Popen(command(lesson), env=environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # JupyterLab has it too, and asks whether to stop
            continue
