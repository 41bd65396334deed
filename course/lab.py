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
    return copied if copied.exists() else original


def command(lesson: str | None) -> list[str]:
    """The command line that starts JupyterLab, with the first lesson open or the one asked for."""
    options = [
        # The root is the repository, so that the lessons find the pictures in assets/.
        f"--ServerApp.root_dir={paths.ROOT}",
        f"--KernelManager.transport_encryption={ENCRYPTION}",
        "--ServerApp.contents_manager_class=course.contents.LessonContents",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # a container's only user is often root, and Jupyter refuses it otherwise
    # For a remote machine or a test: LAB_OPTIONS="--no-browser --port=9000".
    options += shlex.split(os.environ.get("LAB_OPTIONS", ""), posix=os.name == "posix")
    return [sys.executable, "-m", "jupyterlab", *options, str(page(lesson))]


def open_lab(lesson: str | None) -> int:
    """Become JupyterLab; where a process cannot become another one (Windows), wait for its end: its exit code."""
    if page(lesson).parent == paths.WORK:
        print("Opening your copy, work/.", flush=True)
    else:
        print("Opening notebooks/, the course's own files. `course work` makes a copy to work in.", flush=True)
    if paths.unwritable(paths.ROOT):
        print("The course's folder cannot be written: keep what you change by File, Download.", flush=True)
    prepare()
    os.chdir(paths.ROOT)
    if os.name == "posix":
        os.execve(sys.executable, command(lesson), environment())
    process = subprocess.Popen(command(lesson), env=environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # JupyterLab has it too, and asks whether to stop
            continue
