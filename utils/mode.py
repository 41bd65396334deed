"""The one switch of the course: COURSE_MODE=quick (the default) or full."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")


def mode() -> str:
    """The mode this process runs in: "quick" or "full".

    Read from the environment variable COURSE_MODE; unset or empty means "quick".

    Raises:
        ValueError: COURSE_MODE holds anything else.
    """
    value = os.environ.get("COURSE_MODE", "").strip().lower() or "quick"
    if value not in ("quick", "full"):
        raise ValueError(f"COURSE_MODE is {value!r}. Set it to 'quick' (no network) or 'full', or unset it.")
    return value


def pick(*, quick: T, full: T) -> T:
    """The value for the mode this process runs in, for example ``epochs=pick(quick=21, full=31)``."""
    return full if mode() == "full" else quick
