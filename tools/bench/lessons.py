"""`make lessons` as a whole: seconds of each lesson in quick mode, and the ten slowest cells.

    python -m tools.bench.lessons [--kept]

--kept takes the times of the last `make lessons` from build/timings.json instead of running the lessons again.
"""

from __future__ import annotations

import json
import subprocess
import sys

from tools.bench import common
from utils import paths


def slowest(timings: dict, count: int) -> list[dict]:
    """The cells that took longest over all lessons: lesson, cell, seconds, first line."""
    cells = [{"lesson": name[:2], **cell} for name, lesson in timings.items() for cell in lesson["cells"]]
    return sorted(cells, key=lambda cell: -cell["seconds"])[:count]


def summary(timings: dict) -> dict:
    """Seconds per lesson, kernel starts included, and together; the ten slowest cells."""
    assert {lesson["mode"] for lesson in timings.values()} == {"quick"}, "these times are not all of quick mode"
    seconds = {name: lesson["seconds"] for name, lesson in timings.items()}
    return {"seconds": seconds | {"together": sum(seconds.values())}, "slowest cells": slowest(timings, 10)}


def main() -> None:
    if "--kept" not in sys.argv[1:]:
        subprocess.run([sys.executable, "-m", "course.run", "run"], check=True)
    timings = json.loads((paths.BUILD / "timings.json").read_text(encoding="utf-8"))
    common.record("all lessons in quick mode", "under 300 s together", summary(timings))


if __name__ == "__main__":
    main()
