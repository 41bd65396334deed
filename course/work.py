"""A copy of the lessons to work in, which takes up what is new in the course.

work/NN_….ipynb is the student's. work/.base/ holds every version of the course that the copy has been brought up to, so
that it can be known who has changed a cell since. Which of them the copy is made of is read from the copy itself, since
an editor that had it open, or a backup, may have put an older state back. Cells are told apart by their ids; only their
text counts, not their outputs:

- what the student has not changed takes the course's text, and new cells of the course appear;
- what the student has changed, added or deleted stays so; if the course has changed the same cell, its text is put
  below, folded, in a cell of its own;
- the order is the course's, unless the student has moved cells.

A notebook is written beside the old one and then takes its place; the old one is kept in work/.before/.
"""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import re
import sys
import uuid
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.lessons import lesson_files
from utils import paths

MARK = "course_version"  # in the metadata of a copy: the version that it was last brought up to
OWN_FOLDER = "Move the course to a folder of your own."
OPEN_IN_LAB = """\
Is one of these lessons open in JupyterLab? It asks what to do with a file that has changed: choose "Revert".
If it was "Overwrite", nothing is lost: type `course work` again. Your files from before are in work/.before/."""


@dataclass
class Decision:
    """What becomes of one cell.

    Attributes:
        cell: what the copy has from now on; None if it has the cell no longer.
        news: what the course has done to it ("changed", "new", "removed", "both"); empty if nothing that is news.
        note: a further cell that shows the course's text below the student's; None if there is nothing to show.
    """

    cell: NotebookNode | None
    news: str = ""
    note: NotebookNode | None = None


def in_words(news: Counter[str]) -> str:
    """How many cells an update has touched."""
    counts = [f"{news[kind]} {kind}" for kind in ("changed", "new", "removed") if news[kind]]
    if news["both"]:
        counts.append(f"{news['both']} changed by you and by the course (yours kept, the course's below it)")
    return "cells: " + ", ".join(counts) if counts else "only outputs"


def read(path: Path) -> NotebookNode:
    """Read a notebook, and give every cell an id of its own.

    Raises:
        ValueError: the file is no notebook that can be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read as a notebook: {error}") from error
    return parse(data, str(path))


def parse(data: bytes, name: str) -> NotebookNode:
    """A notebook from the bytes of its file, every cell with an id of its own.

    Args:
        data: what the file holds.
        name: what a message calls the file.

    Raises:
        ValueError: this is no notebook that can be read.
    """
    try:
        text = data.decode("utf-8-sig")  # some editors put a mark at the beginning
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
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError, nbformat.ValidationError) as error:
        raise ValueError(f"{name} cannot be read as a notebook: {error}") from error
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


def decide(mine: NotebookNode | None, before: NotebookNode | None, after: NotebookNode | None) -> Decision:
    """What becomes of a cell, from what it was (None where it is not).

    Args:
        mine: in the student's copy.
        before: in the course when the copy was last brought up to it.
        after: in the course now.
    """
    if mine is None:  # a new cell of the course, or one that the student has deleted
        return Decision(after, "new") if before is None else Decision(None)
    if before is not None and same(mine, before):  # untouched by the student
        if after is None:
            return Decision(None, "removed")
        return Decision(renewed(mine, before, after), "" if same(before, after) else "changed")
    changed_by_the_course = after is not None and (before is None or not same(before, after))
    if changed_by_the_course and not same(mine, after):
        return Decision(mine, "both", note(after))
    return Decision(mine)


def ordered(mine: list[str], base: list[str], course: list[str]) -> list[str]:
    """The ids of all cells of the copy and the course: in the course's order, or in the student's if he has moved any.

    Args:
        mine: ids in the student's copy.
        base: ids in the course when the copy was last brought up to it.
        course: ids in the course now.
    """
    moved = [name for name in mine if name in base] != [name for name in base if name in mine]
    return interleave(mine, course) if moved else interleave(course, mine)


def merge(
    base: list[NotebookNode] | None, mine: list[NotebookNode], course: list[NotebookNode]
) -> tuple[list[NotebookNode], Counter[str]]:
    """Bring the student's cells up to the course's: recognise them, decide on each, order them, insert the notes.

    Args:
        base: the course's cells when that was last done; None if that is not known. Then each cell that differs from
            the course's counts as changed by both.
        mine: the student's cells.
        course: the course's cells now.

    Returns:
        The cells, and how many of them are news, by kind.
    """
    base = base or []
    mine = recognised(mine, [*course, *base])
    copied, began, now = ({cell.id: cell for cell in cells} for cells in (mine, base, course))
    decisions = {name: decide(copied.get(name), began.get(name), now.get(name)) for name in {**copied, **now}}
    kept = {name for name, decision in decisions.items() if decision.cell is not None}
    order = ordered([name for name in copied if name in kept], list(began), [name for name in now if name in kept])
    cells = []
    for name in order:
        decision = decisions[name]
        cells.append(decision.cell)
        if decision.note is not None and decision.note.id not in kept:  # kept from an update that was cut off
            cells.append(decision.note)
    added = {cell.id for cell in cells} - kept
    news = Counter(decision.news for decision in decisions.values() if decision.news and decision.note is None)
    news["both"] = len(added)
    return cells, news


def put(path: Path, data: bytes) -> None:
    """Write a file so that at every moment either the old one or the whole new one is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)  # half a file would take up the room that is missing
        raise


def digest(data: bytes) -> str:
    """The name of a version of a lesson."""
    return hashlib.sha256(data).hexdigest()[:12]


def versions(work: Path, lesson: Path) -> dict[str, NotebookNode]:
    """The versions of a lesson that the copy has been brought up to, by their names, the latest first.

    Raises:
        ValueError: one of them cannot be read.
    """
    files = sorted((work / ".base").glob(f"{lesson.stem}*.ipynb"), key=lambda path: path.stat().st_mtime_ns)
    return {digest(path.read_bytes()): read(path) for path in reversed(files)}


def version_of(mine: NotebookNode, known: dict[str, NotebookNode]) -> str | None:
    """The version that the student's copy is made of; None if none is known.

    The one that it has most cells of; of several the one that it names (a cell that is missing may be one that the
    student has deleted, or one that had not come yet), else the latest.
    """

    def likeness(name: str) -> tuple[int, bool]:
        texts = {(cell.id, cell.source) for cell in known[name].cells}
        return sum((cell.id, cell.source) in texts for cell in mine.cells), mine.metadata.get(MARK) == name

    return max(known, key=likeness, default=None)  # the first of those that are alike


def beginning(mine: NotebookNode, known: dict[str, NotebookNode]) -> tuple[str | None, list[NotebookNode]]:
    """What the student's copy began with: the version that it is made of, and the cells.

    A cell that has the text of another version, after an undo for example, began with that one.
    """
    version = version_of(mine, known)
    if version is None:
        return None, []
    texts = {cell.id: (cell.cell_type, cell.source) for cell in mine.cells}
    others = [cell for notebook in known.values() for cell in notebook.cells]
    returned = {cell.id: cell for cell in others if texts.get(cell.id) == (cell.cell_type, cell.source)}
    return version, [returned.get(cell.id, cell) for cell in known[version].cells]


def put_copy(path: Path, notebook: NotebookNode, version: str) -> None:
    """Write the student's file, which names the version of the course that it is made of."""
    notebook.metadata[MARK] = version
    put(path, (nbformat.writes(notebook) + "\n").encode("utf-8"))


def update(course: Path, work: Path) -> str:
    """Copy a lesson into the student's folder, or bring the copy there up to date: what was done, in words.

    Raises:
        ValueError: the copy, or a version that it was brought up to, cannot be read; nothing was written.
    """
    mine = work / course.name
    data = course.read_bytes()
    now = digest(data)
    base = work / ".base" / f"{course.stem}.{now}.ipynb"
    if not mine.exists():
        put(base, data)
        put_copy(mine, read(course), now)
        return "copied"
    notebook, known = read(mine), versions(work, course)
    version, began = beginning(notebook, known)
    if version == now and all(map(same, began, known[now].cells)):
        return "nothing new"
    notebook.cells, news = merge(began, notebook.cells, read(course).cells)
    put(work / ".before" / course.name, mine.read_bytes())
    put(base, data)  # first, so that what is brought in is known when it is there
    put_copy(mine, notebook, now)
    return f"NEWS    {in_words(news)}"


def link_course() -> None:
    """Beside a copy that lies outside the course's folder, put links to what the lessons show and name."""
    if paths.HOME == paths.ROOT:
        return
    paths.HOME.mkdir(parents=True, exist_ok=True)
    for name in ("assets", "docs", "notebooks"):
        link = paths.HOME / name
        if link.is_symlink():
            link.unlink()  # the course may have moved
        if not link.exists():
            link.symlink_to(paths.ROOT / name)


def update_all() -> int:
    """Bring the whole copy up to date and say what has changed: 1 if a file of it could not be read or written."""
    try:
        return update_lessons()
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        cure = "Make room and type it again; your files are as they were." if full else OWN_FOLDER
        print(f"course work: {paths.WORK} cannot be written ({error.strerror or error}). {cure}", file=sys.stderr)
        return 1


def update_lessons() -> int:
    """Bring each lesson of the copy up to date and say what has changed: 1 if a file of it could not be read.

    Raises:
        OSError: the copy cannot be written; no file of it is half.
    """
    link_course()
    done, refused = [], False
    for path in lesson_files([]):
        try:
            done.append(update(path, paths.WORK))
            print(f"{path.stem}  {done[-1]}")
        except ValueError as error:
            refused = True
            print(f"{path.stem}  LEFT ALONE: {error}.\n  Mend it or move it away; then `course work` again.")
    if any(words.startswith("NEWS") for words in done):
        print(OPEN_IN_LAB)
    print("Your copy is work/; `course lab` opens it.")
    return int(refused)
