"""The diagrams of lesson 4: picture to digit, three data sets, flattening, softmax, the network, reading a matrix."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.diagrams.drawing import (
    INK,
    arrow,
    bars,
    box,
    card,
    circle,
    digits,
    links,
    number_grid,
    picture,
    rectangle,
    stroke,
    text,
)
from utils.plotting import PALETTE

WORDS = {
    "04_opener": {
        "picture": "a picture,\n28 × 28 pixels",
        "row": "784\nnumbers",
        "network": "network",
        "kind": "multilayer\nperceptron\n(MLP)",
        "probabilities": "ten probabilities",
        "answer": "answer",
        "argmax": "the largest wins",
    },
    "04_split": {
        "training_file": "training file: 60,000 pictures",
        "test_file": "test file: 10,000",
        "train": "training set\n50,000",
        "valid": "validation set\n10,000",
        "test": "test set\n10,000",
        "use_train": "the weights\nlearn from it",
        "use_valid": "we choose\nwith it",
        "use_test": "scored once,\nat the end",
    },
    "04_flatten": {
        "before": "picture: shape (28, 28)",
        "after": "row of numbers: shape (784,)",
        "row": "row {row}",
        "index": "places {first} to {last}",
        "rule": "row r, column c   →   place 28 · r + c",
    },
    "04_softmax": {
        "class": "class",
        "logits": "logits z",
        "exp": "powers of e",
        "exp_note": "every number becomes positive",
        "probabilities": "probabilities ŷ",
        "sum": "sum {total:.3f}",
        "sum_one": "sum 1",
        "divide": "÷ {total:.3f}",
        "divide_note": "the sum becomes 1",
        "target": "one-hot y",
        "loss": "cross-entropy\n−ln {p:.3f} = {loss:.3f}",
    },
    "04_network": {
        "input": "input\n784 numbers",
        "hidden": "hidden layer {number}\n128 neurons, ReLU",
        "output": "output layer\n10 neurons",
        "softmax": "softmax",
        "probabilities": "probabilities\nŷ",
        "weights": "$W_{number}$: {rows} × {columns}\n$b_{number}$: {columns}",
        "logits": "logits z",
        "target": "one-hot y",
        "loss": "loss L\n−ln ŷ of the\ntrue class",
        "gradient": "gradient of the loss for every weight\n(backpropagation)",
        "optimizer": "optimizer:\nchange all W and b a little",
    },
    "04_matrix": {
        "classes": ("cat", "dog", "other"),
        "true": "true class",
        "predicted": "predicted class",
        "recall": "recall",
        "precision": "precision",
        "recall_note": "along a row:\nof all real dogs,\nhow many were found?",
        "precision_note": "down a column:\nof all answers “dog”,\nhow many were right?",
    },
}
LOGITS = np.array([2.0, 1.0, 0.0])  # the worked example of section 5
MATRIX = np.array([[3, 1, 0], [1, 2, 1], [0, 0, 4]])  # the worked example of section 12


def opener() -> Figure:
    """A handwritten 7 becomes a row of 784 numbers; a network turns it into ten probabilities; the largest wins."""
    words = WORDS["04_opener"]
    figure, ax = card(95, 36)
    pixels = digits("t10k")[0]
    picture(ax, 3, 10, 16, 16, pixels)
    text(ax, 11, 29.6, words["picture"], size=12)
    arrow(ax, (20.5, 18), (25.5, 18))
    part = pixels[7:9].reshape(-1)[:56:4]
    number_grid(ax, 27.6, 6.1, 1.7, part[:, None], size=0)
    text(ax, 28.5, 32.6, words["row"], size=12)
    arrow(ax, (31.5, 18), (37, 18))
    box(ax, 38, 9, 18, 18, fill="blue")
    text(ax, 47, 22.6, words["network"], size=13, weight="bold")
    text(ax, 47, 15.4, words["kind"], size=12)
    arrow(ax, (57, 18), (62, 18))
    probabilities = np.array([0.01, 0.01, 0.03, 0.03, 0.01, 0.01, 0.0, 0.84, 0.01, 0.05])
    bars(ax, 66, 5, 26, probabilities, "0123456789", length=13, best=7)
    text(ax, 71.5, 33, words["probabilities"], size=12)
    middle = 5 + 2.5 * 2.6
    arrow(ax, (78.5, middle), (84, middle))
    circle(ax, 88, middle, 3.6, "7", size=18)
    text(ax, 88, middle + 6, words["answer"], size=12)
    text(ax, 88, middle - 6, words["argmax"], size=11, style="italic")
    return figure


def split() -> Figure:
    """The first 10,000 of the 60,000 training pictures become the validation set; the 10,000 for testing stay apart."""
    words = WORDS["04_split"]
    figure, ax = card(95, 33)
    text(ax, 37.5, 30, words["training_file"], size=12)
    text(ax, 82.5, 30, words["test_file"], size=12)
    for left, right in ((3, 72), (75, 91)):
        stroke(ax, [left, left, right, right], [25.6, 27.2, 27.2, 25.6], INK, 1.2)
    places = {"valid": (3, 16, "orange"), "train": (20.5, 51.5, "blue"), "test": (75, 16, "green")}
    for name, (x, width, fill) in places.items():
        box(ax, x, 12.5, width, 11.5, words[name], fill=fill, size=12)
        text(ax, x + width / 2, 6.5, words[f"use_{name}"], size=12, style="italic")
    return figure


def flatten() -> Figure:
    """The rows of a 28 by 28 picture are laid end to end: rows 7, 8 and 9 fill the places 196 to 279 of 784."""
    words = WORDS["04_flatten"]
    figure, ax = card(95, 36)
    pixels = digits("t10k")[0]
    side = 22.4
    picture(ax, 3, 5, side, side, pixels)
    text(ax, 3 + side / 2, 31, words["before"], size=12)
    text(ax, 62, 31, words["after"], size=12)
    arrow(ax, (27.5, 14), (36, 14))
    cell = 0.56
    left = 39.0
    colours = {7: PALETTE["blue"], 8: PALETTE["red"], 9: PALETTE["green"]}
    for place, (row, colour) in enumerate(colours.items()):
        low = 5 + side - (row + 1) * side / 28
        rectangle(ax, 3, low, side, side / 28, line=1.6, edge=colour, zorder=3)
        x = left + place * (28 * cell + 0.5)
        picture(ax, x, 12.6, 28 * cell, 2.8, pixels[row : row + 1], frame=False)
        rectangle(ax, x, 12.6, 28 * cell, 2.8, line=2, edge=colour, zorder=3)
        text(ax, x + 14 * cell, 18.2, words["row"].format(row=row), size=12, colour=colour, weight="bold")
        index = words["index"].format(first=28 * row, last=28 * row + 27)
        text(ax, x + 14 * cell, 9.6, index, size=10.5, colour=colour)
    for x in (left - 1.3, left + 3 * 28 * cell + 2.4):
        text(ax, x, 14, "…", size=14)
    text(ax, 62, 23.5, words["rule"], size=12, style="italic")
    return figure


def softmax() -> Figure:
    """Logits 2, 1, 0 become the powers of e and are divided by their sum: 0.665, 0.245, 0.090; the loss is 0.408."""
    words = WORDS["04_softmax"]
    figure, ax = card(95, 40)
    exponentials = np.exp(LOGITS)
    total = exponentials.sum()
    probabilities = exponentials / total
    columns = {"logits": 14, "exp": 39, "probabilities": 64, "target": 86}
    text(ax, 4.5, 36, words["class"], size=12, weight="bold")
    for name, x in columns.items():
        text(ax, x, 36, words[name], size=12, weight="bold")
    for place, name in enumerate(("3", "8", "5")):
        y = 26 - 7 * place
        text(ax, 4.5, y + 2.5, name, size=13)
        box(ax, 10, y, 8, 5, f"{LOGITS[place]:.1f}", fill="grey")
        box(ax, 34, y, 10, 5, f"{exponentials[place]:.3f}", fill="blue")
        box(ax, 59, y, 10, 5, f"{probabilities[place]:.3f}", fill="orange" if place == 0 else "blue")
        box(ax, 83, y, 6, 5, "1" if place == 0 else "0", fill="green" if place == 0 else "grey")
        arrow(ax, (19, y + 2.5), (33, y + 2.5))
        arrow(ax, (45, y + 2.5), (58, y + 2.5))
    text(ax, 26, 30.6, "$e^{\\,z}$", size=13)
    text(ax, 51.5, 30.6, words["divide"].format(total=total), size=11)
    text(ax, 39, 8.5, words["sum"].format(total=total), size=11, style="italic")
    text(ax, 64, 8.5, words["sum_one"], size=11, style="italic")
    text(ax, 26, 3.6, words["exp_note"], size=11)
    text(ax, 56, 3.6, words["divide_note"], size=11)
    box(
        ax,
        77,
        2.2,
        17,
        7,
        words["loss"].format(p=probabilities[0], loss=-np.log(probabilities[0])),
        fill="red",
        size=11,
    )
    arrow(ax, (70, 28.5), (77.6, 9.8), colour=PALETTE["red"])
    arrow(ax, (89.2, 28.5), (91.5, 9.8), bend=-0.15, colour=PALETTE["red"])
    return figure


def _column(ax: Axes, x: float, ys: list[float], radius: float, fill: str, gap: float | None) -> None:
    """A column of neurons, with three dots in the gap."""
    for y in ys:
        circle(ax, x, y, radius, fill=fill)
    if gap is not None:
        for shift in (-1.3, 0, 1.3):
            circle(ax, x, gap + shift, 0.25, fill=INK)


def network() -> Figure:
    """784 inputs, two hidden layers of 128 ReLU neurons, 10 outputs, softmax, the loss, and the way back to W and b."""
    words = WORDS["04_network"]
    figure, ax = card(110, 66)
    picture(ax, 2, 36, 11, 11, digits("t10k")[0])
    arrow(ax, (14, 41.5), (17.5, 41.5))
    tall = [53.0, 48.5, 34.5, 30.0]
    layers = {
        "input": (20, tall, "grey"),
        "h1": (39, tall, "blue"),
        "h2": (58, tall, "blue"),
        "output": (77, [53.0 - 2.56 * digit for digit in range(10)], "orange"),
    }
    for (x, ys, _), (next_x, next_ys, _) in pairwise(layers.values()):
        links(ax, (x, ys), (next_x, next_ys))
    for name, (x, ys, fill) in layers.items():
        _column(ax, x, ys, 1.1 if name == "output" else 1.7, fill, None if name == "output" else 41.5)
    text(ax, 20, 60, words["input"], size=12)
    text(ax, 39, 60, words["hidden"].format(number=1), size=12)
    text(ax, 58, 60, words["hidden"].format(number=2), size=12)
    text(ax, 77, 60, words["output"], size=12)
    for number, x, rows, columns in ((1, 29.5, 784, 128), (2, 48.5, 128, 128), (3, 67.5, 128, 10)):
        label = words["weights"].format(number=number, rows=rows, columns=columns)
        box(ax, x - 6.6, 19.4, 13.2, 6.6, label, fill="white", size=11)
        arrow(ax, (x, 13.4), (x, 18.8), colour=PALETTE["red"])
    text(ax, 78, 27.2, words["logits"], size=11, style="italic")
    arrow(ax, (79, 41.5), (82.4, 41.5))
    box(ax, 83, 37, 10, 9, words["softmax"], fill="orange", size=12)
    arrow(ax, (93.6, 41.5), (96.6, 41.5))
    probabilities = np.array([0.01, 0.01, 0.03, 0.03, 0.01, 0.01, 0.0, 0.84, 0.01, 0.05])
    bars(ax, 100, 28.7, 25.6, probabilities, "0123456789", length=8, best=7)
    text(ax, 103, 60, words["probabilities"], size=12)
    arrow(ax, (103, 28), (103, 21.2))
    box(ax, 96, 13, 13, 7.6, words["loss"], fill="red", size=11)
    text(ax, 87, 23.4, words["target"], size=11, style="italic")
    number_grid(ax, 79, 19.4, 1.6, np.eye(10, dtype=int)[7][None], size=9, shade=False, highlight=[(0, 7)])
    arrow(ax, (91.5, 19.2), (95.4, 17.4))
    text(ax, 89, 9.2, words["gradient"], size=11, colour=PALETTE["red"], va="top")
    stroke(ax, [102.5, 102.5], [13, 10.9], "red", 2)
    arrow(ax, (102.5, 10.9), (73.6, 10.9), colour=PALETTE["red"], width=2)
    box(ax, 24, 7.4, 49, 6, words["optimizer"].replace("\n", " "), fill="orange", size=12)
    return figure


def matrix() -> Figure:
    """A 3 by 3 confusion matrix: recall is read along a row, precision down a column."""
    words = WORDS["04_matrix"]
    figure, ax = card(95, 42)
    left, bottom, cell = 34.0, 10.0, 7.5
    number_grid(ax, left, bottom, cell, MATRIX, size=15, shade=False)
    for place in range(3):
        corner = (left + place * cell, bottom + (2 - place) * cell)
        rectangle(ax, *corner, cell, cell, "green", line=0.6, edge=PALETTE["grey"])
        text(ax, corner[0] + cell / 2, corner[1] + cell / 2, str(MATRIX[place, place]), size=15, weight="bold")
        text(ax, left - 1.5, corner[1] + cell / 2, words["classes"][place], size=12, ha="right")
        text(ax, corner[0] + cell / 2, bottom + 3 * cell + 1.8, words["classes"][place], size=12)
        row, column = MATRIX[place].sum(), MATRIX[:, place].sum()
        hit = MATRIX[place, place]
        text(
            ax,
            left + 3 * cell + 2,
            corner[1] + cell / 2,
            f"{hit}/{row} = {hit / row:.2f}",
            size=12,
            ha="left",
            colour="#00557F",
            weight="bold" if place == 1 else "normal",
        )
        text(
            ax,
            corner[0] + cell / 2,
            bottom - 3.2,
            f"{hit}/{column}\n= {hit / column:.2f}",
            size=12,
            colour="#A84900",
            weight="bold" if place == 1 else "normal",
        )
    rectangle(ax, left, bottom + cell, 3 * cell, cell, line=3, edge=PALETTE["blue"], zorder=4)
    rectangle(ax, left + cell, bottom, cell, 3 * cell, line=3, edge=PALETTE["red"], zorder=4)
    text(ax, left + 1.5 * cell, bottom + 3 * cell + 5.4, words["predicted"], size=12, style="italic")
    text(ax, left - 9.5, bottom + 1.5 * cell, words["true"], size=12, style="italic", rotation=90)
    text(
        ax,
        left + 3 * cell + 2,
        bottom + 3 * cell + 1.8,
        words["recall"],
        size=12,
        weight="bold",
        ha="left",
        colour="#00557F",
    )
    text(ax, left - 1.5, bottom - 3.2, words["precision"], size=12, weight="bold", ha="right", colour="#A84900")
    text(ax, 82.5, bottom + 1.5 * cell, words["recall_note"], size=12, colour="#00557F")
    text(ax, 12, bottom + 1.5 * cell, words["precision_note"], size=12, colour="#A84900")
    return figure
