"""The regression test is tested: changes planted into a small lesson must each be noticed, and nothing else.

The lesson is run once for its outputs; then one run of a copy serves all changes: the cells that fail must be exactly
those that were changed.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course import kernels
from tools import execute, rerun
from tools.compare import FIGURE_VARIES, TEXT_IGNORED, figures
from utils import paths

SET_UP = """
import matplotlib.pyplot as plt
from utils import plotting
from utils.checks import check, exercise

plotting.use_style()
epochs = range(1, 13)
loss, val_loss = [1 / n for n in epochs], [1 / n + n / 60 for n in epochs]
accuracy, val_accuracy = [1 - 0.5 / n for n in epochs], [0.9 - 0.4 / n for n in epochs]
"""
CURVES = """
plt.plot(epochs, {0}, label="training")
plt.plot(epochs, val_{0}, label="validation")
plt.title("a training")
plt.xlabel("epoch")
plt.legend()
plt.show()
"""
FIGURE = "plt.plot([1, 3, 2])\nplt.show()"
CHECK = """exercise("Exercise 1", double, cases=[((2,), 4)], hint="Add it to itself.")"""


def lesson() -> NotebookNode:
    """A lesson with what nbval compares, by the ids of its cells, not yet run."""
    sources = {
        "setup": SET_UP,
        "same": "print('the same', 7)",
        "number": "print('numbers:', 1, 2, 3)",
        "output": "print('an output')",
        "text": "print('text that nobody compares')\n" + FIGURE,
        "text-only": "print('text that nobody compares')",
        "figure": FIGURE,
        "same-figure": FIGURE,
        "claim": "check('two is less than three', 2 < 3)",
        "loss": CURVES.format("loss"),
        "accuracy": CURVES.format("accuracy"),
        "empty": CURVES.format("loss"),
        "one-curve": CURVES.format("loss"),
        "noise": CURVES.format("loss"),
        "stub": "def double(x):\n    return None",
        "exercise": CHECK,
    }
    notebook = new_notebook(cells=[new_code_cell(source.strip(), id=name) for name, source in sources.items()])
    for name in ("loss", "accuracy", "empty", "one-curve", "noise"):
        cell(notebook, name).metadata["tags"] = [FIGURE_VARIES]
    for name in ("text", "text-only"):
        cell(notebook, name).metadata["tags"] = [TEXT_IGNORED]
    cell(notebook, "stub").metadata["tags"] = ["exercise"]
    cell(notebook, "exercise").metadata["tags"] = ["exercise-check"]
    solution = "<details><summary>Solution</summary>\n\n```python\ndef double(x):\n    return 2 * x\n```\n\n</details>"
    notebook.cells.append(new_markdown_cell(solution, id="solution", metadata={"tags": ["solution"]}))
    return notebook


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(one for one in notebook.cells if one.id == name)


def edit(name: str, old: str, new: str) -> Callable[[NotebookNode], None]:
    """A change of a cell's code: what it then prints or draws is no longer what is committed."""

    def plant(notebook: NotebookNode) -> None:
        one = cell(notebook, name)
        one.source, changes = re.subn(old, new, one.source)
        assert changes

    return plant


def change_number(notebook: NotebookNode) -> None:
    """In what is committed."""
    output = cell(notebook, "number").outputs[0]
    output.text = output.text.replace("2", "5")


def delete_output(notebook: NotebookNode) -> None:
    cell(notebook, "output").outputs = []


def draw_a_line(notebook: NotebookNode) -> None:
    """A thin one, into a committed figure."""
    data = next(output.data for output in cell(notebook, "figure").outputs if "image/png" in output.get("data", {}))
    (picture,) = figures([{"data": data}])
    height, width = picture.shape[:2]
    cv2.line(picture, (width // 4, height // 2), (width // 2, height // 3), (178, 114, 0), 2)
    data["image/png"] = base64.b64encode(cv2.imencode(".png", picture)[1]).decode()


PLANTED = {
    "number": change_number,
    "output": delete_output,
    "figure": draw_a_line,
    "text": edit("text", r"\[1, 3, 2\]", "[3, 1, 2]"),
    "claim": edit("claim", "2 < 3", "2 > 3"),
    "loss": edit("loss", "loss", "accuracy"),
    "accuracy": edit("accuracy", "accuracy", "loss"),
    "empty": edit("empty", r"epochs, \w+", "[], []"),
    "one-curve": edit("one-curve", "epochs, val_loss", "[], []"),
    "solution": edit("solution", r"2 \* x", "3 * x"),
}
ALLOWED = {
    "noise": edit("noise", "epochs, val_loss", "epochs, [loss + 0.01 for loss in val_loss]"),
    "text-only": edit("text-only", "print", "print(1);print"),
}


def run_nbval(limit: int, *notebooks: Path) -> tuple[str, list[str]]:
    """pytest as `make notebooks` calls it: (what it printed, the lesson and the name of each cell that failed)."""
    command = [sys.executable, "-m", "pytest", "--nbval", f"--nbval-cell-timeout={limit}", "-p", "conftest", "-rf"]
    command += ["-c", str(paths.ROOT / "pyproject.toml"), "--rootdir", str(notebooks[0].parent)]
    command += ["-p", "no:cacheprovider", *map(str, notebooks)]
    run = subprocess.run(
        command, cwd=paths.ROOT, capture_output=True, text=True, encoding="utf-8", check=False, timeout=300
    )
    assert run.returncode == 1, run.stdout + run.stderr
    return run.stdout, re.findall(r"^FAILED .*?(\w+)\.ipynb::(\w+(?: answer)? \d+)", run.stdout, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def noticed(tmp_path_factory) -> list[str]:
    """The ids of the cells that fail after all changes have been planted into one copy."""
    folder = tmp_path_factory.mktemp("planted")
    notebook = lesson()
    NotebookClient(notebook, kernel_name="python3").execute()
    for plant in (PLANTED | ALLOWED).values():
        plant(notebook)
    nbformat.write(notebook, folder / "planted.ipynb")
    names = [f"Cell {number}" for number in range(len(notebook.cells))] + ["Solution 1"]
    ids = dict(zip(names, [one.id for one in notebook.cells[:-1]] + ["", "solution"], strict=True))
    return [ids[name] for _, name in run_nbval(300, folder / "planted.ipynb")[1]]


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_change_is_noticed(noticed, name):
    assert name in noticed


def test_nothing_else_fails(noticed):
    assert sorted(noticed) == sorted(PLANTED)


ENDLESS = """
import keras, numpy
from utils.live import Progress
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = numpy.zeros((4, 1))
model.fit(x, x, epochs=10**6, verbose=0, callbacks=[Progress()]);
"""


def test_a_cell_over_its_limit_fails_the_run(tmp_path):
    """A training that takes the interrupt for the stop button ends well; it must fail all the same."""
    lessons = {
        "sleeps": ["import time; time.sleep(600)", "print(1)"],
        "trains": [ENDLESS, "print(1)"],
    }
    for name, sources in lessons.items():
        cells = [new_code_cell(source.strip(), execution_count=n) for n, source in enumerate(sources, start=1)]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    said, failed = run_nbval(15, *(tmp_path / f"{name}.ipynb" for name in lessons))
    assert failed == [("sleeps", "Cell 0"), ("trains", "Cell 0")]
    assert said.count("Cell 0: The cell ran longer than 15 s") >= 2  # the summary may repeat them
    assert "2 failed, 2 skipped" in said


# TensorFlow must have been imported when the limit comes.
@pytest.mark.parametrize(
    ("source", "limit"),
    [("import time; time.sleep(600)", 5), pytest.param(ENDLESS, 15, marks=pytest.mark.weekly)],
    ids=["sleeps", "trains"],
)
def test_a_cell_over_its_limit_fails_the_commands_too(tmp_path, monkeypatch, capsys, source, limit):
    """`make lessons` and `make execute` say which cell it was, exit with 1, and leave the lesson's file as it was."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    monkeypatch.setenv("COURSE_MODE", "quick")
    monkeypatch.setitem(kernels.CELL_TIMEOUT, "quick", limit)
    lesson = tmp_path / "01_slow.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source.strip(), id="slow"), new_code_cell("print(1)")]), lesson)
    before = lesson.read_bytes()
    assert execute.main([]) == 1
    said = capsys.readouterr().out
    assert f"FAILED cell 1 (slow) ran longer than {limit} s" in said and "0 passed, 1 failed" in said
    assert lesson.read_bytes() == before
    assert rerun.rerun(lesson, limit=limit) == [f"cell 1 (slow) ran longer than {limit} s"]
