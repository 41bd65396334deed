"""The command `course`, for students and instructors: one line a command, each in a module of its own.

Each module is imported by the command that needs it, so that `course --help` answers at once.
"""

from __future__ import annotations

import argparse
import codecs
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
# What stands for our marks on a terminal that has only its own alphabet.
PLAIN = {"✓": "v", "✗": "x", "○": "o", "★": "*", "…": "...", "→": "->"}
START = """\
Nine lessons on deep learning, which you read and run in JupyterLab.

Type this first:
  course work        your own copy of the lessons, in which you can write
  course lab         open it in the browser; Ctrl-C in this window ends JupyterLab

If something goes wrong:
  course doctor      look at this machine and say what to do
"""


class Parser(argparse.ArgumentParser):
    """Answers a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. `course --help` shows what there is.\n")


def parser() -> Parser:
    """The commands and their arguments."""
    top = Parser(
        prog="course",
        usage="course COMMAND …",
        description=START,
        epilog=f"The course is in {ROOT}:\nnotebooks/ has the lessons, work/ your copy, build/ what commands write.",
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=18, width=100),
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands (`course COMMAND --help`)")

    def add(name: str, words: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")

    def add_lessons(command: argparse.ArgumentParser) -> None:
        command.add_argument("lessons", nargs="*", metavar="N", help="numbers of lessons; all if there is none")

    def add_folder(command: argparse.ArgumentParser) -> None:
        command.add_argument("folder", nargs="?", type=Path, default=ROOT / "mirror", help="by default mirror/")

    def add_files(command: argparse.ArgumentParser) -> None:
        command.add_argument("--csv", type=Path, metavar="FILE", help="write the class's table")
        command.add_argument("--picture", type=Path, metavar="FILE", help="draw the class as a heat map, .png or .svg")

    command = add("lab", "open JupyterLab on lesson N, or on the first; in work/ if there is one")
    command.add_argument("lesson", nargs="?", metavar="N", help="number of a lesson")
    add("work", "copy the lessons to work/, or bring the copy up to date; your changes stay")
    command = add("progress", "which exercises are attempted, and which are right; with FOLDER, in a whole class")
    command.add_argument("lessons", nargs="*", metavar="FOLDER | N", help="a class's notebooks; numbers of lessons")
    add_files(command)
    command = add("grade", "run each exercise of a class's notebooks in FOLDER with the course's own check")
    command.add_argument("folder", type=Path, metavar="FOLDER", help="of the class, or a zip")
    add_lessons(command)
    command.add_argument("--seconds", type=int, default=180, help="for one exercise of one student; by default 180")
    command.add_argument("--memory", type=int, default=8, metavar="GIB", help="for one exercise; by default 8 GiB")
    add_files(command)
    command = add("export", "write the lessons for nbgrader or otter into FOLDER, as an instructor's notebooks")
    command.add_argument("tool", choices=("nbgrader", "otter"), help="which grader they are for")
    command.add_argument("folder", type=Path, metavar="FOLDER", help="a new one")
    add_lessons(command)
    command = add("run", "run the lessons without a screen; pages, times and a table in build/")
    add_lessons(command)
    words = "lessons side by side; by default as cores and memory allow, with 1 the times of cells are kept"
    command.add_argument("--at-once", type=int, default=0, metavar="N", help=words)
    add_lessons(add("slides", "slides of the lessons in build/slides/, from their saved outputs"))
    command = add("site", "write the course as a website into build/site/, from the saved outputs")
    command.add_argument("--repository", metavar="ADDRESS", default="", help="of the course, for links to it")
    add("doctor", "look at this machine: what would keep the course from running, and the cure")
    command = add("prefetch", "fill the cache ahead: unpack what quick mode needs, download what full mode does")
    add_lessons(command)
    command.add_argument("--quick", action="store_true", help="only what quick mode needs, without a network")
    add_folder(add("mirror", "download all that full mode needs into a folder for a class"))
    command = add("serve-mirror", "serve that folder on the local network")
    add_folder(command)
    command.add_argument("--port", type=int, default=8000, help="by default 8000")
    command.add_argument("--bind", metavar="ADDRESS", default="0.0.0.0", help="by default all of this machine's")
    return top


def call(arguments: argparse.Namespace) -> int:
    """Run a command: its exit code."""
    match arguments.command:
        case "lab":
            from course import lab

            return lab.open_lab(arguments.lesson)
        case "work":
            from course import work

            return work.update_all()
        case "progress":
            folders = [Path(name) for name in arguments.lessons if not name.isdecimal() and Path(name).exists()]
            numbers = [name for name in arguments.lessons if Path(name) not in folders]
            if len(folders) > 1 or (not folders and (arguments.csv or arguments.picture)):
                parser().error("progress: name one folder of a class")
            if folders:
                from course import classroom

                return classroom.show(folders[0], numbers, arguments.csv, arguments.picture)
            from course import progress

            return progress.show(numbers)
        case "grade":
            from course import grade

            limits = grade.Limits(arguments.seconds, arguments.memory)
            return grade.grade(arguments.folder, arguments.lessons, limits, arguments.csv, arguments.picture)
        case "export":
            from course import export

            return export.export(arguments.tool, arguments.folder, arguments.lessons)
        case "run":
            from course import run

            return run.run_lessons(arguments.lessons, at_once=arguments.at_once)
        case "slides":
            from course import slides

            return slides.write_slides(arguments.lessons)
        case "site":
            from course import site

            return site.build(arguments.repository)
        case "doctor":
            from course import doctor

            return doctor.report()
        case "prefetch":
            from course import mirror

            return mirror.prefetch(arguments.lessons, quick=arguments.quick)
        case "mirror":
            from course import mirror

            return mirror.fill(arguments.folder)
        case "serve-mirror":
            from course import mirror

            return mirror.serve(arguments.folder, arguments.bind, arguments.port)
        case _:
            parser().print_help()
            return 0


def plain(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: another sign in place of what an output cannot show."""
    unshown = error.object[error.start : error.end]
    return "".join(PLAIN.get(sign, "?") for sign in unshown), error.end


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: its exit code. What can go wrong outside our code is said in one line."""
    codecs.register_error("plain", plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a notebook or a test has put its own
            stream.reconfigure(errors="plain")
    parsed = parser().parse_args(arguments)
    if not (ROOT / "notebooks").is_dir():
        print(
            f"course: the lessons are not beside this command ({ROOT}).\nClone or unpack the course's folder and type "
            "`python install.py` in it, or there: pip install --no-deps -e .",
            file=sys.stderr,
        )
        return 1
    if sys.path[0] != str(ROOT):
        sys.path.insert(0, str(ROOT))  # before another package that is called `utils`
    try:
        return call(parsed)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # of `course progress | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"course {parsed.command}: {error}", file=sys.stderr)
        return 1
