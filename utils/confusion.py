"""Confusion matrices: counting, drawing, and reading them (first built in lesson 4); the interval of an accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm


class ConfusedPair(NamedTuple):
    """How often examples of one class were taken for another."""

    true_name: str
    predicted_name: str
    count: int


def confusion_matrix(y_true: Any, y_pred: Any, num_classes: int) -> np.ndarray:
    """Count every combination of true and predicted class.

    Args:
        y_true: (N,) or (N, 1) integers in 0..num_classes-1.
        y_pred: the same; a class index per example, not probabilities (take `argmax(axis=1)` first).
        num_classes: number of classes; given explicitly because a class may be absent from a small set.

    Returns:
        (num_classes, num_classes) int64; row = true class, column = predicted class.

    Raises:
        ValueError: different lengths, labels that are not integers, or a label outside the range.
    """
    labels = []
    for name, values in (("y_true", y_true), ("y_pred", y_pred)):
        array = np.asarray(values)
        if array.ndim > 1 and array.shape != (len(array), 1):
            raise ValueError(f"{name} has shape {array.shape}; expected one class index per example, (N,) or (N, 1)")
        array = array.ravel()
        if array.size and not np.array_equal(array, array.astype(np.int64)):
            raise ValueError(f"{name} must hold whole numbers (class indices)")
        array = array.astype(np.int64)
        if array.size and (array.min() < 0 or array.max() >= num_classes):
            raise ValueError(f"{name} has labels {array.min()} to {array.max()}, outside 0..{num_classes - 1}")
        labels.append(array)
    if len(labels[0]) != len(labels[1]):
        raise ValueError(f"{len(labels[0])} true labels for {len(labels[1])} predictions")
    matrix = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(matrix, (labels[0], labels[1]), 1)
    return matrix


def recall_per_class(matrix: Any) -> np.ndarray:
    """Of the examples of each class, the fraction that was found: diagonal over row sum; NaN for an absent class."""
    return _ratio(np.diagonal(matrix), np.sum(matrix, axis=1))


def precision_per_class(matrix: Any) -> np.ndarray:
    """Of the predictions of each class, the fraction that was right: diagonal over column sum; NaN if there is none."""
    return _ratio(np.diagonal(matrix), np.sum(matrix, axis=0))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def wilson_interval(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of an accuracy that was measured as `right` of `n` (Wilson, 1927). First built in lesson 6.

    Args:
        right: number of right answers, 0..n.
        n: number of answers, 1 or more.
        z: how many standard deviations; 1.96 gives a 95 % interval.

    Returns:
        Its lower and upper end, fractions in [0, 1].

    Raises:
        ValueError: right is not in 0..n, or n is 0.
    """
    if not 0 <= right <= n or n == 0:
        raise ValueError(f"{right} right answers of {n}")
    a = right / n
    middle = a + z**2 / (2 * n)
    half = z * math.sqrt(a * (1 - a) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def most_confused(matrix: Any, class_names: Sequence[str], k: int = 5) -> list[ConfusedPair]:
    """The k most frequent mistakes, largest first; ties in the order of the classes. Pairs that never occur are absent.

    Raises:
        ValueError: the number of names is not the size of the matrix.
    """
    matrix = _checked(matrix, class_names)
    mistakes = matrix - np.diag(np.diagonal(matrix))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:k]
    pairs = [tuple(map(int, np.unravel_index(flat, matrix.shape))) for flat in order]
    return [ConfusedPair(class_names[t], class_names[p], int(mistakes[t, p])) for t, p in pairs if mistakes[t, p] > 0]


def plot_confusion_matrix(
    matrix: Any, class_names: Sequence[str], *, title: str = "Confusion matrix", ax: Axes | None = None
) -> Axes:
    """Draw a confusion matrix: counts in the cells, shade by row share, recall of each class at the right.

    The shade grows faster for small shares than for large ones, so that a mistake made in one per cent of the examples
    of a class does not look like none.

    Args:
        matrix: (C, C) counts, row = true class.
        class_names: C names.
        title: title of the axes.
        ax: where to draw; by default a new figure that grows with C.

    Returns:
        The axes; the cell of row r and column c has its centre at (c + 0.5, r + 0.5).

    Raises:
        ValueError: the number of names is not the size of the matrix.
    """
    matrix = _checked(matrix, class_names)
    n = len(matrix)
    side, font = (0.55, 10) if n <= 12 else (0.3, 7)  # of a cell in inches, of its number in points
    if ax is None:
        ax = plt.subplots(figsize=(max(4.0, side * n + 1.5) + 1.0, max(4.0, side * n + 1.5)), layout="constrained")[1]
    # Shade by share of the row: otherwise a frequent class looks worse than a rare one.
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    counts = np.where(matrix > 0, matrix.astype(str), "")
    earlier = len(ax.texts)
    sns.heatmap(
        shares,
        norm=PowerNorm(0.4, vmin=0, vmax=1),
        cmap="Blues",
        annot=counts,
        fmt="",
        annot_kws={"fontsize": font},
        square=True,
        linewidths=0.5,
        linecolor="#DDDDDD",
        cbar=False,
        ax=ax,
    )
    ax.grid(False)
    for number, share in zip(ax.texts[earlier:], shares.flat, strict=True):
        number.set_color("white" if share > 0.4 else "black")  # seaborn takes white too early to be readable
    for row, recall in enumerate(recall_per_class(matrix)):
        text = "–" if np.isnan(recall) else f"{100 * recall:.1f} %"
        ax.text(n + 0.2, row + 0.5, text, ha="left", va="center", fontsize=font)
    ax.text(n + 0.2, -0.3, "recall", ha="left", va="center", fontsize=font, style="italic")
    rotation = 0 if max(map(len, class_names)) <= 2 else 45
    centres = np.arange(n) + 0.5
    ax.set_xticks(centres, class_names, rotation=rotation, ha="right" if rotation else "center")
    ax.set_yticks(centres, class_names, rotation=0)
    ax.set(xlabel="predicted class", ylabel="true class")
    ax.set_title(title, pad=18)
    return ax


def _checked(matrix: Any, class_names: Sequence[str]) -> np.ndarray:
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"A confusion matrix is square, got shape {matrix.shape}")
    if len(class_names) != len(matrix):
        raise ValueError(f"{len(class_names)} class names for {len(matrix)} classes")
    return matrix
