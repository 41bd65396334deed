"""What runs in a lesson's kernel after its last cell: the folded solutions, typical wrong answers, and its own tests.

So each lesson runs once, and all that is said about its functions is tried where a student would try it.

tests/wrong_answers/NN.txt holds answers as students write them, each below a line `--- number of the exercise: words`
with words of what the check must then say. tests/in_lesson/NN.py holds functions `test_…` that use the lesson's names.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from course.export import code_of

FOLDER = Path(__file__).resolve().parent


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def solution_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """For each exercise a code cell: its folded solution, then its check, with the output of a pass.

    Raises:
        ValueError: a solution holds no code, or a committed check does not say "not attempted yet".
    """
    cells = []
    for check, solution in zip(tagged(notebook, "exercise-check"), tagged(notebook, "solution"), strict=True):
        code = code_of(solution.source)
        if not code:
            raise ValueError(f"{solution.id}: a solution needs ```python code")
        printed = "".join(output.get("text", "") for output in check.outputs)
        passed = re.sub(r"○ (.*): not attempted yet", r"✓ \1: correct", printed)
        if passed == printed:
            raise ValueError(f"{check.id}: its committed output does not say 'not attempted yet'")
        output = new_output("stream", name="stdout", text=passed)
        source = f"{code}\n\n{check.source}"
        cells.append(new_code_cell(source, id=solution.id, execution_count=1, outputs=[output]))
    return cells


def wrong_answers(lesson: str) -> list[tuple[int, str, str]]:
    """Of a lesson ("03"): (number of the exercise from 1, the answer as code, words of what it must be told)."""
    path = FOLDER / "wrong_answers" / f"{lesson}.txt"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.findall(r"^--- (\d+): (.+)\n((?:(?!--- ).*\n)+)", text, flags=re.MULTILINE)
    return [(int(number), code, words) for number, words, code in found]


def wrong_answer_cells(notebook: NotebookNode, lesson: str) -> list[tuple[NotebookNode, str]]:
    """For each wrong answer a code cell, the answer and then the exercise's check, and the words that it must print."""
    checks = tagged(notebook, "exercise-check")
    return [
        (new_code_cell(f"{code}\n{checks[number - 1].source}"), words) for number, code, words in wrong_answers(lesson)
    ]


def own_tests(lesson: str) -> list[NotebookNode]:
    """The lesson's own tests as code cells that print nothing: first what the file defines, then one call each."""
    path = FOLDER / "in_lesson" / f"{lesson}.py"
    if not path.is_file():
        return []
    source = path.read_text(encoding="utf-8")
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    calls = [f"{name}()" for name in functions if name.startswith("test_")]
    return [new_code_cell(code, execution_count=1) for code in (source, *calls)]
