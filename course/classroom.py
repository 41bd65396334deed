"""Who in a class is stuck: a table of students and exercises, from a folder of their notebooks as they were saved.

Runs nothing and believes what the checks have printed; course.grade runs them. A folder may be what nbgrader, Moodle,
Canvas or GitHub Classroom delivers, or hold zips; a zip is read where it lies and never unpacked.
"""

from __future__ import annotations

import io
import re
import sys
import textwrap
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from course import progress, work
from course.lessons import lesson_files

if TYPE_CHECKING:  # it takes a second to import, and what runs one exercise needs none
    import pandas as pd

STATES = {"✓": "solved", "✗": "fails", "○": "not tried", "?": "unchecked", "!": "no result"}
STUCK = ("fails", "no result")
COLOURS = {"solved": "sky", "fails": "red", "not tried": "#F2F2F2", "unchecked": "yellow", "no result": "grey"}
MARKS = {state: mark for mark, state in STATES.items()}
COLUMNS = ["student", "lesson", "exercise", "state", "message"]
LARGEST = 50 * 2**20  # bytes of a notebook or of a zip in a zip; a lesson has about two million
LIST_WIDTH = 5  # inches, for lines of 66 letters
LISTED = 8  # mistakes of one exercise that the picture explains
KNOWN_CELLS = 3  # so many of a lesson's cells make a notebook one of that lesson


@dataclass(frozen=True)
class File:
    """A notebook that was handed in: its place in the folder, zips included, and its bytes, or why there are none."""

    place: PurePosixPath
    data: bytes = b""
    problem: str = ""


@dataclass
class Lesson:
    """What one student has handed in of one lesson.

    Attributes:
        student: as the table names them.
        number: "03", for example.
        cells: those of the notebook; None if there is none that can be read.
        states: of each exercise, its state and what there is to say.
    """

    student: str
    number: str
    cells: list[NotebookNode] | None = None
    states: list[tuple[str, str]] = field(default_factory=list)


def files(folder: Path) -> Iterator[File]:
    """All notebooks in a folder or in a zip, and in the zips in it."""
    if folder.is_file():
        yield from zipped(folder, PurePosixPath())
        return
    for path in sorted(folder.rglob("*")):
        place = PurePosixPath(path.relative_to(folder).as_posix())
        # A link may lead to what another student has written.
        if hidden(place) or path.is_symlink() or not path.is_file():
            continue
        if path.suffix.lower() == ".zip":
            yield from zipped(path, place)
        elif path.suffix.lower() == ".ipynb":
            too_large = path.stat().st_size > LARGEST
            yield File(place, problem="it is too large") if too_large else File(place, path.read_bytes())
        elif path.suffix.lower() in (".rar", ".7z"):
            yield File(place, problem="only zips are read; unpack it")


def hidden(place: PurePosixPath) -> bool:
    """Whether a place is one that programs keep for themselves: checkpoints, earlier versions, a Mac's notes."""
    return any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in place.parts)


def zipped(archive: Path | io.BytesIO, place: PurePosixPath, depth: int = 0) -> Iterator[File]:
    """The notebooks in a zip, and in the zips in it, as Moodle nests them.

    Args:
        archive: the file.
        place: where it lies.
        depth: how many zips this one lies in.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                inner = place / member.filename.replace("\\", "/")
                if hidden(inner) or inner.suffix.lower() not in (".ipynb", ".zip"):
                    continue
                if member.file_size > LARGEST or depth > 1:
                    yield File(inner, problem="it is too large, or lies in too many zips")
                elif inner.suffix.lower() == ".zip":
                    yield from zipped(io.BytesIO(opened.read(member)), inner, depth + 1)
                else:
                    yield File(inner, opened.read(member))
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        yield File(place, problem=f"this zip cannot be read: {error}")


def owner(place: PurePosixPath) -> str:
    """The part of a place that tells whose it is; empty if none does.

    nbgrader: submitted/NAME/…; Moodle: "NAME_ID_assignsubmission_file_…"; Canvas: NAME_ID_ID_FILE; else the first part.
    """
    for part in place.parts:
        if found := re.match(r".+?_\d+(?=_assignsubmission_)", part):
            return found[0]
    parts = place.parts[place.parts.index("submitted") + 1 :] if "submitted" in place.parts[:-1] else place.parts
    if len(parts) > 1 and not parts[0].lower().endswith(".zip"):
        return parts[0]
    stem = PurePosixPath(parts[0]).stem
    if re.match(r"\d\d_", stem):  # a lesson, which lies in the folder itself
        return ""
    found = re.match(r"(.+?)(?:_LATE)?_\d+_", stem)
    return found[1] if found else stem


def short_names(places: dict[str, PurePosixPath]) -> dict[str, str]:
    """What the table calls each owner: without Moodle's number, or the assignment that GitHub Classroom puts first.

    Args:
        places: of each owner, one of the notebooks.
    """
    clones = [name for name, place in places.items() if place.parts[:2] in ((name, "notebooks"), (name, "work"))]
    beginnings = [clones[0][: dash.end()] for dash in re.finditer("-", clones[0])] if len(clones) > 1 else []
    assignment = max((part for part in beginnings if all(name.startswith(part) for name in clones)), default="")
    short = {name: name.removeprefix(assignment) if name in clones else re.sub(r"_\d+$", "", name) for name in places}
    taken = list(short.values())
    return {name: words if taken.count(words) == 1 else name for name, words in short.items()}


def lesson_of(cells: Sequence[NotebookNode], lessons: dict[str, NotebookNode]) -> str | None:
    """The number of the lesson that most of these cells are of, whatever the file is called; None if it is none."""
    texts = {(cell.cell_type, cell.source) for cell in cells}

    def likeness(number: str) -> int:
        return sum((cell.cell_type, cell.source) in texts for cell in lessons[number].cells)

    found = max(lessons, key=likeness)
    return found if likeness(found) >= KNOWN_CELLS else None


def states(cells: list[NotebookNode], lesson: NotebookNode) -> list[tuple[str, str]]:
    """How each exercise of a lesson stands in a student's cells: its state, and what there is to say.

    The check is the cell that has printed the exercise's line last, since a student may have copied or split it.
    """
    mine = {cell.id: cell for cell in cells}
    result = []
    for number, (stub, check) in enumerate(progress.exercises(lesson), start=1):
        said = [
            cell for cell in cells if cell.cell_type == "code" and f" Exercise {number}: " in progress.printed(cell)
        ]
        latest = max(said, key=lambda cell: cell.execution_count or 0, default=mine.get(check.id))
        mark, words = progress.state({**mine, check.id: latest} if latest else mine, stub, check)
        result.append((STATES[mark], clean(words)))
    return result


def clean(words: str) -> str:
    """A student's words as one line that can do nothing to a terminal or to a spreadsheet."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", words).split())[:300]
    return f" {line}" if line.startswith(("=", "+", "-", "@")) else line


def handed_in(folder: Path, numbers: Sequence[str]) -> tuple[list[Lesson], list[str]]:
    """What each student has handed in of each lesson, and what could not be read.

    Of several notebooks of one lesson that counts in which most exercises are solved, then the one with most tried.

    Args:
        folder: of the class, or a zip.
        numbers: of the lessons; all that somebody has handed in if there is none.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {folder}")
    lessons = {path.stem[:2]: work.read(path) for path in lesson_files([])}
    wanted = [path.stem[:2] for path in lesson_files(numbers)]
    places: dict[str, PurePosixPath] = {}
    problems: list[str] = []
    best: dict[tuple[str, str], Lesson] = {}
    for file in files(folder):
        name = owner(file.place) or folder.resolve().stem
        places.setdefault(name, file.place)
        try:
            if file.problem:
                raise ValueError(f"{file.place}: {file.problem}")
            cells = work.parse(file.data, str(file.place)).cells
            number = lesson_of(cells, lessons)
            if number is None:
                raise ValueError(f"{file.place} is no lesson of this course")
            if number in wanted:
                cells = work.recognised(cells, lessons[number].cells)
                found = Lesson(name, number, cells, states(cells, lessons[number]))
                best[name, number] = max(best.get((name, number), found), found, key=worth)
        except (ValueError, TypeError, AttributeError, KeyError) as error:  # outputs of any form may be in a file
            problems.append(clean(str(error)))
    asked = wanted if numbers else sorted({number for _, number in best})
    short = short_names(places)
    result = []
    for name in sorted(places, key=lambda name: short[name].casefold()):
        for number in asked:
            count = len(progress.exercises(lessons[number]))
            found = best.get((name, number)) or Lesson(
                name, number, states=[("not tried", "no notebook of this lesson")] * count
            )
            found.student = clean(short[name])
            result.append(found)
    return result, problems


def worth(lesson: Lesson) -> tuple[int, int]:
    """How much of a lesson is solved, and tried."""
    found = [state for state, _ in lesson.states]
    return found.count("solved"), len(found) - found.count("not tried")


def table(handed: Sequence[Lesson]) -> pd.DataFrame:
    """One row for each student and exercise, in COLUMNS."""
    import pandas as pd

    rows = [
        (lesson.student, int(lesson.number), exercise, *state)
        for lesson in handed
        for exercise, state in enumerate(lesson.states, start=1)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def mistake(message: str) -> str:
    """What a message says of the mistake, without the student's own numbers."""
    return re.sub(r"^.* is not right for the arguments .*?(?:\)|…)\. ", "", message)


def mistakes(rows: pd.DataFrame) -> pd.DataFrame:
    """Which mistakes were made (lesson, exercise, mistake, count, students), an exercise's most frequent one first."""
    failed = rows[rows["state"].isin(STUCK)]
    grouped = failed.assign(mistake=failed["message"].map(mistake)).groupby(["lesson", "exercise", "mistake"])[
        "student"
    ]
    found = grouped.agg(count="size", students=", ".join).reset_index()
    return found.sort_values(["lesson", "exercise", "count", "mistake"], ascending=[True, True, False, True])


def by_student(rows: pd.DataFrame) -> pd.DataFrame:
    """The states, a row for each student and a column for each exercise ("3.1")."""
    label = rows["lesson"].astype(str) + "." + rows["exercise"].astype(str)
    states_of = rows.assign(label=label).pivot(index="student", columns="label", values="state")
    return states_of.loc[rows["student"].unique(), label.unique()]


def text(rows: pd.DataFrame) -> str:
    """The table for a terminal: a line of marks for each student, then what went wrong in each exercise."""
    marks = by_student(rows).map(MARKS.get)
    width = max(map(len, marks.index))
    lines = [" " * width + "".join(f"{column:>5}" for column in marks.columns)]
    lines += [f"{name:<{width}}" + "".join(f"{mark:>5}" for mark in row) for name, *row in marks.itertuples()]
    lines.append(", ".join(f"{mark} {state}" for mark, state in STATES.items()))
    found = mistakes(rows)
    for (lesson, exercise), group in rows.groupby(["lesson", "exercise"]):
        counts = group["state"].value_counts()
        lines.append(
            f"\nExercise {lesson}.{exercise}: " + ", ".join(f"{counts.get(s, 0)} {s}" for s in STATES.values())
        )
        here = found[(found["lesson"] == lesson) & (found["exercise"] == exercise)]
        lines += [f"{row.count:4d}  {row.mistake} ({row.students})" for row in here.itertuples(index=False)]
    return "\n".join(lines)


def picture(rows: pd.DataFrame, path: Path) -> None:
    """Draw the class as a heat map: which exercise fails, and with which mistake, by letters that a list explains.

    Args:
        rows: as `table` makes them.
        path: of the file; its suffix says the format.
    """
    import seaborn as sns
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from utils.plotting import PALETTE

    found = lettered(mistakes(rows))
    lines = explained(found)
    colours = {state: PALETTE.get(name, name) for state, name in COLOURS.items()}
    shown = by_student(rows)
    # The list has as many columns as it needs beside the map, and three at most.
    rows_of_list = max(round(1.4 * len(shown)), -(-len(lines) // 3), 20)
    columns = [
        "\n".join(lines[start : start + rows_of_list]).strip("\n") for start in range(0, len(lines), rows_of_list)
    ]
    widths = [0.42 * shown.shape[1] + 0.09 * max(map(len, shown.index)) + 0.4, *(len(columns) * [LIST_WIDTH])]
    figure = Figure(figsize=(sum(widths), 0.185 * rows_of_list + 1.6), layout="constrained")
    left, *rights = figure.subplots(1, len(widths), width_ratios=widths)
    sns.heatmap(
        shown.map(list(colours).index),
        annot=by_student(rows.assign(state=letters(rows, found))),
        fmt="",
        cmap=ListedColormap(list(colours.values())),
        vmin=-0.5,
        vmax=len(colours) - 0.5,
        cbar=False,
        linewidths=1,
        ax=left,
    )
    left.set(xlabel="lesson.exercise", ylabel="")
    left.set_title("Who is stuck", loc="left")
    left.tick_params(axis="y", rotation=0)
    left.tick_params(axis="x", rotation=0 if shown.shape[1] < 13 else 90)
    for right, words in zip(rights, columns, strict=True):
        right.axis("off")
        right.text(0, 1, words, va="top", fontsize=9, linespacing=1.3, transform=right.transAxes, parse_math=False)
    figure.legend(
        handles=[Patch(facecolor=colour, edgecolor="grey", label=state) for state, colour in colours.items()],
        loc="outside lower left",
        ncols=len(colours),
        frameon=False,
    )
    figure.savefig(path, dpi=120, facecolor="white")


def lettered(found: pd.DataFrame) -> pd.DataFrame:
    """The mistakes, each with a letter of its own within its exercise; "+" stands for those that are too many."""
    places = found.groupby(["lesson", "exercise"]).cumcount()
    return found.assign(letter=[chr(ord("a") + place) if place < LISTED else "+" for place in places])


def letters(rows: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """The letter of each row's mistake; empty where an exercise does not fail."""
    known = {(row.lesson, row.exercise, row.mistake): row.letter for row in found.itertuples(index=False)}
    return [
        known[row.lesson, row.exercise, mistake(row.message)] if row.state in STUCK else ""
        for row in rows.itertuples(index=False)
    ]


def explained(found: pd.DataFrame) -> list[str]:
    """The lines of the list beside the heat map: of each exercise its mistakes, with their letters and numbers."""
    lines = []
    for (lesson, exercise), group in found.groupby(["lesson", "exercise"]):
        lines.append(f"Exercise {lesson}.{exercise}")
        for row in group[group["letter"] != "+"].itertuples(index=False):
            words = textwrap.shorten(f"{row.letter}  {row.count}×  {row.mistake}", 150, placeholder=" …")
            lines += textwrap.wrap(words, 66, initial_indent="  ", subsequent_indent=" " * 10)
        others = (group["letter"] == "+").sum()
        lines += [f"  +  others: {others}", ""] if others else [""]
    return lines or ["Nobody fails."]


def report(rows: pd.DataFrame, problems: Sequence[str], csv: Path | None, picture_file: Path | None) -> int:
    """Print the table, write what is asked for: 1 if there were problems."""
    print(text(rows) if len(rows) else "No lesson of this course was found.")
    if csv:
        rows.to_csv(csv, index=False, encoding="utf-8-sig")  # with the mark by which Excel knows the alphabet
        print(f"The table is in {csv}.")
    if picture_file and len(rows):
        picture(rows, picture_file)
        print(f"The picture is in {picture_file}.")
    for problem in problems:
        print(f"NOT READ  {problem}", file=sys.stderr)
    return int(bool(problems) or not len(rows))


def show(folder: Path, numbers: Sequence[str], csv: Path | None, picture_file: Path | None) -> int:
    """Print how a class stands, by what its notebooks say: 1 if one of them could not be read.

    Args:
        folder: of the class, or a zip.
        numbers: of the lessons; all that somebody has handed in if there is none.
        csv: a file for the table.
        picture_file: a file for the heat map.
    """
    handed, problems = handed_in(folder, numbers)
    return report(table(handed), problems, csv, picture_file)
