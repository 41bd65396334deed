"""Pictures in a zip or a folder, and whether they are the ones that a training needs."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import cv2
import numpy as np

from utils.datasets import CIFAR10_CLASSES

PICTURE = r"[^/]+\.(jpg|jpeg|png)$"


class Layout(NamedTuple):
    """How a data set is laid out.

    Attributes:
        words: for a message.
        patterns: regular expressions; each is found in the name of some file.
    """

    words: str
    patterns: tuple[str, ...]


LAYOUTS = {
    "CIFAR-10": Layout(
        "a folder <class>/<number>.jpg for each of airplane, automobile … truck",
        tuple(f"(^|/){name}/{PICTURE}" for name in CIFAR10_CLASSES),
    ),
    "GTSRB": Layout("Train/<0..42>/, Valid/<0..42>/, Test/ and the table Test.csv", (r"(^|/)Test\.csv$",)),
    "CamVid": Layout(
        "camvid/train/images/, camvid/train/labels/ and the same below camvid/val/",
        (rf"/images/{PICTURE}", r"/labels/[^/]+\.png$"),
    ),
}


class Pictures:
    """The files of a zip or a folder.

    Attributes:
        path: of the zip or folder.
        names: of the files, sorted, with "/" between folders; without hidden ones, which macOS adds to zips.

    Raises:
        SystemExit: the path is neither.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._archive = path, None
        if path.is_dir():
            names = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
        elif zipfile.is_zipfile(path):
            self._archive = zipfile.ZipFile(path)
            names = [name for name in self._archive.namelist() if not name.endswith("/")]
        else:
            sys.exit(f"{path} is neither a folder nor a zip file.")
        self.names = sorted(name for name in names if not PurePosixPath(name).name.startswith("."))

    def content(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            SystemExit: it is not there, or is damaged.
        """
        try:
            return self._archive.read(name) if self._archive else (self.path / name).read_bytes()
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            sys.exit(f"{self.path}: {name} cannot be read: {error}")

    def picture(self, name: str) -> np.ndarray:
        """A picture as (H, W, 3) uint8 RGB.

        Raises:
            SystemExit: OpenCV cannot read it.
        """
        return self._decoded(name, cv2.IMREAD_COLOR_RGB)

    def mask(self, name: str) -> np.ndarray:
        """A mask of ids, a grey picture, as (H, W) uint8.

        Raises:
            SystemExit: OpenCV cannot read it, or it has colours.
        """
        mask = self._decoded(name, cv2.IMREAD_UNCHANGED)
        if mask.ndim != 2:
            sys.exit(f"{self.path}: {name} is a coloured picture, not a mask with one id a pixel.")
        return mask

    def _decoded(self, name: str, flags: int) -> np.ndarray:
        content = self.content(name)
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
        if image is None:
            sys.exit(f"{self.path}: {name} is not a picture that OpenCV can read.")
        return image


def fits(pictures: Pictures, layout: Layout) -> bool:
    """Whether every pattern of a layout is found."""
    return all(any(re.search(pattern, name) for name in pictures.names) for pattern in layout.patterns)


def open_data(path: Path, kind: str) -> Pictures:
    """The pictures of a zip or a folder, after a look at how they are laid out.

    Args:
        path: the zip or folder.
        kind: a key of LAYOUTS.

    Raises:
        SystemExit: it is laid out otherwise; the message says what it is and what was expected.
    """
    pictures = Pictures(path)
    if fits(pictures, LAYOUTS[kind]):
        return pictures
    other = [name for name, layout in LAYOUTS.items() if fits(pictures, layout)]
    found = (
        f"this is the layout of {other[0]}" if other else f"its files are {', '.join(pictures.names[:2]) or 'none'} …"
    )
    sys.exit(f"{path.name} does not hold {kind}: {found}. Expected: {LAYOUTS[kind].words}.")


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """A picture as a square of (size, size, 3): averaged over areas if it shrinks, bilinear if it grows."""
    method = cv2.INTER_AREA if min(image.shape[:2]) > size else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=method)


def centre_square(image: np.ndarray, size: int) -> np.ndarray:
    """The largest square in the middle of a picture as (size, size, 3)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resized(image[top : top + side, left : left + side], size)
