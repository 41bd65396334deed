"""Run the lessons without a screen, side by side: HTML pages and the times of cells in build/, a table at the end."""

from __future__ import annotations

import asyncio
import copy
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil
from jupyter_core.utils import ensure_event_loop
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course import timings
from course.kernels import client, environment, share_of_processor
from course.lessons import LONGEST_FIRST, NEUTRAL, lesson_files
from course.places import for_results
from utils import limits, paths
from utils.demos import WIDGET_VIEW
from utils.mode import mode

MOST_AT_ONCE = 4  # more kernels gain little: the longest lesson is a quarter of all
ERASE = "\r\x1b[K"  # a terminal's line
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


async def run_notebook(
    path: Path, on_cell: Callable[[int, int], None], variables: dict[str, str] | None = None
) -> tuple[NotebookNode, Result]:
    """Execute a notebook from top to bottom in a fresh kernel, stopping at the first error.

    Args:
        path: the notebook; its folder is the working directory.
        on_cell: called before each cell with its number (from 1) and the number of cells.
        variables: of the kernel's environment, where this process has set no others.
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
        await runner.async_execute(env={**(variables or {}), **environment()})
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


class Progress:
    """A line that says which cells are running: rewritten on a terminal, every tenth cell of a lesson otherwise."""

    def __init__(self) -> None:
        self.running: dict[str, str] = {}
        self.stopped = False  # by Ctrl+C, after which nbclient calls each kernel dead

    def of(self, name: str) -> Callable[[int, int], None]:
        """What is to be called before each cell of a lesson."""
        began = time.perf_counter()

        def on_cell(number: int, total: int) -> None:
            self.running[name] = f"cell {number} of {total}  {time.perf_counter() - began:5.0f} s"
            if sys.stdout.isatty():
                self.show()
            elif number % 10 == 1:
                print(f"{name}  {self.running[name]}", flush=True)

        return on_cell

    def end(self, name: str, verdict: str) -> None:
        """Replace a lesson's part of the line by a line of its own, which stays."""
        self.running.pop(name, None)
        if self.stopped:
            return
        print(f"{ERASE if sys.stdout.isatty() else ''}{name}  {verdict}", flush=True)
        if sys.stdout.isatty():
            self.show()

    def show(self) -> None:
        line = " | ".join(f"{name[:2]}  {place}" for name, place in self.running.items())
        print(f"{ERASE}{line[: shutil.get_terminal_size().columns - 1]}", end="", flush=True)


def print_table(results: list[Result], seconds: float) -> None:
    """The closing table: lesson, seconds, peak memory, checks, headline numbers or the error.

    Args:
        results: in the order of the lessons.
        seconds: that all together took.
    """
    width = max(len(result.name) for result in results)
    print(f"\n{'lesson':<{width}}  seconds   MiB  checks  numbers")
    for result in results:
        words = f"FAILED {result.error}" if result.error else "; ".join(result.headlines)
        print(f"{result.name:<{width}}  {result.seconds:7.1f}  {result.peak_mib:4d}  {result.checks:6d}  {words}")
    failed = sum(bool(result.error) for result in results)
    print(f"{len(results) - failed} passed, {failed} failed, {seconds:.0f} s")


def kernels_at_once(lessons: int) -> int:
    """How many lessons this machine runs side by side: one for each core, as far as memory goes.

    Args:
        lessons: how many there are to run.

    Returns:
        At least 1. In full mode 1, since one training can take the whole machine.
    """
    if mode() == "full":
        return 1
    free, _, _ = limits.free_memory()
    fit_in_memory = int(free * 1024 // max(limits.NEEDS.values()))
    return max(1, min(lessons, os.cpu_count() or 1, fit_in_memory, MOST_AT_ONCE))


async def run_side_by_side(
    files: list[Path], at_once: int, build: Path, progress: Progress, *, write_outputs: bool
) -> list[Result]:
    """Run notebooks in kernels of their own, at most so many at once, and write their pages.

    Args:
        files: the notebooks.
        at_once: how many kernels.
        build: the folder of the pages.
        progress: is told of each cell.
        write_outputs: put the outputs of those that ran well into the notebooks too.

    Returns:
        Their results, in the same order.
    """
    # At Ctrl+C nbclient would end a kernel, call it dead and go on; without its handler Python's own stops everything.
    asyncio.get_running_loop().add_signal_handler = lambda *_: None
    free = asyncio.Semaphore(at_once)
    variables = share_of_processor(at_once) if at_once > 1 else {}

    async def one(path: Path) -> Result:
        async with free:
            notebook, result = await run_notebook(path, progress.of(path.stem), variables)
        tidy(notebook)
        write_html(notebook, build / f"{path.stem}.html")
        if write_outputs and not result.error:
            nbformat.write(notebook, path)
        verdict = f"FAILED {result.error}" if result.error else "done"
        progress.end(path.stem, f"{verdict}  {result.seconds:.1f} s")
        return result

    order = {lesson: place for place, lesson in enumerate(LONGEST_FIRST)} if at_once > 1 else {}
    begun = sorted(files, key=lambda path: order.get(path.name[:2], 0))
    results = await asyncio.gather(*[one(path) for path in begun])
    return sorted(results, key=lambda result: result.name)


def finished(results: Coroutine[Any, Any, list[Result]], progress: Progress) -> list[Result]:
    """What a coroutine returns; Ctrl+C ends its kernels first."""
    loop = ensure_event_loop(prefer_selector_loop=True)  # on Windows, too: kernels are spoken to over sockets
    try:
        return loop.run_until_complete(results)
    except KeyboardInterrupt:
        progress.stopped = True
        for process in psutil.Process().children(recursive=True):
            process.kill()  # kernels and what they have started; a kernel that is asked to end prints a traceback first
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        raise


def run_lessons(lessons: Sequence[str], *, at_once: int = 0, write_outputs: bool = False) -> int:
    """Run lessons: 1 if one of them failed.

    Args:
        lessons: their numbers; all if there is none.
        at_once: how many side by side; 0 leaves it to the machine's cores and memory.
        write_outputs: put the outputs of those that ran well into notebooks/ too.

    Raises:
        SystemExit: COURSE_MODE names no mode, or there is no such lesson.
    """
    try:
        mode()
    except ValueError as error:
        sys.exit(str(error))
    build, files, began = for_results(paths.BUILD), lesson_files(lessons), time.perf_counter()
    at_once = min(max(0, at_once), len(files)) or kernels_at_once(len(files))
    progress = Progress()
    results = finished(run_side_by_side(files, at_once, build, progress, write_outputs=write_outputs), progress)
    print_table(results, time.perf_counter() - began)
    if at_once == 1:
        done = [(path, one.seconds, one.cells) for path, one in zip(files, results, strict=True) if not one.error]
        # From the last results of each lesson, so that `course run 4` renews its own times and no others.
        timings.update(build, done)
        print(f"Pages are in {build}, the slow cells in timings.html there.")
    else:
        print(f"Pages are in {build}. {at_once} lessons ran at once; for the times of cells: course run --at-once 1")
    return int(any(result.error for result in results))
