"""The regression test is tested: five changes planted into a copy of a lesson must each be noticed, and nothing else.

One run of a copy serves all five: the cells that fail must be exactly those that were changed. Two lessons are tried: a
small one, and one with a pre-trained network.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from PIL import Image, ImageDraw

from utils import paths

LESSONS = ("03", "05")
UNCOMPARED = {"nbval-ignore-output", "figure-varies"}


def compared_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and not UNCOMPARED & set(cell.metadata.get("tags", []))
    ]


def printed(cell: NotebookNode) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def alter_number(notebook: NotebookNode) -> NotebookNode:
    """Change one digit in what a cell printed."""
    cell = next(c for c in compared_cells(notebook) if re.search(r"\d", printed(c)) and "check(" not in c.source)
    cell.outputs[0].text = re.sub(
        r"\d", lambda digit: str((int(digit.group()) + 1) % 10), cell.outputs[0].text, count=1
    )
    return cell


def delete_output(notebook: NotebookNode) -> NotebookNode:
    """Delete what a cell printed."""
    cell = [c for c in compared_cells(notebook) if printed(c) and "check(" not in c.source][1]
    cell.outputs = []
    return cell


def alter_figure(notebook: NotebookNode) -> NotebookNode:
    """Draw one thin line into a figure."""
    cell = next(c for c in compared_cells(notebook) if any("image/png" in o.get("data", {}) for o in c.outputs))
    data = next(o for o in cell.outputs if "image/png" in o.get("data", {})).data
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    width, height = picture.size
    ImageDraw.Draw(picture).line((width // 4, height // 2, width // 2, height // 3), fill=(0, 114, 178, 255), width=2)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    data["image/png"] = base64.b64encode(buffer.getvalue()).decode()
    return cell


def shift_claim(notebook: NotebookNode) -> NotebookNode:
    """Claim the opposite of what the last check of the lesson's body claims."""
    cell = [c for c in compared_cells(notebook) if re.search(r"^check\(", c.source, re.MULTILINE)][-1]
    cell.source = "from utils import checks as _checks\n" + re.sub(
        r"^check\(",
        "(lambda claim, holds, hint='': _checks.check(claim, not holds, hint))(",
        cell.source,
        count=1,
        flags=re.MULTILINE,
    )
    return cell


def break_solution(notebook: NotebookNode) -> str:
    """Let the first exercise's folded solution return nothing."""
    cell = next(c for c in notebook.cells if "solution" in c.metadata.get("tags", []))
    cell.source = re.sub(r"^    return .*$", "    return None", cell.source, flags=re.MULTILINE)
    return "Solution 1"


@pytest.fixture(scope="module", params=LESSONS)
def outcome(request, tmp_path_factory) -> tuple[dict[str, str], list[str]]:
    """Plant all changes into one copy and run it: (change -> name of its cell, names of the cells that failed)."""
    folder = tmp_path_factory.mktemp("planted")
    copy = Path(shutil.copy(next((paths.NOTEBOOKS).glob(f"{request.param}_*.ipynb")), folder))
    notebook = nbformat.read(copy, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    changed = {}
    for plant in (alter_number, delete_output, alter_figure, shift_claim):
        cell = plant(notebook)
        changed[plant.__name__] = f"Cell {code.index(cell)}"
    changed["break_solution"] = break_solution(notebook)
    assert len(set(changed.values())) == 5
    nbformat.write(notebook, copy)
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-cell-timeout=300", "-p", "conftest", "-q", "-rf"]
    command += ["-c", str(paths.ROOT / "pyproject.toml"), "--rootdir", str(folder), "-p", "no:cacheprovider", str(copy)]
    run = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    return changed, re.findall(r"^FAILED .*::((?:Cell|Solution) \d+)", run.stdout, flags=re.MULTILINE)


@pytest.mark.parametrize("plant", ["alter_number", "delete_output", "alter_figure", "shift_claim", "break_solution"])
def test_a_planted_change_is_noticed(outcome, plant):
    changed, failed = outcome
    assert changed[plant] in failed


def test_nothing_else_fails(outcome):
    changed, failed = outcome
    assert sorted(failed) == sorted(changed.values())
