"""What several tests need: the functions that a lesson defines, as its notebook stands."""

from __future__ import annotations

import ast
import contextlib
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

from utils import paths


def lesson_functions(number: int, **names: Any) -> dict[str, Any]:
    """The imports, classes and functions of a lesson's code cells, and nothing else of them, executed in order.

    Args:
        number: the lesson.
        names: values for names that those functions read from other cells.
    """
    notebook = nbformat.read(next(paths.NOTEBOOKS.glob(f"{number:02}_*.ipynb")), as_version=4)
    definitions = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for cell in notebook.cells:
        if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", []):
            body = [node for node in ast.parse(cell.source).body if isinstance(node, definitions)]
            exec(compile(ast.Module(body, []), f"lesson {number}, cell {cell.id}", "exec"), names)
    return names


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback: its address, without a slash at the end."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
    finally:
        httpd.shutdown()
        httpd.server_close()


def exit_code(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Call a tool's main with these arguments: the code that it exits with."""
    monkeypatch.setattr(sys, "argv", [module.__name__, *arguments])
    with pytest.raises(SystemExit) as stopped:
        module.main()
    return stopped.value.code
