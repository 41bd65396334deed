"""Handwritten digits: a drawing in MNIST's form, and a figure of what a network answers to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plotting import PALETTE

SIDE = 28  # pixels of an MNIST picture in each direction
INK = 20  # pixels that the ink of an MNIST digit takes up in its longer direction


def centre(drawing: np.ndarray) -> np.ndarray:
    """A drawing prepared as MNIST's makers prepared their digits.

    The ink is scaled so that its longer side takes up 20 pixels. Its centre of mass comes to the middle of the picture,
    as far as the border allows. A picture of MNIST stays as it is.

    Args:
        drawing: (28, 28) uint8, white ink on black.

    Returns:
        (28, 28) uint8; the drawing itself where there is no ink.
    """
    rows, columns = np.nonzero(drawing)
    if len(rows) == 0:
        return drawing
    ink = drawing[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = INK / max(ink.shape)
    height, width = (max(1, round(scale * length)) for length in ink.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    ink = cv2.resize(ink, (width, height), interpolation=method)
    middle_row = np.average(np.arange(height), weights=ink.sum(axis=1))
    middle_column = np.average(np.arange(width), weights=ink.sum(axis=0))
    top = int(np.clip(round(SIDE / 2 - middle_row), 0, SIDE - height))
    left = int(np.clip(round(SIDE / 2 - middle_column), 0, SIDE - width))
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[top : top + height, left : left + width] = ink
    return picture


def one_of_each(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The first picture of each digit: {"0": picture, ..., "9": picture}."""
    return {str(digit): images[np.argmax(labels == digit)] for digit in range(10)}


def reader(model: Any, stored: dict[str, np.ndarray]) -> Callable[..., Figure]:
    """A function for `demos.demo` that draws what a network answers to a digit.

    Args:
        model: called with pictures (N, 28, 28) of 0..255, it gives (N, 10) probabilities.
        stored: pictures by name, for places where nothing can be drawn.

    Returns:
        A function of `drawing`, the bytes of a `demos.Pad`, and `stored_digit`, a name. It draws the answer to the
        drawing or, while the pad is empty, the answer to the stored digit.
    """

    def draw(drawing: bytes = b"", stored_digit: str = "7") -> Figure:
        pad = np.frombuffer(drawing, np.uint8)
        picture = centre(pad.reshape(SIDE, SIDE)) if pad.any() else stored[stored_digit]
        probabilities = np.asarray(model(picture[None].astype("float32")))[0]
        return draw_answer(picture, probabilities)

    return draw


def percent(confidence: float) -> str:
    """A confidence in whole per cent; "over 99 %" where rounding would promise certainty."""
    return "over 99 %" if confidence > 0.99 else f"{100 * confidence:.0f} %"


def draw_answer(picture: np.ndarray, probabilities: np.ndarray) -> Figure:
    """A digit as the network sees it, and beside it the ten probabilities; the largest one is blue.

    Args:
        picture: (28, 28) of 0..255.
        probabilities: (10,).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), width_ratios=(1, 2.2))
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.19, top=0.88, wspace=0.16)
    left.imshow(picture, vmin=0, vmax=255)
    left.axis("off")
    left.set_title("What the network sees")
    best = int(probabilities.argmax())
    bars = right.bar(range(10), probabilities, color=PALETTE["sky"])
    bars[best].set_color(PALETTE["blue"])
    right.bar_label(bars, fmt="%.2f", fontsize=9)
    right.set(ylim=(0, 1.15), xlabel="digit", ylabel="probability", xticks=range(10))
    right.grid(False, axis="x")
    right.set_title(f"Answer: {best}, confidence {percent(probabilities[best])}")
    return figure


def show_answers(pictures: np.ndarray, probabilities: np.ndarray, names: Sequence[str]) -> Figure:
    """Pictures in a row, each with its name and the network's answer, and below each its ten probabilities.

    Args:
        pictures: (N, 28, 28) of 0..255.
        probabilities: (N, 10).
        names: one for each picture, for example "a boot".
    """
    count = len(pictures)
    figure, axes = plt.subplots(
        2,
        count,
        figsize=(3 * count, 5),
        layout="constrained",
        height_ratios=(1.2, 1),
        squeeze=False,
    )
    for (top, bottom), picture, answer, name in zip(axes.T, pictures, probabilities, names, strict=True):
        top.imshow(picture, vmin=0, vmax=255)
        top.set_title(f"{name}: “{answer.argmax()}”, {percent(answer.max())}")
        top.axis("off")
        bottom.bar(range(10), answer, color=PALETTE["blue"])
        bottom.set(ylim=(0, 1), xlabel="digit", xticks=range(10))
        bottom.grid(False, axis="x")
    axes[1, 0].set_ylabel("probability")
    return figure
