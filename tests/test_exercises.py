"""Every exercise: the untouched stub, the folded solution, and the answers that people typically get wrong.

The cells of an exercise run with the functions of their lesson and the few values that its checks read, without the
lesson's trainings.
"""

from __future__ import annotations

import functools
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbformat import NotebookNode

from conftest import solution_cells
from tests.support import lesson_functions
from tests.wrong_answers import WRONG
from utils import checks, paths

# Of these lessons, the cells that compute what the checks read.
CELLS = {
    1: ["load-mnist", "means", "nearest"],
    3: [
        "load-data",
        "one-column",
        "column-arrays",
        "cut-rows",
        "ols-line",
        "standardise",
        "convert-ols",
        "test-scores",
    ],
    4: ["matrix-small"],
    8: ["mirror"],
    9: ["tiny-masks"],
}
EXERCISES = [(lesson, number) for lesson in range(1, 10) for number in (1, 2, 3)]


def notebook(lesson: int) -> NotebookNode:
    return nbformat.read(next(paths.NOTEBOOKS.glob(f"{lesson:02}_*.ipynb")), as_version=4)


@functools.cache
def values(lesson: int) -> dict[str, Any]:
    """The names that the exercises of a lesson may use."""
    given = {"x_ink": None, "y_ink": None} if lesson == 2 else {}  # defaults of a function that no exercise calls
    names = lesson_functions(lesson, **given)
    if lesson == 3:
        names["config"] = names["Config"]()
    for name in CELLS.get(lesson, []):
        cell = next(cell for cell in notebook(lesson).cells if cell.id == name)
        exec(compile(cell.source, f"lesson {lesson}, cell {name}", "exec"), names)
    if lesson == 8:
        names["partner"] = names["mirror"] | {right: left for left, right in names["mirror"].items()}
    plt.close("all")
    return names


def tagged(lesson: int, tag: str) -> list[NotebookNode]:
    return [cell for cell in notebook(lesson).cells if tag in cell.metadata.get("tags", [])]


def said(lesson: int, number: int, answer: str, capsys: pytest.CaptureFixture, **names: Any) -> str:
    """What the check of an exercise says of an answer: its last line. Both run after the stub, as in a notebook."""
    space = {**values(lesson), **names}
    cells = tagged(lesson, "exercise")[number - 1].source, answer, tagged(lesson, "exercise-check")[number - 1].source
    capsys.readouterr()
    for source in cells:
        exec(compile(source, f"lesson {lesson}, exercise {number}", "exec"), space)
    return capsys.readouterr().out.splitlines()[-1]


def test_every_exercise_is_here():
    assert [(lesson, k + 1) for lesson in range(1, 10) for k in range(len(tagged(lesson, "exercise")))] == EXERCISES
    assert list(WRONG) == EXERCISES and all(len(answers) >= 2 for answers in WRONG.values())


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_untouched_stub(lesson, number, capsys):
    assert said(lesson, number, "", capsys) == f"○ Exercise {number}: not attempted yet"


@pytest.mark.parametrize(("lesson", "number"), EXERCISES)
def test_the_solution_is_correct(lesson, number, capsys):
    cell = solution_cells(notebook(lesson))[number - 1]
    assert said(lesson, number, cell.source, capsys) == f"✓ Exercise {number}: correct"


@pytest.mark.parametrize(
    ("lesson", "number", "answer", "words"),
    [(*key, *wrong) for key, answers in WRONG.items() for wrong in answers],
    ids=[f"{lesson}.{number}-{k}" for (lesson, number), answers in WRONG.items() for k in range(len(answers))],
)
def test_a_wrong_answer_has_its_own_message(lesson, number, answer, words, capsys):
    asked = []

    def exercise(*arguments: Any, **named: Any) -> None:
        asked.append(named)
        checks.exercise(*arguments, **named)

    line = said(lesson, number, answer, capsys, exercise=exercise)
    assert line.startswith(f"✗ Exercise {number}: ")
    message = next((text for _, text in asked[-1]["mistakes"] if line.endswith(text)), "none of its own: " + line)
    assert words in message
