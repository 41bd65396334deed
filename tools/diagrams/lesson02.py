"""Drawings of lesson 2, fundamentals of training a neural network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.diagrams.drawing import INK, arrow, box, card, circle, picture, stroke, text
from utils.plotting import PALETTE

WORDS: dict[str, dict[str, Any]] = {
    "02_loop": {
        "samples": "labelled images",
        "label": "label $y$",
        "label_value": "Cat",
        "network": "network",
        "weights": "with weights",
        "prediction": "prediction $\\hat{y}$",
        "loss": "loss $L$",
        "loss_note": "one number:\nhow wrong?",
        "back": "adjust every weight a little, so that the loss gets smaller; then repeat",
    },
    "02_labelled_sample": {
        "sample": "the sample: an image",
        "name": "the label\nas a name",
        "integer": "as an\ninteger",
        "one_hot": "as a one-hot vector $y$",
        "classes": ("Cat", "Dog", "Other"),
        "map": "the map",
    },
    "02_loss_bowl": {
        "x": "weight $w$",
        "y": "loss $L(w)$",
        "left": "$w_{e1}$: a first estimate,\nlarge loss",
        "down": "training moves\nthe weight this way",
        "best": "$w_o$: the optimum,\nthe smallest loss",
    },
    "02_two_slopes": {
        "x": "weight $w$",
        "y": "loss $L(w)$",
        "left": "left of $w_o$:\nthe slope is negative",
        "right": "right of $w_o$:\nthe slope is positive",
        "more": "make $w$ larger",
        "less": "make $w$ smaller",
        "flat": "at the optimum: slope 0",
    },
    "02_rise_over_run": {
        "run": "run = +0.10",
        "rise": "rise = −0.055",
        "slope": "slope = rise / run\n= −0.055 / 0.10\n= −0.55",
        "tangent": "tangent: the straight line\nthat touches the curve",
        "point": "0.38",
        "x": "weight $w$",
        "y": "loss $L(w)$",
    },
    "02_update_rule": {
        "parts": (
            ("$w_{\\mathrm{new}}$", "the weight\nafter the step"),
            ("=", ""),
            ("$w_{\\mathrm{old}}$", "the weight\nbefore the step"),
            ("−", ""),
            ("$\\eta$", "the learning rate,\nchosen by you"),
            ("×", ""),
            ("$\\dfrac{dL}{dw}$", "the slope of the loss\nat the old weight"),
        ),
        "step": "how far: learning rate × slope",
        "minus": "minus: the weight moves against the slope, towards smaller loss",
    },
    "02_update_with_numbers": {
        "parts": (
            ("0.3855", "new weight"),
            ("=", ""),
            ("0.38", "old weight"),
            ("−", ""),
            ("0.01", "learning rate"),
            ("×", ""),
            ("(−0.55)", "slope"),
        ),
        "step": "0.01 × (−0.55) = −0.0055; minus a negative number moves the weight to the right",
        "before": "0.38",
        "after": "0.3855",
        "axis": "weight $w$ (magnified)",
    },
    "02_chain": {
        "nodes": (
            ("$w$", "0.50"),
            ("$z = w\\,x$", "1.00"),
            ("$\\hat{y} = \\sigma(z)$", "0.7311"),
            ("$L = -\\ln \\hat{y}$", "0.3133"),
        ),
        "slopes": (
            ("$\\dfrac{dz}{dw} = x$", "2.0000"),
            ("$\\dfrac{d\\hat{y}}{dz} = \\hat{y}\\,(1-\\hat{y})$", "0.1966"),
            ("$\\dfrac{dL}{d\\hat{y}} = -1 / \\hat{y}$", "−1.3679"),
        ),
        "forward": "forward: compute the values",
        "backward": "backward: multiply the slopes",
        "product": "$\\dfrac{dL}{dw}$ = (−1.3679) × 0.1966 × 2.0000 = −0.5379",
    },
    "02_batches": {
        "data": "training set: 1,204 images, in a new random order each epoch",
        "batch": "batch {}\n{} images",
        "iteration": "one iteration",
        "steps": "forward pass, loss, gradient, weight update",
        "epoch": "one epoch = one pass over the data = 38 iterations, 38 weight updates",
        "training": "training = many epochs",
    },
    "02_full_loop": {
        "x": "$x$\nbatch of images",
        "network": "network",
        "weights": "weights $w$",
        "y_hat": "$\\hat{y}$\npredictions",
        "y": "$y$\nlabels",
        "loss": "loss\n$L(y, \\hat{y})$",
        "gradient": "gradient of the loss\nfor every weight",
        "update": "optimizer: the update\n$w \\leftarrow w - \\eta \\cdot$ gradient",
        "backprop": "backpropagation",
        "new": "new weights",
    },
    "02_three_sets": {
        "whole": "all labelled images, shuffled once",
        "names": ("training set", "validation set", "test set"),
        "does": (
            "the weights are fitted on it",
            "epochs and settings\nare chosen on it",
            "scores the finished model,\nonce, at the end",
        ),
        "touch": ("used in every iteration", "looked at\nafter every epoch", "kept in the drawer"),
    },
    "02_inference": {
        "x": "$x$\nnew image,\nno label",
        "network": "trained network",
        "weights": "weights stay fixed",
        "y_hat": "$\\hat{y}$\nprobabilities",
        "argmax": "argmax",
        "answer": "class",
        "gone": "no label $y$, no loss, no gradient, no update",
    },
}

CAT = """
.1........1.
.11......11.
.1111111111.
.1111111111.
.1133113311.
.1123113211.
.1111111111.
.1111441111.
.1115115111.
..11155111..
...111111...
............
"""
CAT_COLOURS = {
    ".": (0.84, 0.91, 0.96),
    "1": (0.90, 0.62, 0.30),
    "2": (0.13, 0.13, 0.13),
    "3": (0.98, 0.98, 0.90),
    "4": (0.80, 0.36, 0.40),
    "5": (0.50, 0.28, 0.12),
}
BLUE, RED, GREEN, GREY, PURPLE = (PALETTE[name] for name in ("blue", "red", "green", "grey", "purple"))


def cat(ax: Axes, x: float, y: float, side: float) -> None:
    """The cat of twelve by twelve pixels, with its lower left corner at (x, y)."""
    picture(ax, x, y, side, side, np.array([[CAT_COLOURS[letter] for letter in line] for line in CAT.split()]))


def vector(
    ax: Axes,
    x: float,
    y: float,
    values: Sequence[str],
    names: Sequence[str] = (),
    *,
    width: float = 8.0,
    height: float = 4.0,
    strong: int = -1,
) -> None:
    """A column of numbers, the first on top; its lower left corner at (x, y). Names stand at the right."""
    for i, value in enumerate(values):
        low = y + (len(values) - 1 - i) * height
        box(ax, x, low, width, height, value, fill="orange" if i == strong else "white", size=12)
        if names:
            text(ax, x + width + 1.2, low + height / 2, names[i], size=11.5, ha="left")


def axes_cross(ax: Axes, x: float, y: float, width: float, height: float, words: dict[str, Any]) -> None:
    """The two axes of a sketched curve, with the words for x and y."""
    arrow(ax, (x, y), (x + width, y))
    arrow(ax, (x, y), (x, y + height))
    text(ax, x + width, y - 2.4, words["x"], size=12, ha="right")
    text(ax, x + 1.2, y + height - 0.4, words["y"], size=12, ha="left")


def dot(ax: Axes, x: float, y: float, colour: str, radius: float = 0.9) -> None:
    """A filled point."""
    circle(ax, x, y, radius, fill=colour, line=1.0, zorder=4)


def dashes(ax: Axes, x: Sequence[float], y: Sequence[float], colour: str = GREY) -> None:
    """A thin dashed line."""
    ax.plot(x, y, "--", color=colour, linewidth=1.2, zorder=1)


class Bowl:
    """A parabola on a card: its lowest point at (x, y), `lift` card units higher at `reach` units to either side."""

    def __init__(self, x: float, y: float, reach: float, lift: float) -> None:
        self.x, self.y, self.reach, self.lift = x, y, reach, lift

    def at(self, x: float) -> float:
        """Height of the curve."""
        return self.y + self.lift * ((x - self.x) / self.reach) ** 2

    def slope(self, x: float) -> float:
        """Slope of the curve."""
        return 2 * self.lift * (x - self.x) / self.reach**2

    def draw(self, ax: Axes, first: float, last: float) -> None:
        """The curve from x = first to x = last."""
        xs = np.linspace(first, last, 121)
        stroke(ax, xs, self.at(xs), BLUE, 2.6, zorder=2)

    def tangent(self, ax: Axes, x: float, half: float, colour: str) -> None:
        """The straight line that touches the curve at x."""
        xs = np.array([x - half, x + half])
        stroke(ax, xs, self.at(x) + self.slope(x) * (xs - x), colour, 2.2, zorder=3)


def loop() -> Figure:
    """Training as a loop: labelled image, network, prediction, loss, and back to adjusted weights."""
    words = WORDS["02_loop"]
    figure, ax = card(90, 37)
    for shift in (2.4, 1.2):
        box(ax, 3 + shift, 17 + shift, 11, 11, fill="grey")
    cat(ax, 3, 17, 11)
    text(ax, 9.7, 14.6, words["samples"], size=11.5)
    box(ax, 25, 17, 17, 11, fill="blue")
    text(ax, 33.5, 24, words["network"], size=13, weight="bold")
    text(ax, 33.5, 20.4, words["weights"], size=11.5)
    vector(ax, 51, 16.5, ("0.37", "0.50", "0.13"))
    text(ax, 55, 14.6, words["prediction"], size=11.5)
    box(ax, 71, 17, 15, 11, fill="red")
    text(ax, 78.5, 25.2, words["loss"], size=13, weight="bold")
    text(ax, 78.5, 20.8, words["loss_note"], size=11.5)
    arrow(ax, (17.4, 22.5), (25, 22.5))
    arrow(ax, (42, 22.5), (51, 22.5))
    arrow(ax, (59, 22.5), (71, 22.5))
    stroke(ax, [9.7, 9.7, 78.5], [31.2, 34.4, 34.4], INK, 1.6)
    arrow(ax, (78.5, 34.4), (78.5, 28))
    text(ax, 44, 32.5, f"{words['label']}: {words['label_value']}", size=11.5)
    stroke(ax, [78.5, 78.5, 33.5], [17, 7, 7], RED, 2.2)
    arrow(ax, (33.5, 7), (33.5, 17), colour=RED, width=2.2)
    text(ax, 56, 4.4, words["back"], size=11.5, colour=RED)
    return figure


def labelled_sample() -> Figure:
    """One labelled sample: a picture of a cat; its label as a name, the integer 0 and the one-hot vector 1 0 0."""
    words = WORDS["02_labelled_sample"]
    figure, ax = card(90, 26)
    cat(ax, 4, 6.5, 15)
    text(ax, 11.5, 3.6, words["sample"], size=11.5)
    box(ax, 29, 10.5, 12, 7, words["classes"][0], fill="green", size=14)
    text(ax, 35, 5, words["name"], size=11.5)
    box(ax, 52, 10.5, 7, 7, "0", fill="orange", size=16)
    text(ax, 55.5, 5, words["integer"], size=11.5)
    vector(ax, 70, 7.5, ("1", "0", "0"), words["classes"], width=7, height=4.4, strong=0)
    text(ax, 76.5, 3.6, words["one_hot"], size=11.5)
    arrow(ax, (19.4, 14), (29, 14))
    arrow(ax, (41, 14), (52, 14), words["map"])
    arrow(ax, (59, 14), (70, 14))
    return figure


def loss_bowl() -> Figure:
    """The loss as a bowl over one weight: a first estimate high on the left, the optimum at the bottom."""
    words = WORDS["02_loss_bowl"]
    figure, ax = card(76, 42)
    axes_cross(ax, 8, 7, 62, 32, words)
    bowl = Bowl(41, 10, 26, 26)
    bowl.draw(ax, 15.4, 66.6)
    left = 20.0
    dashes(ax, [left, left], [7, bowl.at(left)])
    dashes(ax, [41, 41], [7, 10])
    dot(ax, left, bowl.at(left), RED)
    dot(ax, 41, 10, GREEN)
    text(ax, left + 2.4, bowl.at(left) + 2, words["left"], size=12, ha="left", colour=RED)
    text(ax, 41, 15.2, words["best"], size=12, colour=GREEN)
    arrow(ax, (25.6, 25.4), (32.0, 17.8), bend=0.08, width=2)
    text(ax, 31, 23.2, words["down"], size=12, ha="left")
    text(ax, left, 4.9, "$w_{e1}$", size=12)
    text(ax, 41, 4.9, "$w_o$", size=12)
    return figure


def two_slopes() -> Figure:
    """The bowl with two tangents: left of the optimum the slope is negative, right of it positive."""
    words = WORDS["02_two_slopes"]
    figure, ax = card(90, 44)
    axes_cross(ax, 6, 8, 79, 34, words)
    bowl = Bowl(45, 12, 28, 24)
    bowl.draw(ax, 16, 74)
    for x, colour, name in ((25.0, RED, "$w_{e1}$"), (65.0, PURPLE, "$w_{e2}$")):
        dashes(ax, [x, x], [8, bowl.at(x)])
        bowl.tangent(ax, x, 5.5, colour)
        dot(ax, x, bowl.at(x), colour)
        text(ax, x, 5.8, name, size=12)
    dashes(ax, [45, 45], [8, 12])
    stroke(ax, [39, 51], [12, 12], GREEN, 2.2, zorder=3)
    dot(ax, 45, 12, GREEN)
    text(ax, 45, 5.8, "$w_o$", size=12)
    text(ax, 45, 16, words["flat"], size=11.5, colour=GREEN)
    text(ax, 27.6, bowl.at(25.0) + 2.2, words["left"], size=11.5, colour=INK, ha="left")
    text(ax, 62.4, bowl.at(65.0) + 2.2, words["right"], size=11.5, colour=INK, ha="right")
    arrow(ax, (25.8, 10), (34.6, 10), colour=RED, width=2.2)
    arrow(ax, (64.2, 10), (55.4, 10), colour=PURPLE, width=2.2)
    text(ax, 16.5, 12.5, words["more"], size=11.5, colour=INK)
    text(ax, 73.5, 12.5, words["less"], size=11.5, colour=INK)
    return figure


def rise_over_run() -> Figure:
    """Slope as rise over run: on the tangent, 0.10 to the right and 0.055 down, which is a slope of -0.55."""
    words = WORDS["02_rise_over_run"]
    figure, ax = card(80, 42)
    axes_cross(ax, 8, 6, 66, 33, words)
    bowl = Bowl(66, 9, 50, 26)
    bowl.draw(ax, 14, 72)
    touch = 32.0
    bowl.tangent(ax, touch, 20, RED)
    left, right = touch, touch + 16
    high, low = bowl.at(touch), bowl.at(touch) + bowl.slope(touch) * 16
    arrow(ax, (left, high), (right, high), colour=INK, width=2)
    arrow(ax, (right, high), (right, low), colour=INK, width=2)
    dot(ax, touch, high, RED)
    dashes(ax, [touch, touch], [6, high])
    text(ax, touch, 3.6, words["point"], size=12)
    text(ax, (left + right) / 2 + 1, high + 1.8, words["run"], size=12)
    text(ax, right + 1.2, (high + low) / 2 + 0.6, words["rise"], size=12, ha="left")
    text(ax, 58, 32.5, words["slope"], size=13, ha="left", weight="bold")
    text(ax, 9.6, 11.4, words["tangent"], size=11.5, ha="left", colour=RED)
    return figure


def equation(
    ax: Axes,
    parts: Sequence[tuple[str, str]],
    centres: Sequence[float],
    y: float,
    *,
    size: float,
    fills: Sequence[str],
    width: float = 13.0,
) -> None:
    """A formula as a row of boxes with a note below each; a part without a box has an empty fill."""
    for (words, note), x, fill in zip(parts, centres, fills, strict=True):
        if fill:
            box(ax, x - width / 2, y - 4, width, 8, words, fill=fill, size=size)
        else:
            text(ax, x, y, words, size=size + 3)
        if note:
            text(ax, x, y - 5.6, note, size=11.5, va="top", linespacing=1.25)


def update_rule() -> Figure:
    """The update rule: the new weight is the old weight minus the learning rate times the slope of the loss."""
    words = WORDS["02_update_rule"]
    figure, ax = card(90, 29)
    centres = (10, 19.5, 29, 40, 51, 62, 75)
    equation(ax, words["parts"], centres, 17.5, size=16, fills=("green", "", "blue", "", "orange", "", "red"))
    stroke(ax, [44.5, 44.5, 81.5, 81.5], [22.6, 23.8, 23.8, 22.6], INK, 1.4)
    text(ax, 63, 26, words["step"], size=12, weight="bold")
    text(ax, 45, 3.4, words["minus"], size=12)
    return figure


def update_with_numbers() -> Figure:
    """The update with its numbers: 0.38 minus 0.01 times -0.55 is 0.3855, a small move to the right."""
    words = WORDS["02_update_with_numbers"]
    figure, ax = card(90, 38)
    centres = (14, 23.5, 33, 42.5, 52, 62, 74)
    equation(ax, words["parts"], centres, 29, size=15, fills=("green", "", "blue", "", "orange", "", "red"))
    text(ax, 45, 17.4, words["step"], size=12)
    arrow(ax, (8, 7.5), (82, 7.5))
    for x, label, colour in ((30, words["before"], BLUE), (60, words["after"], GREEN)):
        dot(ax, x, 7.5, colour)
        text(ax, x, 4.2, label, size=12)
    arrow(ax, (31, 8.6), (59, 8.6), "+0.0055", bend=-0.25, colour=RED, width=2.2, size=12, offset=(0, 5.2))
    text(ax, 82, 4.2, words["axis"], size=11, ha="right")
    return figure


def chain() -> Figure:
    """The chain rule on one neuron: values computed forward, slopes multiplied backward, product -0.5379."""
    words = WORDS["02_chain"]
    figure, ax = card(96, 42)
    lefts = (3, 27, 52, 77)
    text(ax, 3, 39, words["forward"], size=12, ha="left", colour=BLUE, weight="bold")
    for (name, value), left in zip(words["nodes"], lefts, strict=True):
        box(ax, left, 26, 16, 9.5, fill="blue")
        text(ax, left + 8, 32.6, name, size=13)
        text(ax, left + 8, 28.5, value, size=13, weight="bold")
    for left in lefts[1:]:
        arrow(ax, (left - (8 if left == 27 else 9), 30.7), (left, 30.7), colour=BLUE, width=2)
    text(ax, 3, 22.8, words["backward"], size=12, ha="left", colour=RED, weight="bold")
    for (formula, value), left in zip(words["slopes"], (14.5, 39, 64), strict=True):
        box(ax, left, 9.6, 17.5, 11, fill="red")
        text(ax, left + 8.75, 17, formula, size=12)
        text(ax, left + 8.75, 11.9, value, size=13, weight="bold")
    for start, end in ((64, 56.5), (39, 32)):
        arrow(ax, (start, 15), (end, 15), colour=RED, width=2)
    text(ax, 48, 4.6, words["product"], size=14)
    return figure


def batches() -> Figure:
    """One epoch over 1,204 images in batches of 32: 37 full batches and a last one of 20, an update after each."""
    words = WORDS["02_batches"]
    figure, ax = card(86, 38)
    text(ax, 43, 35, words["data"], size=12)
    lefts = (5, 21, 37, 67)
    labels = ((1, 32), (2, 32), (3, 32), (38, 20))
    for left, (number, count) in zip(lefts, labels, strict=True):
        box(ax, left, 24, 14, 8, words["batch"].format(number, count), fill="orange", size=11.5)
        arrow(ax, (left + 7, 24), (left + 7, 19.6))
        box(ax, left, 13.6, 14, 6, words["iteration"], fill="blue", size=11.5)
        if left != lefts[-1]:
            arrow(ax, (left + 14, 16.6), (left + 16, 16.6))
    arrow(ax, (64.4, 16.6), (67, 16.6))
    text(ax, 58.5, 28, "…", size=18)
    text(ax, 58.5, 16.6, "…", size=18)
    text(ax, 43, 11.2, words["steps"], size=11.5, colour=BLUE)
    stroke(ax, [5, 5, 81, 81], [9.4, 8.2, 8.2, 9.4], INK, 1.4)
    text(ax, 43, 6, words["epoch"], size=12, weight="bold")
    text(ax, 43, 2.6, words["training"], size=12)
    return figure


def full_loop() -> Figure:
    """The whole training loop: x to network to ŷ, with y to the loss, then gradient, optimizer and new weights."""
    words = WORDS["02_full_loop"]
    figure, ax = card(95, 44)
    box(ax, 3, 33.5, 15, 8, words["y"], fill="green", size=12)
    box(ax, 3, 19, 15, 10, words["x"], fill="grey", size=12)
    box(ax, 29, 18, 19, 12, fill="blue")
    text(ax, 38.5, 25.8, words["network"], size=13, weight="bold")
    text(ax, 38.5, 21.8, words["weights"], size=12)
    box(ax, 57, 19, 13, 10, words["y_hat"], fill="white", size=12)
    box(ax, 77, 19, 13, 10, words["loss"], fill="red", size=12.5)
    arrow(ax, (18, 24), (29, 24))
    arrow(ax, (48, 24), (57, 24))
    arrow(ax, (70, 24), (77, 24))
    stroke(ax, [18, 83.5, 83.5], [37.5, 37.5, 36], INK, 1.6)
    arrow(ax, (83.5, 37.5), (83.5, 29))
    box(ax, 58, 3, 22, 9, words["gradient"], fill="red", size=12)
    box(ax, 27, 3, 23, 9, words["update"], fill="orange", size=12)
    stroke(ax, [90, 92.4, 92.4], [24, 24, 7.5], RED, 2.2)
    arrow(ax, (92.4, 7.5), (80, 7.5), colour=RED, width=2.2)
    text(ax, 82, 14.6, words["backprop"], size=12, colour=RED)
    arrow(ax, (58, 7.5), (50, 7.5), colour=RED, width=2.2)
    arrow(ax, (38.5, 12), (38.5, 18), colour=RED, width=2.2)
    text(ax, 40, 15, words["new"], size=12, colour=RED, ha="left")
    return figure


def three_sets() -> Figure:
    """Three sets: weights are fitted on the training set, settings chosen on validation, the test set scores once."""
    words = WORDS["02_three_sets"]
    figure, ax = card(90, 33)
    text(ax, 45, 29.8, words["whole"], size=12)
    stroke(ax, [3, 3, 87, 87], [26.4, 27.6, 27.6, 26.4], INK, 1.4)
    spans = ((3, 40), (45, 19), (66, 21))
    for (left, width), name, does, touch, fill in zip(
        spans, words["names"], words["does"], words["touch"], ("blue", "orange", "green"), strict=True
    ):
        box(ax, left, 18, width, 7.5, name, fill=fill, size=13, weight="bold")
        text(ax, left + width / 2, 12.6, does, size=11.5)
        text(ax, left + width / 2, 6.2, touch, size=11, style="italic")
    return figure


def inference() -> Figure:
    """Inference: a new image goes through the trained network with fixed weights; no loss, gradient or update."""
    words = WORDS["02_inference"]
    figure, ax = card(90, 25)
    box(ax, 3, 9.5, 15, 11, words["x"], fill="grey", size=12)
    box(ax, 27, 9, 21, 12, fill="blue")
    text(ax, 37.5, 16.9, words["network"], size=13, weight="bold")
    text(ax, 37.5, 12.8, words["weights"], size=11.5)
    box(ax, 57, 10, 13, 10, words["y_hat"], fill="white", size=12)
    circle(ax, 83, 15, 4.6, words["answer"], fill="green", size=12)
    arrow(ax, (18, 15), (27, 15))
    arrow(ax, (48, 15), (57, 15))
    arrow(ax, (70, 15), (78.4, 15), words["argmax"], offset=(0, 2))
    text(ax, 45, 4.2, words["gone"], size=11.5, colour=GREY)
    return figure
