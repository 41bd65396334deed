"""What nbval leaves out: figures, time limits, and what runs after a lesson's last cell.

Applies to `pytest --nbval notebooks`. nbval compares text; here each figure that a cell draws is compared with the
committed one (tools/compare.py), a cell that is stopped at the time limit fails however it ends, and after the last
cell the folded solutions, typical wrong answers and the lesson's own tests run in the same kernel
(tests/after_lesson.py).
"""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile

from course.kernels import share_of_processor
from course.lessons import LONGEST_FIRST
from tests import after_lesson
from tools import compare
from utils.demos import WIDGET_VIEW

# Longest first, so that side by side all workers end at about the same time: after the lessons these modules of tests.
LONG = ("test_site", "test_browser", "test_planted_changes", "test_full_mode", "test_grade", "test_train_networks")

# A shell starts what it puts into the background with interrupts ignored, and kernels would inherit that: no cell could
# be stopped, neither by a test of the stop button nor at its time limit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    if not isinstance(item, IPyNbCell):
        return (yield)
    if item.parent.timed_out:
        pytest.skip("an earlier cell ran longer than its limit")
    try:
        result = yield
    finally:
        if item.parent.timed_out:  # nbval has interrupted the kernel, which a training takes for the stop button
            item.raise_cell_error(f"The cell ran longer than {item.config.option.nbval_cell_timeout:g} s")
    problem = compare.figure_problem(item.cell.metadata.get("tags", []), item.cell.outputs, item.test_outputs or [])
    if problem:
        item.raise_cell_error(problem)
    return result


class WrongAnswer(IPyNbCell):
    """An exercise's check after a wrong answer: the last line that it prints must say what is wrong."""

    words = ""

    def runtest(self) -> None:
        super().runtest()
        printed = [output.text for output in self.test_outputs if output.get("name") == "stdout"]
        said = "".join(printed).splitlines()[-1:]
        if not said or not said[0].startswith("✗ ") or self.words not in said[0]:
            self.raise_cell_error(f"The check must say ✗ and {self.words!r}; it says {said}")


class NotebookFile(IPyNbFile):
    """nbval's collector, with what runs after the last cell, not comparing stderr and widgets."""

    def collect(self) -> Generator[IPyNbCell, None, None]:
        self.skip_compare += ("stderr", WIDGET_VIEW)
        cells = list(super().collect())
        yield from cells
        lesson = self.path.name[:2]
        kept = [("Solution", cell) for cell in after_lesson.solution_cells(self.nb)]
        kept += [("Test", cell) for cell in after_lesson.own_tests(lesson)]
        wrong = after_lesson.wrong_answer_cells(self.nb, lesson)
        for number, (kind, cell) in enumerate(kept, start=1):
            yield self.item(IPyNbCell, f"{kind} {number}", len(cells) + number, cell)
        for number, (cell, words) in enumerate(wrong, start=1):
            item = self.item(WrongAnswer, f"Wrong answer {number}", len(cells) + len(kept) + number, cell)
            item.words = words
            yield item

    def item(self, kind: type[IPyNbCell], name: str, number: int, cell: NotebookNode) -> IPyNbCell:
        options = defaultdict(bool, check=kind is IPyNbCell)
        return kind.from_parent(self, name=name, cell_num=number, cell=cell, options=options)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Generator[None, list, list]:
    collected = yield
    return [NotebookFile.from_parent(parent, path=file_path) if type(node) is IPyNbFile else node for node in collected]


def pytest_configure() -> None:
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:  # lessons side by side share the processor instead of fighting for it
        for name, threads in share_of_processor(workers).items():
            os.environ.setdefault(name, threads)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lessons = {lesson: place for place, lesson in enumerate(LONGEST_FIRST)}
    modules = {module: place for place, module in enumerate(LONG, start=len(LONGEST_FIRST))}

    def place(item: pytest.Item) -> int:
        if isinstance(item, IPyNbCell):
            return lessons.get(item.path.name[:2], len(LONGEST_FIRST))
        return modules.get(item.path.stem, len(LONGEST_FIRST) + len(LONG))

    items.sort(key=place)
