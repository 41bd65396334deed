"""What the maps of a trained network answer to: the parts of photographs behind their strongest numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import cv2
import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from utils.downloads import fetch_folder
from utils.pictures import read_picture


def layer_table(network: keras.Model) -> pd.DataFrame:
    """A network's layers with the shapes of their outputs and the numbers of their parameters."""
    rows = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        shape = " × ".join(str(size) for size in layer.output.shape[1:])
        name = re.sub(r"_\d+$", "", layer.name)  # Keras counts up the names of layers of one kind
        rows.append((name, shape, layer.count_params()))
    return pd.DataFrame(rows, columns=["layer", "output", "parameters"])


def square_photo(photo: np.ndarray, side: int) -> np.ndarray:
    """The largest square in the middle of a photograph, resized to side x side pixels."""
    height, width = photo.shape[:2]
    length = min(height, width)
    top, left = (height - length) // 2, (width - length) // 2
    return cv2.resize(photo[top : top + length, left : left + length], (side, side), interpolation=cv2.INTER_AREA)


def square_photos(folders: Sequence[str], side: int) -> np.ndarray:
    """The embedded photographs of some folders, each cut to a square: (N, side, side, 3) uint8, by folder and name."""
    squares = []
    for folder in folders:
        for path in sorted(fetch_folder(folder).glob("*.jpg")):
            squares.append(square_photo(read_picture(path), side))
    return np.stack(squares)


def strongest_parts(one_map: np.ndarray, photos: np.ndarray, side: int, count: int = 5) -> list[np.ndarray]:
    """The parts of photographs that a map answers to most strongly, at most one part of each photograph.

    Args:
        one_map: (N, rows, columns), a network's map of each of N photographs.
        photos: (N, H, W, 3) uint8, the photographs that went in.
        side: of a part, in pixels; where it would reach over the border, it is moved inside.
        count: how many parts.

    Returns:
        (side, side, 3) pictures, the strongest first.
    """
    n, rows, columns = one_map.shape
    flat = one_map.reshape(n, -1)
    height, width = photos.shape[1:3]
    parts = []
    for photo in np.argsort(-flat.max(axis=1), kind="stable")[:count]:
        row, column = divmod(int(flat[photo].argmax()), columns)
        top = int(np.clip((row + 0.5) * height / rows - side / 2, 0, height - side))
        left = int(np.clip((column + 0.5) * width / columns - side / 2, 0, width - side))
        parts.append(photos[photo, top : top + side, left : left + side])
    return parts


def show_parts(parts: Mapping[str, Sequence[np.ndarray]]) -> Figure:
    """Rows of pictures, each row with its name at the left."""
    columns = max(len(row) for row in parts.values())
    figure, axes = plt.subplots(
        len(parts), columns, figsize=(1.68 * columns + 1.4, 1.7 * len(parts)), squeeze=False, layout="constrained"
    )
    for row_axes, (name, row) in zip(axes, parts.items(), strict=True):
        for ax in row_axes:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            ax.grid(False)
        for ax, part in zip(row_axes, row, strict=False):
            ax.imshow(part, interpolation="nearest")
        row_axes[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
    return figure


def show_over(photo: np.ndarray, layers: Mapping[str, np.ndarray], size: float = 2.6) -> Figure:
    """A photograph, and coarse maps over it, each with its own colour scale: yellow is its largest number."""
    figure, axes = plt.subplots(
        1, 1 + len(layers), figsize=(size * (1 + len(layers)), size + 0.4), layout="constrained"
    )
    height, width = photo.shape[:2]
    for ax, name in zip(axes, ("photo", *layers), strict=True):
        ax.imshow(photo)
        ax.axis("off")
        ax.set_title(name)
    for ax, layer in zip(axes[1:], layers.values(), strict=True):
        ax.imshow(layer, cmap="viridis", alpha=0.6, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
    return figure
