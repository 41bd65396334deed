from __future__ import annotations

import numpy as np
import pytest

from utils import checks
from utils.checks import check, exercise, headline, summary


def test_check_prints_a_tick(capsys):
    check("two is two", np.bool_(True))
    check("so is an array with one element", np.array([True]))
    assert capsys.readouterr().out == "✓ two is two\n✓ so is an array with one element\n"


def test_check_fails_with_the_claim_and_the_hint():
    with pytest.raises(AssertionError, match=r"(?s)✗ the sky is green.*Hint: look up"):
        check("the sky is green", False, "look up")


@pytest.mark.parametrize("value", [np.array([True, True]), [], np.array([])])
def test_check_wants_one_truth_value(value):
    with pytest.raises(ValueError, match="one truth value"):
        check("many", value)


def test_nan_comparison_is_not_a_pass():
    with pytest.raises(AssertionError):
        check("NaN is small", float("nan") < 1)


def test_headline(capsys):
    headline("test accuracy", "0.978")
    assert capsys.readouterr().out == "★ test accuracy: 0.978\n"


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (None, 3, "○ E: not attempted yet"),
        (3, 3, "✓ E: correct"),
        (3.0000001, 3, "correct"),
        (4, 3, "✗ E: 4 is not right for the arguments (). count again"),
        (12, 3, "that is the square"),
        ([1, 2], [1, 2], "correct"),
        ([1, 2, 3], [1, 2], "not right"),
        (np.array([[1.0]]), 1.0, "not right"),
        ("cat", "cat", "correct"),
        ("dog", "cat", "'dog' is not right"),
        (5, lambda got: got > 4, "correct"),
        ("x", lambda got: got > 4, "not right"),
        (float("nan"), 3, "not right"),
    ],
)
def test_exercise_with_one_case(capsys, answer, expected, words):
    mistakes = [(12, "that is the square"), (lambda got: got == 144, "twice")]
    exercise("E", lambda: answer, cases=[((), expected)], hint="count again", mistakes=mistakes)
    assert words in capsys.readouterr().out


def test_exercise_with_two_cases(capsys):
    cases = [((1, 2), 3), ((5, 5), 10)]
    exercise("E", lambda a, b: a + b, cases=cases)
    exercise("E", lambda a, b: None, cases=cases)
    exercise("E", lambda a, b: a * b, cases=cases, mistakes=[(2, "that is the product")])
    exercise("E", lambda a, b: 3, cases=cases, hint="add them")
    exercise("E", lambda a: a, cases=cases)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "✓ E: correct"
    assert lines[1] == "○ E: not attempted yet"
    assert lines[2].endswith("(1, 2). that is the product")
    assert lines[3] == "✗ E: 3 is not right for the arguments (5, 5). add them"
    assert lines[4].startswith("✗ E: your code raised TypeError")


def test_a_half_answered_function_is_an_attempt(capsys):
    exercise("E", lambda a: a if a else None, cases=[((1,), 1), ((0,), 0)])
    assert "None is not right" in capsys.readouterr().out


def test_a_wrong_answer_comes_before_a_later_error(capsys):
    exercise("E", lambda a: 1 / a, cases=[((2,), 2), ((0,), 0)], mistakes=[(0.5, "upside down")])
    assert capsys.readouterr().out.endswith("upside down\n")


def test_printing_is_not_returning(capsys):
    exercise("E", lambda a: print("it is", a), cases=[((1,), 1), ((2,), 2)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["it is 1", "it is 2"]
    assert lines[2].startswith("✗ E: your function prints") and "return" in lines[2]
    exercise("E", lambda a: print("it is", a) or a, cases=[((1,), 1)])
    assert capsys.readouterr().out == "it is 1\n✓ E: correct\n"


def test_long_values_are_cut(capsys):
    exercise("E", lambda: "y" * 500, cases=[((), "x")])
    assert len(capsys.readouterr().out) < 160


def test_the_summary_counts_each_exercise_once_as_it_stands(capsys, monkeypatch):
    monkeypatch.setattr(checks, "_said", {})
    answers = {"A": None, "B": 4, "C": 3, "D": None}
    for _ in range(2):
        for title, answer in answers.items():
            exercise(title, lambda answer=answer: answer, cases=[((), 3)])
        summary()
    exercise("A", lambda: 3, cases=[((), 3)])
    exercise("C", lambda: 1 / 0, cases=[((), 3)])
    summary()
    lines = [line for line in capsys.readouterr().out.splitlines() if "checked" in line]
    assert lines == [
        "4 exercises checked: 1 correct, 1 wrong, 2 not attempted",
        "4 exercises checked: 1 correct, 1 wrong, 2 not attempted",
        "4 exercises checked: 1 correct, 2 wrong, 1 not attempted",
    ]


def test_a_grader_gets_an_exception_unless_the_check_said_correct_last(monkeypatch):
    monkeypatch.setattr(checks, "_said", {})
    with pytest.raises(AssertionError, match="○ E: its check has not been run"):
        checks.assert_solved("E")
    for answer, said in ((None, "○ E: not attempted yet"), (3, "✗ E: 3 is not right .* Add one"), (4, "")):
        exercise("E", lambda answer=answer: answer, cases=[((), 4)], hint="Add one.")
        if said:
            with pytest.raises(AssertionError, match=said):
                checks.assert_solved("E")
    checks.assert_solved("E")
    exercise("E", lambda: 5, cases=[((), 4)])
    with pytest.raises(AssertionError, match="✗ E: 5"):
        checks.assert_solved("E")
