"""Each exercise has typical wrong answers with messages of their own; nbval runs them (tests/after_lesson.py)."""

from __future__ import annotations

import ast

import nbformat
import pytest

from course.lessons import lesson_files
from tests.after_lesson import solution_cells, tagged, wrong_answers


def keyword_text(source: str, name: str) -> str:
    """The code of a keyword argument of the call of `exercise`; empty if it has none."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    (call,) = [node for node in calls if getattr(node.func, "id", "") == "exercise"]
    return "".join(ast.unparse(word.value) for word in call.keywords if word.arg == name)


@pytest.mark.parametrize("path", lesson_files([]), ids=lambda path: path.stem[:2])
def test_every_exercise_has_wrong_answers_with_their_own_messages(path):
    notebook, wrong = nbformat.read(path, as_version=4), wrong_answers(path.stem[:2])
    checks = tagged(notebook, "exercise-check")
    numbers = [number for number, _, _ in wrong]
    assert sorted(set(numbers)) == list(range(1, len(checks) + 1))
    assert min(numbers.count(number) for number in numbers) >= 2
    for number, _, words in wrong:
        # The words are those of a mistake, not of the hint that any wrong answer gets.
        assert words not in keyword_text(checks[number - 1].source, "hint"), words
    assert len(solution_cells(notebook)) == len(checks)
