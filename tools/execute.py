"""Run the lessons in quick mode and write their outputs into notebooks/: python -m tools.execute [N …]"""

from __future__ import annotations

import sys

from course.run import run_lessons
from utils.mode import mode


def main(lessons: list[str]) -> int:
    """Execute lessons, all if none is named: 1 if one of them failed; its file is then as it was.

    Raises:
        SystemExit: the mode is not quick, or there is no such lesson.
    """
    try:
        quick = mode() == "quick"
    except ValueError as error:
        sys.exit(str(error))
    if not quick:
        sys.exit("Committed outputs are those of quick mode: unset COURSE_MODE.")
    return run_lessons(lessons, at_once=1, write_outputs=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
