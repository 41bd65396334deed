"""Which exercises are attempted, and which are right.

Reads what the checks have printed, in the student's copy as it was last saved (work/, else notebooks/); runs nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from nbformat import NotebookNode

from course import work
from course.lessons import lesson_files
from utils import paths

WORDS = {"✓": "correct", "✗": "wrong", "○": "not attempted", "?": "to be checked"}


def printed(cell: NotebookNode | None) -> str:
    """What a cell has printed; empty if there is no cell."""
    return "".join(output.get("text", "") for output in (cell or {}).get("outputs", []))


def verdict(text: str) -> tuple[str, str]:
    """The mark and the words of the last line that a check has printed; empty if there is none."""
    lines = re.findall(r"([✓✗○]) Exercise \d+: (.*)", text)  # behind what a student's function has printed
    return lines[-1] if lines else ("", "")


def exercises(course: NotebookNode) -> list[tuple[NotebookNode, NotebookNode]]:
    """The pairs (stub, check) of a lesson."""
    return [pair for pair in pairwise(course.cells) if "exercise-check" in pair[1].metadata.get("tags", [])]


def state(mine: dict[str, NotebookNode], stub: NotebookNode, check: NotebookNode) -> tuple[str, str]:
    """How one exercise stands: a mark of WORDS, and what there is to say.

    Args:
        mine: the student's cells by their ids.
        stub: the cell to fill in, as the course has it.
        check: the cell that checks it.
    """
    answer, checked = mine.get(stub.id, stub), mine.get(check.id)
    mark, words = verdict(printed(checked))
    changed = answer.source.rstrip() != stub.source.rstrip()  # nbgrader leaves an empty line below a stub
    if not mark:
        return "?", "its check has not been run" if checked else "its check is not in the notebook"
    if changed and mark == "○":
        return "?", "changed, but its check says nothing yet: run both cells"
    # The counts say what ran last; a cell that was edited and not run at all cannot be told from them.
    if changed and (answer.execution_count or 0) > (checked.execution_count or 0):
        return "?", "changed or run again since its check: run the check"
    return mark, words if mark == "✗" else ""


def show(lessons: Sequence[str]) -> int:
    """Print how the exercises of these lessons stand, of all if there is none: 1 if a file could not be read."""
    files = lesson_files(lessons)
    copied = [path for path in files if (paths.WORK / path.name).exists()]
    if copied:
        print("Your copy, work/, as last saved:")
    else:
        print("There is no work/ yet (`course work` copies the lessons there); so this is notebooks/, as last saved:")
    total: Counter[str] = Counter()
    unreadable = False
    for path in files:
        place = paths.WORK / path.name if path in copied else path
        try:
            notebook, known = work.read(place), work.versions(paths.WORK, path)
            version = work.version_of(notebook, known)
            mine = {cell.id: cell for cell in notebook.cells}
            states = [state(mine, *pair) for pair in exercises(known[version] if version else work.read(path))]
        except ValueError as error:
            unreadable = True
            print(f"{path.stem}\n  {error}")
            continue
        marks = [mark for mark, _ in states]
        total.update(marks)
        print(f"{' '.join(marks)}  {path.stem}{' (not copied yet)' if copied and place == path else ''}")
        for number, (_, words) in enumerate(states, start=1):
            if words:
                print(f"       Exercise {number}: {words}")
    print(", ".join(f"{mark} {total[mark]} {words}" for mark, words in WORDS.items()))
    return int(unreadable)
