"""What nbval leaves out: figures are compared too, and the folded solutions are executed.

Applies to `pytest --nbval notebooks`. nbval compares text; here each PNG that a cell draws is compared with the
committed one, unless the cell carries the tag `figure-varies` (a figure of training) or `nbval-ignore-output`. After
the last cell of a notebook each folded solution runs in the same kernel, followed by its exercise's own check.
"""

from __future__ import annotations

import base64
import io
import os
import re
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbval.plugin import IPyNbCell, IPyNbFile

from utils.demos import WIDGET_VIEW

# Root mean square difference of two figures, of 255. The same versions of Matplotlib and NumPy give 0; this leaves room
# for the rounding of another processor and is far below what one moved curve makes.
FIGURE_TOLERANCE = 1.0
UNCOMPARED = {"figure-varies", "nbval-ignore-output"}


def pngs(outputs: list[NotebookNode]) -> list[np.ndarray]:
    """The figures among a cell's outputs, each (H, W, 4) or (H, W, 3) float in [0, 1]."""
    encoded = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [image.imread(io.BytesIO(base64.b64decode(text)), format="png") for text in encoded]


def figure_difference(committed: np.ndarray, drawn: np.ndarray) -> float:
    """Root mean square difference in 0..255; infinite if the sizes differ."""
    if committed.shape != drawn.shape:
        return float("inf")
    return float(255 * np.sqrt(np.mean((committed.astype(float) - drawn) ** 2)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    if isinstance(item, IPyNbCell) and not UNCOMPARED & set(item.cell.metadata.get("tags", [])):
        committed, drawn = pngs(item.cell.outputs), pngs(item.test_outputs or [])
        if len(committed) != len(drawn):
            item.raise_cell_error(f"{len(drawn)} figures drawn, {len(committed)} committed", "")
        for number, pair in enumerate(zip(committed, drawn, strict=True), start=1):
            difference = figure_difference(*pair)
            if difference > FIGURE_TOLERANCE:
                item.raise_cell_error(f"Figure {number} differs from the committed one by {difference:.2f} of 255", "")
    return result


def solution_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """For each folded solution a code cell: the solution, then its exercise's check, with the output of a pass."""
    cells = []
    check: NotebookNode | None = None
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "exercise-check" in tags:
            check = cell
        elif "solution" in tags:
            code = "\n\n".join(re.findall(r"```python\n(.*?)```", cell.source, flags=re.DOTALL))
            assert code and check is not None, f"{cell.id}: a solution needs ```python code and a check before it"
            printed = "".join(output.get("text", "") for output in check.outputs)
            passed = re.sub(r"○ (.*): not attempted yet", r"✓ \1: correct", printed)
            assert passed != printed, f"{check.id}: its committed output does not say 'not attempted yet'"
            cells.append(
                new_code_cell(
                    f"{code}\n\n{check.source}",
                    id=cell.id,
                    execution_count=1,
                    outputs=[new_output("stream", name="stdout", text=passed)],
                )
            )
    return cells


class NotebookFile(IPyNbFile):
    """nbval's collector, with the solutions after the last cell, not comparing stderr and widgets."""

    def collect(self) -> Generator[IPyNbCell, None, None]:
        self.skip_compare += ("stderr", WIDGET_VIEW)
        os.environ.setdefault("CI", "1")  # downloads of full mode draw no progress bar
        cells = list(super().collect())
        yield from cells
        for number, cell in enumerate(solution_cells(self.nb), start=1):
            yield IPyNbCell.from_parent(
                self,
                name=f"Solution {number}",
                cell_num=len(cells) + number - 1,
                cell=cell,
                options=defaultdict(bool, check=True),
            )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Generator[None, list, list]:
    collected = yield
    return [NotebookFile.from_parent(parent, path=file_path) if type(node) is IPyNbFile else node for node in collected]
