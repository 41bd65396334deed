"""The lessons for graders of others: `course export` writes notebooks that nbgrader or otter take as an instructor's.

An exercise's stub, the solution below it in the marks that the tool cuts out, and the course's own check stay cells of
the lesson; a test asks whether the check has said ✓. So a student's version is the lesson without its solutions, and
needs neither tool. Drawings are put into the notebook, since it leaves the course's folder.
"""

from __future__ import annotations

import base64
import copy
import mimetypes
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_raw_cell

from course import progress
from course.kernels import CELL_TIMEOUT
from course.lessons import lesson_files
from utils import paths

# Both tools cut out of a solution's cell what stands between these lines.
BEGIN, END = "# BEGIN SOLUTION NO PROMPT", "# END SOLUTION"
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)")  # to another file of the course
NBGRADER_CONFIG = f"""\
# What nbgrader must know of the lessons. It reads this file in the folder where it is started.
c = get_config()
c.ClearSolutions.code_stub = {{"python": ""}}  # the course's own stub stands above each solution
c.ExecutePreprocessor.timeout = {CELL_TIMEOUT["quick"]}  # seconds for one cell
"""
# A student's version without cells of otter's, which would need it installed.
OTTER_CONFIG = """\
# ASSIGNMENT CONFIG
init_cell: false
export_cell: false
tests:
  ok_format: false
"""


def code_of(solution: str) -> str:
    """The ```python blocks of a folded solution, joined."""
    return "\n\n".join(re.findall(r"```python\n(.*?)```", solution, flags=re.DOTALL))


def nbgrader_cells(number: int, stub: NotebookNode, check: NotebookNode) -> list[NotebookNode]:
    """The cells of an exercise for nbgrader: the answer, the check, which cannot be changed, and a test.

    The test is a cell of its own because nbgrader gives no points where a cell writes to stderr, and Keras warns there.

    Args:
        number: of the exercise.
        stub: the cell to fill in, with its solution.
        check: the cell that checks it.
    """
    name = f"exercise-{number}"
    test = new_code_cell(
        "# This cell is worth a point if the check above says ✓.\n### BEGIN HIDDEN TESTS\n"
        f'from utils.checks import assert_solved\n\nassert_solved("Exercise {number}")\n### END HIDDEN TESTS',
        id=f"{name}-test",
    )
    kind = {"schema_version": 3, "grade": False, "locked": False, "solution": False, "task": False}
    stub.metadata["nbgrader"] = {**kind, "grade_id": name, "solution": True}
    check.metadata["nbgrader"] = {**kind, "grade_id": f"{name}-check", "locked": True}
    test.metadata["nbgrader"] = {**kind, "grade_id": f"{name}-test", "locked": True, "grade": True, "points": 1}
    return [stub, check, test]


def otter_cells(number: int, stub: NotebookNode, check: NotebookNode) -> list[NotebookNode]:
    """The cells of an exercise for otter: a question of the answer and its test, and the check.

    A student may have changed the check; so the test runs it anew, in the notebook's names, where the check stands.

    Args:
        number: of the exercise.
        stub: the cell to fill in, with its solution.
        check: the cell that checks it.
    """
    name = f"exercise-{number}"
    test = (
        f"def test(env):\n    exec({check.source!r}, env)\n"
        f'    from utils.checks import assert_solved\n\n    assert_solved("Exercise {number}")'
    )
    check.metadata["otter"] = {"tests": [name]}

    def mark(words: str, more: str = "") -> NotebookNode:
        return new_raw_cell(f"# {words}{more}", id=f"{name}-{words.lower().replace(' ', '-')}")

    return [
        mark("BEGIN QUESTION", f"\nname: {name}\npoints: 1\ncheck_cell: false"),
        mark("BEGIN SOLUTION"),
        stub,
        mark("END SOLUTION"),
        mark("BEGIN TESTS"),
        new_code_cell(test, id=f"{name}-test"),
        mark("END TESTS"),
        mark("END QUESTION"),
        check,
    ]


CELLS: dict[str, Callable[[int, NotebookNode, NotebookNode], list[NotebookNode]]] = {
    "nbgrader": nbgrader_cells,
    "otter": otter_cells,
}


def carry_drawings(cell: NotebookNode) -> None:
    """Put the drawings of a Markdown cell into it, and leave only the words of a link to another file of the course."""

    def carried(link: re.Match[str]) -> str:
        picture, words, target = link.groups()
        if not picture:
            return words
        file = paths.NOTEBOOKS / target
        data = base64.b64encode(file.read_bytes()).decode("ascii")
        cell.setdefault("attachments", {})[file.name] = {mimetypes.guess_type(file.name)[0]: data}
        return f"![{words}](attachment:{file.name})"

    cell.source = LINK.sub(carried, cell.source)


def converted(lesson: NotebookNode, tool: str) -> NotebookNode:
    """A lesson as the instructor's notebook of a tool: without outputs, complete in itself, solutions in its stubs.

    Args:
        lesson: as the course has it; it is not changed.
        tool: a key of CELLS.
    """
    notebook = copy.deepcopy(lesson)
    solutions = [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]
    instead = {cell.id: [] for cell in solutions}
    pairs = zip(progress.exercises(notebook), solutions, strict=True)
    for number, ((stub, check), solution) in enumerate(pairs, start=1):
        stub.source += f"\n{BEGIN}\n{code_of(solution.source)}{END}"
        instead |= {stub.id: CELLS[tool](number, stub, check), check.id: []}
    notebook.cells = [new for cell in notebook.cells for new in instead.get(cell.id, [cell])]
    if tool == "otter":
        notebook.cells.insert(0, new_raw_cell(OTTER_CONFIG, id="assignment-config"))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        elif cell.cell_type == "markdown":
            carry_drawings(cell)
    return notebook


def contents(tool: str, lessons: Sequence[Path]) -> dict[str, str]:
    """The files of an export, by their places in its folder: a notebook for each lesson, and the tool's settings."""
    texts = {path.name: nbformat.writes(converted(nbformat.read(path, as_version=4), tool)) for path in lessons}
    if tool == "otter":
        return texts
    # nbgrader wants a folder for each assignment.
    placed = {f"source/lesson_{name[:2]}/{name}": text for name, text in texts.items()}
    return {"nbgrader_config.py": NBGRADER_CONFIG, **placed}


def export(tool: str, folder: Path, numbers: Sequence[str]) -> int:
    """Write lessons into a folder as the instructor's notebooks of a tool: 0.

    Args:
        tool: a key of CELLS.
        folder: a new or an empty one.
        numbers: of the lessons; all if there is none.

    Raises:
        FileExistsError: something else is in the folder; nothing is written.
        SystemExit: there is no such lesson.
    """
    files = contents(tool, lesson_files(numbers))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is not empty: name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    # Either all files come into the folder or none.
    with tempfile.TemporaryDirectory(dir=folder) as name:
        desk = Path(name)
        for place, text in files.items():
            (desk / place).parent.mkdir(parents=True, exist_ok=True)
            (desk / place).write_text(text, encoding="utf-8")
        for path in list(desk.iterdir()):
            path.rename(folder / path.name)
    for place in files:
        print(folder / place)
    return 0
