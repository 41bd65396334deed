"""How long each cell took in the last run: what an instructor should know before showing a lesson.

`make lessons` writes build/timings.json (all cells), build/timings.md and build/timings.html (the slow ones).
"""

from __future__ import annotations

import html
import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

import nbformat

from utils.mode import mode

SLOW = 2.0  # seconds; below it nobody waits
COLUMNS = ("cell", "seconds", "first line")


def machine() -> str:
    """What the lessons ran on, without names of hosts or people: processor, cores, system, Python."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def first_line(source: str) -> str:
    """The line that a reader knows a cell by: its first one that says something."""
    lines = [line.strip() for line in source.splitlines()]
    return next((line for line in lines if line and not line.startswith(("#", "keras.utils.set_random_seed"))), "")


def update(build: Path, runs: list[tuple[Path, float, dict[str, float]]]) -> None:
    """Put new runs into build/timings.json beside those of other lessons, and write both tables anew.

    Args:
        build: the folder; made if it is not there.
        runs: for each lesson its notebook, its seconds with the start of the kernel, and those of its code cells by id.
    """
    build.mkdir(parents=True, exist_ok=True)
    path = build / "timings.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}  # none yet, or a file that a stopped run left half written
    for notebook, wall, seconds in runs:
        sources = {cell.id: cell.source for cell in nbformat.read(notebook, as_version=4).cells}
        cells = [
            {"id": name, "seconds": round(took, 2), "first line": first_line(sources.get(name, ""))}
            for name, took in seconds.items()
        ]
        kept[notebook.stem] = {
            "machine": machine(),
            "mode": mode(),
            "date": date.today().isoformat(),
            "seconds": round(wall, 1),
            "cells": cells,
        }
    kept = dict(sorted(kept.items()))
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (build / "timings.md").write_text(markdown(kept), encoding="utf-8")
    (build / "timings.html").write_text(page(kept), encoding="utf-8")


def slow_cells(lesson: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells that take more than two seconds, in the order of the lesson."""
    return [cell for cell in lesson["cells"] if cell["seconds"] > SLOW]


def heading(lesson: dict[str, Any]) -> str:
    return f"{lesson['seconds']:.0f} s in {lesson['mode']} mode on {lesson['date']}: {lesson['machine']}"


def markdown(lessons: dict[str, Any]) -> str:
    """The slow cells of each lesson as Markdown tables."""
    text = f"# Cells that take more than {SLOW:.0f} seconds\n"
    for name, lesson in lessons.items():
        text += f"\n## {name}\n\n{heading(lesson)}\n\n| {' | '.join(COLUMNS)} |\n|---|---:|---|\n"
        for cell in slow_cells(lesson):
            # A bar would end the table's field, even between backticks.
            code = cell["first line"].replace("|", "\\|")
            text += f"| {cell['id']} | {cell['seconds']:.0f} | `{code}` |\n"
    return text


def page(lessons: dict[str, Any]) -> str:
    """The same tables as one HTML page; a cell's name leads to the cell in the lesson's page."""
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Slow cells</title>'
        "<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:"
        "collapse}td,th{padding:.2em .8em;text-align:left;border-bottom:1px solid #ccc}td:nth-child(2){text-align:"
        f"right}}</style></head><body><main><h1>Cells that take more than {SLOW:.0f} seconds</h1>"
    ]
    for name, lesson in lessons.items():
        head = "".join(f'<th scope="col">{column}</th>' for column in COLUMNS)
        parts.append(f"<h2>{html.escape(name)}</h2><p>{html.escape(heading(lesson))}</p><table><tr>{head}</tr>")
        for cell in slow_cells(lesson):
            link = f'<a href="{name}.html#cell-id={cell["id"]}">{html.escape(cell["id"])}</a>'
            code = html.escape(cell["first line"])
            parts.append(f"<tr><td>{link}</td><td>{cell['seconds']:.0f}</td><td><code>{code}</code></td></tr>")
        parts.append("</table>")
    return "\n".join([*parts, "</main></body></html>\n"])
