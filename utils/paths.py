"""The course's folders. Everything that reads or writes a file of the course takes its place from here."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"  # the lessons as the course publishes them
ASSETS = ROOT / "assets"  # data, images, models, diagrams
WORK = ROOT / "work"  # the student's own copy of the lessons; git ignores it
BUILD = ROOT / "build"  # what commands write: pages, slides, tables; git ignores it
