"""A whole class on a JupyterHub on this machine: scripted students, an update of the course, faults. For Linux.

python -m tools.hub.class_of ENVIRONMENT PROXY [--students 8] [--lessons 1 3] [--some 4] [--faults] [--folder DIR]

ENVIRONMENT is a virtual environment with the course's packages and JupyterHub, readable for everybody; PROXY is the
program configurable-http-proxy. Neither is part of the course; CONTRIBUTING.md says how to make them. What is made
lies in DIR, by default a temporary folder, and everything that was started is stopped at the end.

Each student logs in by the form, gets the copy, writes an answer, runs the lessons over the hub's API and a websocket,
saves, and stops; the course changes; each comes back and finds the answer and the news. `--faults` tries what can go
wrong. Where root runs it, each student has an account number and a memory group of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import requests

from course.lessons import lesson_files
from tools.hub import faults
from tools.hub.student import Kernel, Student
from utils import limits, paths

COPIED = ("assets", "course", "deploy", "docs", "notebooks", "utils")
ANSWER = "# This is {name}'s answer.\n"
FEW = 2  # students who run the lessons behind --some
CONFIG = Path(__file__).with_name("config.py")


@dataclass
class Run:
    """A lesson that a student has run.

    Attributes:
        seconds: from the first cell to the last.
        computed: those of them that the kernel had a processor; of two processors, both count.
        problem: the first error or the first check that did not hold; empty if there is none.
        checks: how many have held.
        server: the largest resident set of the student's server, in MiB.
        kernel: that of the lesson's kernel.
    """

    student: str
    lesson: int
    seconds: float
    computed: float
    problem: str
    checks: int
    server: int
    kernel: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_folder(folder: Path, environment: Path) -> None:
    """A hub's course, owned by whoever starts this and read by everybody, with an empty cache and no homes yet."""
    course = folder / "course"
    for name in COPIED:
        shutil.copytree(paths.ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, course / name)
    (course / ".venv").symlink_to(environment.absolute())
    (folder / "homes").mkdir()
    (folder / "cache").mkdir()
    subprocess.run(["chmod", "-R", "go+rX-w", folder], check=True)
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    command = [environment / "bin" / "python", "-m", "course", "prefetch", "--quick"]
    subprocess.run(command, cwd=course, env={**os.environ, "COURSE_CACHE": str(folder / "cache")}, check=True)


def memory_groups(folder: Path) -> Path | None:
    """A memory group (cgroup version 1) of this trial, below the one that we are in; None where it cannot be made."""
    for group, names in limits.cgroups(Path("/")):
        if names[0] != "memory.limit_in_bytes":
            return None
        made = group / folder.name
        try:
            made.mkdir(exist_ok=True)
        except OSError:
            return None
        return made
    return None


class Hub:
    """JupyterHub with its proxy, as a process of this one.

    Attributes:
        folder: of the trial.
        groups: where its students' memory groups are; None if there are none.
        address: for browsers.
    """

    def __init__(self, folder: Path, environment: Path, proxy: Path) -> None:
        self.folder, self.environment = folder, environment
        self.groups = memory_groups(folder)
        self.address = f"http://127.0.0.1:{free_port()}"
        self.settings = {
            "CLASS_ADDRESS": self.address,
            "CLASS_GROUPS": str(self.groups or ""),
            "CLASS_HUB_PORT": str(free_port()),
            "CLASS_PROXY": str(proxy),
            "CLASS_PROXY_API": f"http://127.0.0.1:{free_port()}",
        }
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start the hub and wait until it answers."""
        command = [self.environment / "bin" / "python", "-m", "jupyterhub", "--config", CONFIG]
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, **self.settings}, stdout=log, stderr=subprocess.STDOUT
            )
        for _ in range(120):
            time.sleep(0.5)
            try:
                if requests.get(f"{self.address}/hub/login", timeout=5).ok:
                    return
            except requests.ConnectionError:
                continue
        raise TimeoutError(f"the hub does not answer; see {self.folder / 'hub.log'}")

    def kill(self) -> None:
        """End the hub without a word, as a machine in trouble does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Stop the hub, its proxy and all students' servers, and take the memory groups away."""
        self.process.terminate()
        self.process.wait()
        homes = str(self.folder / "homes")
        ours = [process for process in psutil.process_iter() if home_of(process).startswith(homes)]
        for process in ours:
            process.send_signal(signal.SIGTERM)
        for process in psutil.wait_procs(ours, timeout=20)[1]:
            process.kill()
        if self.groups:
            for group in (*self.groups.iterdir(), self.groups):
                if group.is_dir():
                    group.rmdir()


def home_of(process: psutil.Process) -> str:
    """The home that a process was started with; empty where we may not know."""
    try:
        return process.environ().get("HOME", "")
    except psutil.Error:
        return ""


def run_lesson(student: Student, number: int) -> tuple[Run, Kernel]:
    """Open a lesson of the student's copy, run all its cells, save it: what came of it, and its kernel, still there."""
    path = f"work/{lesson_files([str(number)])[0].name}"
    notebook, kernel = student.open(path), student.kernel(path)
    began, problem, checks = time.monotonic(), "", 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = kernel.run(cell.source)
        printed = "".join(output.get("text", "") for output in cell.outputs).splitlines()
        checks += sum(line.startswith("✓ ") for line in printed)
        errors = [f"{output.ename}: {output.evalue}" for output in cell.outputs if output.output_type == "error"]
        if "raises-exception" not in cell.metadata.get("tags", []):
            problem = problem or next(iter(errors), "")
    seconds = time.monotonic() - began
    saved = student.save(path, notebook)
    if not saved.ok:
        problem = problem or f"not saved: {saved.text}"
    server, kernels = student.memory()
    return Run(student.name, number, seconds, student.computed(), problem, checks, server, kernels[-1]), kernel


def first_exercise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The cell in which a student answers a lesson's first exercise."""
    return next(cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", []))


def answer(student: Student) -> None:
    """Write an answer into lesson 1, and save."""
    path = f"work/{lesson_files(['1'])[0].name}"
    notebook = student.open(path)
    cell = first_exercise(notebook)
    cell.source = ANSWER.format(name=student.name) + cell.source
    student.save(path, notebook).raise_for_status()


def change_course(folder: Path) -> None:
    """The authors change lesson 1: its first cell, which nobody has touched, and the exercise that all answered."""
    path = folder / "course" / "notebooks" / lesson_files(["1"])[0].name
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\nThis is news."
    first_exercise(notebook).source += "\n# Changed by the course."
    nbformat.write(notebook, path)


def kept(student: Student) -> str:
    """What is missing in lesson 1 after an update: answer, news, outputs, pictures; empty if nothing."""
    cells = student.open(f"work/{lesson_files(['1'])[0].name}").cells
    place = next(i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", []))
    found = {
        "the answer": cells[place].source.startswith(ANSWER.format(name=student.name)),
        "the news": "This is news." in cells[0].source,
        "the course's version": "# Changed by the course." in cells[place + 1].source,
        "the outputs": any(cell.get("outputs") for cell in cells),
        "the pictures": student.call("GET", f"user/{student.name}/files/assets/diagrams/01_opener.svg").ok,
    }
    return ", ".join(name for name, there in found.items() if not there)


def attend(student: Student, lessons: list[int]) -> list[Run]:
    """One student's day, up to the end of the lessons: what came of each."""
    answer(student)
    runs = []
    for number in lessons:
        run, kernel = run_lesson(student, number)
        student.end(kernel)
        print(f"  {run}", flush=True)
        runs.append(run)
    return runs


def hold_class(hub: Hub, asked: argparse.Namespace) -> int:
    """Let a class log in at once, work, stop, come back after an update: how many things went wrong."""
    students = [Student(hub.address, f"student{number}") for number in range(1, asked.students + 1)]
    before = psutil.virtual_memory().available
    with ThreadPoolExecutor(len(students)) as pool:
        list(pool.map(Student.log_in, students))
        started = list(pool.map(Student.start, students))
        print(f"{len(students)} servers, first start: {min(started):.0f} to {max(started):.0f} s", flush=True)
        idle = (before - psutil.virtual_memory().available) / 2**20
        print(f"memory of the machine: {idle:.0f} MiB more than without them", flush=True)
        lessons = [asked.lessons + (asked.some if place < FEW else []) for place in range(len(students))]
        runs = [run for day in pool.map(attend, students, lessons) for run in day]
        for student in students:
            print(f"  {student.name}: {faults.group_peak(hub, student)}", flush=True)
        list(pool.map(Student.stop, students))
        change_course(hub.folder)
        again = list(pool.map(Student.start, students))
        print(f"second start, with an update: {min(again):.0f} to {max(again):.0f} s", flush=True)
        missing = dict(zip((student.name for student in students), pool.map(kept, students), strict=True))
        list(pool.map(Student.stop, students))
    for name, words in missing.items():
        print(f"{name}: {f'MISSING after the update: {words}' if words else 'work and news are there'}")
    report(runs)
    return sum(bool(words) for words in missing.values()) + sum(bool(run.problem) for run in runs)


def report(runs: list[Run]) -> None:
    """A line for each lesson: seconds and memory, the smallest and the largest."""
    for lesson in sorted({run.lesson for run in runs}):
        ours = [run for run in runs if run.lesson == lesson]
        seconds, kernels = [run.seconds for run in ours], [run.kernel for run in ours]
        print(
            f"lesson {lesson}: {len(ours)} students, {min(seconds):.0f} to {max(seconds):.0f} s, "
            f"of processor {min(run.computed for run in ours):.0f} to {max(run.computed for run in ours):.0f} s, "
            f"{min(run.checks for run in ours)} to {max(run.checks for run in ours)} checks held, "
            f"kernel {min(kernels)} to {max(kernels)} MiB, server up to {max(run.server for run in ours)} MiB, "
            f"problems: {[run.problem for run in ours if run.problem]}",
            flush=True,
        )


def one_student(hub: Hub, lessons: list[int]) -> int:
    """A student alone, who leaves every kernel running: how many things went wrong."""
    student = Student(hub.address, "alone")
    student.log_in()
    print(f"one server, first start: {student.start():.0f} s", flush=True)
    runs = []
    for number in lessons:
        run, _ = run_lesson(student, number)
        server, kernels = student.memory()
        print(f"alone, {len(kernels)} kernels: server {server}, kernels {kernels} MiB", flush=True)
        print(f"  {faults.group_peak(hub, student)}", flush=True)
        runs.append(run)
    report(runs)
    student.stop()
    return sum(bool(run.problem) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.hub.class_of", description=__doc__.splitlines()[0])
    parser.add_argument("environment", type=Path, help="virtual environment with the course's packages and JupyterHub")
    parser.add_argument("proxy", type=Path, help="the program configurable-http-proxy")
    parser.add_argument("--students", type=int, default=8)
    parser.add_argument("--lessons", type=int, nargs="*", default=[1, 3], help="run by all")
    parser.add_argument("--some", type=int, nargs="*", default=[4], help=f"run by {FEW} of them besides")
    parser.add_argument("--alone", type=int, nargs="*", default=[], help="run by one student first, kernels left open")
    parser.add_argument("--faults", action="store_true", help="try what can go wrong, at the end")
    parser.add_argument("--folder", type=Path, help="a new folder, which stays; by default a temporary one")
    asked = parser.parse_args()
    temporary = asked.folder is None
    folder = Path(tempfile.mkdtemp(prefix="class-of-")) if temporary else asked.folder.absolute()
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    make_folder(folder, asked.environment)
    hub = Hub(folder, asked.environment, asked.proxy.absolute())
    print(f"{folder}; memory groups: {hub.groups or 'none'}; load {os.getloadavg()[0]:.1f}", flush=True)
    try:
        hub.start()
        wrong = one_student(hub, asked.alone) if asked.alone else 0
        wrong += hold_class(hub, asked) if asked.students else 0
        wrong += faults.try_all(hub) if asked.faults else 0
        print(f"load {os.getloadavg()[0]:.1f}; {wrong} things went wrong")
    finally:
        hub.stop()
        if temporary:
            shutil.rmtree(folder)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
