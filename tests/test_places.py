"""A home and a course's folder that cannot be written: the commands say so in a line and work all the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course import doctor, lab, places, work
from utils import downloads, paths

# What would lead Jupyter, IPython, Matplotlib and the cache past the home.
ELSEWHERE = ("JUPYTER_", "IPYTHONDIR", "MPLCONFIGDIR", "XDG_", "COURSE_", "TMPDIR")


@pytest.fixture
def homeless(tmp_path) -> dict[str, str]:
    """An environment whose home can be written by nobody, root included: it would lie in a file."""
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
    return {**kept, "HOME": str(tmp_path / "file" / "home"), "TMPDIR": str(tmp_path / "tmp")}


@pytest.fixture
def copy(tmp_path) -> Path:
    """A course of one small lesson; a file stands where commands want to write."""
    folder = tmp_path / "course"
    for name in ("course", "utils"):
        shutil.copytree(paths.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks").mkdir()
    cells = [new_code_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]);\nprint('well')")]
    nbformat.write(new_notebook(cells=cells), folder / "notebooks" / "01_small.ipynb")
    (folder / "build").touch()
    return folder


def test_lessons_run_without_a_place_to_write(copy, homeless):
    command = [sys.executable, "-m", "course", "run"]
    said = subprocess.run(command, cwd=copy, env=homeless, capture_output=True, encoding="utf-8", check=False)
    assert said.returncode == 0 and "1 passed, 0 failed" in said.stdout, said.stdout + said.stderr
    assert "Traceback" not in said.stderr
    lines = said.stdout.splitlines()
    assert [bool(re.search("home.*cannot be written: what Jupyter keeps goes to", line)) for line in lines].count(True)
    (results,) = [re.search("results go to (.*)\\.$", line)[1] for line in lines if "build cannot be written" in line]
    assert "well" in (Path(results) / "01_small.html").read_text(encoding="utf-8")


def test_a_home_that_can_be_written_is_left_alone(monkeypatch, tmp_path, capsys):
    for name in places.homes():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    places.prepare()
    assert not set(places.homes()) & set(os.environ)
    assert capsys.readouterr().out == ""
    assert places.for_results(tmp_path / "new" / "build") == tmp_path / "new" / "build"


def test_lab_and_doctor_say_it(monkeypatch, homeless, tmp_path, capsys):
    for name in places.homes():
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "TMPDIR"):
        monkeypatch.setenv(name, homeless[name])
    monkeypatch.setattr(paths, "HOME", tmp_path / "file" / "course")
    problems = [text for well, text in doctor.folders() if not well]
    assert "course's folder cannot be written" in problems[0] and "JUPYTER_DATA_DIR" in problems[1]
    monkeypatch.setattr(tempfile, "tempdir", homeless["TMPDIR"])
    started = {}

    def become(program: str, arguments: list[str], environment: dict[str, str]) -> None:
        started.update(environment)
        raise SystemExit

    monkeypatch.setattr(lab.os, "chdir", lambda folder: None)
    monkeypatch.setattr(lab.os, "execve", become)
    with monkeypatch.context() as inner, pytest.raises(SystemExit):
        for name in places.homes():
            inner.setenv(name, homeless["HOME"])
        lab.open_lab(None)
    said = capsys.readouterr().out
    assert "File, Download" in said and "what Jupyter keeps goes to" in said
    assert not any(paths.unwritable(Path(started[name])) for name in places.homes())


def test_a_copy_that_cannot_be_written_is_one_line(monkeypatch, tmp_path, capsys):
    (tmp_path / "work").touch()
    monkeypatch.setattr(paths, "WORK", tmp_path / "work")
    assert work.update_all() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "Move the course to a folder of your own" in said


def test_a_cache_that_cannot_be_written_has_a_stand_in(monkeypatch, homeless, capsys):
    """Lesson 8 needs a place for what it unpacks; asked for twice it is unpacked once."""
    monkeypatch.delenv("COURSE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", homeless["HOME"])
    monkeypatch.setattr(tempfile, "tempdir", homeless["TMPDIR"])
    downloads._temporary_cache.cache_clear()
    filled = []

    def fill(folder: Path) -> None:
        filled.append(folder)
        (folder / "sign.png").touch()

    first = downloads.make_folder("signs", fill)
    assert downloads.make_folder("signs", fill) == first
    assert (first / "sign.png").exists() and len(filled) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "COURSE_CACHE" in said
    monkeypatch.setenv("COURSE_CACHE", homeless["HOME"])
    with pytest.raises(downloads.DownloadError, match="COURSE_CACHE"):
        downloads.make_folder("signs", fill)
    downloads._temporary_cache.cache_clear()
