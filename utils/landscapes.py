"""Losses as curves and surfaces over one or two weights, and the paths that gradient descent takes on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils.plotting import PALETTE

FAR = 10.0  # a weight beyond it has left every map; descent stops there

# The part of the plane that the maps of two weights show, and where `draw_walk` puts it, in fractions of the figure.
MAP_LOW, MAP_SIZE = np.array([-1.9, -1.1]), np.array([3.9, 2.2])
MAP_BOX = np.array([0.09, 0.16, 0.54, 0.74])


def two_hollows(w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """A loss with a deep hollow on the left, a shallow one on the right and a pass between them."""
    return (w1**2 - 1) ** 2 / 4 + 0.15 * w1 + 2 * w2**2


def two_hollows_gradient(w: np.ndarray) -> np.ndarray:
    """The gradient of `two_hollows` at w = (w1, w2)."""
    return np.array([w[0] ** 3 - w[0] + 0.15, 4 * w[1]])


def long_bowl(w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """A convex loss, flat along w1 and eight times as curved along w2."""
    return w1**2 / 4 + 2 * w2**2


def long_bowl_gradient(w: np.ndarray) -> np.ndarray:
    """The gradient of `long_bowl` at w = (w1, w2)."""
    return np.array([0.5 * w[0], 4 * w[1]])


SURFACES = {"two hollows": (two_hollows, two_hollows_gradient), "bowl": (long_bowl, long_bowl_gradient)}


def descent_path(
    gradient: Callable[[np.ndarray], np.ndarray],
    start: Sequence[float],
    learning_rate: float,
    steps: int,
    momentum: float = 0.0,
) -> np.ndarray:
    """The weights after 0, 1, … steps of gradient descent: (steps + 1, n), shorter if they go beyond FAR."""
    path = [np.asarray(start, dtype=float)]
    velocity = np.zeros_like(path[0])
    while len(path) <= steps and np.abs(path[-1]).max() < FAR:
        velocity = momentum * velocity - learning_rate * gradient(path[-1])
        path.append(path[-1] + velocity)
    return np.array(path)


def plot_descent(axes: Sequence[Axes], loss: Callable[[np.ndarray], np.ndarray], path: np.ndarray) -> None:
    """Draw a path on the curve of its loss, and the loss over the steps.

    Args:
        axes: two axes; the first gets the curve over weights from -2.3 to 2.3, the second the loss of each step.
        loss: of an array of weights.
        path: the weight after each step; the first is the start.
    """
    curve, over_steps = axes
    grid = np.linspace(-2.3, 2.3, 200)
    curve.plot(grid, loss(grid), color=PALETTE["grey"])
    curve.plot(path, loss(path), "o-", color=PALETTE["red"], markersize=4, linewidth=1)
    curve.plot(path[0], loss(path[0]), "s", color=PALETTE["black"], markersize=7)
    curve.set(xlabel="weight w", xlim=(-2.3, 2.3), ylim=(-0.2, 5))
    over_steps.plot(loss(path), ".-", color=PALETTE["red"])
    over_steps.set(xlabel="step", ylim=(-0.2, 5), xticks=range(0, len(path), 5))


def plot_rates(
    loss: Callable[[np.ndarray], np.ndarray], paths: dict[float, np.ndarray], words: dict[float, str]
) -> Figure:
    """For each learning rate a column of `plot_descent`; `words` say what it does."""
    figure, axes = plt.subplots(2, len(paths), figsize=(11, 5), sharey=True, layout="constrained")
    for column, (learning_rate, path) in zip(axes.T, paths.items(), strict=True):
        plot_descent(column, loss, path)
        column[0].set_title(f"η = {learning_rate}: {words[learning_rate]}")
    axes[0, 0].set_ylabel("loss")
    axes[1, 0].set_ylabel("loss at each step")
    return figure


def draw_parabola(curvature: float = 1.0, learning_rate: float = 0.1) -> Figure:
    """Twenty steps of gradient descent on the loss a·w² from w = 1: the path, the loss over the steps, a verdict."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    factor = 1 - 2 * curvature * learning_rate
    path = factor ** np.arange(21)
    plot_descent(axes, lambda w: curvature * w**2, path)
    axes[0].set(title=f"each step: weight × {factor:.2f}", ylabel="loss")
    axes[1].set(title=f"{verdict(factor)}: weight after 20 steps {path[-1]:.3g}", ylabel="loss")
    return figure


def verdict(factor: float) -> str:
    """What gradient descent does if each step multiplies the distance to the optimum by `factor`."""
    if np.isclose(abs(factor), 1):
        return "oscillates" if factor < 0 else "stands still"
    if abs(factor) > 1:
        return "diverges"
    return "crawls" if factor > 0.9 else "converges"


def plot_map(ax: Axes, loss: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    """Level lines of a loss over two weights, closer together in the hollows."""
    w1 = np.linspace(MAP_LOW[0], MAP_LOW[0] + MAP_SIZE[0], 120)
    w2 = np.linspace(MAP_LOW[1], MAP_LOW[1] + MAP_SIZE[1], 80)
    heights = loss(*np.meshgrid(w1, w2))
    levels = heights.min() + 3.6 * np.linspace(0.02, 1, 16) ** 2
    ax.contour(w1, w2, heights, levels=levels, colors=PALETTE["grey"], linewidths=0.6, linestyles="solid")
    ax.set(xlabel="weight $w_1$", ylabel="weight $w_2$", xlim=w1[[0, -1]], ylim=w2[[0, -1]])


def draw_surface(
    loss: Callable[[np.ndarray, np.ndarray], np.ndarray], points: Mapping[str, tuple[float, float]] | None = None
) -> Figure:
    """A loss over two weights as a surface in three dimensions.

    Args:
        loss: of two arrays of weights.
        points: places (w1, w2) to mark, by their names, which the legend shows; at most three.
    """
    figure = plt.figure(figsize=(8, 4.6))
    ax = figure.add_axes((0.0, 0.0, 0.9, 1.0), projection="3d", computed_zorder=False)  # marks lie on the surface
    grid = np.meshgrid(np.linspace(-1.65, 1.55, 120), np.linspace(-0.6, 0.6, 80))
    ax.plot_surface(*grid, loss(*grid), cmap="viridis", rcount=60, ccount=60)
    for (name, (w1, w2)), marker in zip((points or {}).items(), "oXs", strict=False):
        ax.plot(w1, w2, loss(w1, w2), marker, color=PALETTE["red"], mec="white", markersize=9, label=name)
    if points:
        figure.legend(loc="lower left", bbox_to_anchor=(0.86, 0.3))
    ax.view_init(elev=40, azim=-72)
    ax.set_box_aspect((2.2, 1.3, 1), zoom=1.05)
    ax.set(xticks=(-1, 0, 1), yticks=(-0.5, 0, 0.5), zticks=(0, 0.5, 1))
    ax.set_xlabel("weight $w_1$", labelpad=8)
    ax.set_ylabel("weight $w_2$", labelpad=8)
    figure.text(0.78, 0.72, "loss")
    return figure


def draw_walk(
    surface: str = "two hollows",
    learning_rate: float = 0.02,
    momentum: float = 0.0,
    steps: int = 60,
    pointer: tuple[float, float] = (0.6, 0.86),
) -> Figure:
    """A walk over one of SURFACES from the place of the pointer, and its loss over the steps.

    Args:
        pointer: the start, as fractions of the figure's width and height from its lower left corner.
    """
    loss, gradient = SURFACES[surface]
    figure = plt.figure(figsize=(9, 3.8))
    ax = figure.add_axes(MAP_BOX)
    plot_map(ax, loss)
    path = descent_path(gradient, start_at(pointer), learning_rate, steps, momentum)
    losses = loss(*path.T)
    ax.plot(*path.T, "o-", color=PALETTE["blue"], markersize=3.5, linewidth=1.2)
    ax.plot(*path[0], "s", color=PALETTE["black"], markersize=8)
    ax.plot(*path[-1], "*", color=PALETTE["red"], markersize=14)
    ax.set_title(f"from ■ ({path[0, 0]:.2f}, {path[0, 1]:.2f}) to ★ ({path[-1, 0]:.2f}, {path[-1, 1]:.2f})")
    curve = figure.add_axes((0.72, 0.16, 0.26, 0.74))
    curve.plot(losses, color=PALETTE["blue"])
    curve.set(xlabel="step", ylabel="loss", xlim=(0, max(len(path) - 1, 1)), ylim=(-0.3, 4))
    curve.set_title("diverges" if np.abs(path[-1]).max() >= FAR else f"loss at the end {losses[-1]:.3f}")
    return figure


def start_at(pointer: Sequence[float]) -> np.ndarray:
    """The weights (w1, w2) at a place of `draw_walk`'s figure, given as fractions of its width and height."""
    return MAP_LOW + MAP_SIZE * np.clip((np.asarray(pointer) - MAP_BOX[:2]) / MAP_BOX[2:], 0, 1)
