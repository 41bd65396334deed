"""`course export`: what the notebooks are that it writes, and what nbgrader and otter make of them.

The second half runs where the tools are installed (deploy/graders.lock), as in the weekly workflow, on a lesson of five
cells; with COURSE_WEEKLY=1 also on the first lesson.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course import classroom, cli, export, grade, progress
from course.kernels import client, environment
from course.lessons import NEUTRAL, lesson_files
from tests import a_class
from tests.after_lesson import tagged
from utils import paths

LESSONS = pytest.mark.parametrize("path", lesson_files([]), ids=lambda path: path.stem[:2])
TOOLS = pytest.mark.parametrize("tool", export.CELLS)
NBGRADER = pytest.mark.skipif(find_spec("nbgrader") is None, reason="needs deploy/graders.lock")
OTTER = pytest.mark.skipif(find_spec("otter") is None, reason="needs deploy/graders.lock")
NAME = "01_small"
RIGHT = "def add(x):\n    return x + 2"
# Right too, though it prints, and writes to stderr as Keras does.
NOISY = f"import warnings\n\n{RIGHT.replace('return', 'print(x); warnings.warn(str(x)); return')}"
WRONG = "def add(x):\n    return x - 2"
CHECK = 'exercise("Exercise {}", {}, cases=[((2,), base + 2)], mistakes=[(0, "Add, do not subtract.")])'


def small_lesson() -> NotebookNode:
    """A lesson of two exercises that needs no TensorFlow; the second check uses a name that a later cell overwrites."""

    def code(name: str, source: str, *tags: str) -> NotebookNode:
        return new_code_cell(source, id=name, metadata={"tags": list(tags)})

    def folded(name: str, source: str) -> NotebookNode:
        text = f"<details><summary>Solution</summary>\n\n```python\n{source}\n```\n\n</details>"
        return new_markdown_cell(text, id=f"{name}-solution", metadata={"tags": ["solution"]})

    cells = [
        new_markdown_cell(
            "![A line.](../assets/diagrams/03_split.svg) [Lesson 2](02_b.ipynb), [a site](https://a.org/b)"
        ),
        code("setup", "from utils.checks import exercise\n\nbase = 2"),
    ]
    for number, name in enumerate(("add", "more"), start=1):
        cells += [
            code(name, f"def {name}(x):\n    return None  # your code here", "exercise"),
            code(f"{name}-check", CHECK.format(number, name), "exercise-check"),
            folded(name, RIGHT.replace("add", name)),
        ]
    cells.append(code("last", "base = 99"))
    return new_notebook(cells=cells, metadata=NEUTRAL)


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    """A course of the small lesson alone, and the drawing in it: a folder for what tests write."""
    notebooks = tmp_path / "course" / "notebooks"
    notebooks.mkdir(parents=True)
    (tmp_path / "course" / "assets").symlink_to(paths.ASSETS)
    nbformat.write(small_lesson(), notebooks / f"{NAME}.ipynb")
    monkeypatch.setattr(paths, "NOTEBOOKS", notebooks)
    return tmp_path


def cut(cell: NotebookNode) -> str:
    """A cell's source as both tools release it."""
    return re.sub(rf"\n?{export.BEGIN}\n.*?{export.END}", "", cell.source, flags=re.DOTALL)


@TOOLS
@LESSONS
def test_an_exported_lesson(path, tool):
    lesson = nbformat.read(path, as_version=4)
    notebook = export.converted(lesson, tool)
    assert lesson == nbformat.read(path, as_version=4)  # the course's own has stayed as it was
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    cells = {cell.id: cell for cell in notebook.cells}
    solutions = [export.code_of(cell.source) for cell in tagged(lesson, "solution")]
    pairs = progress.exercises(lesson)
    assert all(solutions) and len(solutions) == len(pairs) >= 4
    for number, ((stub, check), solution) in enumerate(zip(pairs, solutions, strict=True), start=1):
        assert cut(cells[stub.id]) == stub.source and solution in cells[stub.id].source
        assert cells[check.id].source == check.source
        tests = [cell for cell in notebook.cells if f'assert_solved("Exercise {number}")' in cell.source]
        assert [cell.id for cell in tests] == [f"exercise-{number}-test"]
        assert not any(solution.strip() in cut(cell) for cell in notebook.cells)
    # All else is as it was, and in the same order.
    kept = [cell.id for cell in lesson.cells if "solution" not in cell.metadata.get("tags", [])]
    assert [name for name in ids if name in kept] == kept
    assert sum(cell.source.count("<summary>Hint") for cell in notebook.cells) == 2 * len(pairs)


@TOOLS
@LESSONS
def test_an_exported_lesson_is_complete_in_itself(path, tool):
    notebook = export.converted(nbformat.read(path, as_version=4), tool)
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert not any(re.search(r"\]\((?!https?:|#|attachment:)|\.\./", cell.source) for cell in prose)
    drawings = 0
    for cell in prose:
        named = re.findall(r"!\[[^\]]+\]\(attachment:([^)]+)\)", cell.source)
        assert sorted(named) == sorted(cell.get("attachments", {}))
        drawings += len(named)
    assert drawings >= 4


@LESSONS
def test_nbgraders_cells(path):
    notebook = export.converted(nbformat.read(path, as_version=4), "nbgrader")
    marked = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    names = [cell["grade_id"] for cell in marked]
    exercises = len(tagged(notebook, "exercise"))
    assert names == [f"exercise-{n}{part}" for n in range(1, exercises + 1) for part in ("", "-check", "-test")]
    kinds = [(cell["solution"], cell["locked"], cell["grade"], cell.get("points")) for cell in marked]
    assert kinds == exercises * [(True, False, False, None), (False, True, False, None), (False, True, True, 1)]


def test_the_small_lesson_for_otter(small):
    notebook = export.converted(small_lesson(), "otter")
    kinds = [(cell.cell_type, cell.source.splitlines()[0]) for cell in notebook.cells]
    question = [
        ("raw", "# BEGIN QUESTION"),
        ("raw", "# BEGIN SOLUTION"),
        ("code", "def {}(x):"),
        ("raw", "# END SOLUTION"),
    ]
    question += [
        ("raw", "# BEGIN TESTS"),
        ("code", "def test(env):"),
        ("raw", "# END TESTS"),
        ("raw", "# END QUESTION"),
    ]
    expected = [(kind, line.format("add")) for kind, line in question] + [("code", CHECK.format(1, "add"))]
    assert kinds[0] == ("raw", "# ASSIGNMENT CONFIG") and kinds[3:12] == expected
    assert notebook.cells[1].source == ("![A line.](attachment:03_split.svg) Lesson 2, [a site](https://a.org/b)")


def test_the_files_of_an_export(small, capsys):
    folder = small / "new" / "folder"
    assert cli.main(["export", "nbgrader", str(folder), "1"]) == 0
    written = ["nbgrader_config.py", f"source/lesson_01/{NAME}.ipynb"]
    assert [str(path.relative_to(folder).as_posix()) for path in sorted(folder.rglob("*.*"))] == written
    assert capsys.readouterr().out.splitlines() == [str(folder / name) for name in written]
    compile((folder / "nbgrader_config.py").read_text(encoding="utf-8"), "nbgrader_config.py", "exec")
    empty = small / "empty"
    empty.mkdir()
    assert cli.main(["export", "otter", str(empty)]) == 0
    assert [path.name for path in empty.iterdir()] == [f"{NAME}.ipynb"]


def test_what_cannot_be_exported_leaves_nothing(small, capsys, monkeypatch):
    folder, full = small / "folder", small / "full"
    with pytest.raises(SystemExit):
        cli.main(["export", "moodle", str(folder)])
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit, match="no lesson '7'"):
        cli.main(["export", "otter", str(folder), "1", "7"])
    full.mkdir()
    (full / "mine.txt").write_text("mine", encoding="utf-8")
    for place in (full, full / "mine.txt"):
        assert cli.main(["export", "otter", str(place)]) == 1
        assert capsys.readouterr().err == f"course export: {place} is not empty: name a new folder\n"
    assert not folder.exists() and [path.name for path in full.iterdir()] == ["mine.txt"]

    def no_space(path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", no_space)
    assert cli.main(["export", "nbgrader", str(folder)]) == 1
    assert capsys.readouterr().err == "course export: No space left on device\n" and list(folder.iterdir()) == []


def submission(released: Path, answer: str, check: str = "") -> NotebookNode:
    """What a student hands in: an answer to the first exercise of a released notebook, perhaps a check of their own."""
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        if cell.id == "add":
            cell.source = answer or cell.source
        if cell.id == "add-check":
            cell.source = check or cell.source
    return notebook


# The name of each student: the answer, the check if it was changed, and the points.
STUDENTS = {
    "anna": (RIGHT, "", 1),
    "noah": (NOISY, "", 1),
    "ben": (WRONG, "", 0),
    "eve": (WRONG, CHECK.format(1, "lambda x: 4"), 0),
    "cleo": ("", "", 0),
    "syd": ("def add(x)\n    return x + 2", "", 0),
}


def test_a_student_needs_no_grader_and_course_progress_reads_what_was_released(small):
    """The small lesson as nbgrader releases it, run by a student who has answered the first exercise."""
    notebook = export.converted(small_lesson(), "nbgrader")
    for cell in notebook.cells:
        cell.source = re.sub(rf"{export.BEGIN}\n.*?{export.END}", "", cell.source, flags=re.DOTALL)
        cell.source = re.sub(r"\n### BEGIN HIDDEN.*", "", cell.source, flags=re.DOTALL)
    assert notebook.cells[5].source.endswith("your code here\n") and notebook.cells[2].id == "add"
    notebook.cells[2].source = WRONG
    client(notebook, small / "x.ipynb").execute(env=environment())
    said = {cell.id: progress.printed(cell) for cell in notebook.cells}
    assert "Add, do not subtract." in said["add-check"] and said["more-check"].startswith("○ Exercise 2")
    assert [state for state, _ in classroom.states(notebook.cells, small_lesson())] == ["fails", "not tried"]
    assert grade.to_run(notebook.cells, small_lesson(), 1) and grade.to_run(notebook.cells, small_lesson(), 2) is None


def run_tool(folder: Path, *command: str | Path) -> str:
    """Run one of the tools in a folder: what it says.

    Raises:
        AssertionError: it has failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**environment(), "JUPYTER_PREFER_ENV_PATH": "1", "HOME": str(folder)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def points_by_nbgrader(folder: Path) -> dict[tuple[str, str], float]:
    """The points of each student in each assignment."""
    run_tool(folder, "nbgrader", "export")
    with (folder / "grades.csv").open(encoding="utf-8") as file:
        return {(row["student_id"], row["assignment"]): float(row["score"]) for row in csv.DictReader(file)}


def points_by_otter(folder: Path, submitted: Path, autograder: Path) -> dict[str, float]:
    """The points of one submission for each of its questions."""
    run_tool(folder, "otter", "run", submitted, "-a", autograder, "-o", folder, "--no-logo")
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))["tests"]
    return {test["name"]: test["score"] for test in found if "score" in test}


@NBGRADER
def test_nbgrader_releases_and_grades(small):
    folder = small / "class"
    export.export("nbgrader", folder, [])
    run_tool(folder, "nbgrader", "generate_assignment", "lesson_01")
    released = folder / "release" / "lesson_01" / f"{NAME}.ipynb"
    lesson = {cell.id: cell.source for cell in small_lesson().cells if cell.cell_type == "code"}
    student = {cell.id: cell.source for cell in nbformat.read(released, as_version=4).cells if cell.cell_type == "code"}
    tests = {name: student.pop(name) for name in ("exercise-1-test", "exercise-2-test")}
    assert {name: source.rstrip() for name, source in student.items()} == lesson
    assert set(tests.values()) == {"# This cell is worth a point if the check above says ✓."}
    for name, (answer, check, _) in STUDENTS.items():
        a_class.put(folder, f"submitted/{name}/lesson_01/{NAME}.ipynb", submission(released, answer, check))
    run_tool(folder, "nbgrader", "autograde", "lesson_01")
    expected = {(name, "lesson_01"): points for name, (_, _, points) in STUDENTS.items()}
    assert points_by_nbgrader(folder) == expected
    run_tool(folder, "nbgrader", "generate_feedback", "lesson_01")
    page = (folder / "feedback" / "ben" / "lesson_01" / f"{NAME}.html").read_text(encoding="utf-8")
    assert "Add, do not subtract." in page and RIGHT.splitlines()[1] not in page


@OTTER
def test_otter_releases_and_grades(small):
    folder = small / "class"
    export.export("otter", folder, [])
    run_tool(folder, "otter", "assign", f"{NAME}.ipynb", "dist")  # runs the solutions, and fails where one is wrong
    released = folder / "dist" / "student" / f"{NAME}.ipynb"
    lesson = {cell.id: cell.source for cell in small_lesson().cells if cell.cell_type == "code"}
    student = {cell.id: cell.source for cell in nbformat.read(released, as_version=4).cells if cell.cell_type == "code"}
    assert student == lesson and RIGHT.splitlines()[1] not in released.read_text(encoding="utf-8")
    (autograder,) = (folder / "dist" / "autograder").glob("*.zip")
    for name, (answer, check, points) in STUDENTS.items():
        a_class.put(folder, f"{name}.ipynb", submission(released, answer, check))
        found = points_by_otter(folder, folder / f"{name}.ipynb", autograder)
        assert found == {"exercise-1": points, "exercise-2": 0}, name


@NBGRADER
@LESSONS
def test_nbgrader_releases_each_lesson(path, tmp_path):
    number = path.stem[:2]
    export.export("nbgrader", tmp_path / "class", [number])
    run_tool(tmp_path / "class", "nbgrader", "generate_assignment", f"lesson_{number}")
    assert_released(path, tmp_path / "class" / "release" / f"lesson_{number}" / path.name)


@OTTER
@LESSONS
def test_otter_releases_each_lesson(path, tmp_path):
    export.export("otter", tmp_path / "class", [path.stem[:2]])
    run_tool(tmp_path / "class", "otter", "assign", path.name, "dist", "--no-run-tests")
    assert_released(path, tmp_path / "class" / "dist" / "student" / path.name)


def assert_released(path: Path, released: Path) -> None:
    """Fail unless a released lesson has the course's stubs, and nothing of a solution anywhere."""
    lesson, text = nbformat.read(path, as_version=4), released.read_text(encoding="utf-8")
    student = {cell.id: cell for cell in nbformat.reads(text, as_version=4).cells}
    for stub, check in progress.exercises(lesson):
        assert student[stub.id].source.rstrip() == stub.source and student[check.id].source == check.source
    for solution in tagged(lesson, "solution"):
        body = export.code_of(solution.source).split("\n", 1)[1]
        assert solution.id not in student and json.dumps(body, ensure_ascii=False)[1:-1] not in text


@NBGRADER
@OTTER
@pytest.mark.weekly
@pytest.mark.parametrize("number", os.environ.get("EXPORT_LESSONS", "01").split())
def test_a_whole_lesson(number, tmp_path):
    """A student with all answers, one with a typical mistake, one without an answer: in both tools."""
    name = lesson_files([number])[0].name
    count = len(progress.exercises(a_class.lesson(number)))
    right = [a_class.answers(number, place)[1].code for place in range(1, count + 1)]
    wrong = [a_class.answers(number, 1)[2].code, *right[1:]]
    given = {"anna": (right, count), "ben": (wrong, count - 1), "cleo": ([""] * count, 0)}
    for tool in export.CELLS:
        export.export(tool, tmp_path / tool, [number])
    with_nbgrader, with_otter = tmp_path / "nbgrader", tmp_path / "otter"
    run_tool(with_nbgrader, "nbgrader", "generate_assignment", f"lesson_{number}")
    run_tool(with_otter, "otter", "assign", name, "dist")
    (autograder,) = (with_otter / "dist" / "autograder").glob("*.zip")
    for student, (answers, points) in given.items():
        for released, place in (
            (
                with_nbgrader / "release" / f"lesson_{number}",
                with_nbgrader / "submitted" / student / f"lesson_{number}",
            ),
            (with_otter / "dist" / "student", with_otter / student),
        ):
            notebook = nbformat.read(released / name, as_version=4)
            for stub, answer in zip(tagged(notebook, "exercise"), answers, strict=True):
                stub.source += f"\n\n{answer}"
            a_class.put(place, name, notebook)
        found = points_by_otter(with_otter, with_otter / student / name, autograder)
        assert sum(found.values()) == points, (student, found)
    run_tool(with_nbgrader, "nbgrader", "autograde", f"lesson_{number}")
    expected = {(student, f"lesson_{number}"): points for student, (_, points) in given.items()}
    assert points_by_nbgrader(with_nbgrader) == expected
