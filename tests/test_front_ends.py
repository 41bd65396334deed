"""Lessons started by others than `course`: nbconvert, and what starts a kernel in another folder (VS Code, papermill).

`FRONT_END_LESSONS="1 2 …" pytest tests/test_front_ends.py` tries other lessons than the first.
"""

from __future__ import annotations

import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from course.lessons import lesson_files
from course.run import tidy
from tools.compare import figure_problem, text_problem
from utils import paths

LESSONS = os.environ.get("FRONT_END_LESSONS", "1").split()


@pytest.fixture
def plain(monkeypatch) -> None:
    """The environment of somebody who does not start lessons by `course`."""
    for name in ("PYTHONPATH", "JUPYTER_PREFER_ENV_PATH"):
        monkeypatch.delenv(name, raising=False)


def problems(executed: NotebookNode, committed: NotebookNode) -> list[str]:
    """In what the outputs of a run differ from the committed ones, a line each."""
    tidy(executed)
    found = []
    for mine, wanted in zip(executed.cells, committed.cells, strict=True):
        if mine.cell_type == "code":
            tags = wanted.metadata.get("tags", [])
            problem = text_problem(tags, wanted.outputs, mine.outputs)
            found.append(problem or figure_problem(tags, wanted.outputs, mine.outputs))
    return [problem for problem in found if problem]


@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize("place", [pytest.param("the repository's root", marks=pytest.mark.weekly), "elsewhere"])
def test_a_kernel_in_another_folder(lesson, place, tmp_path, plain):
    (path,) = lesson_files([lesson])
    folder = tmp_path if place == "elsewhere" else paths.ROOT
    notebook = nbformat.read(path, as_version=4)
    before = sorted(folder.iterdir())
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    assert problems(notebook, nbformat.read(path, as_version=4)) == []
    assert sorted(folder.iterdir()) == before  # nothing is left where a kernel happens to be started


@pytest.mark.parametrize("lesson", LESSONS)
def test_nbconvert(lesson, tmp_path, plain):
    (path,) = lesson_files([lesson])
    options = ["--to", "notebook", "--execute", "--output-dir", str(tmp_path), "--output", "executed"]
    command = [sys.executable, "-m", "nbconvert", *options, str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(tmp_path / "executed.ipynb", as_version=4)
    assert problems(executed, nbformat.read(path, as_version=4)) == []
