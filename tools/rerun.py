"""Run lessons again in the same kernel: does every cell print and draw the same?

python -m tools.rerun [NN …]

A reader runs a cell a second time, or the whole lesson. So each lesson is run from top to bottom; then every code cell
once more in order, twice in succession. What nbval compares with the committed outputs is compared here between the
runs (tools/compare.py). Checks must hold every time.

A cell that trains a model which an earlier cell has built runs only once in the second round: run at once again it goes
on training, as Keras means it, and the claims about the first epochs hold no longer.
"""

from __future__ import annotations

import ast
import copy
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course.kernels import client, environment
from course.lessons import lesson_files
from course.run import tidy
from tools.compare import figure_problem, text_problem

OTHER_TRAINING = 0.6  # a second training starts from other random numbers, and its curves move further
ROUNDS = ("in the second run of the lesson", "run again at once")


def run(runner: NotebookClient, index: int) -> tuple[list[NotebookNode], str]:
    """Run one code cell: its tidied outputs, and what it raised (empty if nothing)."""
    cell = runner.nb.cells[index]
    cell.outputs = []
    error = ""
    try:
        runner.execute_cell(cell, index)
    except CellExecutionError as raised:
        error = f"{raised.ename}: {' '.join(raised.evalue.split())}"
    kept = nbformat.v4.new_notebook(cells=[copy.deepcopy(cell)])
    tidy(kept)
    return kept.cells[0].outputs, error


def trains_on(source: str) -> bool:
    """Whether a cell calls `model.fit(…)` or `train(model, …)` for a model that it has not built itself."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a magic
        return False
    built = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    models = [
        node.func.value if isinstance(node.func, ast.Attribute) else next(iter(node.args), None)
        for node in nodes
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("fit", "train")
    ]
    return any(isinstance(model, ast.Name) and model.id not in built for model in models)


def rerun(path: Path, limit: float | None = None) -> list[str]:
    """Run a lesson, then each code cell twice more: a line for each cell that did not repeat itself.

    It ends at the first cell that fails in the first run, or runs longer than `limit` seconds (the mode's by default).
    """
    notebook = nbformat.read(path, as_version=4)
    runner = client(notebook, path)
    if limit:
        runner.timeout = limit
    cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    findings: list[str] = []
    index = -1
    with runner.setup_kernel(env=environment()):
        try:
            first = {}
            for index in cells:
                first[index], error = run(runner, index)
                if error:
                    return [f"{name(notebook, index)} fails in the first run: {error}"]
            for index in cells:
                findings += repeat(runner, index, first[index])
        except CellTimeoutError:
            findings.append(f"{name(notebook, index)} ran longer than {runner.timeout:g} s")
        except DeadKernelError:
            findings.append(f"{name(notebook, index)}: the kernel died (out of memory?)")
    return findings


def name(notebook: NotebookNode, index: int) -> str:
    return f"cell {index + 1} ({notebook.cells[index].id})"


def repeat(runner: NotebookClient, index: int, before: list[NotebookNode]) -> list[str]:
    """Run a cell again, twice unless it goes on training: in what its outputs differ from those of the time before."""
    cell = runner.nb.cells[index]
    tags = cell.metadata.get("tags", [])
    findings = []
    for which in ROUNDS[:1] if trains_on(cell.source) else ROUNDS:
        after, error = run(runner, index)
        found = f"raises {error}" if error else text_problem(tags, before, after)
        found = found or figure_problem(tags, before, after, OTHER_TRAINING)
        if found:
            findings.append(f"{name(runner.nb, index)}, {which}: {found}")
        before = after
    return findings


def main() -> None:
    failed = False
    for path in lesson_files(sys.argv[1:]):
        began = time.perf_counter()
        findings = rerun(path)
        failed |= bool(findings)
        print(f"{path.stem}  {len(findings)} differences  {time.perf_counter() - began:.0f} s", flush=True)
        for finding in findings:
            print(f"  {finding}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
