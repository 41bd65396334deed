"""How long each cell took in the last run: what an instructor should know before showing a lesson.

Where `course run` runs one lesson at a time, it writes build/timings.json (all cells) and from it build/timings.html
(the slow ones).
"""

from __future__ import annotations

import html
import json
from datetime import date
from pathlib import Path
from typing import Any

import nbformat

from course.machine import machine
from utils.advice import first_line
from utils.mode import mode

SLOW = 2.0  # seconds; below it nobody waits
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Slow cells</title><style>
body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: .2em .8em; text-align: left; border-bottom: 1px solid #ccc; }}
td:nth-child(2) {{ text-align: right; }}
</style></head><body><main><h1>Cells that take more than {slow:.0f} seconds</h1>
{lessons}
</main></body></html>
"""
LESSON = """<h2>{name}</h2><p>{seconds:.0f} s in {mode} mode on {date}: {machine}</p>
<table><tr><th scope="col">cell</th><th scope="col">seconds</th><th scope="col">first line</th></tr>
{rows}
</table>"""
ROW = '<tr><td><a href="{name}.html#cell-id={id}">{id}</a></td><td>{seconds:.0f}</td><td><code>{line}</code></td></tr>'


def update(build: Path, runs: list[tuple[Path, float, dict[str, float]]]) -> None:
    """Put new runs into build/timings.json beside those of other lessons, and write the page anew.

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
        kept[notebook.stem] = {
            "machine": machine(),
            "mode": mode(),
            "date": date.today().isoformat(),
            "seconds": round(wall, 1),
            "cells": [
                {"id": name, "seconds": round(took, 2), "first line": first_line(sources.get(name, ""))}
                for name, took in seconds.items()
            ],
        }
    kept = dict(sorted(kept.items()))
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (build / "timings.html").write_text(page(kept), encoding="utf-8")


def page(lessons: dict[str, Any]) -> str:
    """The slow cells of each lesson as one HTML page; a cell's name leads to the cell in the lesson's page."""
    tables = []
    for name, lesson in lessons.items():
        rows = [
            ROW.format(name=name, id=cell["id"], seconds=cell["seconds"], line=html.escape(cell["first line"]))
            for cell in lesson["cells"]
            if cell["seconds"] > SLOW
        ]
        words = {key: lesson[key] for key in ("seconds", "mode", "date")}
        tables.append(LESSON.format(name=name, machine=html.escape(lesson["machine"]), rows="\n".join(rows), **words))
    return PAGE.format(slow=SLOW, lessons="\n".join(tables))
