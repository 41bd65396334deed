"""The 1,000 ImageNet classes and the reading of a classifier's answer. First built in lesson 7."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from utils.downloads import fetch


class Prediction(NamedTuple):
    """One line of a classifier's answer."""

    index: int
    name: str
    probability: float


@functools.cache
def imagenet_class_names() -> tuple[str, ...]:
    """The names of the 1,000 classes of the ImageNet challenge (ILSVRC 2012); a class's index is its place here.

    Two names stand twice, as they do in Keras's list: "crane" (134 the bird, 517 the machine) and "maillot" (638, 639).
    """
    return tuple(pd.read_csv(fetch("data/imagenet_classes.csv"), keep_default_na=False)["name"])


def decode_predictions(probabilities: Any, top: int = 5) -> list[list[Prediction]]:
    """The most probable classes of each picture, best first: Keras's function of that name, without its download.

    Args:
        probabilities: (N, 1000) floats, one row per picture.
        top: how many classes to name, 1 to 1000.

    Returns:
        N lists of `top` predictions; `index` is the class number 0..999, not the rank.

    Raises:
        ValueError: another shape, or `top` outside its range.
    """
    probabilities = np.asarray(probabilities)
    if probabilities.ndim != 2 or probabilities.shape[1] != 1000:
        raise ValueError(f"expected probabilities of shape (N, 1000), got {probabilities.shape}")
    if not 1 <= top <= 1000:
        raise ValueError(f"top must lie in 1..1000, got {top}")
    names = imagenet_class_names()
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [
        [Prediction(int(index), names[index], float(row[index])) for index in indices]
        for row, indices in zip(probabilities, order, strict=True)
    ]
