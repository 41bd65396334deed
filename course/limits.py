"""What this process may use, which is often less than what the machine has: a container's memory, the processor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

GIB = 2**30


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


def lacks_avx(root: Path = Path("/")) -> bool:
    """Whether Linux says of an x86 processor that it has no AVX; False where nothing is said."""
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = [line.split(":", 1)[1].split() for line in text.splitlines() if line.startswith("flags")]
    return bool(flags) and "avx" not in flags[0]
