"""What the lessons share: modes and set-up, data, figures, confusion matrices and checks.

A helper is built step by step in the lesson that teaches it and imported from here afterwards; its docstring names
that lesson. Nothing in here knows about one particular lesson.
"""

import sys

# The first thing that a lesson imports of the course, and so what a kernel of another Python meets: it must be readable
# for every Python 3.
if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    raise ImportError(
        f"This course needs Python 3.10, 3.11, 3.12 or 3.13, and this kernel is {sys.version.split()[0]}. Start the "
        "lessons by `course lab`, or choose the Python in the course's folder .venv as kernel."
    )
