"""Small zips in the layouts of CIFAR-10, GTSRB and CamVid, of random pictures."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np

from utils.datasets import CIFAR10_CLASSES


def encoded(pixels: np.ndarray, suffix: str = ".png") -> bytes:
    """A picture file."""
    return cv2.imencode(suffix, pixels)[1].tobytes()


def write_zip(path: Path, pictures: dict[str, bytes]) -> Path:
    """A zip of files by name."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in pictures.items():
            archive.writestr(name, content)
    return path


def noise(seed: int, *shape: int, top: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, top, shape, np.uint8)


def cifar10_zip(folder: Path) -> Path:
    """Four pictures of each class."""
    names = [f"cifar10_train/{name}/{number:04}.jpg" for name in CIFAR10_CLASSES for number in range(4)]
    return write_zip(folder / "cifar.zip", {name: encoded(noise(i, 32, 32, 3), ".jpg") for i, name in enumerate(names)})


def signs_zip(folder: Path) -> Path:
    """Of the classes 2 and 10 four training and two validation pictures; two test pictures, of the classes 7 and 2."""
    names = [
        f"top/{part}/{label}/{number:05}_00000.png"
        for part, count in (("Train", 4), ("Valid", 2))
        for label in (2, 10)
        for number in range(count)
    ]
    names += ["top/Test/00001.png", "top/Test/00000.png"]
    files = {name: encoded(noise(i, 30, 34, 3)) for i, name in enumerate(names)}
    table = "Width,ClassId,Path\n34,7,Test/00001.png\n34,2,Test/00000.png\n"
    return write_zip(folder / "signs.zip", files | {"top/Test.csv": table.encode()})


def camvid_zip(folder: Path, ids: int = 12) -> Path:
    """Two training frames and two validation frames of 36 x 48 pixels."""
    files = {}
    for number, part in enumerate(("train", "train", "val", "val")):
        files[f"camvid/{part}/images/{number}.png"] = encoded(noise(number, 36, 48, 3))
        files[f"camvid/{part}/labels/{number}.png"] = encoded(noise(number, 36, 48, top=ids))
    return write_zip(folder / "camvid.zip", files)
