"""Maps of what a network with two features answers at each place, for zeros and ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils.plotting import PALETTE

Network = Callable[[Any, Any], Any]  # (features, knobs) -> probabilities of a one
ZERO, ONE = "blue", "red"
SIDES_LIMIT = 0.6
SHADES = LinearSegmentedColormap.from_list("shades", ["#A9CFE9", "white", "#F3C3A0"])  # tints of blue and red


def show_parts(pictures: np.ndarray) -> Figure:
    """Digits with an orange-red frame around the middle and blue frames around the sides: what the features measure.

    Args:
        pictures: (N, 28, 28) of 0..255.
    """
    figure, axes = plt.subplots(
        1, len(pictures), figsize=(2.4 * len(pictures), 2.5), layout="constrained", squeeze=False
    )
    for ax, picture in zip(axes.flat, pictures, strict=True):
        ax.imshow(picture, vmin=0, vmax=255)
        ax.axis("off")
        for colour, left, top, width, height in (
            ("sky", 6, 0, 6, 28),
            ("sky", 16, 0, 6, 28),
            ("red", 12, 12, 4, 4),
        ):
            frame = Rectangle((left - 0.5, top - 0.5), width, height, fill=False, color=PALETTE[colour], linewidth=2.5)
            ax.add_patch(frame)
    figure.suptitle("What the two features measure", fontsize=11)
    return figure


def plot_points(ax: Axes, features: pd.DataFrame, is_one: np.ndarray, count: int = 500) -> None:
    """Draw the first pictures as points: zeros as blue dots, ones as red crosses.

    Args:
        features: columns "middle" and "sides", one row per picture.
        is_one: for each picture whether it shows a 1.
        count: how many pictures to draw.
    """
    first, ones = features[:count], np.asarray(is_one[:count], bool)
    for name, colour, marker, chosen in (
        ("digit 0", ZERO, "o", ~ones),
        ("digit 1", ONE, "x", ones),
    ):
        ax.scatter(
            first["middle"][chosen],
            first["sides"][chosen],
            s=18,
            color=PALETTE[colour],
            marker=marker,
            label=name,
        )
    ax.set(xlabel="ink in the middle (0 to 1)", ylabel="ink at the sides (0 to 1)")
    ax.set(xlim=(0, 1), ylim=(0, SIDES_LIMIT))


def plot_map(
    ax: Axes,
    network: Network,
    knobs: Sequence[float],
    features: pd.DataFrame,
    is_one: np.ndarray,
    count: int = 300,
) -> None:
    """Draw the probability of a one at each place, the decision line where it is 0.5, and points.

    The title gives the knobs and the share of all pictures that they get right.

    Args:
        network: gives probabilities for features (columns "middle" and "sides") and knobs.
        knobs: weight of the middle, weight of the sides, bias.
        features: the pictures' features, one row each.
        is_one: for each picture whether it shows a 1.
        count: how many pictures to draw as points.
    """
    middle, sides = np.meshgrid(np.linspace(0, 1, 101), np.linspace(0, SIDES_LIMIT, 61))
    grid = pd.DataFrame({"middle": middle.ravel(), "sides": sides.ravel()})
    probability = np.asarray(network(grid, knobs)).reshape(middle.shape)
    ax.contourf(middle, sides, probability, levels=np.linspace(0, 1, 14), cmap=SHADES)
    plot_points(ax, features, is_one, count)
    if probability.min() < 0.5 < probability.max():
        ax.contour(middle, sides, probability, levels=[0.5], colors="black")
    right = np.mean((np.asarray(network(features, knobs)) > 0.5) == is_one)
    words = ", ".join(f"{knob:.3g}" for knob in knobs)
    ax.set_title(f"knobs {words}: {100 * right:.1f} % right", fontsize=11)


def map_and_histogram(network: Network, knobs: Sequence[float], features: pd.DataFrame, is_one: np.ndarray) -> Figure:
    """The map for one setting of the knobs; beside it, how often zeros and ones get each probability."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.3))
    figure.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.9, wspace=0.32)
    plot_map(left, network, knobs, features, is_one)
    probabilities = np.asarray(network(features, knobs))
    right.hist(
        [probabilities[~is_one], probabilities[is_one]],
        bins=np.linspace(0, 1, 11),
        color=[PALETTE[ZERO], PALETTE[ONE]],
        label=["digit 0", "digit 1"],
    )
    right.axvline(0.5, color=PALETTE["black"], linestyle="--")
    right.set(xlabel="probability of a 1", ylabel="pictures", ylim=(0, 8500))
    right.set_title("What all the pictures get", fontsize=11)
    right.legend(loc="upper center", ncols=2)
    return figure


def turner(network: Network, features: pd.DataFrame, is_one: np.ndarray) -> Callable[..., Figure]:
    """A function for `demos.demo` that draws map and histogram for the knobs of its three sliders."""

    def draw(weight_middle: float = 2.0, weight_sides: float = 0.0, bias: float = -1.0) -> Figure:
        return map_and_histogram(network, (weight_middle, weight_sides, bias), features, is_one)

    return draw
