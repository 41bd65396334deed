"""Each cell of a lesson alone, after a restart: the right result, or one sentence that names the cell to run first."""

from __future__ import annotations

import os

import pytest
from nbformat.v4 import new_code_cell, new_output

from course.lessons import lesson_files
from tools import alone

LESSONS = os.environ.get("ALONE_LESSONS", "1").split()  # all nine: python -m tools.alone


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_cell_alone(lesson):
    (path,) = lesson_files([lesson])
    results = alone.alone(path)
    assert results["finding"] == []
    assert len(results["advice"]) > len(results["the same"]) > 3  # they were really run alone


def printed(text: str) -> list:
    return [new_output("stream", name="stdout", text=text)]


def failed(*lines: str) -> list:
    return [new_output("error", ename="NameError", evalue="name 'x' is not defined", traceback=list(lines))]


@pytest.mark.parametrize(
    ("outputs", "error", "kind"),
    [
        (printed("7\n"), "", "the same"),
        (printed("8\n"), "", "finding"),
        (failed("`x` is not there yet. Run first the cell under “2. Data”"), "NameError: x", "advice"),
        (failed("Traceback (most recent call last)", "NameError"), "NameError: x", "finding"),
    ],
)
def test_what_a_cell_alone_may_say(outputs, error, kind):
    assert alone.judge(new_code_cell("print(x)", outputs=printed("7\n")), outputs, error)[0] == kind
