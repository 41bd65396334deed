"""`python -m course` is the command `course`, where that is not on the path."""

import sys

from course.cli import main

sys.exit(main())
