"""Run each cell of a lesson alone, after a restart: is what the reader then reads of use?

python -m tools.alone [NN …]

For each code cell the kernel is emptied, the set-up cell is run, and then this cell only. Right is: the same text as in
the lesson, where it is compared; one sentence that names the cell to run first; or the line of an exercise's check.
Everything else is a finding: a traceback, or another result.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course.kernels import client, environment
from course.lessons import lesson_files
from tools.compare import text_problem
from tools.rerun import name, run

# Whatever the cells before have left; modules stay loaded, which a restart would only load again.
EMPTY = "get_ipython().reset(new_session=False)"
ADVICE = ("Run first the cell under", "run the cells with the checks")


def shown(outputs: list[NotebookNode]) -> str:
    """What a cell has printed, and what the error among its outputs tells the reader."""
    return "\n".join(output.get("text", "") + "\n".join(output.get("traceback", [])) for output in outputs)


def judge(cell: NotebookNode, outputs: list[NotebookNode], error: str) -> tuple[str, str]:
    """What came of a cell that was run alone: "the same", "advice" or "finding", and what there is to say of it."""
    if any(words in shown(outputs) for words in ADVICE):
        return "advice", ""
    if error:
        return "finding", f"raises {error}"
    problem = text_problem(cell.metadata.get("tags", []), cell.outputs, outputs)
    return ("finding", problem) if problem else ("the same", "")


def alone(path: Path) -> dict[str, list[str]]:
    """Run each cell of a lesson after its set-up cell alone: what came of them, a line each."""
    committed = nbformat.read(path, as_version=4)
    notebook = nbformat.read(path, as_version=4)
    cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    set_up = next(index for index in cells if "runtime.start(" in notebook.cells[index].source)
    notebook.cells.append(new_code_cell(EMPTY))
    runner = client(notebook, path)
    results: dict[str, list[str]] = {"the same": [], "advice": [], "finding": []}
    index = set_up
    with runner.setup_kernel(env=environment()):
        try:
            for index in cells:
                begin(runner, set_up)
                kind, words = judge(committed.cells[index], *run(runner, index))
                results[kind].append(f"{name(notebook, index)}: {words}")
        except (CellTimeoutError, DeadKernelError) as stopped:
            results["finding"].append(f"{name(notebook, index)}: {type(stopped).__name__}")
    return results


def begin(runner: NotebookClient, set_up: int) -> None:
    """Empty the kernel and run the set-up cell.

    Raises:
        RuntimeError: it fails.
    """
    for index in (len(runner.nb.cells) - 1, set_up):
        error = run(runner, index)[1]
        if error:
            raise RuntimeError(f"the set-up cell fails: {error}")


def main() -> None:
    failed = False
    for path in lesson_files(sys.argv[1:]):
        began = time.perf_counter()
        results = alone(path)
        failed |= bool(results["finding"])
        counts = ", ".join(f"{len(lines)} {kind}" for kind, lines in results.items())
        print(f"{path.stem}  {counts}  {time.perf_counter() - began:.0f} s", flush=True)
        for line in results["finding"]:
            print(f"  {line}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
