"""Run the lessons without a screen.

python -m course.run run [NN …]       every lesson (or those named): HTML pages and cell times in build/, a table
python -m course.run execute [NN …]   the same, and write the outputs into notebooks/*.ipynb, in quick mode
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course import timings
from course.lessons import lesson_files
from utils import paths
from utils.demos import WIDGET_VIEW
from utils.mode import mode

KEPT_METADATA = ("tags", "alt", "jp-MarkdownHeadingCollapsed")
CELL_TIMEOUT = {"quick": 300, "full": 6 * 3600}  # seconds


@dataclass
class Result:
    """What came of one lesson.

    Attributes:
        name: file name without suffix.
        seconds: wall time, kernel start included.
        checks: lines that begin with the tick.
        headlines: lines that begin with the star, without it.
        peak_mib: the most memory the kernel has held so far, in MiB; 0 where the system does not say (only Linux does).
        error: which cell failed and why; empty if none did.
        cells: seconds of each code cell that ran, by its id.
    """

    name: str
    seconds: float = 0.0
    checks: int = 0
    headlines: list[str] = field(default_factory=list)
    peak_mib: int = 0
    error: str = ""
    cells: dict[str, float] = field(default_factory=dict)


def run_notebook(path: Path, on_cell: Callable[[int, int], None]) -> tuple[NotebookNode, Result]:
    """Execute a notebook from top to bottom in a fresh kernel, stopping at the first error.

    Args:
        path: the notebook; its folder is the working directory.
        on_cell: called before each cell with its number (from 1) and the number of cells.
    """
    notebook = nbformat.read(path, as_version=4)
    result = Result(path.stem)
    total = len(notebook.cells)
    running = 0
    cell_began = 0.0

    def before_cell(cell: NotebookNode, cell_index: int) -> None:
        nonlocal running, cell_began
        running, cell_began = cell_index, time.perf_counter()
        on_cell(cell_index + 1, total)

    def after_cell(cell: NotebookNode, cell_index: int, execute_reply: dict) -> None:
        result.cells[cell.id] = time.perf_counter() - cell_began
        result.peak_mib = peak_memory(client.km.provisioner.pid)

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT[mode()],
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=before_cell,
        on_cell_executed=after_cell,
        record_timing=False,
    )
    began = time.perf_counter()
    try:
        client.execute()
    except CellExecutionError as error:
        result.error = (
            f"cell {running + 1} ({notebook.cells[running].id}): {error.ename}: {' '.join(error.evalue.split())}"
        )
    except CellTimeoutError:
        result.error = f"cell {running + 1} ({notebook.cells[running].id}) ran longer than {client.timeout} s"
    except DeadKernelError:
        result.error = f"cell {running + 1} ({notebook.cells[running].id}): the kernel died (out of memory?)"
    result.seconds = time.perf_counter() - began
    for line in output_lines(notebook):
        if line.startswith("✓ "):
            result.checks += 1
        elif line.startswith("★ "):
            result.headlines.append(line[2:])
    return notebook, result


def peak_memory(pid: int) -> int:
    """The largest resident set that a process has had, in MiB, from Linux's /proc; 0 elsewhere."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)  # absent where /proc is emulated
    return int(found.group(1)) // 1024 if found else 0


def output_lines(notebook: NotebookNode) -> list[str]:
    """All lines that the notebook's cells printed, in order."""
    streams = [
        output.text
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream"
    ]
    return "".join(streams).splitlines()


def tidy(notebook: NotebookNode) -> None:
    """Leave in an executed notebook what is the same on every machine: joined streams, minimal metadata."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in KEPT_METADATA}
        if cell.cell_type != "code":
            continue
        joined: list[NotebookNode] = []
        for output in cell.outputs:
            output.pop("transient", None)
            output.get("data", {}).pop(WIDGET_VIEW, None)  # without its kernel a widget is nothing; its picture stays
            last = joined[-1] if joined else None
            if output.output_type == "stream" and last and last.output_type == "stream" and last.name == output.name:
                last.text += output.text
            else:
                joined.append(output)
        for output in joined:
            if output.output_type == "stream":
                # A progress bar rewrites its line with \r or backspaces; only what is left of it counts.
                output.text = re.sub(r"[^\n]*\r(?=[^\n])|.\x08|\x1b\[[0-9;]*m", "", output.text)
        # A progress bar that has vanished leaves blanks.
        cell.outputs = [output for output in joined if output.get("name") != "stderr" or output.text.strip()]


def write_html(notebook: NotebookNode, path: Path) -> None:
    """Write a page that stands alone, its pictures embedded."""
    from tools import pages  # here, since nbconvert takes half a second to import

    page = pages.page(notebook, path.stem)
    path.parent.mkdir(exist_ok=True)
    path.write_text(page, encoding="utf-8")


def show_progress(name: str, began: float) -> Callable[[int, int], None]:
    """A line that says which cell is running: rewritten on a terminal, every tenth cell otherwise."""

    def on_cell(number: int, total: int) -> None:
        line = f"{name}  cell {number} of {total}  {time.perf_counter() - began:5.0f} s"
        if sys.stdout.isatty():
            print(f"\r\x1b[K{line}", end="", flush=True)
        elif number % 10 == 1:
            print(line, flush=True)

    return on_cell


def print_table(results: list[Result]) -> None:
    """The closing table: lesson, seconds, peak memory, checks, headline numbers or the error."""
    width = max(len(result.name) for result in results)
    print(f"\n{'lesson':<{width}}  seconds   MiB  checks  numbers")
    for result in results:
        words = f"FAILED {result.error}" if result.error else "; ".join(result.headlines)
        print(f"{result.name:<{width}}  {result.seconds:7.1f}  {result.peak_mib:4d}  {result.checks:6d}  {words}")
    failed = sum(bool(result.error) for result in results)
    seconds = sum(result.seconds for result in results)
    print(
        f"{len(results) - failed} passed, {failed} failed, {seconds:.0f} s; pages in build/, slow cells in timings.html"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("run", "execute"))
    parser.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers; all by default")
    arguments = parser.parse_args()
    execute = arguments.action == "execute"
    try:
        full = mode() == "full"
    except ValueError as error:
        sys.exit(str(error))
    if execute and full:
        sys.exit("Committed outputs are those of quick mode: unset COURSE_MODE.")
    results = []
    files = lesson_files(arguments.lessons)
    for path in files:
        began = time.perf_counter()
        notebook, result = run_notebook(path, show_progress(path.stem, began))
        results.append(result)
        print("\r\x1b[K" if sys.stdout.isatty() else "", end="")
        tidy(notebook)
        write_html(notebook, paths.BUILD / f"{path.stem}.html")
        if execute and not result.error:
            nbformat.write(notebook, path)
        print(
            f"{path.stem}  {'FAILED ' + result.error if result.error else 'done'}  {result.seconds:.1f} s", flush=True
        )
    print_table(results)
    # From the last results of each lesson, so that `make lessons LESSON=4` renews its own times and no others.
    done = [(path, result) for path, result in zip(files, results, strict=True) if not result.error]
    timings.update(paths.BUILD, [(path, result.seconds, result.cells) for path, result in done])
    sys.exit(any(result.error for result in results))


if __name__ == "__main__":
    main()
