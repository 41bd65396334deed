"""Press the stop button in each training of a lesson: do the cells below still work?

python -m tools.stop [NN …]

Each lesson is run three times, every training of it stopped at its start, in its middle and near its end. Then the
stopped cells are run again as they stand, to their ends, and once more whatever has said that it needs the whole
training. A cell that raises an error is a finding.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from course.kernels import client, environment
from course.lessons import lesson_files
from tools.rerun import name, run
from utils.trainings import NEEDED

MOMENTS = {"at its start": 0.0, "in its middle": 0.5, "near its end": 0.9}
BAR = re.compile(r"(\d+)/(\d+) \[\d")


class Reader(NotebookClient):
    """Runs cells, and presses the stop button when a training's bar has come so far.

    Attributes:
        moment: the share of a training after which it is stopped; None to press nothing.
        stopped: the cells in which the button was pressed.
    """

    moment: float | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.stopped: list[int] = []
        self.pressed = 0.0

    def process_message(self, message: dict, cell: nbformat.NotebookNode, cell_index: int) -> Any:
        found = BAR.findall(message["content"].get("text", ""))
        if found and self.moment is not None:
            done, total = map(int, found[-1])
            # Never twice in one training: a second press stops the cell. A bar begins at 0.
            fresh = not self.pressed or (done == 0 and time.monotonic() - self.pressed > 1)
            if done == 0 and fresh:
                self.pressed = 0.0
            if not self.pressed and done >= self.moment * total:
                self.pressed = time.monotonic()
                self.stopped.append(cell_index)
                self.km.provisioner.process.send_signal(2)
        return super().process_message(message, cell, cell_index)


def stop(path: Path, words: str) -> list[str]:
    """Run a lesson with each training stopped at this moment, then again what was stopped: a line for each error."""
    notebook = nbformat.read(path, as_version=4)
    runner = client(notebook, path, kind=Reader)
    runner.moment = MOMENTS[words]
    findings: list[str] = []
    waiting: list[int] = []

    def run_one(index: int, when: str) -> None:
        runner.pressed = 0.0
        outputs, error = run(runner, index)
        if error:
            findings.append(f"{name(notebook, index)}, {when} {words}: raises {error}")
        if any(NEEDED in output.get("text", "") for output in outputs):
            waiting.append(index)

    with runner.setup_kernel(env=environment()):
        try:
            for index in [number for number, cell in enumerate(notebook.cells) if cell.cell_type == "code"]:
                run_one(index, "stopped")
            runner.moment = None
            for index in sorted({*runner.stopped, *waiting}):
                run_one(index, "run again after a stop")
        except (CellTimeoutError, DeadKernelError) as error:
            findings.append(f"{words}: {type(error).__name__}")
    print(f"  {words}: {len(set(runner.stopped))} cells stopped, {len(set(waiting))} checks wait", flush=True)
    return findings


def main() -> None:
    failed = False
    for path in lesson_files(sys.argv[1:]):
        print(path.stem, flush=True)
        for words in MOMENTS:
            for finding in stop(path, words):
                failed = True
                print(f"  {finding}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
