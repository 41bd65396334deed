"""The diagrams of lesson 3: from rooms to a price, the linear neuron, its training loop, and who sees which rows."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.diagrams.drawing import INK, arrow, box, card, circle, polygon, rectangle, stroke, text
from utils.datasets import load_boston_housing
from utils.plotting import PALETTE

WORDS = {
    "03_concept": {
        "title": "Linear regression: one number in, a straight line, one number out",
        "input": "input $x$: average\nnumber of rooms",
        "tract": "one tract:\n6 rooms per home",
        "line": r"$\hat{y} = w\,x + b$",
        "x_axis": "rooms",
        "y_axis": "price, $1000",
        "price": "19.8",
        "unit": "thousand\ndollars",
        "output": "prediction $\\hat{y}$\nof the tract's price",
    },
    "03_neuron": {
        "title": "A linear neuron: multiply, add up, pass on",
        "one": "one input: a straight line",
        "many": "n inputs: a weighted sum",
        "input": "input",
        "inputs": "inputs",
        "weight": "weight $w$",
        "bias": "bias $b$",
        "prediction": "prediction",
        "formula_one": r"$\hat{y} \;=\; w\,x + b$",
        "formula_many": r"$\hat{y} \;=\; w_1 x_1 + w_2 x_2 + \ldots + w_n x_n + b$",
    },
    "03_training_loop": {
        "title": "How the neuron learns: the loss sends a correction back",
        "input": "rooms $x$",
        "neuron": "neuron\n$\\hat{y} = w\\,x + b$",
        "prediction": "predicted\nprice $\\hat{y}$",
        "truth": "true price $y$\n(the target)",
        "loss": "loss\nmean squared\nerror",
        "gradient": "gradient of the loss\nwith respect to $w$ and $b$",
        "optimizer": "optimizer:\nchange $w$ and $b$\na little",
        "update": "new $w$ and $b$",
        "again": "repeat for every batch, epoch after epoch",
    },
    "03_split": {
        "title": "Who may look at which rows",
        "fit": "training rows",
        "valid": "validation rows",
        "test": "test rows",
        "use_fit": "compute mean and standard\ndeviation; fit $w$ and $b$",
        "use_valid": "watch the loss,\nchoose settings",
        "use_test": "score once,\nat the end",
        "split": "x_train: 404 rows, the last 30 % held out by validation_split",
        "same": "the same mean and standard deviation standardise all three parts",
    },
}
ROWS = {"fit": 282, "valid": 122, "test": 102}
SLOPE, INTERCEPT = 8.342, -30.268  # least squares on the first 282 rows; the lesson computes them


def _heading(ax: Axes, width: float, height: float, words: str) -> None:
    text(ax, width / 2, height - 3.6, words, size=14, weight="bold")


def _house(ax: Axes, x: float, y: float, size: float) -> None:
    """A small house with its lower left corner at (x, y)."""
    rectangle(ax, x, y, size, 0.7 * size, "orange", line=1.2)
    roof = [(x - 0.12 * size, y + 0.7 * size), (x + size / 2, y + 1.2 * size), (x + 1.12 * size, y + 0.7 * size)]
    polygon(ax, roof, "red", line=1.2, joinstyle="round")
    rectangle(ax, x + 0.38 * size, y, 0.24 * size, 0.4 * size, "blue", line=1)


def concept() -> Figure:
    """A tract with six rooms per home goes into a line fitted to real tracts; a price of 19.8 thousand comes out."""
    words = WORDS["03_concept"]
    width, height = 96, 44
    figure, ax = card(width, height)
    _heading(ax, width, height, words["title"])
    border = [(3.5, 17.5), (6, 29), (15, 30.5), (22, 27), (21, 15.5), (11, 14)]
    polygon(ax, border, "green", line=1.4, joinstyle="round", linestyle="--")
    houses = ((7, 23.4, 3.6), (12.4, 24.2, 3.2), (17, 22.6, 3.2), (6, 17.6, 3.2), (11, 17.8, 4), (16.6, 17, 3.4))
    for x, y, size in houses:
        _house(ax, x, y, size)
    text(ax, 12.5, 9.6, words["tract"], size=12, weight="bold")
    text(ax, 12.5, 34.6, words["input"], size=11.5)
    arrow(ax, (23, 22), (27.8, 22))

    left, low, wide, high = 36.0, 9.0, 32.0, 26.0
    rectangle(ax, left, low, wide, high, "white", edge=PALETTE["grey"])

    def place(rooms: float, price: float) -> tuple[float, float]:
        return left + (rooms - 3) / 6 * wide, low + price / 52 * high

    (x_train, y_train), _ = load_boston_housing()
    points = [place(rooms, price) for rooms, price in zip(x_train[:282:3, 5], y_train[:282:3], strict=True)]
    ax.scatter(*zip(*points, strict=True), s=9, color=PALETTE["grey"], alpha=0.55, linewidths=0)
    ends = [place(rooms, SLOPE * rooms + INTERCEPT) for rooms in (3.65, 9)]
    ax.plot(*zip(*ends, strict=True), color=PALETTE["blue"], linewidth=2.6)
    text(ax, 45, 31, words["line"], size=14, colour=PALETTE["blue"])
    at_six = place(6, SLOPE * 6 + INTERCEPT)
    for start, end in ((place(6, 0), at_six), (at_six, (left + wide, at_six[1]))):
        arrow(ax, start, end, colour=PALETTE["red"], dashed=True, width=1.8)
    for rooms in (4, 6, 8):
        text(ax, *(place(rooms, 0)[0], low - 1.7), f"{rooms}", size=10)
    for price in (0, 20, 40):
        text(ax, left - 0.9, place(3, price)[1], f"{price}", size=10, ha="right")
    text(ax, left + wide / 2, low - 4.4, words["x_axis"], size=11)
    text(ax, left - 5.6, low + high / 2, words["y_axis"], size=11, rotation=90)

    arrow(ax, (left + wide + 1.5, at_six[1]), (76.5, at_six[1]))
    box(ax, 77.5, at_six[1] - 6, 14, 12, fill="green")
    text(ax, 84.5, at_six[1] + 2.6, words["price"], size=15, weight="bold")
    text(ax, 84.5, at_six[1] - 2.4, words["unit"], size=11)
    text(ax, 84.5, 34, words["output"], size=11.5)
    return figure


def neuron() -> Figure:
    """Left a neuron with one input, weight and bias; right one with n inputs, each with its own weight."""
    words = WORDS["03_neuron"]
    width, height = 96, 46
    figure, ax = card(width, height)
    _heading(ax, width, height, words["title"])
    stroke(ax, [43.5, 43.5], [4, 38], "grey", 1, linestyle=":")

    text(ax, 22, 37, words["one"], size=12.5, weight="bold", colour=PALETTE["blue"])
    text(ax, 6.5, 31.4, words["input"], size=10.5)
    circle(ax, 6.5, 26, 3.4, "$x$", fill="blue", size=14)
    circle(ax, 6.5, 15, 3.4, "$1$", fill="grey", size=13)
    circle(ax, 25, 21, 4.6, r"$\Sigma$", size=18)
    arrow(ax, (9.9, 25.3), (20.5, 22.3), words["weight"], offset=(0.2, 2.6), size=11)
    arrow(ax, (9.9, 15.9), (20.7, 19.4), words["bias"], offset=(0.6, -2.6), size=11)
    arrow(ax, (29.6, 21), (34.3, 21))
    circle(ax, 38, 21, 3.6, r"$\hat{y}$", fill="green", size=14)
    text(ax, 37, 27, words["prediction"], size=10.5)
    text(ax, 22, 6.6, words["formula_one"], size=14)

    text(ax, 70, 37, words["many"], size=12.5, weight="bold", colour=PALETTE["blue"])
    text(ax, 51, 34.2, words["inputs"], size=10.5)
    for y, name, weight in ((30, "$x_1$", "$w_1$"), (24, "$x_2$", "$w_2$"), (15.8, "$x_n$", "$w_n$")):
        circle(ax, 51, y, 2.5, name, fill="blue", size=12)
        arrow(ax, (53.5, y), (68.6, 21 + (y - 21) * 0.28))
        text(ax, 58.2, y + (21 - y) * 0.23 + 1.7, weight, size=11.5)
    text(ax, 51, 20, "⋮", size=13)
    circle(ax, 51, 9.6, 2.5, "$1$", fill="grey", size=12)
    arrow(ax, (53.4, 10.3), (69.4, 17.8))
    text(ax, 60, 11, "$b$", size=11.5)
    circle(ax, 73, 21, 4.6, r"$\Sigma$", size=18)
    arrow(ax, (77.6, 21), (84.3, 21))
    circle(ax, 88, 21, 3.6, r"$\hat{y}$", fill="green", size=14)
    text(ax, 88, 27, words["prediction"], size=10.5)
    text(ax, 70, 3.8, words["formula_many"], size=14)
    return figure


def training_loop() -> Figure:
    """Rooms enter the neuron, the prediction meets the true price in the loss, and its gradient updates w and b."""
    words = WORDS["03_training_loop"]
    width, height = 96, 46
    figure, ax = card(width, height)
    _heading(ax, width, height, words["title"])
    circle(ax, 8.5, 26, 4.6, words["input"].replace(" ", "\n"), fill="blue", size=11)
    arrow(ax, (13.1, 26), (22, 26))
    box(ax, 22, 21.5, 16, 9, words["neuron"], fill="orange", size=11.5)
    arrow(ax, (38, 26), (47.5, 26))
    box(ax, 47.5, 21.5, 13, 9, words["prediction"], fill="green", size=11)
    arrow(ax, (60.5, 26), (71.5, 26))
    box(ax, 71.5, 20.5, 16, 11, words["loss"], fill="red", size=11.5)
    box(ax, 71.5, 34, 16, 5.4, words["truth"], fill="grey", size=10.5)
    arrow(ax, (79.5, 34), (79.5, 31.5))
    stroke(ax, [79.5, 79.5], [20.5, 10.5], "red", 2)
    arrow(ax, (79.5, 10.5), (39, 10.5), colour=PALETTE["red"], width=2)
    text(ax, 59.5, 14, words["gradient"], size=11, colour=PALETTE["red"])
    box(ax, 21, 6, 18, 9, words["optimizer"], fill="white", size=11)
    arrow(ax, (30, 15), (30, 21.5), colour=PALETTE["red"], width=2)
    text(ax, 23, 18.2, words["update"], size=11, colour=PALETTE["red"])
    text(ax, width / 2, 2.6, words["again"], size=11, style="italic")
    return figure


def split() -> Figure:
    """A bar of 506 rows in three parts, 282, 122 and 102, with what each part is for; scaling uses only the first."""
    words = WORDS["03_split"]
    width, height = 96, 38
    figure, ax = card(width, height)
    _heading(ax, width, height, words["title"])
    scale, x = 88 / sum(ROWS.values()), 4.0
    for part, fill in (("fit", "blue"), ("valid", "orange"), ("test", "grey")):
        wide = ROWS[part] * scale
        box(ax, x, 18.5, wide - 0.8, 8, f"{ROWS[part]}\n{words[part]}", fill=fill, size=11)
        text(ax, x + wide / 2, 13.6, words[f"use_{part}"], size=10.5)
        if part == "valid":
            stroke(ax, [4, 4, x + wide - 0.8, x + wide - 0.8], [28, 29, 29, 28], INK, 1.2)
            text(ax, (4 + x + wide) / 2, 31, words["split"], size=10.5)
        x += wide
    stroke(ax, [28, 28, 82, 82], [10.4, 7.6, 7.6, 8.0], "blue", 1.6)
    arrow(ax, (63, 7.6), (63, 11), colour=PALETTE["blue"])
    arrow(ax, (82, 7.6), (82, 11), colour=PALETTE["blue"])
    text(ax, 55, 4.4, words["same"], size=11, colour=PALETTE["blue"])
    return figure
