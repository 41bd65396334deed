"""Demos of lesson 5: a kernel with nine fields to edit, and a window that walks over a small table step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.plotting import PALETTE

EDGES = {  # for each size of a window a kernel that subtracts its right half from its left half
    2: np.array([[1, -1], [1, -1]]),
    3: np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
    4: np.array([[1, 1, -1, -1], [3, 3, -3, -3], [3, 3, -3, -3], [1, 1, -1, -1]]),
}
PRESETS = {  # name -> the nine numbers of a kernel, row by row
    "Sobel: left minus right": (1, 0, -1, 2, 0, -2, 1, 0, -1),
    "Sobel: top minus bottom": (1, 2, 1, 0, 0, 0, -1, -2, -1),
    "blur: the mean of nine": (1 / 9,) * 9,
    "sharpen": (0, -1, 0, -1, 5, -1, 0, -1, 0),
    "all edges (Laplace)": (0, 1, 0, 1, -4, 1, 0, 1, 0),
    "nothing: the pixel itself": (0, 0, 0, 0, 1, 0, 0, 0, 0),
}
OPERATIONS = {  # name -> what it does with the numbers of a window, and the words for it
    "convolution": (np.sum, "sum of the products"),
    "max pooling": (np.max, "largest number"),
    "average pooling": (np.mean, "mean"),
}


class KernelFields(widgets.VBox, widgets.ValueWidget):
    """Nine fields for the numbers of a 3 x 3 kernel, and a list of kernels that fill them; `value` is a tuple of nine.

    Args:
        presets: name -> nine numbers, row by row; the first one is shown first.
    """

    description = "kernel"
    value = traitlets.Tuple()

    def __init__(self, presets: Mapping[str, tuple[float, ...]] = PRESETS) -> None:
        self.preset = widgets.Dropdown(options=list(presets.items()), description="preset")
        self.fields = []
        for place in range(9):
            field = widgets.FloatText(
                description=f"row {place // 3}, column {place % 3}",  # not seen, but heard
                style={"description_width": "0px"},
                layout={"width": "84px"},
            )
            field.observe(self._read, "value")
            self.fields.append(field)
        table = widgets.GridBox(self.fields, layout={"grid_template_columns": "repeat(3, 90px)"})
        super().__init__([self.preset, table])
        self.preset.observe(self._fill, "value")
        self._fill()

    def _fill(self, change: Any = None) -> None:
        with self.hold_trait_notifications():  # one new figure, not nine
            for field, number in zip(self.fields, self.preset.value, strict=True):
                field.value = round(number, 3)

    def _read(self, change: Any = None) -> None:
        self.value = tuple(field.value for field in self.fields)


def filtered(picture: np.ndarray) -> Callable[..., Figure]:
    """The figure of a demo: a grey picture, and what a kernel makes of it.

    Args:
        picture: (H, W), floats in 0..1.

    Returns:
        draw(kernel): a Figure for nine numbers. If they add up to 0, middle grey stands for 0 in the output.
    """

    def draw(kernel: tuple[float, ...]) -> Figure:
        output = cv2.filter2D(picture, -1, np.reshape(kernel, (3, 3)))[1:-1, 1:-1]
        limits, scale = (0.0, 1.0), "black is 0, white is 1"
        if abs(sum(kernel)) < 0.01:
            limit = max(2.0 * float(output.std()), 1e-6)
            limits, scale = (-limit, limit), "middle grey is 0"
        figure, axes = plt.subplots(1, 2, figsize=(9, 4.9))
        figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.93, wspace=0.03)
        parts = ((picture, (0.0, 1.0), "input: black is 0, white is 1"), (output, limits, f"output: {scale}"))
        for ax, (pixels, (low, high), title) in zip(axes, parts, strict=True):
            ax.imshow(pixels, vmin=low, vmax=high)
            ax.axis("off")
            ax.set_title(title)
        return figure

    return draw


def walk(
    picture: np.ndarray, operation: str, window: int, stride: int, padding: int
) -> tuple[np.ndarray, list[tuple[int, int]], list[np.ndarray], np.ndarray]:
    """A window's way over a table.

    Args:
        picture: (n, n) whole numbers.
        operation: a name in OPERATIONS.
        window: its side, 2 to 4.
        stride: how far it moves.
        padding: width of the frame of zeros.

    Returns:
        The padded picture, the upper left corner of the window and the numbers in it for each step, and the output.
    """
    padded = np.pad(picture, padding)
    size = (len(padded) - window) // stride + 1
    corners = [(stride * row, stride * column) for row in range(size) for column in range(size)]
    windows = [padded[top : top + window, left : left + window] for top, left in corners]
    weights = EDGES[window] if operation == "convolution" else 1
    compute, _ = OPERATIONS[operation]
    values = [float(compute(weights * numbers)) for numbers in windows]
    return padded, corners, windows, np.reshape(values, (size, size))


def steps(picture: np.ndarray) -> Callable[..., Figure]:
    """The figure of a demo: the table with its window, the numbers in the window, and the output so far.

    Args:
        picture: (n, n) whole numbers.

    Returns:
        draw(operation, window, stride, padding, step): a Figure; a step past the last one begins again.
    """

    def draw(
        operation: str = "convolution", window: int = 3, stride: int = 1, padding: int = 0, step: int = 2
    ) -> Figure:
        padded, corners, windows, values = walk(picture, operation, window, stride, padding)
        place, size = (step - 1) % len(corners), len(values)
        if operation == "convolution":
            inside = _cells(windows[place], "{} · {}\n= {}", EDGES[window], windows[place] * EDGES[window])
        else:
            inside = _cells(windows[place], "{}")
        output = _cells(values, "{:.3g}")
        output.flat[place + 1 :] = ""  # not yet reached
        figure, axes = plt.subplots(1, 3, figsize=(10, 3.7))
        figure.subplots_adjust(left=0.01, right=0.99, bottom=0.03, top=0.9, wspace=0.06)
        title = f"input {len(padded)} × {len(padded)}, step {place + 1} of {len(corners)}"
        _table(axes[0], _cells(padded, "{}"), title, corners[place], window, "orange")
        words = OPERATIONS[operation][1]
        _table(axes[1], inside, f"{words}: {values.flat[place]:.4g}", (0, 0), window, "orange")
        _table(axes[2], output, f"output {size} × {size}", divmod(place, size), 1, "blue")
        return figure

    return draw


def _cells(numbers: np.ndarray, form: str, *more: np.ndarray) -> np.ndarray:
    """A table of texts: `form` filled with the numbers at each place."""
    texts = np.empty(numbers.shape, dtype=object)
    for place in np.ndindex(numbers.shape):
        texts[place] = form.format(*(array[place] for array in (numbers, *more))).replace("-", "−")
    return texts


def _table(ax: Axes, cells: np.ndarray, title: str, corner: tuple[int, int], side: int, colour: str) -> None:
    """Draw a table of texts in which a square is coloured."""
    rows, columns = cells.shape
    for (row, column), words in np.ndenumerate(cells):
        ax.text(column, row, words, ha="center", va="center", fontsize=10)
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), aspect="equal")
    ax.set_xticks(np.arange(columns + 1) - 0.5, [])
    ax.set_yticks(np.arange(rows + 1) - 0.5, [])
    ax.tick_params(length=0)
    ax.grid(color=PALETTE["grey"], alpha=1)
    ax.spines[:].set(visible=True, color=PALETTE["grey"])
    square = plt.Rectangle((corner[1] - 0.5, corner[0] - 0.5), side, side, color=PALETTE[colour], alpha=0.4)
    ax.add_patch(square)
    ax.set_title(title.replace("-", "−"), fontsize=12)
