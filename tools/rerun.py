"""Run lessons again in the same kernel: does every cell print and draw the same?

python -m tools.rerun [NN …]

A reader runs a cell a second time, or the whole lesson. So each lesson is run from top to bottom; then every code cell
once more in order, twice in succession. What nbval compares with the committed outputs is compared here between the
runs: text exactly, figures within a tolerance, unless a tag exempts them. Checks must hold every time.

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
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from conftest import FIGURE_TOLERANCE, UNCOMPARED, figure_difference, pngs
from course.lessons import lesson_files
from course.run import CELL_TIMEOUT, tidy
from utils.mode import mode

IGNORED = "nbval-ignore-output"
ROUNDS = ("in the second run of the lesson", "run again at once")


def run(client: NotebookClient, index: int) -> tuple[list[NotebookNode], str]:
    """Run one code cell: its tidied outputs, and what it raised (empty if nothing)."""
    cell = client.nb.cells[index]
    cell.outputs = []
    error = ""
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as raised:
        error = f"{raised.ename}: {' '.join(raised.evalue.split())}"
    kept = nbformat.v4.new_notebook(cells=[copy.deepcopy(cell)])
    tidy(kept)
    return kept.cells[0].outputs, error


def words(outputs: list[NotebookNode]) -> list[tuple[str, str]]:
    """The text among outputs, by kind; what went to stderr and pictures left out."""
    found = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stdout":
            found.append(("stdout", output.text))
        for kind, data in output.get("data", {}).items():
            if not kind.startswith("image/"):
                found.append((kind, "".join(data)))
    return found


def difference(tags: list[str], before: list[NotebookNode], after: list[NotebookNode]) -> str:
    """In what two runs of a cell differ, among what is compared; empty if in nothing."""
    if IGNORED in tags:
        return ""
    old, new = words(before), words(after)
    if old != new:
        changed = next((pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]), (old[-1:], new[-1:]))
        return f"text: {str(changed[0])[:200]} … then {str(changed[1])[:200]}"
    if UNCOMPARED & set(tags):
        return ""
    pictures = pngs(before), pngs(after)
    if len(pictures[0]) != len(pictures[1]):
        return f"{len(pictures[0])} figures, then {len(pictures[1])}"
    for number, pair in enumerate(zip(*pictures, strict=True), start=1):
        if (by := figure_difference(*pair)) > FIGURE_TOLERANCE:
            return f"figure {number} differs by {by:.2f} of 255"
    return ""


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


def rerun(path: Path) -> list[str]:
    """Run a lesson, then each code cell twice more: a line for each cell that did not repeat itself."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT[mode()],
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    findings = []
    with client.setup_kernel():
        first = {}
        for index in cells:
            first[index], error = run(client, index)
            if error:
                return [f"cell {index + 1} ({notebook.cells[index].id}) fails in the first run: {error}"]
        for index in cells:
            cell, before = notebook.cells[index], first[index]
            for which in ROUNDS[:1] if trains_on(cell.source) else ROUNDS:
                after, error = run(client, index)
                found = f"raises {error}" if error else difference(cell.metadata.get("tags", []), before, after)
                if found:
                    findings.append(f"cell {index + 1} ({cell.id}), {which}: {found}")
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
