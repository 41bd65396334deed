"""One sentence in place of a traceback, where a cell fails because another one has not been run, or not to its end.

A reader restarts the kernel in the middle of a lesson and runs one cell: `x_train` is not defined. The sentence names
the cell that makes it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import nbformat
from IPython import get_ipython

from utils import paths, trainings

_lesson = 0  # the lesson of this kernel; 0 outside one


@dataclass(frozen=True)
class Cell:
    """A code cell of a lesson: its text, the heading that it stands under, and the names that it makes."""

    source: str
    heading: str
    makes: frozenset[str]


def names_made(source: str) -> frozenset[str]:
    """The names that a cell's code gives a value: by an assignment, an import, a definition, a loop."""
    try:
        waiting: list[ast.AST] = [ast.parse(source)]
    except SyntaxError:  # a magic
        return frozenset()
    found = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)  # what is inside it is its own
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.split(".")[0])
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.Lambda):
            continue
        waiting += ast.iter_child_nodes(node)
    return frozenset(found)


def code_cells(lesson: int) -> list[Cell]:
    """The code cells of a lesson as the course has it, in order."""
    (path,) = paths.NOTEBOOKS.glob(f"{lesson:02}_*.ipynb")
    heading, cells = "", []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            cells.append(Cell(cell.source, heading, names_made(cell.source)))
        else:
            heading = ([heading, *re.findall(r"^#+ +(.+)$", cell.source, flags=re.MULTILINE)])[-1]
    return cells


def first_line(source: str) -> str:
    """The line that a reader knows a cell by: its first one that says something."""
    lines = [line.strip() for line in source.splitlines()]
    return next((line for line in lines if line and not line.startswith(("#", "keras.utils.set_random_seed"))), "")


def cell_to_run(cells: list[Cell], running: str, name: str) -> Cell | None:
    """The cell that makes a name for the one that is running: the last one above it, else the first one below."""
    place = next((place for place, cell in enumerate(cells) if cell.source == running), len(cells))
    above = [cell for cell in cells[:place] if name in cell.makes]
    return next(iter(above[-1:] or [cell for cell in cells[place + 1 :] if name in cell.makes]), None)


def sentence(lesson: int, running: str, error: BaseException) -> str:
    """What to say of an error in a lesson's cell; empty where the error itself says all.

    Args:
        lesson: its number.
        running: the text of the cell.
        error: what it raised.
    """
    if type(error) is NameError and error.name:
        cell = cell_to_run(code_cells(lesson), running, error.name)
        if cell is not None:
            return (
                f"`{error.name}` is not there yet. Run first the cell under “{cell.heading}” that begins with\n"
                f"    {first_line(cell.source)}\n"
                "or everything above this cell: in JupyterLab's menu, Run, Run All Above Selected Cell."
            )
    if trainings.any_partial() and isinstance(error, KeyError | IndexError | ValueError):
        return f"{type(error).__name__}: {error}\nPerhaps {trainings.NEEDED}"
    return ""


def waits_for_a_cell(error: BaseException) -> bool:
    """Whether an error says that another cell of the lesson in this kernel has not been run; False outside a lesson."""
    made = (cell.makes for cell in code_cells(_lesson)) if _lesson and type(error) is NameError else ()
    return any(error.name in names for names in made)


def give(lesson: int) -> None:
    """From now on, let this kernel say such a sentence where a cell of the lesson fails for want of another."""
    global _lesson
    _lesson = lesson

    def show(
        shell: Any, kind: type[BaseException], error: BaseException, frames: TracebackType, tb_offset: int | None = None
    ) -> None:
        words = sentence(lesson, shell.history_manager.input_hist_raw[-1], error)
        if words:
            shell._showtraceback(kind, error, [words])
        else:
            shell.showtraceback((kind, error, frames), tb_offset=tb_offset, running_compiled_code=True)

    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((NameError, LookupError, ValueError), show)
