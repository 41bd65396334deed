"""A copy of the lessons to work in, which takes up what is new in the course: python -m course.work

work/NN_….ipynb is the student's. work/.base/ holds the course's version that it was last brought up to, so that it can
be known who has changed a cell since. Cells are told apart by their ids; only their text counts, not their outputs:

- what the student has not changed takes the course's text, and new cells of the course appear;
- what the student has changed, added or deleted stays so; if the course has changed the same cell, its text is put
  below, folded, in a cell of its own;
- the order is the course's, unless the student has moved cells.

A notebook is written beside the old one and then takes its place; the old one is kept in work/.before/.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import sys
import uuid
import warnings
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.lessons import lesson_files
from utils import paths


@dataclass
class News:
    """How many cells an update has touched.

    Attributes:
        changed: took the course's new text.
        added: new in the course.
        removed: left out by the course, unchanged by the student.
        both: changed by both; the course's text was put below.
    """

    changed: int = 0
    added: int = 0
    removed: int = 0
    both: int = 0

    def __str__(self) -> str:
        words = {"changed": self.changed, "new": self.added, "removed": self.removed}
        counts = [f"{count} {word}" for word, count in words.items() if count]
        if self.both:
            counts.append(f"{self.both} changed by you and by the course (yours kept, the course's below it)")
        return "cells: " + ", ".join(counts) if counts else "only outputs"


def read(path: Path) -> NotebookNode:
    """Read a notebook, and give every cell an id of its own.

    Raises:
        ValueError: the file is no notebook that can be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors put a mark at the beginning
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("nbformat") != 4 or not isinstance(found.get("cells"), list):
            raise ValueError("no notebook of format 4")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # missing and repeated ids, which are mended below
            notebook = nbformat.reads(text, as_version=4)
        seen: set[str] = set()
        for cell in notebook.cells:
            if cell.get("id") is None or cell.id in seen:
                cell["id"] = uuid.uuid4().hex[:8]
            seen.add(cell.id)
            if not isinstance(cell.source, str):
                raise ValueError(f"cell {cell.id} has no text")
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = cell.get("outputs", []), cell.get("execution_count")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        raise ValueError(f"{path} cannot be read as a notebook: {error}") from error
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    return notebook


def same(one: NotebookNode, other: NotebookNode) -> bool:
    """Whether two cells hold the same text."""
    return (one.cell_type, one.source) == (other.cell_type, other.source)


def recognised(mine: list[NotebookNode], course: list[NotebookNode]) -> list[NotebookNode]:
    """The student's cells; those that an editor has given another id, but no other text, with the course's id again."""
    known, ids = {cell.id for cell in mine}, {cell.id for cell in course}
    lost = {(cell.cell_type, cell.source): cell.id for cell in course if cell.id not in known}
    result = []
    for cell in mine:
        name = lost.get((cell.cell_type, cell.source), cell.id)
        if cell.id not in ids and name not in known:
            known.add(name)
            cell = NotebookNode({**cell, "id": name})
        result.append(cell)
    return result


def interleave(first: list[str], second: list[str]) -> list[str]:
    """All of `first` in its order, and what only `second` holds, each behind what it follows there."""
    result, place = list(first), 0
    for name in second:
        if name in result:
            place = result.index(name)
        else:
            result.insert(place, name)
        place += 1
    return result


def note(theirs: NotebookNode) -> NotebookNode:
    """A cell that shows the course's text of a cell that the student has changed too; it can be deleted."""
    language = "python" if theirs.cell_type == "code" else "markdown"
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", theirs.source))])
    shown = f"{fence}{language}\n{theirs.source}\n{fence}"
    digest = hashlib.sha256(theirs.source.encode()).hexdigest()[:8]
    return nbformat.v4.new_markdown_cell(
        "**News of the course.** You have changed the cell above, and so has the course. Yours stands; the course's is "
        "folded here. Take from it what you like, then delete this cell.\n\n"
        f"<details><summary>The course's version</summary>\n\n{shown}\n\n</details>",
        id=f"{theirs.id[:40]}-course-{digest}",
    )


def renewed(mine: NotebookNode, base: NotebookNode, course: NotebookNode) -> NotebookNode:
    """The course's cell in the place of one whose text the student has not changed; what it printed for him stays."""
    cell = copy.deepcopy(course)
    if mine.source == course.source:
        cell.metadata = NotebookNode({**mine.metadata, **course.metadata})
        if mine.cell_type == "code" and mine.outputs != base.outputs:
            cell.outputs, cell.execution_count = mine.outputs, mine.execution_count
    return cell


def merge(
    base: list[NotebookNode] | None, mine: list[NotebookNode], course: list[NotebookNode]
) -> tuple[list[NotebookNode], News]:
    """Bring the student's cells up to the course's.

    Args:
        base: the course's cells when that was last done; None if that is not known. Then each cell that differs from
            the course's counts as changed by both.
        mine: the student's cells.
        course: the course's cells now.
    """
    old, new = ({cell.id: cell for cell in cells} for cells in (base or [], course))
    mine = recognised(mine, [*course, *(base or [])])
    news, cells, notes = News(), {}, {}
    for cell in mine:
        before, after = old.get(cell.id), new.get(cell.id)
        untouched = before is not None and same(cell, before)
        if after is None and untouched:
            news.removed += 1
        elif after is not None and untouched:
            cells[cell.id] = renewed(cell, before, after)
            news.changed += not same(before, after)
        else:
            cells[cell.id] = cell
            if after is not None and not same(cell, after) and (before is None or not same(before, after)):
                notes[cell.id] = note(after)
    present = {cell.id for cell in mine}
    for name, cell in new.items():
        if name not in present and name not in old:  # what is in old has been deleted by the student
            cells[name] = cell
            news.added += 1
    kept = [cell.id for cell in mine if cell.id in cells]
    there = [name for name in new if name in cells]
    shared = [cell.id for cell in mine if cell.id in old]
    moved = shared != [name for name in old if name in present]
    order = interleave(kept, there) if moved else interleave(there, kept)
    result = []
    for name in order:
        result.append(cells[name])
        if name in notes and notes[name].id not in cells:
            result.append(notes[name])
            news.both += 1
    return result, news


def put(path: Path, data: bytes) -> None:
    """Write a file so that at every moment either the old one or the whole new one is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def update(course: Path, work: Path) -> str:
    """Copy a lesson into the student's folder, or bring the copy there up to date: what was done, in words.

    Raises:
        ValueError: the copy, or the version that it began with, cannot be read; nothing was written.
    """
    mine, base = work / course.name, work / ".base" / course.name
    data = course.read_bytes()
    if not mine.exists():
        put(mine, data)
        put(base, data)
        return "copied"
    notebook = read(mine)
    if base.exists() and base.read_bytes() == data:
        return "nothing new"
    began = read(base).cells if base.exists() else None
    notebook.cells, news = merge(began, notebook.cells, read(course).cells)
    put(work / ".before" / course.name, mine.read_bytes())
    put(mine, (nbformat.writes(notebook) + "\n").encode("utf-8"))
    put(base, data)
    return f"NEWS    {news}"


def main() -> None:
    done, refused = [], False
    for path in lesson_files([]):
        try:
            done.append(update(path, paths.WORK))
            print(f"{path.stem}  {done[-1]}")
        except ValueError as error:
            refused = True
            print(f"{path.stem}  LEFT ALONE: {error}.\n  Mend it or move it away; then `make work` again.")
    if any(words.startswith("NEWS") for words in done):
        print("In JupyterLab, close a notebook that is open and open it again. Your files from before: work/.before/")
    print("Your copy is work/; `make lab` opens it.")
    sys.exit(refused)


if __name__ == "__main__":
    main()
