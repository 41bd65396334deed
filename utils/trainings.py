"""Which trainings of this kernel were not whole; a check that fails then says so, instead of failing."""

from __future__ import annotations

from IPython import get_ipython

NEEDED = (
    "this needs a whole training, and one above was stopped or went on from an earlier one. Run the cell that builds "
    "its network again, then the training."
)
_partial: dict[str, int] = {}  # text of a cell -> its count, when a training in it was not whole


def note(whole: bool) -> None:
    """Remember how a training in the running cell has ended; a whole one makes up for those of the cell's earlier runs.

    Args:
        whole: it was not stopped, and its network had not been trained before.
    """
    shell = get_ipython()
    cell, count = (shell.history_manager.input_hist_raw[-1], shell.execution_count) if shell else ("", 0)
    if not whole:
        _partial[cell] = count
    elif _partial.get(cell) != count or not shell:
        _partial.pop(cell, None)


def any_partial() -> bool:
    """Whether the last run of a training's cell was not whole."""
    return bool(_partial)
