"""What several tests need: the functions that a lesson defines, as its notebook stands."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def lesson_functions(number: int, **names: Any) -> dict[str, Any]:
    """The imports, classes and functions of a lesson's code cells, and nothing else of them, executed in order.

    Args:
        number: the lesson.
        names: values for names that those functions read from other cells.
    """
    notebook = nbformat.read(next(NOTEBOOKS.glob(f"{number:02}_*.ipynb")), as_version=4)
    definitions = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for cell in notebook.cells:
        if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", []):
            body = [node for node in ast.parse(cell.source).body if isinstance(node, definitions)]
            exec(compile(ast.Module(body, []), f"lesson {number}, cell {cell.id}", "exec"), names)
    return names
