"""The diagrams of lesson 5: why convolution, how it computes, pooling, receptive fields, and VGG-16."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread

from tools.diagrams.drawing import (
    INK,
    SOFT,
    arrow,
    box,
    card,
    circle,
    cuboid,
    digits,
    ellipse,
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
    "05_mlp_on_image": {
        "picture": "picture\n224 × 224 × 3",
        "inputs": "150,528 inputs",
        "hidden": "128 neurons",
        "first": "first weight matrix:\n150,528 × 128 + 128\n= 19,267,712",
        "next": "128 × 128 + 128\n= 16,512",
        "neuron": "one neuron:\n150,528 weights,\none per number",
    },
    "05_shifted_object": {
        "before": "a 7 in the middle",
        "after": "the same 7, 4 pixels to the right",
        "row": "a piece of its row of 784 numbers; orange marks: ink",
        "note": "The same shape meets other inputs, and so other weights.",
    },
    "05_shared": {
        "dense": "dense: every output sees every input",
        "conv": "convolution: a window of 3, the same 3 weights everywhere",
        "dense_count": "6 × 4 = 24 weights",
        "conv_count": "3 weights",
        "inputs": "6 inputs",
        "outputs": "4 outputs",
    },
    "05_conv_layer": {
        "input": "input\nH × W × channels",
        "filters": "filters\n(learnt weights)",
        "slide": "each filter slides\nover the input",
        "linear": "one sum + bias\nper position",
        "activation": "ReLU",
        "output": "output: feature maps\nH′ × W′ × filters",
        "map": "one map per filter",
    },
    "05_worked": {
        "image": "picture, 6 × 6",
        "kernel": "kernel, 3 × 3",
        "output": "output, 4 × 4",
        "first": "row 0, column 0:   (1·1 + 1·2 + 2·1) + 0 − (2·1 + 2·2 + 3·1) = 5 − 9 = −4",
        "second": "row 0, column 1:   (1·1 + 2·2 + 1·1) + 0 − (8·1 + 8·2 + 9·1) = 6 − 33 = −27",
    },
    "05_one_filter": {
        "input": "input\n6 × 6 × 3",
        "filter": "one filter, 3 × 3 × 3\n= three kernels",
        "channels": ("red", "green", "blue"),
        "sum": "add all 27 products\nand the bias",
        "output": "one map\n4 × 4",
        "count": "27 weights + 1 bias = 28 parameters",
    },
    "05_two_filters": {
        "input": "input\n6 × 6 × 3",
        "filter": "filter {number}\n3 × 3 × 3",
        "map": "map {number}",
        "stack": "stacked: one output\n4 × 4 × 2",
        "count": "2 × (27 + 1) = 56 parameters",
        "next": "Filters of the next\nlayer have 2 channels.",
    },
    "05_pooling": {
        "input": "input, 4 × 4",
        "max": "max pooling: the largest",
        "average": "average pooling: the mean",
        "window": "window 2 × 2, stride 2",
    },
    "05_conv_block": {
        "input": "H × W × C",
        "conv": "convolution\nfinds patterns",
        "relu": "ReLU\nnonlinear",
        "pool": "max pooling\nhalves the size",
        "output": "H/2 × W/2 × filters",
        "repeat": "one block; networks repeat it",
        "parameters": ("parameters: (k·k·C + 1) · filters", "0", "0"),
    },
    "05_receptive_field": {
        "input": "picture",
        "first": "after layer 1 (3 × 3)",
        "second": "after layer 2 (3 × 3)",
        "one": "one number here …",
        "three": "… depends on 3 × 3 here …",
        "five": "… and on 5 × 5 pixels here",
    },
    "05_vgg_channels": {
        "height": "height of a box: rows and columns",
        "width": "width of a box: channels",
        "convs": "{count} conv",
        "pool": "pool",
        "flatten": "flatten",
        "dense": ("FC-6: 4,096", "FC-7: 4,096", "FC-8: 1,000"),
        "count": "13 convolutions + 3 dense layers = 16 layers with weights",
    },
    "05_flatten": {
        "maps": "after the last pool\n7 × 7 × 512",
        "row": "one row of\n25,088 numbers",
        "dense": "FC-6: 4,096 neurons",
        "weights": "25,088 × 4,096\n= 102,760,448 weights",
        "flatten": "flatten",
    },
    "05_skip": {
        "plain": "plain",
        "skip": "with a skip connection",
        "layers": "two layers\nF",
        "plain_out": "F(x)",
        "skip_out": "F(x) + x",
        "x": "x",
        "note": "the shortcut has no weights",
    },
    "05_two_paths": {
        "body": "body: the same weights for every picture",
        "head": "head",
        "classes": ("car", "elephant"),
        "features": ("wheel", "window", "edges", "ear", "trunk"),
        "quiet": "thick frame: this map answers strongly",
    },
}
IMAGE = np.array(
    [
        [1, 1, 2, 8, 9, 9],
        [1, 2, 2, 8, 8, 9],
        [2, 1, 3, 9, 9, 8],
        [1, 1, 2, 8, 9, 9],
        [2, 2, 7, 9, 8, 9],
        [1, 3, 8, 8, 9, 9],
    ]
)  # the worked example of section 3
SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
VGG_BLOCKS = ((2, 64, 224), (2, 128, 112), (3, 256, 56), (3, 512, 28), (3, 512, 14))  # convolutions, filters, size


@cache
def _photo(step: int) -> np.ndarray:
    """The fruits in squares of step by step pixels, averaged: (256/step, 256/step, 3)."""
    side = 256 // step
    return imread(fetch("images/fruits_256.png"))[..., :3].reshape(side, step, side, step, 3).mean(axis=(1, 3))


def _slide(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The 3 by 3 sliding sum of products, without padding."""
    return np.array(
        [
            [np.sum(image[r : r + 3, c : c + 3] * kernel) for c in range(image.shape[1] - 2)]
            for r in range(image.shape[0] - 2)
        ]
    )


def _sheets(ax: Axes, x: float, y: float, side: float, count: int, *, fill: str, step: float = 1.2) -> None:
    """A stack of square maps, the first one in front at (x, y)."""
    for place in reversed(range(count)):
        rectangle(ax, x + place * step, y + place * step, side, side, fill, line=1.1)


def _car(ax: Axes, x: float, y: float, s: float) -> None:
    """A car, 10 by 6 units times s."""
    polygon(ax, [(x + s * a, y + s * b) for a, b in ((2, 3), (3.4, 5.4), (6.8, 5.4), (8.4, 3))], "blue", line=1.3)
    rectangle(ax, x, y + s, 10 * s, 2.2 * s, PALETTE["sky"], line=1.3)
    for a in (2.3, 7.6):
        _wheel(ax, x + a * s, y + s, 1.15 * s)


def _wheel(ax: Axes, x: float, y: float, r: float) -> None:
    """A wheel with its hub."""
    circle(ax, x, y, r, fill="#555555", line=1.3)
    circle(ax, x, y, 0.45 * r, fill="white", line=1)


def _elephant(ax: Axes, x: float, y: float, s: float) -> None:
    """An elephant, about 11 by 7 units times s, looking right."""
    skin = "#B9BEC4"
    for a in (1.6, 3.1, 5.2, 6.6):
        rectangle(ax, x + a * s, y, 1.0 * s, 2.8 * s, skin, line=1.2)
    ellipse(ax, x + 4.5 * s, y + 4 * s, 7.4 * s, 4.4 * s, skin, line=1.3)
    circle(ax, x + 8.6 * s, y + 5.2 * s, 1.7 * s, fill=skin, line=1.3)
    _trunk(ax, x + 9.6 * s, y + 4.7 * s, s)
    _ear(ax, x + 7.5 * s, y + 5.1 * s, s)
    circle(ax, x + 9.2 * s, y + 5.7 * s, 0.18 * s, fill=INK, line=1, edge="none")


def _trunk(ax: Axes, x: float, y: float, s: float) -> None:
    """A trunk that hangs down from (x, y)."""
    t = np.linspace(0, 1, 20)
    stroke(ax, x + s * (0.5 * np.sin(2.6 * t) + 0.5 * t), y - 3.8 * s * t, INK, 4.6 * s + 2.4, solid_capstyle="round")
    stroke(ax, x + s * (0.5 * np.sin(2.6 * t) + 0.5 * t), y - 3.8 * s * t, "#B9BEC4", 4.6 * s, solid_capstyle="round")


def _ear(ax: Axes, x: float, y: float, s: float) -> None:
    """An ear around (x, y)."""
    ellipse(ax, x, y, 1.9 * s, 3 * s, "#9CA3AB", line=1.2, angle=-12)


def mlp_on_image() -> Figure:
    """A 224 by 224 by 3 picture feeds 150,528 inputs of an MLP, whose first layer has 19,267,712 parameters."""
    words = WORDS["05_mlp_on_image"]
    figure, ax = card(100, 46)
    picture(ax, 3, 17, 14, 14, _photo(4))
    text(ax, 10, 34.6, words["picture"], size=12)
    arrow(ax, (18, 24), (23.5, 24))
    tall = [38.0, 34.0, 30.0, 18.0, 14.0, 10.0]
    columns = {
        27: (tall, "grey"),
        57: (tall[:2] + tall[-2:], "blue"),
        75: (tall[:2] + tall[-2:], "blue"),
        93: (tall[:2] + tall[-2:], "blue"),
    }
    places = list(columns)
    for left, right in pairwise(places):
        for y in columns[left][0]:
            for other in columns[right][0]:
                bold = left == 27 and other == tall[0]
                colour, width, alpha = ("red", 1.4, 1) if bold else ("grey", 0.5, 0.6)
                stroke(ax, [left, right], [y, other], colour, width, alpha=alpha, zorder=0)
    for x, (ys, fill) in columns.items():
        for y in ys:
            circle(ax, x, y, 1.5, fill=fill)
        for shift in (-1.4, 0, 1.4):
            circle(ax, x, 24 + shift, 0.25, fill=INK)
    text(ax, 27, 42.6, words["inputs"], size=12)
    for x in places[1:]:
        text(ax, x, 42.6, words["hidden"], size=12)
    text(ax, 42, 4.4, words["first"], size=11.5, weight="bold")
    for x in (66, 84):
        text(ax, x, 4.4, words["next"], size=11.5)
    text(
        ax,
        45.5,
        24,
        words["neuron"],
        size=11,
        colour="#A84900",
        bbox={"facecolor": "#FAFAF7", "edgecolor": "none", "pad": 2},
    )
    return figure


def shifted_object() -> Figure:
    """A 7 and the same 7 shifted by 4 pixels: in the row of inputs the ink arrives at other places."""
    words = WORDS["05_shifted_object"]
    figure, ax = card(95, 40)
    before = digits("t10k")[0]
    after = np.zeros_like(before)
    after[:, 4:] = before[:, :-4]
    for pixels, name, y in ((before, "before", 23), (after, "after", 6.5)):
        picture(ax, 3, y, 13, 13, pixels)
        rectangle(ax, 3, y + 13 - 9 * 13 / 28, 13, 13 / 28, line=1.8, edge=PALETTE["red"], zorder=3)
        arrow(ax, (17.5, y + 9), (22.5, y + 9))
        text(ax, 23.5, y + 13.2, words[name], size=12, ha="left", weight="bold")
        number_grid(ax, 23.5, y + 7.6, 2.45, pixels[8:9], size=0)
        for place in np.flatnonzero(pixels[8]):
            middle = 23.5 + 2.45 * (place + 0.5)
            stroke(ax, [middle, middle], [y + 5.2, y + 7.3], "red", 1.2)
        text(ax, 58, y + 3.4, words["row"], size=11, style="italic")
    text(ax, 47.5, 2.6, words["note"], size=12, weight="bold")
    return figure


def shared() -> Figure:
    """Six inputs and four outputs: a dense layer has 24 weights, a convolution with window 3 has 3 shared ones."""
    words = WORDS["05_shared"]
    figure, ax = card(100, 36)
    colours = (PALETTE["blue"], PALETTE["orange"], PALETTE["green"])
    for left, kind in ((4, "dense"), (53, "conv")):
        xs = [left + 4 + 7 * place for place in range(6)]
        ys = [left + 11 + 7 * place for place in range(4)]
        for o, out in enumerate(ys):
            for i, into in enumerate(xs):
                if kind == "dense":
                    stroke(ax, [into, out], [10, 24], "grey", 1.1, zorder=0)
                elif 0 <= i - o <= 2:
                    stroke(ax, [into, out], [10, 24], colours[i - o], 2.6, zorder=0, linestyle=("-", "--", ":")[i - o])
        for x in xs:
            circle(ax, x, 10, 1.7, fill="grey")
        for x in ys:
            circle(ax, x, 24, 1.7, fill="blue")
        text(ax, left + 21.5, 32.6, words[kind].replace(", the", ",\nthe"), size=12, weight="bold")
        text(ax, left + 21.5, 28, words["outputs"], size=11)
        text(ax, left + 21.5, 6.4, words["inputs"], size=11)
        text(ax, left + 21.5, 2.6, words[f"{kind}_count"], size=13, weight="bold", colour="#A84900")
    return figure


def conv_layer() -> Figure:
    """A convolution layer: filters slide over the input, ReLU follows, one feature map per filter comes out."""
    words = WORDS["05_conv_layer"]
    figure, ax = card(104, 38)
    _sheets(ax, 4, 11, 14, 3, fill="grey", step=1.5)
    rectangle(ax, 7, 18, 4, 4, line=2.4, edge=PALETTE["red"])
    text(ax, 12.5, 33, words["input"], size=12)
    arrow(ax, (22.5, 19), (27, 19))
    for place, fill in enumerate(("blue", "orange", "green", "purple")):
        _sheets(ax, 31, 25 - 7 * place, 4, 3, fill=fill, step=0.8)
    text(ax, 34, 34.6, words["filters"], size=12)
    arrow(ax, (39, 19), (44, 19))
    box(ax, 44, 12.5, 18, 13, words["linear"], fill="white", size=12)
    text(ax, 53, 30, words["slide"], size=11, style="italic")
    arrow(ax, (62.6, 19), (65.4, 19))
    box(ax, 66, 13.5, 9, 11, words["activation"], fill="red", size=12)
    arrow(ax, (75.6, 19), (78.4, 19))
    for place, fill in reversed(list(enumerate(("blue", "orange", "green", "purple")))):
        rectangle(ax, 80 + 1.8 * place, 10.5 + 1.8 * place, 12, 12, fill, line=1.1)
    text(ax, 89, 33.4, words["output"], size=12)
    text(ax, 89, 6.4, words["map"], size=11, style="italic")
    return figure


def worked() -> Figure:
    """A 3 by 3 kernel slides over a 6 by 6 picture and gives a 4 by 4 output; two positions worked out."""
    words = WORDS["05_worked"]
    figure, ax = card(95, 48)
    output = _slide(IMAGE, SOBEL)
    cell = 4.2
    first, second = PALETTE["blue"], PALETTE["red"]
    number_grid(ax, 4, 15, cell, IMAGE, size=13, shade=False)
    number_grid(ax, 40, 21.3, cell, SOBEL, size=13, shade=False)
    number_grid(ax, 65, 19.2, 5.4, output, size=13, shade=False)
    for column, colour, inset in ((0, first, 0.0), (1, second, 0.35)):
        corner, side = (4 + column * cell + inset, 15 + 3 * cell + inset), 3 * cell - 2 * inset
        rectangle(ax, *corner, side, side, line=2.8, edge=colour, zorder=4)
        rectangle(ax, 65 + column * 5.4 + 0.25, 19.2 + 3 * 5.4 + 0.25, 4.9, 4.9, line=2.8, edge=colour, zorder=4)
    text(ax, 16.6, 43.5, words["image"], size=12, weight="bold")
    text(ax, 46.3, 43.5, words["kernel"], size=12, weight="bold")
    text(ax, 75.8, 43.5, words["output"], size=12, weight="bold")
    text(ax, 34.8, 27.6, "∗", size=24)
    text(ax, 58.5, 27.6, "=", size=22)
    text(ax, 4, 9, words["first"], size=12.5, ha="left", colour=first)
    text(ax, 4, 4, words["second"], size=12.5, ha="left", colour="#A84900")
    return figure


def _channels(ax: Axes, x: float, y: float, cell: float, n: int, *, step: float, mark: bool = False) -> None:
    """Three n by n channel grids, red in front, the others behind."""
    for place, fill in reversed(list(enumerate(("#E8B4A0", "#A9D8BF", "#A9CBE4")))):
        for row in range(n):
            for column in range(n):
                rectangle(
                    ax, x + place * step + column * cell, y + place * step + row * cell, cell, cell, fill, line=0.5
                )
        if mark:
            rectangle(
                ax,
                x + place * step,
                y + place * step + (n - 3) * cell,
                3 * cell,
                3 * cell,
                line=2.2,
                edge=PALETTE["red"],
            )


def one_filter() -> Figure:
    """One filter on an RGB picture: three kernels, 27 products and a bias make one number of one map."""
    words = WORDS["05_one_filter"]
    figure, ax = card(100, 42)
    _channels(ax, 3, 12, 2.2, 6, step=2.2, mark=True)
    text(ax, 11.5, 35, words["input"], size=12)
    for place, (name, fill) in enumerate(zip(words["channels"], ("#E8B4A0", "#A9D8BF", "#A9CBE4"), strict=True)):
        y = 27.5 - 9.5 * place
        for row in range(3):
            for column in range(3):
                rectangle(ax, 35 + 2.2 * column, y + 2.2 * row, 2.2, 2.2, fill, line=0.6)
        text(ax, 33.6, y + 3.3, name, size=11, ha="right")
        arrow(ax, (42.6, y + 3.3), (51.4, 20.5 + 1.6 * (1 - place)))
    text(ax, 38.3, 38, words["filter"], size=12)
    arrow(ax, (22.5, 21), (27, 21))
    box(ax, 52, 15.5, 20, 10, words["sum"], fill="orange", size=12)
    arrow(ax, (72.6, 20.5), (78.4, 20.5))
    for row in range(4):
        for column in range(4):
            fill = PALETTE["orange"] if (row, column) == (3, 0) else "white"
            rectangle(ax, 80 + 3 * column, 14.5 + 3 * row, 3, 3, fill, line=0.7)
    text(ax, 86, 31.5, words["output"], size=12)
    text(ax, 50, 3.2, words["count"], size=13, weight="bold", colour="#A84900")
    return figure


def two_filters() -> Figure:
    """Two filters make two maps, stacked to one output with two channels: 56 parameters."""
    words = WORDS["05_two_filters"]
    figure, ax = card(106, 42)
    _channels(ax, 3, 13, 2.2, 6, step=2.2)
    text(ax, 11.5, 35.4, words["input"], size=12)
    for place, fill in enumerate(("blue", "orange")):
        y = 27 - 15 * place
        arrow(ax, (22, 21), (28.5, y + 2.5))
        _sheets(ax, 30, y, 5.5, 3, fill=fill, step=0.9)
        text(ax, 34, y + 11, words["filter"].format(number=place + 1), size=11)
        arrow(ax, (38.5, y + 3.4), (45, y + 3.4))
        rectangle(ax, 46.5, y - 1, 9, 9, fill, line=1.1)
        text(ax, 51, y + 3.5, words["map"].format(number=place + 1), size=11)
        arrow(ax, (56.5, y + 3.4), (63, 21.5 + 1.5 * (1 - 2 * place)))
    for place, fill in reversed(list(enumerate(("blue", "orange")))):
        rectangle(ax, 65 + 2 * place, 15 + 2 * place, 11, 11, fill, line=1.1)
    text(ax, 71.5, 32.6, words["stack"], size=12)
    arrow(ax, (79.4, 21.5), (84.4, 21.5))
    text(ax, 95.4, 21.5, words["next"], size=11, style="italic")
    text(ax, 53, 3.2, words["count"], size=13, weight="bold", colour="#A84900")
    return figure


def pooling() -> Figure:
    """Max and average pooling of a 4 by 4 table with 2 by 2 windows and stride 2."""
    words = WORDS["05_pooling"]
    figure, ax = card(95, 38)
    table = np.array([[1, 3, 2, 0], [5, 7, 4, 2], [0, 2, 9, 8], [6, 4, 1, 6]])
    fills = ("blue", "orange", "green", "purple")
    windows = table.reshape(2, 2, 2, 2).transpose(0, 2, 1, 3).reshape(2, 2, 4)

    def grid(x: float, y: float, cell: float, numbers: np.ndarray, per: int) -> None:
        for (row, column), value in np.ndenumerate(numbers):
            corner = (x + column * cell, y + (len(numbers) - 1 - row) * cell)
            fill = SOFT[fills[2 * (row // per) + column // per]]
            rectangle(ax, *corner, cell, cell, fill, line=0.8)
            text(ax, corner[0] + cell / 2, corner[1] + cell / 2, f"{value:g}", size=14)

    grid(8, 7, 5.5, table, 2)
    for place in (0, 1):
        for row in (0, 1):
            rectangle(ax, 8 + 11 * place, 7 + 11 * row, 11, 11, line=2.4)
    text(ax, 19, 33, words["input"], size=12, weight="bold")
    text(ax, 19, 3.2, words["window"], size=11, style="italic")
    arrow(ax, (32, 21), (48, 27))
    arrow(ax, (32, 15), (48, 9))
    grid(52, 21, 6, windows.max(axis=-1), 1)
    grid(52, 3, 6, windows.mean(axis=-1), 1)
    text(ax, 67, 27, words["max"], size=12, ha="left", weight="bold")
    text(ax, 67, 9, words["average"], size=12, ha="left", weight="bold")
    return figure


def conv_block() -> Figure:
    """The smallest block: convolution, ReLU, max pooling; only the convolution has parameters."""
    words = WORDS["05_conv_block"]
    figure, ax = card(100, 30)
    text(ax, 7.5, 16, words["input"], size=12, weight="bold")
    x = 19.0
    arrow(ax, (13, 16), (x - 0.8, 16))
    for place, (name, fill) in enumerate((("conv", "blue"), ("relu", "red"), ("pool", "green"))):
        box(ax, x, 11, 17, 10, words[name], fill=fill, size=12)
        text(ax, x + 8.5, 5.6 if place else 6.2, words["parameters"][place].replace(": ", ":\n"), size=11)
        arrow(ax, (x + 17.6, 16), (x + 22.4, 16))
        x += 23
    text(ax, x + 6.2, 16, words["output"].replace(" × f", "\n× f"), size=12, weight="bold")
    rectangle(ax, 16.5, 2, 68, 22.6, line=1.4, edge=PALETTE["grey"], linestyle="--")
    text(ax, 50.5, 27.2, words["repeat"], size=12, style="italic")
    return figure


def receptive_field() -> Figure:
    """One number after two 3 by 3 layers depends on 3 by 3 numbers of the first and on 5 by 5 pixels."""
    words = WORDS["05_receptive_field"]
    figure, ax = card(100, 38)
    stages = ((5, 7, "input", 5, "five"), (39, 5, "first", 3, "three"), (73, 3, "second", 1, "one"))
    cell = 3.2
    edges = []
    for x, n, name, lit, note in stages:
        y = 19 - n * cell / 2
        start = (n - lit) // 2
        for row in range(n):
            for column in range(n):
                inside = start <= row < start + lit and start <= column < start + lit
                rectangle(
                    ax,
                    x + (7 - n) * cell / 2 + column * cell,
                    y + row * cell,
                    cell,
                    cell,
                    PALETTE["orange"] if inside else "white",
                    line=0.7,
                )
        middle = x + 7 * cell / 2
        edges.append((middle, lit * cell / 2))
        text(ax, middle, 34.6, words[name], size=12, weight="bold")
        text(ax, middle, 3.6, words[note], size=11, style="italic")
    for (left, tall), (right, low) in pairwise(edges):
        for sign in (-1, 1):
            stroke(ax, [left + tall, right - low], [19 + sign * tall, 19 + sign * low], "red", 1.6)
    return figure


def vgg_channels() -> Figure:
    """VGG-16 as solid boxes: rows and columns shrink 224 to 7, channels grow from 3 to 512; then 3 dense layers."""
    words = WORDS["05_vgg_channels"]
    figure, ax = card(116, 50)
    sizes = [(0, 3, 224), *VGG_BLOCKS, (0, 512, 7)]
    x = 3.0
    for place, (count, channels, size) in enumerate(sizes):
        height, width = 0.13 * size + 1.4, 0.016 * channels + 0.7
        back = 0.12 * height
        cuboid(ax, x, 25 - height / 2, width, height, (back, back), fill="blue" if count else "grey")
        middle, right = x + (width + back) / 2, x + width + back
        text(ax, middle, 25 - height / 2 - 3.2, f"{size} × {size}\n× {channels}", size=11)
        last = place == len(sizes) - 1
        colour = INK if place == 0 else "#00664B"
        arrow(ax, (right + 0.5, 25), (right + 5.7, 25), colour=INK if last else colour)
        if not last:
            convs = sizes[place + 1][0]
            lines = [*([words["pool"]] if place else []), *([words["convs"].format(count=convs)] if convs else [])]
            text(ax, right + 3.1, 26, "\n".join(lines), size=11, colour=colour, va="bottom")
        else:
            text(ax, right + 3.1, 26, words["flatten"], size=11, va="bottom")
        x = right + 6.4
    for units, height in zip(words["dense"], (17, 17, 11), strict=True):
        box(ax, x, 25 - height / 2, 3.4, height, fill="orange")
        text(ax, x + 1.7, 25, units, size=11, rotation=90)
        x += 4.6
    text(ax, 71, 46.5, words["height"], size=12, style="italic")
    text(ax, 71, 42.8, words["width"], size=12, style="italic")
    text(ax, 71, 5.4, words["count"], size=12)
    return figure


def flatten() -> Figure:
    """The 7 by 7 by 512 numbers after the last pool become one row of 25,088, fed to 4,096 neurons."""
    words = WORDS["05_flatten"]
    figure, ax = card(85, 43)
    cuboid(ax, 5, 16, 15, 7, (3.15, 3.15))
    for place in range(1, 7):
        stroke(ax, [5, 20], [16 + place, 16 + place], "grey", 0.5)
    text(ax, 14, 32, words["maps"], size=12)
    arrow(ax, (25, 20), (35, 20), words["flatten"])
    ys = [33 - 2.2 * place for place in range(6)] + [17 - 2.2 * place for place in range(6)]
    for y in ys:
        rectangle(ax, 38, y - 1.1, 2.2, 2.2, "blue", line=0.8)
    for x in (39.1, 72):
        for shift in (-1, 0, 1):
            circle(ax, x, 19.4 + shift, 0.22, fill=INK)
    text(ax, 39, 39.4, words["row"], size=12)
    out = [32.0, 28.0, 24.0, 14.0, 10.0, 6.0]
    for y in ys:
        for other in out:
            stroke(ax, [40.2, 70.5], [y, other], "grey", 0.4, alpha=0.7, zorder=0)
    for y in out:
        circle(ax, 72, y, 1.5, fill="orange")
    text(ax, 72, 39.4, words["dense"], size=12)
    text(
        ax,
        55,
        19.4,
        words["weights"],
        size=12,
        weight="bold",
        bbox={"facecolor": "#FAFAF7", "edgecolor": "none", "pad": 3},
    )
    return figure


def skip() -> Figure:
    """Left: two layers compute F(x). Right: a shortcut around them adds x, so the output is F(x) + x."""
    words = WORDS["05_skip"]
    figure, ax = card(95, 32)
    for x, kind in ((6, "plain"), (50, "skip")):
        text(ax, x + 19, 28.6, words[kind], size=12, weight="bold")
        text(ax, x, 12, words["x"], size=15, style="italic")
        arrow(ax, (x + 1.6, 12), (x + 9.4, 12))
        box(ax, x + 10, 7, 13, 10, words["layers"], fill="blue", size=12)
        if kind == "plain":
            arrow(ax, (x + 23.6, 12), (x + 31, 12))
            text(ax, x + 35, 12, words["plain_out"], size=14)
        else:
            arrow(ax, (x + 23.6, 12), (x + 27.2, 12))
            circle(ax, x + 29, 12, 1.7, "+", fill="orange", size=15)
            stroke(ax, [x + 4.5, x + 4.5, x + 29], [12, 21.5, 21.5], "red", 2.2)
            arrow(ax, (x + 29, 21.5), (x + 29, 14), colour=PALETTE["red"], width=2.2)
            arrow(ax, (x + 30.8, 12), (x + 34.2, 12))
            text(ax, x + 39.4, 12, words["skip_out"], size=14)
            text(ax, x + 16.8, 24, words["note"], size=11, colour="#A84900")
    return figure


def two_paths() -> Figure:
    """A car and an elephant meet the same weights; other feature maps answer and lead to another class."""
    words = WORDS["05_two_paths"]
    figure, ax = card(105, 50)
    for place, (top, lit, winner) in enumerate(((28, (0, 1, 2), 0), (4, (2, 3, 4), 1))):
        rectangle(ax, 2.5, top - 1, 17, 14, "white", line=1.2)
        if place == 0:
            _car(ax, 4.5, top + 1.4, 1.3)
        else:
            _elephant(ax, 3.8, top + 0.4, 1.3)
        arrow(ax, (20.2, top + 6), (24.4, top + 6))
        for feature, name in enumerate(words["features"]):
            on = feature in lit
            x = 27.5 + 9.7 * feature
            rectangle(
                ax,
                x,
                top + 3,
                6,
                6,
                PALETTE["orange"] if on else "white",
                line=3 if on else 1,
                edge=INK if on else PALETTE["grey"],
            )
            text(ax, x + 3, top + 0.6, name, size=11, weight="bold" if on else "normal")
        arrow(ax, (76, top + 6), (80.4, top + 6))
        box(ax, 81, top + 1.5, 8, 9, words["head"], fill="green", size=12)
        for line, name in enumerate(words["classes"]):
            y = top + 8.6 - 5.2 * line
            rectangle(
                ax,
                91.2,
                y - 2.4,
                10.4 if line == winner else 0.9,
                2,
                PALETTE["orange"] if line == winner else PALETTE["blue"],
                edge="none",
            )
            text(ax, 91.2, y + 0.9, name, size=11, ha="left", weight="bold" if line == winner else "normal")
    rectangle(ax, 25, 2.5, 50.5, 39.5, line=2, edge=PALETTE["blue"], linestyle="--")
    text(ax, 50, 46.4, words["body"], size=12, weight="bold", colour="#00557F")
    text(ax, 50, 22.3, words["quiet"], size=11, style="italic")
    return figure
