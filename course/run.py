"""Run the lessons without a screen: HTML pages and the times of cells in build/, a table at the end."""

from __future__ import annotations

import copy
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course import timings
from course.kernels import client, environment
from course.lessons import NEUTRAL, lesson_files
from course.places import for_results
from utils import paths
from utils.demos import WIDGET_VIEW
from utils.mode import mode

KEPT_METADATA = ("tags", "alt", "jp-MarkdownHeadingCollapsed")


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
        result.peak_mib = peak_memory(runner.km.provisioner.pid)

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    runner = client(notebook, path, on_cell_start=before_cell, on_cell_executed=after_cell)
    began = time.perf_counter()
    try:
        runner.execute(env=environment())
    except CellExecutionError as error:
        result.error = (
            f"cell {running + 1} ({notebook.cells[running].id}): {error.ename}: {' '.join(error.evalue.split())}"
        )
    except CellTimeoutError:
        result.error = f"cell {running + 1} ({notebook.cells[running].id}) ran longer than {runner.timeout} s"
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
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
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
    notebook.metadata = copy.deepcopy(NEUTRAL)
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
    from course import pages  # here, since nbconvert takes half a second to import

    page = pages.page(notebook, path.stem)
    path.parent.mkdir(parents=True, exist_ok=True)
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
    print(f"{len(results) - failed} passed, {failed} failed, {seconds:.0f} s")


def run_lessons(lessons: Sequence[str], *, write_outputs: bool = False) -> int:
    """Run lessons, one after another: 1 if one of them failed.

    Args:
        lessons: their numbers; all if there is none.
        write_outputs: put the outputs of those that ran well into notebooks/ too.

    Raises:
        SystemExit: COURSE_MODE names no mode, or there is no such lesson.
    """
    try:
        mode()
    except ValueError as error:
        sys.exit(str(error))
    build = for_results(paths.BUILD)
    results, done = [], []
    for path in lesson_files(lessons):
        notebook, result = run_notebook(path, show_progress(path.stem, time.perf_counter()))
        results.append(result)
        print("\r\x1b[K" if sys.stdout.isatty() else "", end="")
        tidy(notebook)
        write_html(notebook, build / f"{path.stem}.html")
        if not result.error:
            done.append((path, result))
            if write_outputs:
                nbformat.write(notebook, path)
        verdict = f"FAILED {result.error}" if result.error else "done"
        print(f"{path.stem}  {verdict}  {result.seconds:.1f} s", flush=True)
    print_table(results)
    print(f"Pages are in {build}, the slow cells in timings.html there.")
    # From the last results of each lesson, so that `course run 4` renews its own times and no others.
    timings.update(build, [(path, result.seconds, result.cells) for path, result in done])
    return int(len(done) < len(results))
