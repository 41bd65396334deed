"""Which lessons there are, and how a command line names them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from utils import paths

# The metadata of a lesson, whatever machine wrote it.
NEUTRAL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

# By how long they take. In this order those that run side by side end at about the same time.
LONGEST_FIRST = ("08", "06", "04", "05", "03", "07", "09", "02", "01")


def lesson_files(prefixes: Sequence[str]) -> list[Path]:
    """The notebooks in order, or those whose name begins with one of the numbers ("4" means "04").

    Raises:
        SystemExit: there is no such lesson; the message names those that there are.
    """
    files = sorted(paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    for prefix in prefixes:
        if not any(path.name.startswith(prefix.zfill(2)) for path in files):
            sys.exit(f"There is no lesson {prefix!r}; there are: {', '.join(path.stem[:2] for path in files)}")
    return [path for path in files if not prefixes or any(path.name.startswith(p.zfill(2)) for p in prefixes)]
