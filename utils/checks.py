"""Visible checks: a lesson's claims, and the exercises that check themselves."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from utils import advice, trainings

_said: dict[str, str] = {}  # of each exercise, the line that its check printed last


def check(claim: str, holds: Any, hint: str = "") -> None:
    """Print "✓ claim" if it holds; stop with the claim and a hint if it does not.

    Where a training was stopped, a claim that does not hold is no mistake: one line says what it needs.

    Args:
        claim: a sentence that is true when the check passes.
        holds: a bool, or anything with one truth value (a NumPy bool, a 0-d tensor).
        hint: what to look at when it fails.

    Raises:
        AssertionError: the claim does not hold.
        ValueError: `holds` has many elements; reduce it with .all() or .any() first.
    """
    array = np.asarray(holds)
    if array.size != 1:
        raise ValueError(f"check({claim!r}) needs one truth value, got shape {array.shape}; use .all() or .any()")
    if not array.item():
        if trainings.any_partial():
            print(f"○ {claim}: {trainings.NEEDED}")
            return
        raise AssertionError(f"✗ {claim}" + (f"\n  Hint: {hint}" if hint else ""))
    print(f"✓ {claim}")


def headline(name: str, value: str) -> None:
    """Print one of the lesson's main numbers, in the form that `make lessons` collects for its table."""
    print(f"★ {name}: {value}")


def exercise(
    title: str,
    answer: Callable[..., Any],
    *,
    cases: Sequence[tuple[tuple[Any, ...], Any]],
    hint: str = "",
    mistakes: Sequence[tuple[Any, str]] = (),
    tolerance: float = 1e-5,
) -> None:
    """Check a reader's function, `answer`, and say so in one line; never stop the notebook.

    A function that returns None for all cases, and prints nothing, counts as not attempted yet.

    Args:
        title: for example "Exercise 1".
        cases: (arguments, what it must return, or a predicate that is True for a right result).
        hint: shown with a wrong answer.
        mistakes: (wrong result or predicate, message) of typical answers, for the first case that fails.
        tolerance: relative and absolute tolerance for numbers.

    Raises:
        NameError: the function needs what another cell of the lesson makes, and that has not been run.
    """
    results, printed = _call(answer, [arguments for arguments, _ in cases])
    right = [_matches(got, wanted, tolerance) for got, (_, wanted) in zip(results, cases, strict=True)]
    if all(right):
        mark, words = "✓", "correct"
    elif any(got is not None for got in results):
        first = right.index(False)
        mark, words = "✗", _message(results[first], cases[first][0], hint, mistakes, tolerance)
    elif printed:
        mark, words = "✗", "your function prints its answer and returns None. Write return before the answer."
    else:
        mark, words = "○", "not attempted yet"
    _said[title] = f"{mark} {title}: {words}"
    print(f"{printed}{_said[title]}")


def assert_solved(title: str) -> None:
    """For a grader, which wants an exception of a wrong answer: raise one unless an exercise's check said ✓ last.

    Args:
        title: as its check has it, for example "Exercise 1".

    Raises:
        AssertionError: the check said ✗ or ○, in these words, or has said nothing in this kernel.
    """
    said = _said.get(title, f"○ {title}: its check has not been run")
    if not said.startswith("✓"):
        raise AssertionError(said)


def _call(answer: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> tuple[list[Any], str]:
    """What a reader's function returns for each tuple of arguments, or the error that it raises; and what it prints."""
    printed = io.StringIO()
    results: list[Any] = []
    with contextlib.redirect_stdout(printed):
        for arguments in calls:
            try:
                results.append(answer(*arguments))
            except Exception as error:  # whatever the reader's code raises is the message
                if advice.waits_for_a_cell(error):
                    raise  # the kernel says which cell
                results.append(error)
    return results, printed.getvalue()


def _message(
    got: Any, arguments: tuple[Any, ...], hint: str, mistakes: Sequence[tuple[Any, str]], tolerance: float
) -> str:
    """What to say of a wrong result: the error, or the result with the message for a typical mistake, or the hint."""
    if isinstance(got, Exception):
        return f"your code raised {type(got).__name__}: {got}"
    advice = hint
    for wrong, text in mistakes:
        if _matches(got, wrong, tolerance):
            advice = text
            break
    return f"{_brief(got)} is not right for the arguments {_brief(arguments)}. {advice}".rstrip()


def layer_settings(network: Any) -> str:
    """What makes each layer of a Keras network what it is, a line each, without names, weights and the input layer."""
    settings = ("filters", "kernel_size", "strides", "padding", "pool_size", "units", "activation", "rate")
    lines = []
    for layer in network.layers:
        if type(layer).__name__ != "InputLayer":
            config = layer.get_config()
            lines.append(" ".join([type(layer).__name__, *(f"{name}={config.get(name)}" for name in settings)]))
    return "\n".join(lines)


def summary() -> None:
    """Print how many exercises are correct, wrong and not attempted, by what each check said last in this kernel."""
    if not _said:
        print("No exercise has been checked yet in this kernel: run the cells with the checks, then this one again.")
        return
    right, wrong, empty = ([said[0] for said in _said.values()].count(mark) for mark in "✓✗○")
    print(f"{len(_said)} exercises checked: {right} correct, {wrong} wrong, {empty} not attempted")


def _matches(got: Any, wanted: Any, tolerance: float) -> bool:
    """Whether a result is the wanted one: by predicate, by shape and value for numbers, else by ==."""
    if isinstance(wanted, Callable):
        with contextlib.suppress(Exception):
            return bool(wanted(got))
        return False
    try:
        a, b = (np.asarray(value, dtype=float) for value in (got, wanted))
    except (TypeError, ValueError):
        return isinstance(got, type(wanted)) and bool(got == wanted)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def _brief(value: Any, limit: int = 80) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
