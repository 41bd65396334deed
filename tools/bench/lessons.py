"""Seconds of each lesson in quick mode and the ten slowest cells, as the last `course run --at-once 1` kept them.

python -m tools.bench.lessons
"""

from __future__ import annotations

import json
import sys

from course.lessons import lesson_files
from tools.bench import common
from utils import paths


def summary(timings: dict) -> dict:
    """Seconds per lesson, kernel starts included, and together; the ten slowest cells.

    Args:
        timings: what `course run --at-once 1` writes into build/timings.json.

    Raises:
        SystemExit: some lessons are missing, or ran in full mode.
    """
    missing = [path.stem for path in lesson_files([]) if path.stem not in timings]
    if missing or any(lesson["mode"] != "quick" for lesson in timings.values()):
        sys.exit("Run all lessons first, in quick mode: course run --at-once 1")
    seconds = {name: lesson["seconds"] for name, lesson in timings.items()}
    cells = [
        {"lesson": name[:2], "id": cell["id"], "seconds": cell["seconds"]}
        for name, lesson in timings.items()
        for cell in lesson["cells"]
    ]
    cells.sort(key=lambda cell: -cell["seconds"])
    return {"seconds": seconds, "together": sum(seconds.values()), "slowest cells": cells[:10]}


def main() -> None:
    path = paths.BUILD / "timings.json"
    timings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    common.record("lessons", summary(timings))


if __name__ == "__main__":
    main()
