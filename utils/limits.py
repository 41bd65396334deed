"""What a lesson needs, and what this process may use: often less than the machine has, in a container for example."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

GIB = 2**30
# MiB that the kernel of each lesson holds at most in quick mode, as `course run` prints it, rounded up.
NEEDS = {1: 1000, 2: 1100, 3: 800, 4: 1050, 5: 1300, 6: 1400, 7: 1350, 8: 1550, 9: 1150}


def number(path: Path, key: str = "") -> int | None:
    """A number of the kernel's: the whole file, or what stands behind a key in it; None if there is none ("max")."""
    try:
        words = path.read_text(encoding="ascii").split()
        return int(words[words.index(key) + 1] if key else words[0])
    except (OSError, ValueError, IndexError):
        return None


def cgroups(root: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """The control groups that this process is in, each with its names of limit, use and reclaimable use.

    Args:
        root: of the file system that has proc/ and sys/.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if controllers == "":  # version 2
            mount, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):  # version 1
            mount = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # A container may see its group as the root; elsewhere each group above limits too.
        folder = mount / place.lstrip("/")
        for group in (folder, *folder.parents):
            if group.is_relative_to(mount):
                yield group, names


def free_memory(root: Path = Path("/")) -> tuple[float, float, str]:
    """Memory that this process can still get, and could in all, in GiB, and what limits it.

    Args:
        root: of the file system that has proc/ and sys/.

    Returns:
        Free GiB, all GiB, and "" (the machine itself), "a control group" or "MEM_LIMIT".
    """
    machine = psutil.virtual_memory()
    free, total, limited_by = machine.available, machine.total, ""
    for group, (limit_name, used_name, reclaimable_name) in cgroups(root):
        limit = number(group / limit_name)
        if limit is None or limit >= machine.total:
            continue
        used = (number(group / used_name) or 0) - (number(group / "memory.stat", reclaimable_name) or 0)
        if limit - used < free or limit < total:
            free, total, limited_by = min(free, limit - used), min(total, limit), "a control group"
    hub = os.environ.get("MEM_LIMIT", "")  # JupyterHub's and Binder's, in bytes
    if hub.isdecimal() and 0 < int(hub) < total:
        free, total, limited_by = min(free, int(hub)), int(hub), "MEM_LIMIT"
    return free / GIB, total / GIB, limited_by


def gib(mib: float) -> str:
    return f"{mib / 1024:.1f} GiB"


def memory_problem(needed: int, who: str) -> str:
    """A warning for the reader where this process cannot get the memory that it needs in all; else empty.

    Args:
        needed: MiB.
        who: "Lesson 4", for example.
    """
    free, total, limited_by = free_memory()
    can_have = min(free + psutil.Process().memory_info().rss / GIB, total) * 1024
    if can_have >= needed:
        return ""
    limit = f", since {limited_by} allows {total:.1f} GiB to all together" if limited_by else ""
    return (
        f"{who} needs about {gib(needed)} of memory, and {gib(can_have)} can be had{limit}. The kernel may die without "
        "a word. Close other notebooks and their kernels first: Kernel, Shut Down All Kernels."
    )


def lacks_avx(root: Path = Path("/")) -> bool:
    """Whether Linux says of an x86 processor that it has no AVX; False where nothing is said."""
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = [line.split(":", 1)[1].split() for line in text.splitlines() if line.startswith("flags")]
    return bool(flags) and "avx" not in flags[0]
