"""The course's folders. Everything that reads or writes a file of the course takes its place from here."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"  # the lessons as the course publishes them
ASSETS = ROOT / "assets"  # data, images, models, diagrams
# Where a student's files lie: beside the lessons, or in a folder of the student's where many share one course (a hub).
HOME = Path(os.environ.get("COURSE_HOME") or ROOT).absolute()
WORK = HOME / "work"  # the student's own copy of the lessons; git ignores it
BUILD = HOME / "build"  # what commands write: pages, slides, tables; git ignores it


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def unwritable(folder: Path) -> str:
    """Why nothing can be written into a folder, or where it would be made; empty if it can."""
    try:
        tempfile.TemporaryFile(dir=existing(folder)).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def temporary() -> Path:
    """A new folder among the machine's temporary files, in place of one that cannot be written.

    Raises:
        OSError: those cannot be written either.
    """
    return Path(tempfile.mkdtemp(prefix="deep-learning-course-"))
