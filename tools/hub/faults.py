"""What can go wrong on a hub, done on purpose: how each ends, and whether anything is lost.

Each fault is a function that yields what is right (True) or wrong (False) about its end, and in which words.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import psutil

from course.lessons import lesson_files
from tools.hub.student import KernelDiedError, Student

if TYPE_CHECKING:
    from tools.hub.class_of import Hub

Ending = Iterator[tuple[bool, str]]
LESSON = f"work/{lesson_files(['1'])[0].name}"
NEWS = "READ ME FIRST.txt"
MARK = "# Nobody may lose this.\n"


def group_peak(hub: Hub, student: Student) -> str:
    """The most memory that a student's group has held, in words."""
    if not hub.groups:
        return "no memory group"
    group = hub.groups / student.name
    peak = int((group / "memory.max_usage_in_bytes").read_text(encoding="ascii"))
    failed = int((group / "memory.failcnt").read_text(encoding="ascii"))
    return f"its group {peak >> 20} MiB at most, at its limit {failed} times"


def arrive(hub: Hub, name: str) -> Student:
    """A student with a server, and with an answer saved in lesson 1 where there is a copy."""
    student = Student(hub.address, name)
    student.log_in()
    student.start()
    return student


def write(student: Student) -> None:
    """Put a mark into lesson 1, and save."""
    notebook = student.open(LESSON)
    notebook.cells[1].source = MARK + notebook.cells[1].source
    student.save(LESSON, notebook).raise_for_status()


def written(student: Student) -> bool:
    return student.open(LESSON).cells[1].source.startswith(MARK)


def read_only(hub: Hub) -> Ending:
    """A student tries to change what is everybody's, and to read what is another's."""
    owner, student = arrive(hub, "owner"), arrive(hub, "vandal")
    kernel = student.kernel(LESSON)
    course = hub.folder / "course"
    for path in (
        course / "notebooks" / "new",
        course / "utils" / "paths.py",
        hub.folder / "cache" / "new",
        course / ".venv/new",
    ):
        said = kernel.says(f"open({str(path)!r}, 'a')")
        yield "PermissionError" in said, f"writing {path.relative_to(hub.folder)}: {said}"
    said = kernel.says(f"open({str(hub.folder / 'homes' / owner.name / 'deep-learning-course' / LESSON)!r})")
    yield "PermissionError" in said, f"reading another's lesson: {said}"
    said = kernel.says("from utils.datasets import traffic_signs_folder as f; print(f())")
    yield str(hub.folder / "cache") in said, f"the shared cache, read-only, serves lesson 8: {said}"
    owner.stop()
    student.stop()


@contextlib.contextmanager
def small_home(hub: Hub, name: str, size: str) -> Iterator[Callable[[str], None]]:
    """A home on a file system of its own: call what it gives to change the size."""
    home = hub.folder / "homes" / name
    home.mkdir(exist_ok=True)

    def mount(options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", home], check=True)

    mount(f"size={size}")
    try:
        yield lambda larger: mount(f"remount,size={larger}")
    finally:
        subprocess.run(["umount", "--lazy", home], check=True)


def full_home(hub: Hub) -> Ending:
    """A home that is full before the first start, then large enough, then full while the student works."""
    with small_home(hub, "full", "16k") as grow:
        student = arrive(hub, "full")
        said = student.call("GET", student.contents(NEWS)).json().get("content", "")
        yield "No space left" in said and "Hub Control Panel" in said, f"full at the start: {said.splitlines()[:1]}"
        lesson = student.call("GET", student.contents(LESSON.replace("work/", "notebooks/")))
        yield lesson.ok, "full at the start: the lessons can be read"
        student.stop()
        grow("64m")
        student.start()
        write(student)
        yield written(student), "with room, the next start makes the copy"
        kernel = student.kernel(LESSON)
        filled = kernel.says("open('filler', 'wb').write(bytes(200 << 20))")
        yield "No space left" in filled, f"filling the home: {filled}"
        notebook = student.open(LESSON)
        notebook.cells[2].source += "x" * 100_000
        saved = student.save(LESSON, notebook)
        yield saved.status_code == 500, f"saving says: {saved.status_code} {saved.json().get('message', '')[:150]}"
        yield written(student), "what was saved before is whole"
        kernel.says("import os; os.remove('filler')")
        yield student.save(LESSON, notebook).ok, "with room, saving works again"
        kernel.says("open('filler', 'wb').write(bytes(200 << 20))")
        student.stop()
        student.start()
        said = student.call("GET", student.contents(NEWS)).json().get("content", "nothing")
        yield written(student), f"full at a later start: the work is there; told: {said.splitlines()[:1]}"
        student.stop()


def too_much_memory(hub: Hub) -> Ending:
    """A kernel takes more memory than the student has."""
    student = arrive(hub, "greedy")
    write(student)
    server = student.processes()[0].pid
    kernel = student.kernel(LESSON)
    warned = kernel.says(
        "from utils import limits; print(limits.memory_problem(2500, 'This')); print(limits.free_memory())"
    )
    yield "2.0 GiB" in warned, f"a lesson that needs more than the limit says so: {warned.splitlines()[:1]}"
    began = time.monotonic()
    try:
        said = kernel.says("x = b'x' * (3 << 30)")
    except KernelDiedError as died:
        said = f"the kernel is {died}"
    yield (
        "the kernel is" in said or "MemoryError" in said,
        f"3 GiB of 2: {said}, after {time.monotonic() - began:.0f} s",
    )
    yield psutil.pid_exists(server) and student.state().get("ready", False), "the server goes on"
    yield written(student), "what was saved is there"
    time.sleep(5)
    kernel.connect()
    answer = kernel.says("print('well')")
    yield answer == "well", f"the kernel is a new one and answers: {answer}"
    yield True, group_peak(hub, student)
    student.stop()


def hub_restarted(hub: Hub) -> Ending:
    """The hub is killed and started again while a kernel computes and another student works."""
    student = arrive(hub, "patient")
    write(student)
    kernel = student.kernel(LESSON)
    asked = kernel.ask("import time\nfor step in range(30):\n    time.sleep(1)\nprint('trained', step)")
    server = student.processes()[0].pid
    time.sleep(3)
    hub.kill()
    notebook = student.open(LESSON)
    yield student.save(LESSON, notebook).ok, "without a hub, saving still works: the proxy and the server are there"
    began = time.monotonic()
    hub.start()
    yield True, f"the hub answers again after {time.monotonic() - began:.0f} s"
    yield (
        student.state().get("ready", False) and student.processes()[0].pid == server,
        "the server is the same, and known",
    )
    words = "".join(output.get("text", "") for output in kernel.outputs(asked))
    yield words.startswith("trained 29"), f"the training went on: {words.strip()}; sockets cut: {kernel.cuts}"
    yield written(student), "what was saved is there"
    student.stop()


def idle(hub: Hub) -> Ending:
    """A silent training with nobody there is not culled, the idle kernel after it is, and then the server ends."""
    student = arrive(hub, "idle")  # after 20 idle seconds (config.py), looked at once a minute
    kernel = student.kernel(LESSON)
    kernel.ask("import time\ntime.sleep(150)")
    kernel.socket.close()
    server = student.processes()[0].pid
    time.sleep(140)
    kernels = student.call("GET", f"user/{student.name}/api/kernels").json()
    yield [one["execution_state"] for one in kernels] == ["busy"], "a training of 150 silent seconds, limit 20, goes on"
    began = time.monotonic()
    while psutil.pid_exists(server) and psutil.Process(server).status() != "zombie" and time.monotonic() - began < 400:
        time.sleep(5)
    yield time.monotonic() - began < 400, f"after it the server ended itself, {time.monotonic() - began:.0f} s later"
    time.sleep(35)  # the hub looks every half minute
    yield not student.state(), "the hub knows, and its page offers a start"


def tried(hub: Hub, fault: Callable[[Hub], Ending]) -> int:
    """Try one fault and print how it ended: how much of that is wrong."""
    wrong = 0
    try:
        for well, words in fault(hub):
            wrong += not well
            print(f"{fault.__name__}: {'ok   ' if well else 'WRONG'} {words}", flush=True)
    except Exception as error:
        wrong += 1
        print(f"{fault.__name__}: WRONG {type(error).__name__}: {error}", flush=True)
    return wrong


def try_all(hub: Hub) -> int:
    """Try each fault: how much ended badly. Those that need root are left out, and named, without it."""
    faults = [too_much_memory, hub_restarted]
    if os.geteuid() == 0:
        faults = [read_only, full_home, *faults]
    else:
        print("without root: no other student's account, no full home")
    background: list[int] = []
    waiting = threading.Thread(target=lambda: background.append(tried(hub, idle)))
    waiting.start()
    wrong = sum(tried(hub, fault) for fault in faults)
    waiting.join()
    return wrong + sum(background)
