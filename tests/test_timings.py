"""The table of slow cells, from made-up times."""

from __future__ import annotations

import html
import json
from datetime import date

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from course import run, timings
from course.machine import machine
from utils import paths


def lesson(folder, name, *sources):
    cells = [new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_slow_cells_are_listed_with_machine_and_first_line(tmp_path):
    path = lesson(tmp_path, "04_x", "import keras", "# a word\nkeras.utils.set_random_seed(1)\nmodel.fit(a | b < c)")
    timings.update(tmp_path / "build", [(path, 43.5, {"cell-0": 1.9, "cell-1": 41.6})])
    page = (tmp_path / "build" / "timings.html").read_text(encoding="utf-8")
    assert f"44 s in quick mode on {date.today()}: {html.escape(machine())}" in page
    assert 'href="04_x.html#cell-id=cell-1"' in page and "<td>42</td><td><code>model.fit(a | b &lt; c)" in page
    assert "cell-0" not in page
    assert "cores" in machine()


def test_a_run_of_one_lesson_keeps_the_times_of_the_others(tmp_path):
    first, second = lesson(tmp_path, "01_a", "x"), lesson(tmp_path, "02_b", "y")
    timings.update(tmp_path, [(second, 5, {"cell-0": 5})])
    timings.update(tmp_path, [(first, 7, {"cell-0": 7})])
    timings.update(tmp_path, [(second, 9, {"cell-0": 9})])
    kept = json.loads((tmp_path / "timings.json").read_text(encoding="utf-8"))
    assert [(name, run["cells"][0]["seconds"]) for name, run in kept.items()] == [("01_a", 7), ("02_b", 9)]
    (tmp_path / "timings.json").write_text("{", encoding="utf-8")
    timings.update(tmp_path, [(first, 3, {"cell-0": 3})])
    assert list(json.loads((tmp_path / "timings.json").read_text(encoding="utf-8"))) == ["01_a"]


def test_a_run_writes_the_seconds_of_each_code_cell(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    monkeypatch.delenv("COURSE_MODE", raising=False)
    lesson(tmp_path, "01_a", "import time", "time.sleep(0.3)", "1 + 1")
    lesson(tmp_path, "02_b", "1 / 0")
    assert run.run_lessons([], at_once=2) == 1
    assert not (tmp_path / "build" / "timings.json").exists()  # of shared cores
    assert run.run_lessons([], at_once=1) == 1
    kept = json.loads((tmp_path / "build" / "timings.json").read_text(encoding="utf-8"))
    assert list(kept) == ["01_a"]  # a lesson that failed has no times worth keeping
    assert [cell["id"] for cell in kept["01_a"]["cells"]] == ["cell-0", "cell-1", "cell-2"]
    # Only that the time is the cell's own: sleeping cannot take less than it says.
    assert kept["01_a"]["cells"][1]["seconds"] >= 0.3
