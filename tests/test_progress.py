"""`course progress`: what it says of a notebook as a student may have left it."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course import progress, work
from course.lessons import lesson_files
from utils import paths

STUB, ANSWER = "def f():\n    return None", "def f():\n    return 4"
OPEN, RIGHT, WRONG = "○ Exercise 1: not attempted yet\n", "✓ Exercise 1: correct\n", "✗ Exercise 1: 4 is wrong. Hm\n"


def lesson(source: str = STUB, printed: str = OPEN, counts: tuple = (1, 2)):
    outputs = [new_output("stream", text=printed)] if printed else []
    return new_notebook(
        cells=[
            new_code_cell(source, id="e", metadata={"tags": ["exercise"]}, execution_count=counts[0]),
            new_code_cell(
                "exercise()",
                id="c",
                metadata={"tags": ["exercise-check"]},
                outputs=outputs,
                execution_count=counts[1],
            ),
        ]
    )


@pytest.mark.parametrize(
    ("mine", "mark", "words"),
    [
        (lesson(), "○", ""),
        (lesson(ANSWER, RIGHT), "✓", ""),
        (lesson(STUB, RIGHT), "✓", ""),  # the answer stands in a cell of the student's own
        (lesson(ANSWER, "debugging\n" + WRONG), "✗", "4 is wrong. Hm"),
        (lesson(ANSWER, OPEN), "?", "says nothing yet"),
        (lesson(ANSWER, ""), "?", "not been run"),
        (lesson(STUB, ""), "?", "not been run"),
        (lesson(ANSWER, WRONG, (9, 2)), "?", "since its check"),
        (lesson(ANSWER, RIGHT, (9, 10)), "✓", ""),
        (lesson(ANSWER, RIGHT, (None, 10)), "✓", ""),
        (new_notebook(cells=lesson().cells[:1]), "?", "not in the notebook"),
        (new_notebook(cells=lesson(STUB, WRONG).cells[1:]), "✗", "4 is wrong"),
    ],
)
def test_how_an_exercise_stands(mine, mark, words):
    (pair,) = progress.exercises(lesson())
    found = progress.state({cell.id: cell for cell in mine.cells}, *pair)
    assert found[0] == mark and words in found[1] and bool(words) == bool(found[1])


def test_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(paths, "WORK", tmp_path / "work")
    paths.NOTEBOOKS.mkdir()
    for number in (1, 2, 3):
        nbformat.write(lesson(), paths.NOTEBOOKS / f"0{number}_x.ipynb")
    assert progress.show([]) == 0
    said = capsys.readouterr().out
    assert "no work/ yet" in said and "○ 3 not attempted" in said
    for number in (1, 2):
        work.update(paths.NOTEBOOKS / f"0{number}_x.ipynb", paths.WORK)
    nbformat.write(lesson(ANSWER, RIGHT), paths.WORK / "01_x.ipynb")
    (paths.WORK / "02_x.ipynb").write_text("{", encoding="utf-8")
    assert progress.show([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Your copy, work/, as last saved:"
    assert lines[1] == "✓  01_x"
    assert lines[2] == "02_x" and "cannot be read" in lines[3]
    assert lines[4] == "○  03_x (not copied yet)"
    assert lines[5] == "✓ 1 correct, ✗ 0 wrong, ○ 1 not attempted, ? 0 to be checked"


def test_every_exercise_of_the_course_is_found():
    for path in lesson_files([]):
        notebook = nbformat.read(path, as_version=4)
        mine = {cell.id: cell for cell in notebook.cells}
        states = [progress.state(mine, *pair) for pair in progress.exercises(notebook)]
        checks = sum("exercise-check" in cell.metadata.get("tags", []) for cell in notebook.cells)
        assert states == [("○", "")] * checks and checks >= 3
