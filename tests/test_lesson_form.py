"""The form of the second edition: lessons that have it keep it, and each rule notices what breaks it."""

from __future__ import annotations

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.lessons import lesson_files
from tools import lesson_form

OPENING = """# Lesson 4: Digits

[← Lesson 3](03_modeling_linear_regression.ipynb)

![A handwritten 7 becomes a row of numbers](../assets/diagrams/04_opener.svg)"""
OBJECTIVES = "## What you will be able to do\n\n- one\n- two\n- three"
BEFORE = "## Before you start\n\nThe licence of the data is CC0. Reading takes an hour, computing a minute."
SET_UP = "from utils import runtime\nimport keras\nkeras.utils.set_random_seed(42)\nruntime.start(4, 'Digits')"
HINTS = "".join(
    f"\n\n<details><summary>Hint {number}</summary>\n\n{words * 10}\n\n</details>"
    for number, words in ((1, "Look. "), (2, "Count. "))
)
SOLUTION = "<details><summary>Solution</summary>\n\n```python\nmodel.fit(x, y)\n```\n\n</details>"


def kept() -> NotebookNode:
    """A small lesson that keeps the form."""
    text, code = new_markdown_cell, new_code_cell
    cells = [text(OPENING, id="title"), text(OBJECTIVES, id="objectives"), text(BEFORE, id="before")]
    figure = new_output("display_data", {"image/png": "iVBORw0KGgo="})
    cells += [code(SET_UP, id="setup"), text("## 1. A result first", id="s1"), code("draw()", id="draw")]
    cells[-1].outputs = [figure]
    for number in range(1, 5):
        cells += [
            text(f"Before you run this: what is {number}?{HINTS}", id=f"task-{number}"),
            code("def answer(x):\n    return None", id=f"stub-{number}", metadata={"tags": ["exercise"]}),
            code("exercise('E', answer)", id=f"check-{number}", metadata={"tags": ["exercise-check"]}),
            text(SOLUTION, id=f"solution-{number}", metadata={"tags": ["solution"]}),
        ]
    cells += [text("## Mini project\n\nA good answer contains a table.", id="project")]
    cells += [code("value = 1", id=f"small-{number}") for number in range(9)]
    cells += [text("## Summary\n\n- one\n- two\n- three", id="summary")]
    cells += [text(f"## {name}", id=name.split()[0].lower()) for name in lesson_form.CLOSING[1:]]
    collapsed = {"jp-MarkdownHeadingCollapsed": True}
    cells += [
        text("## Deeper: a proof", id="deeper", metadata=collapsed),
        code("proof = value", id="proof"),
        text("## Deeper: another", id="deeper-2", metadata=collapsed),
        code("other = value", id="other"),
    ]
    return new_notebook(cells=cells)


def cell(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(one for one in notebook.cells if one.id == name)


def add(notebook: NotebookNode, source: str, text: bool = True, before: str = "summary", count: int = 1) -> None:
    """Put new cells before another one."""
    new = new_markdown_cell if text else new_code_cell
    place = notebook.cells.index(cell(notebook, before))
    notebook.cells[place:place] = [new(source, id=f"added-{number}") for number in range(count)]


def edit(name: str, old: str, new: str, notebook: NotebookNode) -> None:
    one = cell(notebook, name)
    assert old in one.source
    one.source = one.source.replace(old, new)


def move(notebook: NotebookNode, name: str, before: str) -> None:
    one = cell(notebook, name)
    notebook.cells.remove(one)
    notebook.cells.insert(notebook.cells.index(cell(notebook, before)), one)


def remove(notebook: NotebookNode, *names: str) -> None:
    notebook.cells = [one for one in notebook.cells if one.id not in names]


def ticks_only(notebook: NotebookNode) -> None:
    for number in range(4):
        cell(notebook, f"small-{number}").outputs = [new_output("stream", name="stdout", text="✓ so it is\n")]


def late_exercises(notebook: NotebookNode) -> None:
    add(notebook, "words", before="task-1", count=60)


def other_solutions(notebook: NotebookNode) -> None:
    for number in range(1, 5):
        edit(f"solution-{number}", "model.fit(x, y)", "answer = 2", notebook)


BROKEN = {
    "size: core cells": lambda n: add(n, "words", count=90),
    "size: core code lines": lambda n: add(n, "a = 1\n" * 4, text=False, count=90),
    "size: core words": lambda n: add(n, "word " * 4501),
    "size: appendix cells": lambda n: add(n, "words", before="other", count=60),
    "size: cells with ticks only": ticks_only,
    "small_cells: lines of code cells, median": lambda n: add(n, "a = 1\n" * 6, text=False, count=20),
    "small_cells: lines of code cells, 90th": lambda n: add(n, "a = 1\n" * 16, text=False, count=3),
    "small_cells: lines of code cells, longest": lambda n: add(n, "a = 1\n" * 26, text=False),
    "columns: small-1": lambda n: edit("small-1", "1", " + ".join(30 * "1"), n),
    "plain_format: small-1": lambda n: edit("small-1", "1", "1  # fmt: skip", n),
    "opening: the lesson must begin": lambda n: edit("title", "03_modeling_linear_regression.ipynb", "x", n),
    "opening: the opening needs": lambda n: edit("title", "A handwritten 7 becomes a row of numbers", "", n),
    "opening: the first headings": lambda n: move(n, "before", "objectives"),
    "opening: 'What you will": lambda n: edit("objectives", "- two\n", "", n),
    "opening: before the set-up cell": lambda n: edit("before", "Reading", "It", n),
    "set_up: the set-up cell lacks set_random": lambda n: edit("setup", "set_random_seed", "seed", n),
    "set_up: small-1: imports": lambda n: edit("small-1", "value = 1", "import numpy", n),
    "early_result": lambda n: add(n, "words", before="draw", count=10),
    "guesses": lambda n: [edit(f"task-{number}", "Before you run this: ", "", n) for number in (1, 2)],
    "exercises: each exercise": lambda n: move(n, "check-2", "solution-3"),
    "exercises: exercises: 3": lambda n: remove(n, "task-4", "stub-4", "check-4", "solution-4"),
    "exercises: the first exercise": late_exercises,
    "exercises: one exercise must build": other_solutions,
    "exercises: solution-2": lambda n: edit("solution-2", "```python", "```", n),
    "exercises: stub-3": lambda n: edit("task-3", "Hint 2", "Another hint", n),
    "open_task: one open task, with": lambda n: edit("project", "A good answer", "It", n),
    "open_task: one": lambda n: remove(n, "project"),
    "closing: the core ends": lambda n: move(n, "pitfalls", "recall"),
    "closing: the summary": lambda n: edit("summary", "- two\n", "", n),
    "appendix: there is no": lambda n: remove(n, "deeper", "proof", "deeper-2", "other"),
    "appendix: after": lambda n: edit("deeper-2", "Deeper: another", "Another", n),
    "appendix: sections": lambda n: move(n, "deeper", "summary"),
    "appendix: deeper": lambda n: cell(n, "deeper").metadata.clear(),
    "names_stay: the core needs proof": lambda n: edit("small-1", "value = 1", "def f():\n    return proof", n),
    "names_stay: Deeper: another needs proof": lambda n: edit("other", "value", "proof", n),
    "plain_markdown: s1": lambda n: edit("s1", "first", "<b>first</b>", n),
    "plain_markdown: task-1: no formula": lambda n: edit("task-1", "Look.", "$x$", n),
    "language: s1: 'colors'": lambda n: edit("s1", "first", "in colors", n),
    "language: s1: a lesson": lambda n: edit("s1", "first", "as in the older course", n),
    "code_style: setup": lambda n: edit("setup", "import keras", "import keras, numpy", n),
    "code_style: small-1: no assignment": lambda n: edit("small-1", "value = 1", "print(value := 1)", n),
    "code_style: small-1: no training": lambda n: edit("small-1", "1", "[m.fit(x) for m in ()]", n),
    "code_style: small-1: colours": lambda n: edit("small-1", "1", "'#0072B2'", n),
    "stable_ids": lambda n: cell(n, "small-1").update(id="1f3a9c2e"),
}


def test_a_lesson_that_keeps_the_form():
    assert lesson_form.findings(kept()) == []


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_notices_what_breaks_it(rule):
    notebook = kept()
    BROKEN[rule](notebook)
    found = lesson_form.findings(notebook)
    assert any(sentence.startswith(rule) for sentence in found), found


def test_every_rule_is_broken_once():
    assert {rule.split(":")[0] for rule in BROKEN} == {rule.__name__ for rule in lesson_form.RULES}


@pytest.mark.parametrize("path", lesson_files([]), ids=lambda path: path.stem[:2])
def test_every_lesson_keeps_the_form(path):
    assert lesson_form.findings(nbformat.read(path, as_version=4)) == []
