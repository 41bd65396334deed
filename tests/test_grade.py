"""`course grade`: what hostile notebooks do, each really run, on a lesson of three cells; and a real lesson."""

from __future__ import annotations

import builtins
import os
import shutil
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course import cli, grade, progress
from course.lessons import lesson_files
from tests import a_class
from utils import paths
from utils.advice import names_made

SETUP = "import numpy as np\nfrom utils.checks import exercise\n\nbase = np.arange(3)"
STUB = "def add(x):\n    return None"
CHECK = 'exercise("Exercise 1", add, cases=[((2,), 4 + base[0])], mistakes=[(0, "Add, do not subtract.")])'
ANSWER = "def add(x):\n    return x + 2"
LIMITS = grade.Limits(seconds=60, memory=2)
APART = pytest.mark.skipif(not grade.can_be_kept_apart(), reason="this system cannot keep a process apart")


def cell(name: str, source: str, *tags: str):
    return new_code_cell(source, id=name, metadata={"tags": list(tags)})


def lesson(answer: str = STUB, check: str = CHECK, setup: str = SETUP):
    return new_notebook(
        cells=[
            cell("setup", setup),
            cell("add", answer, "exercise"),
            cell("add-check", check, "exercise-check"),
            cell("more", "def double(x):\n    return None", "exercise"),
            cell("more-check", 'exercise("Exercise 2", double, cases=[((2,), 4)])', "exercise-check"),
        ]
    )


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with one small lesson, which costs no seconds for TensorFlow: its folder."""
    root = tmp_path / "course"
    for name in ("course", "utils"):
        shutil.copytree(paths.ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("assets", "notebooks"):
        (root / name).mkdir()
    (root / "assets" / "data.txt").write_text("1 2 3", encoding="utf-8")
    nbformat.write(lesson(), root / "notebooks" / "01_small.ipynb")
    monkeypatch.setattr(paths, "ROOT", root)
    monkeypatch.setattr(paths, "NOTEBOOKS", root / "notebooks")
    return root


def run(answer: str, **others: str) -> tuple[str, str]:
    """How exercise 1 stands after it was run."""
    notebook = grade.to_run(lesson(answer, **others).cells, lesson(), 1)
    return grade.outcome(notebook, "01", LIMITS)


def test_a_right_and_a_wrong_answer(course):
    assert run(ANSWER) == ("solved", "")
    state, words = run("def add(x):\n    return x - 2")
    assert state == "fails" and "Add, do not subtract." in words
    assert run("def add(x):\n    pass") == ("fails", "your function returns None.")
    assert run("def add(x)\n    return 4")[1].startswith("SyntaxError: ")


def test_a_notebook_that_hangs_is_ended(course):
    state, words = grade.outcome(
        grade.to_run(lesson("while True:\n    pass\n\ndef add(x):\n    return 4").cells, lesson(), 1),
        "01",
        grade.Limits(10),
    )
    assert state == "no result" and words == "it ran longer than 10 s, in the cell that begins with: while True:"
    state, words = grade.outcome(
        grade.to_run(lesson("import time\n\ndef add(x):\n    time.sleep(99)").cells, lesson(), 1),
        "01",
        grade.Limits(10),
    )
    assert words == "it ran longer than 10 s, in the check"


@pytest.mark.weekly
@pytest.mark.parametrize("way", ["import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), 9)"])
def test_a_notebook_that_ends_its_kernel(course, way):
    state, words = run(f"{way}\n{ANSWER}")
    assert state == "no result" and "its kernel ended, in the cell that begins with: " in words


@pytest.mark.weekly
def test_a_notebook_that_exits(course):
    assert run(f"exit()\n{ANSWER}\nquit()") == ("solved", "")
    assert run(f"import sys\nsys.exit(3)\n{ANSWER}")[1].startswith("SystemExit: 3 ")


@pytest.mark.weekly
def test_a_notebook_that_ends_its_grader(course):
    state, words = run(f"import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n{ANSWER}")
    # In a namespace of its own the grader is the first process, which the others cannot kill.
    assert (state, words) == (("solved", "") if grade.can_be_kept_apart() else ("no result", grade.NO_ANSWER))


@pytest.mark.weekly
@APART
def test_a_notebook_that_fills_the_disk(course):
    one = "with open('a', 'wb') as file:\n    while True:\n        file.write(bytes(2**24))\n"
    state, words = run(one + ANSWER)
    assert state == "fails" and ("No space left" in words or "File too large" in words)
    many = "for n in range(64):\n    with open(f'{n}', 'wb') as file:\n        file.write(bytes(2**24))\n"
    state, words = run(many + ANSWER)
    assert state == "fails" and "No space left" in words
    assert not list(Path(grade.tempfile.gettempdir()).glob("grade-*/desk/*"))


@pytest.mark.weekly
def test_a_notebook_that_takes_all_memory(course):
    state, words = run("def add(x):\n    return bytearray(2**34)")
    assert state == "fails" and "your code raised MemoryError" in words


@APART
def test_a_notebook_that_deletes_and_overwrites_files(course, tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("precious", encoding="utf-8")
    before = grade.fingerprint()
    evil = f"""
import pathlib, shutil
from utils import paths
from utils.advice import names_made
shutil.rmtree(paths.ROOT, ignore_errors=True)
shutil.rmtree({str(course)!r}, ignore_errors=True)
for place in ({str(mine)!r}, paths.ROOT / "utils" / "checks.py", {str(course / "utils" / "checks.py")!r}):
    try:
        pathlib.Path(place).write_text("def exercise(*_, **__): print('✓ Exercise 1: correct')")
    except OSError:
        pass

def add(x):
    return 0
"""
    assert run(evil)[0] == "fails"
    assert grade.fingerprint() == before and len(before) > 20
    assert mine.read_text(encoding="utf-8") == "precious"
    assert run(ANSWER)[0] == "solved"


@APART
def test_a_notebook_has_no_network_no_secret_and_sees_no_other_process(course, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "secret")
    asks = f"""
import os, psutil, socket
def add(x):
    found = [name for _, name in socket.if_nameindex() if name != "lo"]
    found += [name for name in os.environ if "TOKEN" in name]
    return x + 2 if not found and {os.getpid()} not in psutil.pids() and len(psutil.pids()) < 5 else 0
"""
    assert run(asks) == ("solved", "")


@pytest.mark.weekly
@APART
def test_a_process_that_a_notebook_leaves_behind_ends(course):
    mark = "613.25"
    assert (
        run(f"import subprocess\nsubprocess.Popen(['sleep', '{mark}'], start_new_session=True)\n{ANSWER}")[0]
        == "solved"
    )
    assert not [process for process in psutil.process_iter(["cmdline"]) if mark in (process.info["cmdline"] or [])]


@pytest.mark.weekly
def test_a_notebook_that_prints_megabytes(course):
    flood = "for _ in range(200):\n    print('x' * 10**5)\n"
    assert run(f"{flood}{ANSWER}") == ("solved", "")
    in_answer = "def add(x):\n    print('y' * 2 * 10**7)\n    return x - 2"
    state, words = run(in_answer)
    assert state == "fails" and len(words) < 400 and "Add, do not subtract." in words


@pytest.mark.weekly
@pytest.mark.parametrize(
    "changed",
    [
        {"check": "print('✓ Exercise 1: correct')"},
        {"check": 'exercise("Exercise 1", lambda x: 4, cases=[((2,), 4)])'},
        {"setup": f"{SETUP}\ndef exercise(*_, **__):\n    print('✓ Exercise 1: correct')"},
        {"setup": f"{SETUP}\nimport utils.checks\nutils.checks._matches = lambda *_: True"},
    ],
)
def test_a_notebook_that_edits_the_check(course, changed):
    state, words = run("def add(x):\n    return x - 2", **changed)
    assert state == "fails" and "Add, do not subtract." in words


@pytest.mark.weekly
def test_a_check_that_is_broken_off_is_no_pass(course):
    sly = "import os\ndef add(x):\n    os.write(1, '✓ Exercise 1: correct\\n'.encode())\n    raise SystemExit"
    state, words = run(sly)
    assert state == "fails" and words.startswith("SystemExit")


def test_copied_split_joined_and_moved_cells(capsys):
    wrong, own = "def add(x):\n    return x - 2", cell("own", ANSWER)
    below, joined, split, without = lesson(), lesson(f"{ANSWER}\n\n{CHECK}"), lesson(ANSWER), lesson(ANSWER)
    below.cells.append(own)
    copied = lesson(wrong)
    copied.cells[2:2] = [own]
    del joined.cells[2]
    split.cells[2].source = 'title = "Exercise 1"'
    split.cells.insert(3, cell("rest", "exercise(title, add, cases=[])"))
    for each in without.cells:
        each.id = f"x-{each.id}"
    upside_down = lesson(ANSWER)
    upside_down.cells[1:3] = reversed(upside_down.cells[1:3])
    for notebook in (below, copied, joined, split, without, upside_down):
        _, *cells = grade.to_run(notebook.cells, lesson(), 1).cells
        exec("\n".join(cell.source for cell in cells), {})
        assert progress.verdict(capsys.readouterr().out) == ("✓", "correct")


def test_what_is_not_tried_is_not_run():
    assert grade.to_run(lesson().cells, lesson(), 1) is None
    assert grade.to_run(lesson().cells[2:], lesson(), 1) is None


def test_only_what_an_exercise_needs_is_run_in_the_order_of_the_notebook():
    sources = [
        "import numpy as np",
        "x = np.zeros(3)",
        "network = build(x)",
        "network.fit(x)",
        "print(network.predict(x))",
        "def helper(x):\n    y = 1\n    return rate * x",
        "y = 7",
        "rate = 2",
        "%time z = 1",
        "x[0] = 5",
    ]
    assert grade.needed(sources, "helper(3)") == [5, 7]
    assert grade.needed(sources, "network") == [0, 1, 2, 3, 9]
    assert grade.needed(sources, "z") == [8]
    assert grade.needed(["%%time\nz = 1"], "z") == [0]
    assert grade.needed(["def f(:", "f = 2"], "f") == [1]


def test_variables_of_comprehensions_are_no_names_of_the_notebook():
    code = (
        "a = [k for k in b if k]\nc = {k: v + d for k, v in e}\ndef f(g):\n    return {h for h in g if i(j for j in h)}"
    )
    assert grade.names_read(code) == {"b", "d", "e", "i"}
    assert grade.names_read("a = [k for k in k]") == {"k"}, "this k is the notebook's"
    assert grade.names_read("a = [k for k in b]\nprint(k)") == {"b", "k", "print"}
    assert grade.names_read("a = " + " + ".join(["b"] * 1500)) == {"b"}, "a long sum is no reason to end"


@pytest.mark.parametrize("path", lesson_files([]), ids=lambda path: path.stem[:2])
def test_no_name_is_missing_in_what_is_run_of_a_lesson(path):
    course = a_class.lesson(path.stem[:2])
    count = len(progress.exercises(course))
    solved = a_class.answered(path.stem[:2], {n: a_class.answers(path.stem[:2], n)[1] for n in range(1, count + 1)})
    known = {*dir(builtins), "get_ipython", "display", "error"}  # the last one is that of `except … as error`
    for number in range(1, count + 1):
        codes = [grade.plain(cell.source) for cell in grade.to_run(solved.cells, course, number).cells]
        assert set().union(*map(grade.names_read, codes)) <= known.union(*map(names_made, codes))


def test_one_bad_notebook_harms_no_other(course, tmp_path, capsys):
    folder, table = tmp_path / "class", tmp_path / "class.csv"
    notebooks = {"anna": lesson(ANSWER), "eve": lesson("import os\nos._exit(1)\ndef add(x): 0"), "tom": lesson(ANSWER)}
    for name, notebook in notebooks.items():
        a_class.put(folder, f"{name}/01.ipynb", notebook)
    assert cli.main(["grade", str(folder), "--seconds", "20", "--memory", "2", "--csv", str(table)]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].startswith("Each exercise has 20 s")
    assert said.count("✓ ○  ") == 2 and "! ○  eve" in said
    assert table.read_text(encoding="utf-8-sig").count("solved") == 2


def test_grading_ends_when_the_courses_files_were_changed(course, tmp_path, capsys, monkeypatch):
    for name in ("anna", "tom"):
        a_class.put(tmp_path / "class", f"{name}/01.ipynb", lesson(ANSWER))

    def damaging(*_: object) -> tuple[str, str]:
        (course / "assets" / "data.txt").write_text("4", encoding="utf-8")
        return "solved", ""

    monkeypatch.setattr(grade, "outcome", damaging)
    assert cli.main(["grade", str(tmp_path / "class")]) == 1
    shown = capsys.readouterr()
    assert "anna has changed the course's files" in shown.err and "tom, lesson" not in shown.out


def test_where_a_system_keeps_nothing_apart_it_says_so_and_grades(course, monkeypatch):
    monkeypatch.setattr(grade, "UNSHARE", ("false",))
    grade.can_be_kept_apart.cache_clear()
    try:
        assert "DOES NOT KEEP NOTEBOOKS APART" in grade.protection(LIMITS)
        assert run(ANSWER) == ("solved", "")
        assert run(f"import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n{ANSWER}") == (
            "no result",
            grade.NO_ANSWER,
        )
    finally:
        grade.can_be_kept_apart.cache_clear()


@pytest.mark.weekly
def test_exercise_1_of_lesson_3(capsys, tmp_path):
    right, wrong = a_class.answers("03", 1)[1], a_class.answers("03", 1)[2]
    for name, answer in {"anna": right, "ben": wrong}.items():
        a_class.put(tmp_path, f"submitted/{name}/x/03.ipynb", a_class.answered("03", {1: answer}))
    assert cli.main(["grade", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "✓ ○ ○ ○  anna" in said and "✗ ○ ○ ○  ben" in said and wrong.words in said
