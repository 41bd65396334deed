"""The drawings of lesson 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from tools.diagrams.drawing import (
    INK,
    arrow,
    box,
    card,
    circle,
    digits,
    ellipse,
    links,
    number_grid,
    picture,
    polygon,
    rectangle,
    stroke,
    text,
)
from utils.downloads import fetch
from utils.plotting import PALETTE

WORDS = {
    "01_black_box": {
        "box": "black box",
        "again": "the same\nblack box",
        "picture": "picture",
        "answer": "probabilities",
        "classes": ("cat", "dog", "other"),
        "clear": "a clear case",
        "unclear": "seen from behind",
    },
    "01_grey_grid": {
        "picture": "28 × 28 pixels",
        "patch": "the framed 8 × 8 pixels, as numbers",
        "row": "row",
        "column": "column",
        "scale": "0 = black … 255 = white",
    },
    "01_colour_channels": {
        "picture": "256 × 256 pixels",
        "patch": "5 × 5 of them",
        "channels": ("red", "green", "blue"),
        "count": "256 × 256 × 3 = 196,608 numbers",
    },
    "01_vector_or_tensor": {
        "picture": "picture",
        "stack": "stacked grids",
        "stack_shape": "(256, 256, 3)",
        "flat": "vector: one long row",
        "flat_shape": "(196608,)",
        "layers": ("Conv2D", "Dense"),
        "layer_note": "layer",
        "same": "the same 196,608 numbers, in a fixed order",
    },
    "01_resize_first": {
        "pictures": "pictures of many sizes",
        "resize": "crop and resize",
        "scaled": "scale to 0 … 1",
        "fixed": "256 × 256 × 3",
        "box": "network",
        "classes": ("cat", "dog", "other"),
        "step": "preprocessing",
    },
    "01_opener": {
        "picture": "a digit",
        "box": "network",
        "answer": "ten probabilities",
    },
    "01_layers": {
        "picture": "784 pixels",
        "row": "one long row",
        "hidden": "128 neurons",
        "hidden_note": "ReLU",
        "output": "10 neurons",
        "output_note": "softmax",
    },
    "01_labelled_images": {
        "labelled": "labelled pictures",
        "label": "label",
        "ideal": "ideal answer",
        "classes": ("cat", "dog", "other"),
        "box": "network",
        "compare": "compare",
    },
    "01_supervised_unsupervised": {
        "supervised": "Supervised learning",
        "supervised_in": "given: pictures and labels",
        "supervised_out": "found: a rule from picture to label",
        "unsupervised": "Unsupervised learning",
        "unsupervised_in": "given: pictures only",
        "unsupervised_out": "found: groups, without names",
        "labels": ("cat", "dog"),
        "groups": ("group A", "group B"),
    },
    "01_feedback_loop": {
        "picture": "picture",
        "box": "network",
        "prediction": "prediction",
        "label": "ideal answer",
        "label_note": "from the label “cat”",
        "compare": "compare",
        "loss": "loss L",
        "turn": "turn the knobs a little, so that the loss falls",
        "classes": ("cat", "dog", "other"),
    },
}
CLASS_COLOURS = ("blue", "orange", "green")


def _head(ax: Axes, x: float, y: float, radius: float, colour: str) -> None:
    circle(ax, x, y, radius, fill=colour, line=1.2)


def _eyes(ax: Axes, x: float, y: float, radius: float) -> None:
    for side in (-1, 1):
        circle(ax, x + 0.38 * side * radius, y + 0.18 * radius, 0.12 * radius, fill=INK, line=1, edge="none")


def cat(ax: Axes, x: float, y: float, radius: float) -> None:
    """A cat's face around (x, y)."""
    for side in (-1, 1):
        ear = [(0.92 * side, 0.25), (0.86 * side, 1.25), (0.18 * side, 0.93)]
        points = [(x + radius * a, y + radius * b) for a, b in ear]
        polygon(ax, points, "#B8B8B8", line=1.2)
    _head(ax, x, y, radius, "#C9C9C9")
    _eyes(ax, x, y, radius)
    nose = [(x - 0.13 * radius, y - 0.12 * radius), (x + 0.13 * radius, y - 0.12 * radius), (x, y - 0.3 * radius)]
    polygon(ax, nose, PALETTE["purple"], line=0.8)
    for side in (-1, 1):
        for slope in (-0.12, 0.0, 0.12):
            stroke(
                ax,
                [x + 0.25 * side * radius, x + 1.05 * side * radius],
                [y - 0.3 * radius, y + (slope - 0.3) * radius],
                INK,
                0.8,
            )


def dog(ax: Axes, x: float, y: float, radius: float) -> None:
    """A dog's face around (x, y)."""
    _head(ax, x, y, radius, "#D8B27A")
    for side in (-1, 1):
        ellipse(
            ax,
            x + 0.95 * side * radius,
            y + 0.15 * radius,
            0.55 * radius,
            1.35 * radius,
            "#9A6B35",
            line=1.2,
            angle=12 * side,
        )
    _eyes(ax, x, y, radius)
    ellipse(ax, x, y - 0.42 * radius, 0.95 * radius, 0.75 * radius, "#F0DDBD")
    ellipse(ax, x, y - 0.22 * radius, 0.36 * radius, 0.24 * radius, INK, edge="none")
    stroke(ax, [x, x], [y - 0.32 * radius, y - 0.58 * radius], INK, 1.0)


def apple(ax: Axes, x: float, y: float, radius: float) -> None:
    """An apple around (x, y): neither cat nor dog."""
    for side in (-1, 1):
        ellipse(ax, x + 0.3 * side * radius, y - 0.05 * radius, 1.25 * radius, 1.7 * radius, "#C8463C", line=1.2)
    ellipse(ax, x, y - 0.05 * radius, 1.0 * radius, 1.5 * radius, "#C8463C", edge="none")
    stroke(ax, [x, x + 0.1 * radius], [y + 0.6 * radius, y + 1.1 * radius], "#5B3A1A", 2.0)
    ellipse(ax, x + 0.45 * radius, y + 1.0 * radius, 0.7 * radius, 0.32 * radius, PALETTE["green"], line=0.8, angle=20)


def from_behind(ax: Axes, x: float, y: float, radius: float) -> None:
    """A furry animal from behind: back, two ears, a tail; it could be either."""
    for side in (-1, 1):
        ellipse(
            ax,
            x + 0.42 * side * radius,
            y + 0.92 * radius,
            0.4 * radius,
            0.62 * radius,
            "#A89A86",
            line=1.2,
            angle=-20 * side,
        )
    circle(ax, x, y + 0.5 * radius, 0.62 * radius, fill="#B9AC98", line=1.2)
    ellipse(ax, x, y - 0.4 * radius, 1.55 * radius, 1.5 * radius, "#B9AC98", line=1.2)
    angles = np.linspace(-0.6, 2.2, 30)
    stroke(
        ax,
        x + radius * (0.75 + 0.55 * np.sin(angles)),
        y + radius * (-0.75 + 0.5 * (1 - np.cos(angles))),
        "#8B7D68",
        4.5,
        solid_capstyle="round",
    )


ANIMALS: dict[str, Callable[[Axes, float, float, float], None]] = {
    "cat": cat,
    "dog": dog,
    "other": apple,
    "behind": from_behind,
}


def photo(ax: Axes, x: float, y: float, side: float, kind: str) -> None:
    """A framed picture with its lower left corner at (x, y)."""
    rectangle(ax, x, y, side, side, "white", line=1.4)
    ANIMALS[kind](ax, x + side / 2, y + 0.48 * side, 0.3 * side)


def bars(
    ax: Axes,
    x: float,
    y: float,
    classes: Sequence[str],
    values: Sequence[float],
    *,
    gap: float = 4.2,
    length: float = 12.0,
    digits: int = 2,
) -> None:
    """One bar per class, the first at the top; (x, y) is the left end of the middle bar; names to the left of x."""
    for index, (name, value, colour) in enumerate(zip(classes, values, CLASS_COLOURS, strict=True)):
        level = y + (1 - index) * gap
        rectangle(ax, x, level - 1.2, length, 2.4, "white", line=0.8, edge=PALETTE["grey"])
        rectangle(ax, x, level - 1.2, max(length * value, 0.15), 2.4, PALETTE[colour], edge="none")
        text(ax, x - 0.9, level, name, size=11, ha="right")
        text(ax, x + length + 0.9, level, f"{value:.{digits}f}", size=11, ha="left")


def knob(ax: Axes, x: float, y: float, radius: float, turn: float) -> None:
    """A round knob; `turn` is the direction of its pointer in degrees, 90 is up."""
    circle(ax, x, y, radius, fill="white", line=1.3)
    angle = math.radians(turn)
    stroke(
        ax,
        [x, x + 0.85 * radius * math.cos(angle)],
        [y, y + 0.85 * radius * math.sin(angle)],
        "red",
        2.2,
        solid_capstyle="round",
    )


def _fruits() -> np.ndarray:
    with Image.open(fetch("images/fruits_256.png")) as image:
        return np.asarray(image)


def _small(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def black_box() -> Figure:
    """A picture enters a black box; three probabilities come out: one clear case, one unclear case."""
    words = WORDS["01_black_box"]
    _, ax = card(86, 43)
    for y, kind, values, note, name in (
        (24, "cat", (0.97, 0.01, 0.02), words["clear"], words["box"]),
        (4, "behind", (0.51, 0.48, 0.01), words["unclear"], words["again"]),
    ):
        photo(ax, 4, y, 14, kind)
        text(ax, 11, y - 2, note, size=10.5, style="italic")
        arrow(ax, (19, y + 7), (27.5, y + 7))
        box(ax, 28.5, y + 1.5, 18, 11, name, fill=INK, size=13, colour="white", weight="bold")
        arrow(ax, (47.5, y + 7), (55.5, y + 7))
        bars(ax, 64.5, y + 7, words["classes"], values)
    text(ax, 11, 40.5, words["picture"], size=12, weight="bold")
    text(ax, 70.5, 40.5, words["answer"], size=12, weight="bold")
    return ax.figure


def grey_grid() -> Figure:
    """A grey picture of a digit and, beside it, the numbers of a small part of it."""
    words = WORDS["01_grey_grid"]
    image = digits("train")[0]
    _, ax = card(86, 45)
    row, column, n = 6, 12, 8
    unit = 34 / 28
    picture(ax, 3, 5, 34, 34, image)
    rectangle(ax, 3 + column * unit, 5 + (28 - row - n) * unit, n * unit, n * unit, line=2.2, edge=PALETTE["red"])
    text(ax, 20, 42, words["picture"], size=12, weight="bold")
    cell, left, low = 4.0, 49.0, 6.0
    top = low + n * cell
    right_edge = 3 + (column + n) * unit
    for start, end in (
        ((right_edge, 5 + (28 - row) * unit), (left, top)),
        ((right_edge, 5 + (28 - row - n) * unit), (left, low)),
    ):
        stroke(ax, [start[0], end[0]], [start[1], end[1]], "red", 1.0, linestyle="--")
    number_grid(ax, left, low, cell, image[row : row + n, column : column + n], size=9.5)
    rectangle(ax, left, low, n * cell, n * cell, line=2.2, edge=PALETTE["red"])
    text(ax, left + n * cell / 2, 42, words["patch"], size=12, weight="bold")
    text(ax, left + n * cell / 2, 3, words["scale"], size=10.5)
    arrow(ax, (left + n * cell + 1.8, top), (left + n * cell + 1.8, top - 9), width=1.2)
    text(ax, left + n * cell + 3.4, top - 4.5, words["row"], size=10.5, rotation=270)
    arrow(ax, (left, top + 1.3), (left + 9, top + 1.3), width=1.2)
    text(ax, left + 9.8, top + 1.3, words["column"], size=10.5, ha="left")
    return ax.figure


def colour_channels() -> Figure:
    """A colour picture and the red, green and blue numbers of a small part of it."""
    words = WORDS["01_colour_channels"]
    fruits = _fruits()
    _, ax = card(100, 34)
    row, column, n = 131, 84, 5
    small = _small(fruits, 128, 128)
    picture(ax, 3, 3, 26, 26, small)
    unit = 26 / 256
    # The frame is drawn larger than five pixels, which could not be seen.
    centre = (3 + (column + n / 2) * unit, 3 + (256 - row - n / 2) * unit)
    rectangle(ax, centre[0] - 0.9, centre[1] - 0.9, 1.8, 1.8, line=2, edge="white")
    text(ax, 16, 31.3, words["picture"], size=12, weight="bold")
    patch = fruits[row : row + n, column : column + n]
    picture(ax, 34, 11, 12, 12, patch)
    text(ax, 40, 26, words["patch"], size=11)
    for corner in ((34, 23), (34, 11)):
        stroke(ax, [centre[0] + 0.9, corner[0]], [centre[1], corner[1]], INK, 0.9, linestyle="--")
    arrow(ax, (46.8, 17), (50.6, 17))
    for index, name in enumerate(words["channels"]):
        x = 51.5 + index * 16.0
        for (down, across), value in np.ndenumerate(patch[..., index]):
            left, low = x + 2.9 * across, 9.75 + 2.9 * (n - down - 1)
            light = [int(value) if channel == index else 0 for channel in range(3)]
            rectangle(ax, left, low, 2.9, 2.9, "#{:02X}{:02X}{:02X}".format(*light), line=0.6)
            colour = INK if index == 1 and value > 150 else "white"
            text(ax, left + 1.45, low + 1.45, f"{value}", size=9, colour=colour, weight="bold")
        text(ax, x + 7.25, 26, name, size=12, weight="bold", colour=("#B71C1C", "#00704F", PALETTE["blue"])[index])
    text(ax, 74.7, 5, words["count"], size=12)
    return ax.figure


def _sheets(ax: Axes, x: float, y: float, side: float) -> None:
    """Three stacked grids, red in front."""
    for index, colour in enumerate(("#8FB4E3", "#9BD3A8", "#E79A8E")):
        shift = (2 - index) * 1.5
        rectangle(ax, x + shift, y + shift, side, side, colour, line=1.1, zorder=2 + index)
        for line in range(1, 5):
            step = side * line / 5
            stroke(ax, [x + shift + step] * 2, [y + shift, y + shift + side], "white", 0.8, zorder=2 + index)
            stroke(ax, [x + shift, x + shift + side], [y + shift + step] * 2, "white", 0.8, zorder=2 + index)


def vector_or_tensor() -> Figure:
    """The same picture enters a Conv2D layer as stacked grids, a Dense layer as one long row of numbers."""
    words = WORDS["01_vector_or_tensor"]
    _, ax = card(98, 42)
    photo(ax, 3, 14, 14, "cat")
    text(ax, 10, 30.5, words["picture"], size=12, weight="bold")
    arrow(ax, (18, 24), (25.5, 30))
    arrow(ax, (18, 18), (25.5, 11))
    _sheets(ax, 32, 24.5, 9)
    text(ax, 46.5, 33, words["stack"], size=11, ha="left", weight="bold")
    text(ax, 46.5, 29.5, words["stack_shape"], size=11, ha="left")
    for index in range(15):
        colour = ("#E79A8E", "#9BD3A8", "#8FB4E3")[index % 3]
        rectangle(ax, 27 + index * 1.9, 8.2, 1.9, 3.4, colour, line=0.9)
    text(ax, 57.5, 9.9, "…", size=14)
    text(ax, 27, 5.6, words["flat"], size=11, ha="left", weight="bold")
    text(ax, 48.5, 5.6, words["flat_shape"], size=11, ha="left")
    text(ax, 44, 17.8, words["same"], size=10.5, style="italic")
    for name, level in zip(words["layers"], (30, 10), strict=True):
        arrow(ax, (63, level), (70, level))
        box(ax, 70.5, level - 4.5, 16, 9, fill=INK)
        text(ax, 78.5, level + 1.4, name, size=13, colour="white", weight="bold")
        text(ax, 78.5, level - 2, words["layer_note"], size=10.5, colour="white")
    return ax.figure


def resize_first() -> Figure:
    """Pictures of many sizes are cropped, resized and scaled before they enter the network."""
    words = WORDS["01_resize_first"]
    fruits = _fruits()
    _, ax = card(102, 41)
    text(ax, 13, 38, words["pictures"], size=11.5, weight="bold")
    picture(ax, 4, 24.5, 18, 11, _small(fruits[60:216], 72, 44))
    picture(ax, 3, 4, 8.5, 17, _small(fruits[:, 70:198], 48, 96))
    picture(ax, 14.5, 9, 8, 8, _small(fruits, 48, 48))
    arrow(ax, (24, 26), (29.5, 21.5))
    arrow(ax, (24, 13), (29.5, 18.5))
    rectangle(ax, 28.4, 9.5, 43.8, 20.5, line=1.2, edge=PALETTE["grey"], linestyle="--")
    text(ax, 50.3, 32.2, words["step"], size=11.5, weight="bold")
    box(ax, 30, 15, 12.5, 10, words["resize"].replace(" and ", " and\n"), fill="orange", size=11.5)
    arrow(ax, (43, 20), (46.3, 20))
    picture(ax, 46.7, 15, 10, 10, _small(fruits, 64, 64))
    text(ax, 51.7, 12.2, words["fixed"], size=10.5)
    arrow(ax, (57.2, 20), (60.4, 20))
    box(ax, 60.8, 15, 10, 10, words["scaled"].replace(" to ", "\nto "), fill="orange", size=11.5)
    arrow(ax, (71.3, 20), (75.6, 20))
    box(ax, 76, 14, 11.5, 12, words["box"], fill=INK, size=12.5, colour="white", weight="bold")
    for index, (name, colour) in enumerate(zip(words["classes"], CLASS_COLOURS, strict=True)):
        level = 24 - index * 4
        arrow(ax, (88, level), (92.3, level), colour=PALETTE[colour])
        text(ax, 93, level, name, size=11.5, ha="left")
    return ax.figure


KNOB_TURNS = (120, 20, 75, 160, 100, 40, 200, 85)


def _knob_box(ax: Axes, x: float, y: float, width: float, height: float, title: str) -> None:
    """The network as a box with two rows of knobs."""
    box(ax, x, y, width, height, fill=INK)
    text(ax, x + width / 2, y + height - 2.7, title, size=12.5, colour="white", weight="bold")
    for index, turn in enumerate(KNOB_TURNS):
        column, row = index % 4, index // 4
        knob(ax, x + width * (column + 0.65) / 4.3, y + height * (0.5 - 0.29 * row), 0.085 * width, turn)


def _ten_bars(ax: Axes, x: float, y: float, values: Sequence[float], *, gap: float, length: float) -> None:
    """A bar for each digit, the 0 at the top; (x, y) is the left end of the lowest bar."""
    best = int(np.argmax(values))
    for digit, value in enumerate(values):
        level = y + (9 - digit) * gap
        colour = PALETTE["blue" if digit == best else "sky"]
        rectangle(ax, x, level - 0.3 * gap, max(length * value, 0.2), 0.6 * gap, colour, edge="none")
        weight = "bold" if digit == best else "normal"
        text(ax, x - 1.4, level, f"{digit}", size=11, weight=weight)


SEVEN = (0.004, 0.002, 0.01, 0.02, 0.006, 0.003, 0.001, 0.92, 0.008, 0.026)


def opener() -> Figure:
    """A handwritten 7 enters the network, a box with knobs; ten probabilities come out, and that of the 7 is large."""
    words = WORDS["01_opener"]
    _, ax = card(86, 35)
    picture(ax, 4, 7, 20, 20, digits("t10k")[0])
    text(ax, 14, 30.5, words["picture"], size=12, weight="bold")
    arrow(ax, (25, 17), (31.5, 17))
    _knob_box(ax, 32.5, 8, 24, 18, words["box"])
    arrow(ax, (57.5, 17), (63, 17))
    _ten_bars(ax, 67, 3.5, SEVEN, gap=2.7, length=14)
    text(ax, 74, 31.8, words["answer"], size=12, weight="bold")
    return ax.figure


def layers() -> Figure:
    """The network of section 1: 784 pixels, 128 neurons with ReLU, ten neurons with softmax."""
    words = WORDS["01_layers"]
    _, ax = card(96, 44)
    picture(ax, 3, 14, 15, 15, digits("t10k")[0])
    arrow(ax, (18.8, 21.5), (24, 21.5))
    strip = digits("t10k")[0].reshape(-1)[202:213]
    pixels = [4 + 3.2 * index for index in range(11) if index != 5]
    hidden = [5.5 + 4 * index for index in range(9) if index != 4]
    outputs = [3.5 + 3.6 * index for index in range(10)]
    links(ax, (28.6, pixels), (50, hidden))
    links(ax, (50, hidden), (73, outputs))
    for level, value in zip(pixels, np.delete(strip, 5), strict=True):
        rectangle(ax, 25.6, level - 1.5, 3, 3, "#" + f"{int(value):02X}" * 3, line=1)
    for level in hidden:
        circle(ax, 50, level, 1.6, fill="orange")
    for x, level in ((27.1, pixels[5] - 3.2), (50, 21.5)):
        text(ax, x, level, "⋮", size=15)
    for digit, level in enumerate(reversed(outputs)):
        circle(ax, 73, level, 1.55, fill=PALETTE["blue" if digit == 7 else "sky"])
        text(ax, 77.4, level, f"{digit}", size=11, weight="bold" if digit == 7 else "normal")
        length = max(12 * SEVEN[digit], 0.2)
        rectangle(ax, 80, level - 0.9, length, 1.8, PALETTE["blue" if digit == 7 else "sky"], edge="none")
    for x, name in ((27.1, "picture"), (50, "hidden"), (73, "output")):
        text(ax, x, 41.5, words[name], size=12, weight="bold")
    text(ax, 58.5, 41.5, words["hidden_note"], size=11, style="italic", ha="left")
    text(ax, 81, 41.5, words["output_note"], size=11, style="italic", ha="left")
    return ax.figure


def labelled_images() -> Figure:
    """Each picture enters the network, and its label, the ideal answer, is compared with what comes out."""
    words = WORDS["01_labelled_images"]
    _, ax = card(104, 40)
    rectangle(ax, 2, 3, 49, 30.5, "white", line=1.2, edge=PALETTE["grey"])
    for index, (kind, name) in enumerate(zip(("cat", "dog", "other"), words["classes"], strict=True)):
        x = 4 + 15.5 * index
        photo(ax, x, 18, 13, kind)
        box(ax, x + 0.5, 11, 12, 4.6, name, fill=CLASS_COLOURS[index], size=12)
        ideal = ", ".join("1" if index == other else "0" for other in range(3))
        text(ax, x + 6.5, 7, f"({ideal})", size=11)
    text(ax, 26.5, 36.5, words["labelled"], size=12.5, weight="bold")
    arrow(ax, (51.6, 26.5), (57.4, 26.5))
    _knob_box(ax, 58, 17.5, 24, 18, words["box"])
    arrow(ax, (82.6, 26.5), (87.4, 26.5))
    box(ax, 88, 22.5, 13.5, 8, words["compare"], fill="orange", size=12)
    stroke(ax, [51.6, 94.75], [9.5, 9.5], INK, 1.6)
    arrow(ax, (94.75, 9.3), (94.75, 21.8))
    text(ax, 73, 12, f"{words['label']}: {words['ideal']}", size=11, style="italic")
    return ax.figure


def supervised_unsupervised() -> Figure:
    """The same points twice: with labels a border between the classes is found, without labels only groups."""
    words = WORDS["01_supervised_unsupervised"]
    rng = np.random.default_rng(3)
    first = (12.5, 22.0) + rng.uniform(-1, 1, (16, 2)) * (6.0, 4.2)
    second = (30.0, 14.0) + rng.uniform(-1, 1, (16, 2)) * (6.0, 4.2)
    _, ax = card(96, 43)
    for left, kind in ((3, "supervised"), (50, "unsupervised")):
        rectangle(ax, left, 6, 43, 26, "white", line=1.2, edge=PALETTE["grey"])
        text(ax, left + 21.5, 40, words[kind], size=13, weight="bold")
        text(ax, left + 21.5, 35.6, words[f"{kind}_in"], size=11)
        text(ax, left + 21.5, 3, words[f"{kind}_out"], size=11)
    for points, marker, colour in ((first, "o", "blue"), (second, "s", "orange")):
        ax.plot(
            points[:, 0] + 3,
            points[:, 1],
            marker,
            color=PALETTE[colour],
            markersize=7,
            markeredgecolor=INK,
            markeredgewidth=0.6,
        )
        ax.plot(
            points[:, 0] + 50,
            points[:, 1],
            "o",
            color=PALETTE["grey"],
            markersize=7,
            markeredgecolor=INK,
            markeredgewidth=0.6,
        )
    stroke(ax, [3 + 16.5, 3 + 26.5], [7, 31], "red", 2.2, linestyle="--")
    text(ax, 3 + 12.5, 29.3, words["labels"][0], size=12, weight="bold", colour=PALETTE["blue"])
    text(ax, 3 + 30, 8, words["labels"][1], size=12, weight="bold", colour="#9A6A00")
    for centre, label, spot in (
        ((12.5, 21.6), words["groups"][0], (12.5, 29.9)),
        ((30.6, 13.4), words["groups"][1], (30.6, 22.2)),
    ):
        ellipse(ax, 50 + centre[0], centre[1], 17.5, 12.4, line=2.2, edge=PALETTE["purple"], linestyle="--")
        text(ax, 50 + spot[0], spot[1], label, size=12, weight="bold", colour="#9C4A74")
    return ax.figure


def feedback_loop() -> Figure:
    """The prediction is compared with the ideal answer; this gives the loss, and the knobs are turned."""
    words = WORDS["01_feedback_loop"]
    _, ax = card(102, 42)
    ax.set_ylim(4, 46)
    photo(ax, 3, 24, 14, "cat")
    text(ax, 10, 41, words["picture"], size=12, weight="bold")
    arrow(ax, (17.8, 31), (22.6, 31))
    _knob_box(ax, 23.4, 22, 24, 18, words["box"])
    arrow(ax, (48.2, 31), (52.6, 31))
    bars(ax, 59.5, 31, words["classes"], (0.60, 0.30, 0.10), length=8, digits=1)
    text(ax, 63, 41, words["prediction"], size=12, weight="bold")
    arrow(ax, (73.4, 31), (77.8, 31))
    box(ax, 78.4, 27, 13, 8, words["compare"], fill="orange", size=12)
    text(ax, 84.9, 43, words["label"], size=12, weight="bold")
    text(ax, 84.9, 39.6, words["label_note"] + ": (1, 0, 0)", size=10.5)
    arrow(ax, (84.9, 38), (84.9, 35.4))
    box(ax, 78.4, 7.5, 13, 8, words["loss"], fill="red", size=12.5, weight="bold")
    arrow(ax, (84.9, 26.6), (84.9, 16))
    stroke(ax, [78.4, 35.4], [11.5, 11.5], "red", 2.4)
    arrow(ax, (35.4, 11.4), (35.4, 21.6), colour=PALETTE["red"], width=2.4)
    text(ax, 56, 8.6, words["turn"], size=11.5, colour="#A33F00", weight="bold")
    return ax.figure
