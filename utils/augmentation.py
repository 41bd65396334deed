"""A photograph and changed copies of it, to try augmentation by hand (lesson 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

COPIES = 11


def changed_copies(picture: np.ndarray, mirror: bool, shift: float, turn: float, dice: int) -> np.ndarray:
    """Copies of a picture, each mirrored, shifted and turned at random within limits; edges are continued outwards.

    Args:
        picture: (H, W, 3) uint8.
        mirror: whether half of the copies are mirrored.
        shift: the longest shift in each direction, as a fraction of the height.
        turn: the largest turn either way, in degrees.
        dice: the seed of the random numbers.

    Returns:
        (COPIES, H, W, 3) uint8.
    """
    height, width = picture.shape[:2]
    draws = np.random.default_rng(dice).uniform(-1, 1, (COPIES, 4))
    copies = []
    for angle, down, right, side in draws:
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn * angle, 1.0)
        matrix[:, 2] += shift * height * right, shift * height * down
        source = picture[:, ::-1] if mirror and side > 0 else picture
        copies.append(
            cv2.warpAffine(np.ascontiguousarray(source), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        )
    return np.stack(copies)


def draw_copies(pictures: np.ndarray, names: Sequence[str]) -> Callable[..., Figure]:
    """A function for `demos.demo`: the first picture of a class and changed copies of it.

    Args:
        pictures: (N, H, W, 3) uint8.
        names: N names of classes.
    """

    def draw(picture: str, mirror: bool = True, shift: float = 0.1, turn: float = 0, dice: int = 0) -> Figure:
        original = pictures[list(names).index(picture)]
        figure, axes = plt.subplots(2, 6, figsize=(8.4, 3.2), layout="constrained")
        for ax, copy in zip(axes.flat, [original, *changed_copies(original, mirror, shift, turn, dice)], strict=True):
            ax.imshow(copy, interpolation="nearest")
            ax.axis("off")
        axes[0, 0].set_title("the picture", fontsize=10)
        figure.suptitle(f"{picture}, and eleven changed copies", fontsize=12)
        return figure

    return draw


# To try a split with mirror images.
PICTURES = np.random.default_rng(42).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
LABELS = np.arange(len(PICTURES))
Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # pictures and labels to train on, and to validate with


def _sources(pictures: np.ndarray) -> tuple[list[int], list[bool]]:
    """For each picture the place in PICTURES of what it shows, and whether it is mirrored."""
    places, mirrored = [], []
    for picture in pictures:
        for flipped, originals in ((False, PICTURES), (True, PICTURES[:, :, ::-1])):
            found = np.flatnonzero((originals == picture).all(axis=(1, 2, 3)))
            if len(found):
                places.append(int(found[0]))
                mirrored.append(flipped)
    return places, mirrored


def leaks(parts: Parts) -> bool:
    """Whether a validation picture or its mirror image is also in the training part."""
    return bool(set(_sources(parts[0])[0]) & set(_sources(parts[2])[0]))


def mirrors_validation(parts: Parts) -> bool:
    """Whether a validation picture is mirrored."""
    return any(_sources(parts[2])[1])


def mislabels(parts: Parts) -> bool:
    """Whether a picture has the label of another one; False where a picture is not in PICTURES, mirrored or not."""
    places = [_sources(parts[k])[0] for k in (0, 2)]
    labels = [np.ravel(parts[k]).tolist() for k in (1, 3)]
    return any(len(a) == len(b) and a != b for a, b in zip(places, labels, strict=True))


def is_honest(parts: Parts) -> bool:
    """Whether 28 of PICTURES and their mirror images are to train on, and the other 12 to validate with."""
    sizes = [len(part) for part in parts] == [56, 56, 12, 12]
    known = [len(_sources(parts[k])[0]) for k in (0, 2)] == [56, 12]
    complete = sum(_sources(parts[0])[1]) == 28 and len(set(_sources(parts[0])[0])) == 28
    return sizes and known and complete and not (leaks(parts) or mirrors_validation(parts) or mislabels(parts))
