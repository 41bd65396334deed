"""Grade a class: each exercise runs with the course's own check in a fresh kernel, apart from all else on the machine.

For one exercise of one student the course's code and data are copied into a temporary folder. There `python -m
course.grade` executes those of the student's cells that the exercise needs, in the order of the notebook, then the
course's check. Where Linux allows it, that process has no network, sees no other process, and can write nowhere but
into a small file system of its own. What a notebook does to itself is reported; it cannot do it to the next one.

This protects from accidents and mischief. A check runs in the same kernel as the answer, so whoever wants to deceive it
can: read an answer that surprises you.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import symtable
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course import classroom, progress, work
from course.kernels import client, environment
from course.lessons import NEUTRAL, lesson_files
from utils import paths
from utils.advice import first_line, names_made

NO_ANSWER = "it ended the program that grades it"
SPARE = 120  # seconds that a kernel may take to start, and so many to end, on a busy machine
KEPT = 20_000  # characters of what one cell prints, from the end: there the check has the last word
DISK = 512  # MiB that an exercise may write
# `exit()` would end the kernel a moment later, perhaps before the check and perhaps after it.
NO_EXIT = "get_ipython().ask_exit = lambda: None"
# The student's own import may have another function of that name, or may have changed this one.
FRESH_CHECK = "import importlib\nimport utils.checks\nexercise = importlib.reload(utils.checks).exercise"
# Methods of networks, arrays and tables that change nothing: whoever needs the object need not run their cells.
ONLY_READ = re.compile(
    "argm(ax|in)|astype|copy|corr|count_params|evaluate|get_(layer|weights)|head|items?|keys|max|mean|min|numpy|plot|"
    "predict|ravel|reshape|round|std|sum|summary|to_frame|to_numpy|tolist|values"
)
# What is kept of the caller's variables: no token, no password.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")

UNSHARE = ("unshare", "--map-root-user", "--net", "--ipc", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child")
# Runs in namespaces of its own: $1 becomes a small file system in memory, and all others can only be read.
APART = """
set -e
mount -t tmpfs -o size="$2"m,mode=700 tmpfs "$1"
while read -r _ place _; do
  [ "$place" = "$1" ] || mount -o remount,bind,ro "$(printf %b "$place")" 2> /dev/null || true
done < /proc/self/mounts
cd "$1"
shift 2
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
# Limits that hold for a process and for each that it starts: no core dump, size of a file, of the address space.
LIMITED = 'ulimit -c 0; ulimit -f "$1"; ulimit -v "$2" 2> /dev/null; shift 2; exec "$@"'
# Can a process that is kept apart write into one of these folders, and has it a network? It should print "False []".
PROBE = """
import os, socket, sys
names = [name for _, name in socket.if_nameindex() if name != "lo"]
print(any(os.access(folder, os.W_OK) for folder in sys.argv[1:]), names)
"""


@dataclass(frozen=True)
class Limits:
    """What one exercise of one student may take: seconds, and GiB of memory (address space; Linux only)."""

    seconds: int = 180
    memory: int = 8


def plain(source: str) -> str:
    """A cell's code as Python without magics, to be read and not to be run; empty where it is no Python."""
    timed = re.sub(r"^\s*%%.*\n|^\s*%time(it)? +", "", source, flags=re.MULTILINE)  # the code behind them counts
    try:
        code = TransformerManager().transform_cell(timed)
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return code


def only_in_comprehensions(code: str) -> set[str]:
    """The variables of comprehensions that are nothing else in this code."""
    tree = ast.parse(code)
    variables, inside = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp):
            targets = [name for part in node.generators for name in ast.walk(part.target)]
            own = {name.id for name in targets if isinstance(name, ast.Name)}
            around = set(map(id, ast.walk(node.generators[0].iter)))  # what is gone through stands outside
            variables |= own
            inside |= {id(name) for name in ast.walk(node) if isinstance(name, ast.Name) and name.id in own} - around
    return variables - {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in inside}


def names_read(code: str) -> set[str]:
    """The notebook's names whose values some code uses, at once or when one of its functions is called."""
    tables, found = [symtable.symtable(code, "cell", "exec")], set()
    while tables:
        table = tables.pop()
        top = table.get_type() == "module"
        found |= {name.get_name() for name in table.get_symbols() if name.is_referenced() and (top or name.is_global())}
        tables += table.get_children()
    # Since Python 3.12 the variables of a comprehension stand in the table of the code around it.
    return found - only_in_comprehensions(code)


def names_changed(code: str) -> set[str]:
    """The names whose objects some code may change at once: it calls a method, or sets an attribute or an item."""
    waiting: list[ast.AST] = [ast.parse(code)]
    found = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Call):
            place = node.func
            changes = isinstance(place, ast.Attribute) and not ONLY_READ.fullmatch(place.attr)
        else:
            place = node
            changes = isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)
        while isinstance(place, ast.Attribute | ast.Subscript):
            place = place.value
        if changes and isinstance(place, ast.Name):
            found.add(place.id)
    return found


def imported(code: str) -> set[str]:
    """The names that some code imports: calling what is in a module does not change it."""
    aliases = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.alias)]
    return {alias.asname or alias.name.split(".")[0] for alias in aliases}


def needed(sources: Sequence[str], wanted: str) -> list[int]:
    """The places of the cells that some code needs: those that make or change a name that it uses, and what these need.

    Args:
        sources: the cells that may be run before it.
        wanted: the code.
    """
    codes = [plain(source) for source in sources]
    modules = set().union(*map(imported, codes))
    gives = [names_made(code) | (names_changed(code) - modules) for code in codes]
    uses, chosen = names_read(plain(wanted)), set()
    while more := {place for place, names in enumerate(gives) if place not in chosen and names & uses}:
        chosen |= more
        uses |= set().union(*(names_read(codes[place]) for place in more))
    return sorted(chosen)


def title_checked(cell: NotebookNode, checks: dict[str, NotebookNode]) -> str:
    """The exercise that a student's cell checks, whatever has become of the check; empty if it checks none.

    Args:
        cell: the student's.
        checks: the course's, by their titles.
    """
    called = re.search(r"\bexercise\(\s*[\"'](Exercise \d+)[\"']", cell.source)
    if called and called[1] in checks:
        return called[1]
    return next((title for title, check in checks.items() if cell.id == check.id), "")


def to_run(cells: Sequence[NotebookNode], lesson: NotebookNode, number: int) -> NotebookNode | None:
    """What is run for one exercise: the cells that it needs, as the student has ordered them, and the course's check.

    Args:
        cells: the student's.
        lesson: the course's.
        number: of the exercise, from 1.

    Returns:
        None if the student has written nothing for it.
    """
    pairs = progress.exercises(lesson)
    checks = {f"Exercise {place}": check for place, (_, check) in enumerate(pairs, start=1)}
    stubs = {f"Exercise {place}": names_made(stub.source) for place, (stub, _) in enumerate(pairs, start=1)}
    title, (stub, check) = f"Exercise {number}", pairs[number - 1]
    code = [cell for cell in cells if cell.cell_type == "code"]
    titles = [title_checked(cell, checks) for cell in code]
    makes = [names_made(plain(cell.source)) for cell in code]
    # What a student has made of a check is not run: the course's takes its place, unless the answer stands there too.
    sources = [
        checks[found].source if found and not stubs[found] & names else cell.source
        for cell, found, names in zip(code, titles, makes, strict=True)
    ]
    theirs = {cell.source.rstrip() for cell in lesson.cells}
    answers = [place for place, cell in enumerate(code) if cell.id == stub.id or stubs[title] & makes[place]]
    changed = [place for place in answers if code[place].source.rstrip() not in theirs]
    if not changed:
        return None
    # Up to the last of its checks, but at least the first answer: a student may have written it below.
    end = max([min(changed), *(place for place, found in enumerate(titles) if found == title)]) + 1
    chosen = {*needed(sources[:end], check.source), *(place for place in answers if place < end)}
    run = [new_code_cell(sources[place]) for place in sorted(chosen) if sources[place] != check.source]
    last = [new_code_cell(FRESH_CHECK), new_code_cell(check.source)]
    return new_notebook(cells=[new_code_cell(NO_EXIT), *run, *last], metadata=NEUTRAL)


class Quiet(NotebookClient):
    """A client that keeps of each cell its errors and the end of what it has printed, however much that is."""

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int) -> None:
        content = msg["content"]
        if msg["msg_type"] == "stream" and content["name"] == "stdout":
            text = progress.printed(NotebookNode(outputs=outs)) + content["text"]
            outs[:] = [output for output in outs if output.output_type == "error"]
            outs.append(nbformat.v4.new_output("stream", text=text[-KEPT:]))
        elif msg["msg_type"] == "error":
            content = {key: str(content[key])[:KEPT] for key in ("ename", "evalue")}
            outs.append(nbformat.v4.new_output("error", **content, traceback=[]))


def execute(notebook: NotebookNode, seconds: float) -> dict[str, str]:
    """Execute what `to_run` has made.

    Args:
        notebook: its last cell is the check.
        seconds: for all cells together.

    Returns:
        printed: what the check has printed. error: the first error of a cell, in words. stopped: why it did not end.
    """
    deadline = 0.0
    running = notebook.cells[0]

    def before_cell(cell: NotebookNode, cell_index: int) -> None:
        nonlocal deadline, running
        running = cell
        deadline = (
            deadline or time.monotonic() + seconds
        )  # the kernel has started; on a busy machine that takes its time

    runner = client(
        notebook,
        Path("notebook.ipynb").resolve(),
        kind=Quiet,
        allow_errors=True,
        on_cell_start=before_cell,
        shutdown_kernel="immediate",
        startup_timeout=SPARE,
    )
    runner.timeout_func = lambda _: max(1, int(deadline - time.monotonic()))
    if sys.platform == "linux":  # where there may be no network, not even to this machine itself
        runner.config.KernelManager.transport = "ipc"
    stopped = ""
    try:
        runner.execute(env=environment())
    except CellTimeoutError:
        stopped = f"it ran longer than {seconds:.0f} s"
    except DeadKernelError:
        stopped = "its kernel ended"
    if stopped:
        last = running is notebook.cells[-1]
        stopped += ", in the check" if last else f", in the cell that begins with: {first_line(running.source)}"
    errors = [
        f"{output.ename}: {output.evalue} (in the cell that begins with: {first_line(cell.source)})"
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "error"
    ]
    # A check that has failed itself says nothing, whatever has been printed in its cell.
    whole = all(output.output_type != "error" for output in notebook.cells[-1].outputs)
    return {
        "printed": progress.printed(notebook.cells[-1]) if whole else "",
        "error": errors[0] if errors else "",
        "stopped": stopped,
    }


def state(result: dict[str, str]) -> tuple[str, str]:
    """How an exercise stands after `execute`: its state, and what there is to say."""
    if result["stopped"]:
        return "no result", result["stopped"]
    mark, words = progress.verdict(result["printed"])
    if mark == "✓":
        return "solved", ""
    if mark == "✗":
        return "fails", words
    return "fails", result["error"] or "your function returns None."


def copy_of_course(folder: Path, number: str) -> None:
    """Copy what a lesson needs of the course into a folder."""
    for name in ("course", "utils", "assets"):
        shutil.copytree(paths.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "notebooks").mkdir()
    shutil.copy(lesson_files([number])[0], folder / "notebooks")


def surroundings(folder: Path, desk: Path) -> dict[str, str]:
    """The variables for a runner: the copy of the course in `folder`, and every place to write in `desk`."""
    changed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    places = "HOME USERPROFILE TMPDIR TEMP TMP COURSE_CACHE MPLCONFIGDIR IPYTHONDIR XDG_CACHE_HOME"
    changed.update({name: str(desk) for name in places.split()})
    changed.update({f"JUPYTER_{kind}_DIR": str(desk / kind.lower()) for kind in ("DATA", "RUNTIME", "CONFIG")})
    # No memory of a GPU is taken, which a limit of the address space would not allow.
    return {**changed, "PYTHONPATH": str(folder), "PYTHONUTF8": "1", "CUDA_VISIBLE_DEVICES": ""}


@functools.cache
def can_be_kept_apart() -> bool:
    """Whether this system gives a process no network and lets it write only into its own folder: tried, not assumed."""
    with tempfile.TemporaryDirectory() as folder:
        others = [str(paths.ROOT), str(Path(folder).parent), os.environ.get("HOME", "/")]
        command = [*UNSHARE, "sh", "-c", APART, "sh", folder, "1", sys.executable, "-c", PROBE, *others]
        try:
            tried = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return tried.stdout.strip() == "False []"


def command(desk: Path, limits: Limits) -> list[str]:
    """The command line of a runner, with all that this system can keep from it."""
    line = [sys.executable, "-m", "course.grade", str(limits.seconds)]
    if os.name == "posix":
        # The shell counts files in blocks of 512 bytes and memory in KiB.
        line = ["sh", "-c", LIMITED, "sh", str(DISK * 2048), str(limits.memory * 2**20), *line]
    if can_be_kept_apart():
        line = [*UNSHARE, "sh", "-c", APART, "sh", str(desk), str(DISK), *line]
    return line


def end(process: subprocess.Popen) -> None:
    """End a process that is still running, and all that it has started."""
    if process.poll() is not None:
        return
    for child in [*psutil.Process(process.pid).children(recursive=True), process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    process.wait()


def outcome(notebook: NotebookNode, number: str, limits: Limits) -> tuple[str, str]:
    """Run what `to_run` has made, in a folder of its own: the state, and what there is to say.

    Args:
        notebook: what to run.
        number: of the lesson.
        limits: of the exercise.
    """
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        copy_of_course(folder, number)
        desk = folder / "desk"
        desk.mkdir()
        process = subprocess.Popen(
            command(desk, limits),
            cwd=desk,
            env=surroundings(folder, desk),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            said, _ = process.communicate(nbformat.writes(notebook).encode("utf-8"), limits.seconds + 2 * SPARE)
            return state(json.loads(said))
        except subprocess.TimeoutExpired:
            return "no result", f"it ran longer than {limits.seconds} s and could not be interrupted"
        except ValueError:
            return "no result", NO_ANSWER
        finally:
            end(process)


def fingerprint() -> dict[str, str]:
    """The hash of each file of the course that a notebook could damage."""
    files = [path for name in ("course", "utils", "assets", "notebooks") for path in (paths.ROOT / name).rglob("*")]
    kept = [path for path in files if path.is_file() and path.parent.name != "__pycache__"]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in kept}


def graded(lesson: classroom.Lesson, course: NotebookNode, limits: Limits) -> Iterator[tuple[str, str]]:
    """Run each exercise of what a student has handed in: its state, and what there is to say."""
    for number, saved in enumerate(lesson.states, start=1):
        if lesson.cells is None:
            yield saved
            continue
        notebook = to_run(lesson.cells, course, number)
        found = ("not tried", "") if notebook is None else outcome(notebook, lesson.number, limits)
        yield found[0], classroom.clean(found[1])


def grade(folder: Path, numbers: Sequence[str], limits: Limits, csv: Path | None, picture: Path | None) -> int:
    """Grade a class: 1 if a notebook could not be read, or one has changed the course's files.

    Args:
        folder: of the class, or a zip.
        numbers: of the lessons; all that somebody has handed in if there is none.
        limits: of one exercise.
        csv: a file for the table.
        picture: a file for the heat map.
    """
    print(protection(limits))
    lessons = {path.stem[:2]: work.read(path) for path in lesson_files([])}
    handed, problems = classroom.handed_in(folder, numbers)
    before = fingerprint()
    for lesson in handed:
        began = time.perf_counter()
        lesson.states = list(graded(lesson, lessons[lesson.number], limits))
        marks = " ".join(classroom.MARKS[found] for found, _ in lesson.states)
        print(
            f"{marks}  {lesson.student}, lesson {int(lesson.number)}  {time.perf_counter() - began:.0f} s", flush=True
        )
        if fingerprint() != before:
            problems.append(
                f"{lesson.student} has changed the course's files: grading ends here. `git status` names them."
            )
            break
    print()
    return classroom.report(classroom.table(handed), problems, csv, picture)


def protection(limits: Limits) -> str:
    """What keeps a notebook from harm on this system, in words."""
    said = f"Each exercise has {limits.seconds} s, a kernel and a temporary copy of the course of its own"
    if can_be_kept_apart():
        return f"{said}, {limits.memory} GiB of memory, {DISK} MiB of disk, no network, and no way to write elsewhere."
    held = f" A file may have {DISK} MiB." if os.name == "posix" else ""
    held += f" Memory ends at {limits.memory} GiB." if sys.platform == "linux" else " Memory is not limited."
    return (
        f"{said}.{held}\nTHIS SYSTEM DOES NOT KEEP NOTEBOOKS APART: they can use the network, and write wherever you "
        "can. Grade what you do not trust on Linux, or in a virtual machine."
    )


def main() -> None:
    """Execute the notebook that comes by standard input, and write what came of it to standard output."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")  # not the kernel's, which would write into it
    os.dup2(2, 1)
    notebook = nbformat.reads(sys.stdin.buffer.read().decode("utf-8"), as_version=4)
    json.dump(execute(notebook, float(sys.argv[1])), answer)
    answer.close()


if __name__ == "__main__":
    main()
