"""`python -m course` is the command `course`, where that is not on the path."""

import sys

# Before anything that only a newer Python can read.
if sys.version_info[:2] < (3, 10):
    sys.exit(f"This course needs Python 3.10, 3.11, 3.12 or 3.13; this is {sys.version.split()[0]}.")

from course.cli import main

sys.exit(main())
