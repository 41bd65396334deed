"""The diagrams of lesson 6: ten classes, the network and its blocks, dropout, Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.diagrams.drawing import (
    INK,
    SOFT,
    arrow,
    box,
    card,
    circle,
    cuboid,
    number_grid,
    picture,
    rectangle,
    stroke,
    text,
)
from utils.datasets import CIFAR10_CLASSES, cifar10_photographs, load_fashion_mnist
from utils.plotting import PALETTE

WORDS = {
    "06_opener": {
        "photographs": "photographs,\n96 × 96 pixels",
        "small": "what the network\nsees: 32 × 32",
        "network": "CNN",
        "network_note": "trained on\n35,000 photographs\nof CIFAR-10",
        "probabilities": "ten probabilities,\nthe three largest",
    },
    "06_classes": {
        "title": "CIFAR-10: 60,000 colour photographs of 32 × 32 pixels, 6,000 per class",
        "vehicles": "four kinds of vehicles",
        "animals": "six kinds of animals",
        "train": "training file: 50,000 photographs, 5,000 per class",
        "test": "test file: 10,000, 1,000 per class",
    },
    "06_architecture": {
        "input": "input\n32 × 32 × 3",
        "block": "block {number}\nConv {filters}, Conv {filters}, Pool",
        "maps": "{side} × {side} × {filters}",
        "flatten": "Flatten\n1024",
        "hidden": "Dense\n512",
        "output": "Dense\n10\nsoftmax",
        "body": "body: finds features, 139,424 parameters",
        "head": "classifier: 529,930 parameters",
    },
    "06_dropout_idea": {
        "full": "prediction:\nall units work",
        "step": "training step {number}",
        "before": "a layer's outputs",
        "after": "after Dropout(0.25)",
        "rule": "one in four, on average,\nbecomes 0; the others are\nmultiplied by 1 / 0.75",
    },
    "06_recipe": {
        "input": "input\n32 × 32\n× 3",
        "first": "Conv 4×4\nstride 2\n32",
        "conv": "Conv\n{filters}",
        "pool": "Pool",
        "global": "global\nmax\npooling",
        "output": "Dense 10\nsoftmax",
        "maps": "maps of {side} × {side}",
        "legend": "after each convolution (and its pooling): batch normalisation, then ReLU",
        "quick": "quick mode: half the filters, without the last convolution",
    },
    "06_grad_cam": {
        "picture": "picture",
        "body": "convolutions",
        "maps": "maps of the last\nconvolution, $A_k$",
        "rest": "pooling,\nDense",
        "score": "score $z$ of\none class",
        "gradient": "gradient of the score for every place of every map",
        "weights": "average of each map’s\ngradients: its weight $w_k$",
        "sum": "weighted sum of the maps,\nnegative parts set to 0",
        "overlay": "enlarged and laid\nover the picture",
    },
}
CONV_FACE, POOL_FACE, INPUT_FACE = SOFT["blue"], SOFT["green"], SOFT["grey"]


@cache
def _clothes(label: int, place: int = 0) -> np.ndarray:
    """One (28, 28) picture of the Fashion-MNIST test set with the given label."""
    images, labels = load_fashion_mnist()[1]
    return images[np.flatnonzero(labels == label)[place]]


def _back(side: float) -> tuple[float, float]:
    """How far the sides of a stack of maps go back."""
    return 0.35 * side, 0.175 * side


@cache
def _photograph(title: str) -> np.ndarray:
    """One (96, 96, 3) photograph of the course's ten classes, by its title in their table."""
    photographs, _, table = cifar10_photographs()
    return photographs[table["title"].tolist().index(title)]


def opener() -> Figure:
    """Three photographs, shrunk to 32 × 32 pixels, go through one network; it names a bird, a horse and a cat."""
    answers = {  # title of a photograph under CC0: the shipped network's three largest probabilities in per cent
        "a kingfisher": (("bird", 95), ("airplane", 2), ("automobile", 1)),
        "a black horse in a herd": (("horse", 97), ("deer", 1), ("truck", 1)),
        "the head of a tabby cat": (("cat", 64), ("frog", 19), ("dog", 4)),
    }
    words = WORDS["06_opener"]
    figure, ax = card(95, 46)
    text(ax, 10, 42.6, words["photographs"], size=12)
    text(ax, 31, 42.6, words["small"], size=12)
    text(ax, 76, 42.6, words["probabilities"], size=12)
    box(ax, 43.5, 3, 17, 35.4, fill="blue")
    text(ax, 52, 25.4, words["network"], size=15, weight="bold")
    text(ax, 52, 17.4, words["network_note"], size=11)
    for row, (title, best) in enumerate(answers.items()):
        y = 27.4 - 12.2 * row
        picture(ax, 4.5, y, 11, 11, _photograph(title))
        arrow(ax, (16.5, y + 5.5), (24.5, y + 5.5))
        picture(ax, 25.5, y, 11, 11, cv2.resize(_photograph(title), (32, 32), interpolation=cv2.INTER_AREA))
        arrow(ax, (37.5, y + 5.5), (42.8, y + 5.5))
        arrow(ax, (61.2, y + 5.5), (66, y + 5.5))
        stroke(ax, [77.5, 77.5], [y + 0.4, y + 10.6], INK, 1)
        for line, (name, percent) in enumerate(best):
            middle, first = y + 8.9 - 3.4 * line, line == 0
            weight = "bold" if first else "normal"
            text(ax, 77, middle, name, size=11.5, ha="right", weight=weight)
            length = 0.115 * percent
            colour = PALETTE["orange" if first else "blue"]
            rectangle(ax, 77.5, middle - 1.1, length, 2.2, colour, edge="none")
            text(ax, 78.2 + length, middle, f"{percent} %", size=11, ha="left", weight=weight)
    return figure


def classes() -> Figure:
    """The ten classes of CIFAR-10 with their numbers: four kinds of vehicles and six kinds of animals."""
    words = WORDS["06_classes"]
    figure, ax = card(95, 31)
    text(ax, 47.5, 28, words["title"], size=12.5, weight="bold")
    vehicles = (0, 1, 8, 9)
    for number, name in enumerate(CIFAR10_CLASSES):
        fill = "blue" if number in vehicles else "orange"
        x, y = 2.5 + 18.2 * (number % 5), 18.2 - 7 * (number // 5)
        box(ax, x, y, 17.2, 5.6, f"{number}   {name}", fill=fill, size=12.5)
    for x, fill, name in ((14, "blue", "vehicles"), (56, "orange", "animals")):
        box(ax, x, 6.4, 3, 2.2, fill=fill)
        text(ax, x + 4.2, 7.5, words[name], size=12, ha="left")
    text(ax, 47.5, 2.6, f"{words['train']}   ·   {words['test']}", size=12)
    return figure


def architecture() -> Figure:
    """The whole network: three blocks shrink 32 by 32 to 4 by 4 while the maps grow to 64; then 1024, 512, 10."""
    words = WORDS["06_architecture"]
    figure, ax = card(120, 44)
    middle = 24
    end = cuboid(ax, 2.5, middle - 6.5, 1.2, 13, _back(13), fill=INPUT_FACE)
    text(ax, 5.6, 11.6, words["input"], size=11)
    x = 13.5
    for number, (filters, side, scale) in enumerate(((32, 32, 13.0), (64, 16, 8.0), (64, 8, 5.0)), start=1):
        arrow(ax, (x - 3.0, middle), (x - 0.6, middle))
        first = x
        depth = 2.6 if filters == 32 else 4.0
        for _ in range(2):
            end = cuboid(ax, x, middle - scale / 2, depth, scale, _back(scale), fill=CONV_FACE)
            x = end + 0.8
        small = scale * 0.62
        end = cuboid(ax, x, middle - small / 2, depth, small, _back(small), fill=POOL_FACE)
        text(ax, (first + end) / 2, 38.4, words["block"].format(number=number, filters=filters), size=11)
        text(
            ax,
            (first + end) / 2,
            11.6,
            words["maps"].format(side=side, filters=filters)
            + "\n→ "
            + words["maps"].format(side=side // 2, filters=filters),
            size=11,
        )
        x = end + 4.2
    arrow(ax, (x - 3.4, middle), (x - 1.0, middle))
    body_end = x - 2.6
    for height, name in ((24, "flatten"), (17, "hidden"), (9, "output")):
        rectangle(ax, x, middle - height / 2, 1.6, height, "orange")
        text(
            ax,
            x + 0.8,
            40.2 if name == "flatten" else middle + height / 2 + (3 if name == "hidden" else 4.2),
            words[name],
            size=11,
        )
        if name != "output":
            arrow(ax, (x + 2.4, middle), (x + 11.2, middle))
        x += 12
    for left, right, name in ((2.5, body_end, "body"), (body_end + 2, 117.5, "head")):
        stroke(ax, [left, left, right, right], [7.4, 5.8, 5.8, 7.4], INK, 1.2)
        text(ax, (left + right) / 2, 3.2, words[name], size=11.5, style="italic")
    return figure


def _small_net(ax: Axes, x: float, y: float, off: tuple[tuple[int, ...], ...]) -> None:
    """A net of 4, 5 and 2 units; those in `off` are crossed out and have no connections."""
    layers = [
        [y + 4.6 * place for place in range(4)],
        [y - 2.3 + 4.6 * place for place in range(5)],
        [y + 4.6, y + 9.2],
    ]
    xs = (x, x + 9, x + 18)
    for layer in range(2):
        for a, first in enumerate(layers[layer]):
            for b, second in enumerate(layers[layer + 1]):
                if a not in off[layer] and b not in off[layer + 1]:
                    stroke(ax, [xs[layer], xs[layer + 1]], [first, second], "grey", 0.8, zorder=0)
    for layer, (x_layer, ys) in enumerate(zip(xs, layers, strict=True)):
        for place, y_unit in enumerate(ys):
            gone = place in off[layer]
            edge, line = (PALETTE["grey"], ":") if gone else (INK, "-")
            face = "white" if gone else SOFT["blue"]
            circle(ax, x_layer, y_unit, 1.6, fill=face, line=1.3, edge=edge, linestyle=line)
            if gone:
                for sign in (-1, 1):
                    stroke(ax, [x_layer - 1, x_layer + 1], [y_unit - sign, y_unit + sign], "red", 1.8)


def dropout_idea() -> Figure:
    """Each training step switches other units off and multiplies the kept ones by 4/3; in prediction all work."""
    words = WORDS["06_dropout_idea"]
    figure, ax = card(110, 48)
    nets = (
        (8, words["step"].format(number=1), ((1,), (0, 3), ())),
        (47, words["step"].format(number=2), ((3,), (2,), ())),
        (86, words["full"], ((), (), ())),
    )
    for x, title, off in nets:
        text(ax, x + 9, 44.4, title, size=12, weight="bold")
        _small_net(ax, x, 21.4, off)
    before = np.array([[3, 0, 6, 9, 3, 12, 6, 3]])
    kept = np.array([[1, 1, 1, 0, 1, 1, 0, 1]])
    text(ax, 21, 11.4, words["before"], size=12)
    number_grid(ax, 8, 4, 3.4, before, size=11, shade=False)
    arrow(ax, (36.6, 5.7), (43, 5.7))
    text(ax, 59, 11.4, words["after"], size=12)
    number_grid(ax, 45, 4, 3.4, before * kept * 4 // 3, size=11, shade=False, highlight=[(0, 3), (0, 6)])
    text(ax, 93, 6.6, words["rule"], size=12, style="italic")
    return figure


def recipe() -> Figure:
    """The network of section 7: a strided first convolution, five more, two poolings, global max pooling, Dense."""
    words = WORDS["06_recipe"]
    figure, ax = card(121, 33)
    y, height, x = 15, 9.5, 1.5
    box(ax, x, y, 9.5, height, words["input"], fill="grey", size=10.5)
    x += 9.5
    groups = (
        (16, (("first", 32, 12), ("conv", 48, 8.5), ("conv", 64, 8.5), ("pool", 0, 7))),
        (8, (("conv", 128, 8.5), ("conv", 128, 8.5), ("pool", 0, 7))),
        (4, (("conv", 224, 8.5),)),
    )
    for side, layers in groups:
        arrow(ax, (x + 0.4, y + height / 2), (x + 2.9, y + height / 2))
        x += 3.3
        start = x
        for name, filters, width in layers:
            fill = "green" if name == "pool" else "blue"
            box(ax, x, y, width, height, words[name].format(filters=filters), fill=fill, size=11)
            x += width + 0.8
        x -= 0.8
        stroke(ax, [start, start, x, x], [26, 27.2, 27.2, 26], INK, 1.2)
        text(ax, (start + x) / 2, 29.8, words["maps"].format(side=side), size=11)
    for name, fill, width in (("global", "green", 9), ("output", "orange", 10)):
        arrow(ax, (x + 0.4, y + height / 2), (x + 2.9, y + height / 2))
        x += 3.3
        box(ax, x, y, width, height, words[name], fill=fill, size=10.5)
        x += width
    text(ax, 60.5, 9.6, words["legend"], size=12)
    text(ax, 60.5, 4.4, words["quick"], size=12, style="italic", colour="#A84900")
    return figure


def _blob(rows: int, centres: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """A smooth (rows, rows) map with bumps at (row, column, height)."""
    grid = np.arange(rows)
    return sum(h * np.exp(-((grid[:, None] - r) ** 2 + (grid[None] - c) ** 2) / 4.0) for r, c, h in centres)


def grad_cam() -> Figure:
    """Grad-CAM: gradients of one class score become a weight per map; the weighted maps show what spoke for it."""
    words = WORDS["06_grad_cam"]
    figure, ax = card(110, 54)
    shoe = np.pad(_clothes(9), 2)
    top = 35
    picture(ax, 3, top - 6, 12, 12, shoe)
    text(ax, 9, 45, words["picture"], size=12)
    arrow(ax, (16, top), (20, top))
    box(ax, 21, top - 5, 15, 10, words["body"], fill="blue")
    arrow(ax, (37, top), (41, top))
    centres = ([(2, 5, 1)], [(5, 2, 1), (2, 4, 0.4)], [(6, 6, 1)])
    maps = [_blob(8, c) for c in centres]
    for place, one in enumerate(maps):
        picture(ax, 45.5 - 1.8 * place, top - 6.5 + 2.2 * (2 - place), 9, 9, 255 * one)
    text(ax, 48, 47, words["maps"], size=12)
    arrow(ax, (56, top), (60, top))
    box(ax, 61, top - 5, 15, 10, words["rest"], fill="orange")
    arrow(ax, (77, top), (81, top))
    circle(ax, 88, top, 5.6, words["score"], fill="red", size=10.5)
    stroke(ax, [88, 88], [top - 6, 24.6], "red", 2)
    stroke(ax, [88, 48], [24.6, 24.6], "red", 2)
    arrow(ax, (48, 24.6), (48, 28), colour=PALETTE["red"], width=2)
    text(ax, 70, 22.6, words["gradient"], size=11, colour=PALETTE["red"])
    weights = (0.8, 0.5, -0.4)
    low = 8.6
    heat = np.maximum(0, sum(w * m for w, m in zip(weights, maps, strict=True)))
    for place, (weight, one) in enumerate(zip(weights, maps, strict=True)):
        x = 4 + 15 * place
        text(ax, x, low + 3.4, f"{'−' if weight < 0 else '+' if place else ''}{abs(weight)} ·", size=12)
        picture(ax, x + 3, low, 7, 7, 255 * one)
    text(ax, 22, 3.8, words["weights"], size=11.5)
    arrow(ax, (47, low + 3.5), (54, low + 3.5))
    picture(ax, 56, low - 0.5, 8, 8, _heat_colours(heat / heat.max()))
    text(ax, 60, 3.8, words["sum"], size=11.5)
    arrow(ax, (67, low + 3.5), (84, low + 3.5))
    enlarged = np.kron(heat / heat.max(), np.ones((4, 4)))
    overlay = 0.5 * shoe[..., None] / 255 + 0.5 * _heat_colours(enlarged)
    picture(ax, 87, low - 1.5, 10.5, 10.5, overlay)
    text(ax, 92, 3.8, words["overlay"], size=11.5)
    return figure


def _heat_colours(values: np.ndarray) -> np.ndarray:
    return mpl.colormaps["viridis"](values)[..., :3]
