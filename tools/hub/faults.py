"""What can go wrong on a hub, done on purpose: how each ends, and whether anything is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.hub.class_of import Hub
    from tools.hub.student import Student


def group_peak(hub: Hub, student: Student) -> str:
    """The most memory that a student's group has held, in words."""
    if not hub.groups:
        return "no memory group"
    group = hub.groups / student.name
    peak = int((group / "memory.max_usage_in_bytes").read_text(encoding="ascii"))
    failed = int((group / "memory.failcnt").read_text(encoding="ascii"))
    return f"its group {peak >> 20} MiB at most, at its limit {failed} times"


def try_all(hub: Hub) -> int:
    """Try each fault: how many ended badly."""
    return 0
