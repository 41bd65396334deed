"""One sentence where a cell fails because another has not been run, or a training not to its end."""

from __future__ import annotations

from collections.abc import Callable

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils import advice, paths, trainings

CELLS = [
    new_markdown_cell("# One lesson\n\n## 1. The data"),
    new_code_cell("# numbers\nx = y = [3, 4]"),
    new_code_cell("for n in x:\n    total = sum(x)"),
    new_markdown_cell("## 2. The answer"),
    new_code_cell("def answer():\n    inner = 1\n    return inner"),
    new_code_cell("x = x[:1]"),
    new_code_cell("print(x, answer())"),
    new_code_cell("inner"),
    new_code_cell("%matplotlib inline\nimport os.path"),
]


@pytest.fixture
def reader(tmp_path, monkeypatch, capsys):
    """A function that runs code in a fresh kernel, as a reader of that lesson: what is then shown."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(trainings, "_partial", {})
    monkeypatch.setattr(advice, "_lesson", 0)
    nbformat.write(new_notebook(cells=CELLS), tmp_path / "01_x.ipynb")
    shell = InteractiveShell.instance(colors="nocolor")
    advice.give(1)

    def read(code: str, well: bool = False) -> str:
        assert shell.run_cell(code, store_history=True).success is well
        return capsys.readouterr().out

    yield read
    InteractiveShell.clear_instance()


def test_it_names_the_cell_to_run_first(reader: Callable[..., str]):
    said = reader(CELLS[6].source)  # of two cells that make x the nearer one above
    assert said.startswith(
        "`x` is not there yet. Run first the cell under “2. The answer” that begins with\n    x = x[:1]"
    )
    assert "Run All Above Selected Cell" in said and "Traceback" not in said
    assert "“1. The data” that begins with\n    x = y = [3, 4]\n" in reader(CELLS[5].source)
    assert "def answer():" in reader("answer()")  # a cell of the reader's own
    assert "for n in x:" in reader("print(total)")


def test_an_exercise_that_waits_for_a_cell_names_it_too(reader):
    """Its check calls a function of its own, and that one the reader's, whose cell has not been run."""
    ask = "from utils.checks import exercise\nexercise('Exercise 1', lambda: {}, cases=[((), 1)])"
    assert reader(ask.format("answer()")).startswith(
        "`answer` is not there yet. Run first the cell under “2. The answer”"
    )
    assert "✗ Exercise 1: your code raised NameError: name 'pritn'" in reader(ask.format("pritn(1)"), well=True)


def test_an_error_of_another_kind_is_shown_as_ever(reader):
    for code in ("inner", "pritn(1)", "1 / 0", "[][1]", "int('x')", "raise KeyError('k')"):
        said = reader(code)
        assert "Traceback" in said and "Run first" not in said and "training" not in said


def test_where_a_training_was_stopped_an_index_says_so(reader):
    trainings.note(whole=False)
    said = reader("[][30]")
    assert "IndexError" in said and trainings.NEEDED in said and "Traceback" not in said
    assert "Traceback" in reader("1 / 0")


def test_a_training_counts_as_whole_when_its_cell_is_run_again(reader):
    """Three trainings in one cell, one of them stopped; then all of them whole; others change nothing."""
    stop = "from utils import trainings as t\nfor whole in (True, {}, True): t.note(whole)"
    reader(stop.format(False), well=True)
    assert trainings.any_partial()
    reader("from utils import trainings as t; t.note(True)", well=True)
    assert trainings.any_partial()
    trainings._partial = {stop.format(True): 1}
    reader(stop.format(True), well=True)
    assert not trainings.any_partial()
