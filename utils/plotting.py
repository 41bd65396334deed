"""Figures used in more than one lesson. Every function returns its axes, so that a caller can add to them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

# Okabe and Ito's palette, which readers with the common forms of colour blindness can tell apart.
PALETTE = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
    "black": "#222222",
    "grey": "#7F7F7F",
}
RIGHT_COLOUR = PALETTE["blue"]
WRONG_COLOUR = PALETTE["red"]


def use_style() -> None:
    """Set the course's Matplotlib style: white background (readable in a dark theme too), palette, font sizes, grid."""
    order = ("blue", "red", "green", "orange", "purple", "sky", "black")
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 4.0),
            "figure.dpi": 90,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "axes.facecolor": "white",
            "axes.prop_cycle": plt.cycler(color=[PALETTE[name] for name in order]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.alpha": 0.3,
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.labelsize": 11,
            "legend.fontsize": 10,
            "lines.linewidth": 2,
            "image.cmap": "gray",
        }
    )


def plot_history(
    history: Any,
    metrics: str | Sequence[str] = "loss",
    *,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    ylim: tuple[float, float] | None = None,
    mark_best: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Training curves: each metric, and its validation counterpart where there is one. First built in lesson 3.

    Args:
        history: what `model.fit` returned, or its dict: name -> one number per epoch.
        metrics: one name or several, without the prefix "val_", for example "loss" or ["accuracy"].
        title: title of the axes; by default the names of the metrics.
        labels: other words for a curve, by metric name ("loss", "val_loss").
        ylim: limits of the y axis.
        mark_best: mark the epoch with the lowest validation value (highest, for an accuracy).
        ax: where to draw; by default a new figure.

    Returns:
        The axes; epochs count from 1.

    Raises:
        ValueError: a metric is not in the history, or there is no epoch in it.
    """
    values: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in names:
        if name not in values:
            raise ValueError(f"No metric {name!r} in this history; it has: {', '.join(values) or 'none'}")
        if len(values[name]) == 0:
            raise ValueError(f"The history of {name!r} is empty: no epoch has been trained")
    ax = ax or plt.subplots()[1]
    for name in names:
        for key, style, word in ((name, "-", "training"), (f"val_{name}", "--", "validation")):
            if key not in values:
                continue
            epochs = np.arange(1, len(values[key]) + 1)
            label = (labels or {}).get(key, f"{word} {name}".replace("_", " "))
            (line,) = ax.plot(epochs, values[key], style, label=label, marker="." if len(epochs) < 40 else None)
            if mark_best and key.startswith("val_"):
                best = int(np.argmax(values[key]) if "acc" in name else np.argmin(values[key]))
                ax.plot(epochs[best], values[key][best], "o", color=line.get_color(), markersize=9, fillstyle="none")
                offset = 10 if "acc" in name else -18  # outside the curve: above a peak, below a valley
                ax.annotate(
                    f"best: epoch {best + 1}",
                    (epochs[best], values[key][best]),
                    xytext=(6, offset),
                    textcoords="offset points",
                    color=line.get_color(),
                )
    ax.set(xlabel="epoch", ylabel=" / ".join(names).replace("_", " "))
    ax.set_title(title or " and ".join(names).replace("_", " ").capitalize())
    ax.xaxis.get_major_locator().set_params(integer=True)
    if ylim is not None:
        ax.set_ylim(*ylim)
    ax.legend()
    return ax


def show_images(
    images: Any,
    titles: Sequence[Any] | None = None,
    *,
    correct: Sequence[bool] | None = None,
    columns: int = 8,
    rows: int | None = None,
    title: str | None = None,
    value_range: tuple[float, float] | None = None,
    size: float = 1.25,
) -> np.ndarray:
    """A grid of pictures. First built in lesson 4.

    Args:
        images: (N, H, W), (N, H, W, 1) or (N, H, W, 3), or a sequence of such pictures of different sizes; uint8, or
            float in [0, 1] for colour.
        titles: one per picture; anything printable.
        correct: one per picture: its title is blue with a tick if True, red with a cross if False.
        columns: pictures in a row.
        rows: most rows to draw; pictures beyond the last cell are left out. By default as many as needed.
        title: title of the whole figure.
        value_range: (black, white) for grey pictures; by default (0, 255) for integers and (0, 1) for floats within it.
        size: inches per picture.

    Returns:
        The (rows, columns) array of axes; cells without a picture are switched off.

    Raises:
        ValueError: no picture, or titles or correct of another length than images.
    """
    n = len(images)
    if n == 0:
        raise ValueError("No images to show")
    for name, given in (("titles", titles), ("correct", correct)):
        if given is not None and len(given) != n:
            raise ValueError(f"{len(given)} {name} for {n} images")
    columns = min(columns, n)
    needed = math.ceil(n / columns)
    rows = needed if rows is None else min(rows, needed)
    extra = 0.3 if titles is not None or correct is not None else 0.05
    figure, axes = plt.subplots(
        rows,
        columns,
        squeeze=False,
        layout="constrained",
        figsize=(columns * size, rows * (size + extra) + (0.4 if title else 0)),
    )
    for ax in axes.flat:
        ax.axis("off")
    for index, ax in enumerate(axes.flat[:n]):
        _draw_image(ax, images[index], value_range)
        text = "" if titles is None else str(titles[index])
        colour = PALETTE["black"]
        if correct is not None:
            # A sign beside the colour, for readers who cannot tell the colours apart.
            text = f"{text} {'✓' if correct[index] else '✗'}".strip()
            colour = RIGHT_COLOUR if correct[index] else WRONG_COLOUR
        ax.set_title(text, fontsize=10, color=colour, pad=3)
    if title:
        figure.suptitle(title, fontsize=12)
    return axes


def _draw_image(ax: Axes, image: Any, value_range: tuple[float, float] | None) -> None:
    pixels = np.asarray(image)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim == 3:
        ax.imshow(pixels)
        return
    if value_range is None:
        if np.issubdtype(pixels.dtype, np.integer):
            value_range = (0, 255)
        elif pixels.min() >= 0 and pixels.max() <= 1:
            value_range = (0, 1)
        else:
            value_range = (float(pixels.min()), float(pixels.max()))
    ax.imshow(pixels, cmap="gray", vmin=value_range[0], vmax=value_range[1])
