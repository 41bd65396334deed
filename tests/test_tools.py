"""Running the lessons: what `course run` says and writes, and what the maintainers' `tools.execute` puts into them."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import run
from tools import execute
from utils import paths


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of lessons, and one for pages."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    monkeypatch.delenv("COURSE_MODE", raising=False)
    paths.NOTEBOOKS.mkdir()
    return tmp_path


def write_lesson(name: str, *sources: str) -> Path:
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), *(new_code_cell(source) for source in sources)])
    path = paths.NOTEBOOKS / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_failing_lesson_does_not_stop_the_others(folder, capsys):
    write_lesson("01_good", "print('✓ one')", "print('★ accuracy: 0.9')\nprint('✓ two')")
    write_lesson("02_bad", "1 + 1", "print('✓ before')\n1 / 0", "print('✓ never')")
    write_lesson("03_good", "print('✓ three')")
    assert run.run_lessons([]) == 1
    table = capsys.readouterr().out
    assert re.search(r"01_good +\d+\.\d +\d+ +2 +accuracy: 0\.9", table)
    assert re.search(r"02_bad +\d+\.\d +\d+ +1 +FAILED cell 3 \(.+\): ZeroDivisionError: division by zero", table)
    assert re.search(r"03_good +\d+\.\d +\d+ +1 ", table)
    assert "2 passed, 1 failed" in table
    assert "01_good  cell 1 of 3" in table
    pages = sorted(path.name for path in paths.BUILD.glob("0*"))
    assert pages == ["01_good.html", "02_bad.html", "03_good.html"]


def test_execute_writes_tidy_outputs_and_keeps_ids(folder):
    path = write_lesson("01_good", "import sys\nprint('a')\nsys.stdout.flush()\nprint('50%\\r100%')", "41 + 1")
    before = nbformat.read(path, as_version=4)
    before.metadata["vscode"] = {"user": "me"}
    before.cells[1].metadata = {"tags": ["exercise"], "alt": "a figure", "collapsed": True}
    nbformat.write(before, path)
    assert execute.main(["1"]) == 0
    after = nbformat.read(path, as_version=4)
    assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]
    assert set(after.metadata) == {"kernelspec", "language_info"}
    assert after.cells[1].metadata == {"tags": ["exercise"], "alt": "a figure"}
    assert [output.text for output in after.cells[1].outputs] == ["a\n100%\n"]
    assert [cell.execution_count for cell in after.cells[1:]] == [1, 2]
    first = path.read_bytes()
    assert execute.main([]) == 0
    assert path.read_bytes() == first


def test_execute_leaves_a_failing_notebook_alone(folder):
    path = write_lesson("01_bad", "print('new')\n1 / 0")
    before = path.read_bytes()
    assert execute.main([]) == 1
    assert path.read_bytes() == before


def test_outputs_of_full_mode_are_not_written(folder, monkeypatch):
    write_lesson("01_good", "1")
    monkeypatch.setenv("COURSE_MODE", "full")
    with pytest.raises(SystemExit, match="quick mode"):
        execute.main([])


@pytest.mark.parametrize("command", [run.run_lessons, execute.main])
def test_an_unknown_mode_is_one_clear_line(folder, monkeypatch, command):
    write_lesson("01_good", "1")
    monkeypatch.setenv("COURSE_MODE", "fast")
    with pytest.raises(SystemExit, match="COURSE_MODE is 'fast'"):
        command([])


def test_a_dying_kernel_is_reported(folder):
    path = write_lesson("01_dies", "import os\nos._exit(3)")
    _, result = run.run_notebook(path, lambda *_: None)
    assert "kernel died" in result.error


def test_a_kernel_finds_the_course_first_and_warns_of_nothing(folder, monkeypatch, capfd):
    """Another `utils` on the path, and the scripts of the environment not on it, as when nothing was activated."""
    (folder / "other").mkdir()
    (folder / "other" / "utils.py").write_text("raise SystemExit('the wrong utils')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder / "other"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    path = write_lesson("01_x", "from utils import paths", "import shutil\nprint(shutil.which('course'))")
    notebook, result = run.run_notebook(path, lambda *_: None)
    assert not result.error
    assert Path(run.output_lines(notebook)[0]).is_file()
    assert capfd.readouterr().err == ""


def test_output_lines_join_streams():
    cell = new_code_cell("", outputs=[new_output("stream", text="✓ a"), new_output("stream", text="b\n✓ c\n")])
    assert run.output_lines(new_notebook(cells=[new_markdown_cell("x"), cell])) == ["✓ ab", "✓ c"]
