"""Visible checks: a lesson's claims, and the exercises that check themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def check(claim: str, holds: Any, hint: str = "") -> None:
    """Print "✓ claim" if it holds; stop with the claim and a hint if it does not.

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
        raise AssertionError(f"✗ {claim}" + (f"\n  Hint: {hint}" if hint else ""))
    print(f"✓ {claim}")


def headline(name: str, value: str) -> None:
    """Print one of the lesson's main numbers, in the form that `make lessons` collects for its table."""
    print(f"★ {name}: {value}")


def exercise(
    title: str,
    answer: Any,
    expected: Any = None,
    *,
    cases: Sequence[tuple[tuple[Any, ...], Any]] = (),
    hint: str = "",
    mistakes: Sequence[tuple[Any, str]] = (),
    tolerance: float = 1e-5,
) -> None:
    """Check a reader's answer and say so in one line; never stop the notebook.

    An answer that is None (or a function that returns None) counts as not attempted yet.

    Args:
        title: for example "Exercise 1".
        answer: a value, or a function when `cases` are given.
        expected: what the value must be, or a predicate that is True for a right one.
        cases: (arguments, expected) for a function; `expected` as above.
        hint: shown with a wrong answer.
        mistakes: (wrong value or predicate, message) for answers that people typically give; compared with what
            came out for the value, or for the first case that failed.
        tolerance: relative and absolute tolerance for numbers.
    """
    try:
        results = [(answer(*arguments), wanted, arguments) for arguments, wanted in cases] or [(answer, expected, None)]
    except Exception as error:  # whatever the reader's code raises is the message
        print(f"✗ {title}: your code raised {type(error).__name__}: {error}")
        return
    if all(got is None for got, _, _ in results):
        print(f"○ {title}: not attempted yet")
        return
    for got, wanted, arguments in results:
        if _matches(got, wanted, tolerance):
            continue
        message = next((text for wrong, text in mistakes if _matches(got, wrong, tolerance)), hint)
        where = "" if arguments is None else f" for the arguments {_brief(arguments)}"
        print(f"✗ {title}: {_brief(got)} is not right{where}." + (f" {message}" if message else ""))
        return
    print(f"✓ {title}: correct")


def _matches(got: Any, wanted: Any, tolerance: float) -> bool:
    """Whether a result is the wanted one: by predicate, by shape and value for numbers, else by ==."""
    if isinstance(wanted, Callable):
        try:
            return bool(wanted(got))
        except Exception:
            return False
    try:
        got_array, wanted_array = np.asarray(got, dtype=float), np.asarray(wanted, dtype=float)
    except (TypeError, ValueError):
        return type(got) is type(wanted) and got == wanted
    same_shape = got_array.shape == wanted_array.shape
    return same_shape and bool(np.allclose(got_array, wanted_array, rtol=tolerance, atol=tolerance, equal_nan=True))


def _brief(value: Any, limit: int = 80) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
