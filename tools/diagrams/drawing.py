"""A small kit for the course's schematic drawings: a card with boxes, arrows and number grids, saved as SVG.

Each drawing is one function of tools/diagrams/lessonNN.py that returns a Figure and takes its words from a table (so
that a second language is a second table); its file is called NN_<name of the function>.svg. Everything is drawn on a
light card with its own background, so that it reads the same in light and dark themes; text is saved as outlines, so
that it looks the same without the font.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, FancyBboxPatch, Patch, Polygon, Rectangle
from PIL import Image

from utils.datasets import read_idx
from utils.downloads import fetch
from utils.plotting import PALETTE

CARD = "#FAFAF7"
INK = "#222222"
SOFT = {  # fills that dark text stays readable on
    "blue": "#D5E8F5",
    "orange": "#FBE9C6",
    "green": "#D2EEE4",
    "red": "#F8DDCB",
    "purple": "#F5E1EC",
    "grey": "#E6E6E3",
    "white": "#FFFFFF",
}


Fill = str | tuple[float, ...] | np.ndarray | None  # a name in SOFT, another colour, or nothing


def card(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty card. One unit is a tenth of an inch at full size: card(90, 30) is 9 by 3 inches; y points up."""
    figure = Figure(figsize=(width / 10, height / 10), facecolor=CARD)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    ax.axis("off")
    return figure, ax


def text(ax: Axes, x: float, y: float, words: str, *, size: float = 12, colour: str = INK, **options: Any) -> None:
    """Words centred at a point; options go to Axes.text (ha, va, weight, style, rotation)."""
    ax.text(x, y, words, **{"ha": "center", "va": "center", "fontsize": size, "color": colour, **options})


def stroke(ax: Axes, x: Any, y: Any, colour: str, width: float, **options: Any) -> None:
    """A line through points; colour is a name in PALETTE or another colour, options go to Axes.plot."""
    ax.plot(x, y, color=PALETTE.get(colour, colour), linewidth=width, **options)


def links(ax: Axes, first: tuple[float, Sequence[float]], second: tuple[float, Sequence[float]]) -> None:
    """Thin lines from each node of a column, x and its ys, to each of the next, behind them."""
    for y in first[1]:
        for other in second[1]:
            stroke(ax, [first[0], second[0]], [y, other], "grey", 0.5, alpha=0.6, zorder=0)


def _add(ax: Axes, patch: Patch, fill: Fill, *, edge: str = INK, line: float = 1, **options: Any) -> None:
    patch.set(fill=fill is not None, edgecolor=edge, linewidth=line, **options)
    if fill is not None:
        patch.set_facecolor(SOFT.get(fill, fill) if isinstance(fill, str) else fill)
    ax.add_artist(patch)  # add_patch would measure it for limits that a card does not need


# Options of the shapes: edge (a colour), line (its width), and those of Matplotlib's patches.


def rectangle(ax: Axes, x: float, y: float, width: float, height: float, fill: Fill = None, **options: Any) -> None:
    """A rectangle with its lower left corner at (x, y)."""
    _add(ax, Rectangle((x, y), width, height), fill, **options)


def ellipse(ax: Axes, x: float, y: float, width: float, height: float, fill: Fill = None, **options: Any) -> None:
    """An ellipse around (x, y)."""
    _add(ax, Ellipse((x, y), width, height), fill, **options)


def polygon(ax: Axes, corners: Any, fill: Fill = None, **options: Any) -> None:
    """A closed polygon through (N, 2) corners."""
    _add(ax, Polygon(corners, closed=True), fill, **options)


def circle(
    ax: Axes,
    x: float,
    y: float,
    radius: float,
    words: str = "",
    *,
    fill: Fill = "orange",
    size: float = 12,
    **options: Any,
) -> None:
    """A circle, for a neuron or a node, with words in it."""
    _add(ax, Circle((x, y), radius), fill, **{"line": 1.4, **options})
    if words:
        text(ax, x, y, words, size=size)


def box(
    ax: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    words: str = "",
    *,
    fill: str = "blue",
    size: float = 12,
    edge: str = INK,
    **options: Any,
) -> None:
    """A rounded box with its lower left corner at (x, y) and words in its middle, to which the options go."""
    shape = FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=1.2")
    _add(ax, shape, fill, edge=edge, line=1.4)
    if words:
        text(ax, x + width / 2, y + height / 2, words, size=size, **options)


def arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    words: str = "",
    *,
    bend: float = 0.0,
    colour: str = INK,
    size: float = 10.5,
    style: str = "-|>",
    width: float = 1.6,
    dashed: bool = False,
    offset: tuple[float, float] = (0, 1.6),
) -> None:
    """An arrow, bent by `bend` (0 is straight), with words near its middle, shifted by `offset`."""
    ax.add_artist(
        FancyArrowPatch(
            start,
            end,
            arrowstyle=style,
            mutation_scale=14,
            linewidth=width,
            color=colour,
            connectionstyle=f"arc3,rad={bend}",
            shrinkA=0,
            shrinkB=0,
            linestyle="--" if dashed else "-",
        )
    )
    if words:
        middle = ((start[0] + end[0]) / 2 + offset[0], (start[1] + end[1]) / 2 + offset[1])
        text(ax, *middle, words, size=size, colour=colour)


def bars(
    ax: Axes,
    x: float,
    y: float,
    height: float,
    values: Sequence[float],
    names: Sequence[str],
    *,
    length: float,
    best: int,
    size: float = 10.5,
) -> None:
    """Horizontal bars, the first at the top, with their names at the left; the best one in orange, its name bold."""
    step = height / len(values)
    for place, (value, name) in enumerate(zip(values, names, strict=True)):
        middle = y + height - (place + 0.5) * step
        colour = PALETTE["orange"] if place == best else PALETTE["blue"]
        rectangle(ax, x, middle - 0.38 * step, length * value, 0.76 * step, colour, edge="none")
        text(ax, x - 1, middle, name, size=size, ha="right", weight="bold" if place == best else "normal")
    stroke(ax, [x, x], [y, y + height], INK, 1.2)


def cuboid(
    ax: Axes, x: float, y: float, width: float, height: float, back: tuple[float, float], *, fill: str = "blue"
) -> float:
    """A solid box: its front with the lower left corner at (x, y), its sides going back by `back`. Its right end."""
    (dx, dy), right, top = back, x + width, y + height
    colour = np.array(mpl.colors.to_rgb(SOFT.get(fill, fill)))
    front = [(x, y), (right, y), (right, top), (x, top)]
    lid = [(x, top), (right, top), (right + dx, top + dy), (x + dx, top + dy)]
    side = [(right, y), (right + dx, y + dy), (right + dx, top + dy), (right, top)]
    for corners, shade in ((lid, 0.96), (side, 0.86), (front, 1.0)):
        polygon(ax, corners, shade * colour)
    return right + dx


def number_grid(
    ax: Axes,
    x: float,
    y: float,
    cell: float,
    numbers: Any,
    *,
    size: float = 9,
    shade: bool = True,
    tint: str | None = None,
    highlight: Sequence[tuple[int, int]] = (),
) -> None:
    """A grid of numbers with its lower left corner at (x, y), as an image is stored: row 0 at the top.

    Args:
        ax: the card.
        x, y: lower left corner.
        cell: side of a cell in card units.
        numbers: (rows, columns) numbers; 0..255 if they are shaded.
        size: font size; 0 draws no numbers.
        shade: fill each cell with its grey value, or with a shade of `tint`.
        tint: "red", "green" or "blue" for a channel of a colour picture.
        highlight: (row, column) of cells to frame.
    """
    numbers = np.asarray(numbers)
    rows = len(numbers)
    for (row, column), value in np.ndenumerate(numbers):
        level = float(value) / 255 if shade else 1.0
        channels = {"red": (level, 0, 0), "green": (0, level, 0), "blue": (0, 0, level)}
        fill: Any = channels[tint] if tint and shade else (level, level, level) if shade else "white"
        corner = (x + column * cell, y + (rows - 1 - row) * cell)
        rectangle(ax, *corner, cell, cell, fill, edge=PALETTE["grey"], line=0.6)
        if size:
            # Perceived brightness, ITU-R BT.601: white words on what looks dark.
            dark = np.dot((0.299, 0.587, 0.114), mpl.colors.to_rgb(fill)) < 0.5
            text(
                ax, corner[0] + cell / 2, corner[1] + cell / 2, f"{value:g}", size=size, colour="white" if dark else INK
            )
    for row, column in highlight:
        low = y + (rows - 1 - row) * cell
        rectangle(ax, x + column * cell, low, cell, cell, edge=PALETTE["red"], line=2.4, zorder=3)


def picture(
    ax: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    pixels: Any,
    *,
    frame: bool = True,
    value_range: tuple[float | None, float | None] = (None, None),
) -> None:
    """An image array, (H, W) grey or (H, W, 3), drawn with sharp pixels in the given rectangle.

    Grey values are drawn from black to white over value_range, or over those that occur.
    """
    low, high = value_range
    place = (x, x + width, y, y + height)
    ax.imshow(pixels, extent=place, cmap="gray", vmin=low, vmax=high, interpolation="nearest", aspect="auto", zorder=1)
    if frame:
        rectangle(ax, x, y, width, height, zorder=2)


@functools.cache
def digits(part: str) -> np.ndarray:
    """MNIST's pictures, (N, 28, 28) uint8: part is "train" or "t10k" (the test set, whose first picture is a 7)."""
    return read_idx(fetch(f"data/mnist/{part}-images-idx3-ubyte.gz"))


@functools.cache
def photograph(name: str, side: int = 96) -> np.ndarray:
    """The centre square of one of lesson 7's photographs, (side, side, 3) uint8."""
    image = Image.open(fetch(f"images/photos/{name}.jpg")).convert("RGB")
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=(left, top, left + edge, top + edge)))


def svg(figure: Figure, name: str, description: str) -> str:
    """The drawing as SVG; the same drawing gives the same text (no date, fixed ids)."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", facecolor=CARD, metadata={"Date": None, "Title": description})
    return buffer.getvalue()
