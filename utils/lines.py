"""Drawings of lesson 3: a line that the reader lays over a cloud of points, and the map of its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.plotting import PALETTE

THREE_ROOMS = np.array([[5.0], [6.0], [7.0]])  # equal steps, for is_straight

_X_RANGE, _Y_RANGE = (3.0, 9.0), (-10.0, 55.0)  # rooms per home, and the price in 1000 dollars
_CLOUD = (0.08, 0.16, 0.55, 0.74)  # left, bottom, width and height of the cloud's axes within the figure
_BARS = (0.71, 0.16, 0.28, 0.74)
_HIGHEST_BAR = 100.0  # a worse line gets a bar of this height, with its value above it
_LEVELS = (45, 60, 100, 200, 400, 800, 1600)  # of the mean squared error


def is_straight(predictions: np.ndarray) -> bool:
    """Whether the predictions for THREE_ROOMS are a column, (3, 1), of points on one straight line."""
    y = np.asarray(predictions)
    return y.shape == (3, 1) and bool(np.isclose(y[0] + y[2], 2 * y[1], atol=1e-4).all())


def place_in_figure(x: float, y: float) -> tuple[float, float]:
    """Where a point of the data, (rooms, price), lies in the demo's figure: fractions from its lower left corner."""
    left, bottom, width, height = _CLOUD
    across = (x - _X_RANGE[0]) / (_X_RANGE[1] - _X_RANGE[0])
    up = (y - _Y_RANGE[0]) / (_Y_RANGE[1] - _Y_RANGE[0])
    return left + width * across, bottom + height * up


def _place_in_data(x: float, y: float) -> tuple[float, float]:
    """The inverse of place_in_figure; a place outside the axes counts as the nearest one inside."""
    left, bottom, width, height = _CLOUD
    across, up = np.clip([(x - left) / width, (y - bottom) / height], 0, 1)
    return _X_RANGE[0] + (_X_RANGE[1] - _X_RANGE[0]) * across, _Y_RANGE[0] + (_Y_RANGE[1] - _Y_RANGE[0]) * up


def lay_line(x: np.ndarray, y: np.ndarray, rivals: Mapping[str, float]) -> Callable[..., Figure]:
    """The figure of a demo: the cloud, a line through the place that is pointed at, and bars of the MSE.

    Args:
        x: (N, 1), rooms per home.
        y: (N, 1), prices in 1000 dollars.
        rivals: name -> mean squared error that stands beside the reader's.

    Returns:
        draw(weight, pointer): a Figure; pointer as fractions of its width and height.
    """
    x_line = np.array(_X_RANGE)

    def draw(weight: float = 0.0, pointer: tuple[float, float] = (0.355, 0.5)) -> Figure:
        figure = plt.figure(figsize=(9, 3.8))
        place = _place_in_data(*pointer)
        bias = place[1] - weight * place[0]
        ax = figure.add_axes(_CLOUD)
        ax.scatter(x, y, s=14, alpha=0.5, color=PALETTE["grey"])
        ax.plot(x_line, weight * x_line + bias, color=PALETTE["red"])
        ax.plot(*place, "o", color=PALETTE["black"], markersize=8)
        ax.set(xlim=_X_RANGE, ylim=_Y_RANGE, xlabel="rooms per home (tract average)", ylabel="median price, $1000")
        sign = "-" if bias < 0 else "+"
        ax.set_title(f"price = {weight:.1f} · rooms {sign} {abs(bias):.1f}")
        scores = {"your line": float(np.mean((weight * x + bias - y) ** 2)), **rivals}
        bar_axes = figure.add_axes(_BARS)
        colours = [PALETTE["red"], PALETTE["blue"], PALETTE["grey"]]
        bars = bar_axes.bar(list(scores), np.minimum(list(scores.values()), _HIGHEST_BAR), color=colours)
        bar_axes.bar_label(bars, labels=[f"{score:.1f}" for score in scores.values()])
        bar_axes.set(title="MSE, ($1000)²", ylim=(0, 1.12 * _HIGHEST_BAR))
        return figure

    return draw


def loss_map(
    ax: Axes,
    x: np.ndarray,
    y: np.ndarray,
    weights: tuple[float, float],
    biases: tuple[float, float],
    points: Mapping[str, tuple[float, float]],
    path: np.ndarray | None = None,
) -> Axes:
    """The mean squared error of every line over a range of weights and biases, as a map with contours.

    The contours stand for 45 and 60, the innermost, and for 100, 200 and so on, which are labelled.

    Args:
        ax: where to draw.
        x: (N, 1), the inputs.
        y: (N, 1), the targets.
        weights: range of the horizontal axis.
        biases: range of the vertical axis.
        points: name -> (weight, bias) of a line to mark; the one named "best" gets a star.
        path: (steps, 2), weight and bias after each step of a training.
    """
    w, b = np.meshgrid(np.linspace(*weights, 121), np.linspace(*biases, 121))
    # The mean over the rows, from their means alone: no array of rows times grid.
    losses = w**2 * np.mean(x**2) + b**2 + np.mean(y**2) + 2 * (w * b * x.mean() - w * np.mean(x * y) - b * y.mean())
    contours = ax.contour(w, b, losses, levels=_LEVELS, colors=PALETTE["grey"], linewidths=1)
    ax.clabel(contours, levels=_LEVELS[2:], fontsize=8)  # the innermost have no room for theirs
    if path is not None:
        ax.plot(path[:, 0], path[:, 1], ".-", color=PALETTE["blue"], markersize=3, linewidth=1)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    for name, place in points.items():
        marker, size, colour = ("*", 14, PALETTE["red"]) if name == "best" else ("o", 8, PALETTE["black"])
        ax.plot(*place, marker, color=colour, markersize=size)
        ax.annotate(name, place, xytext=(11, 9), textcoords="offset points", fontsize=10, bbox=box)
    ax.set(xlabel="weight w", ylabel="bias b")
    ax.set_box_aspect(1)
    return ax
