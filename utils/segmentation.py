"""What lesson 9 works on: CamVid's classes and colours, the street photographs with their masks, the HRNet."""

from __future__ import annotations

import csv
import functools
import os
from dataclasses import dataclass
from pathlib import Path

from utils.downloads import fetch, fetch_folder
from utils.mode import mode

HRNET_HANDLE = "https://tfhub.dev/google/HRNet/camvid-hrnetv2-w48/1"
VOID = 30  # CamVid's id for what has no label


@dataclass(frozen=True)
class CamVidClass:
    """One of the 32 classes of the Cambridge-driving Labeled Video Database (Brostow et al., 2009).

    Attributes:
        id: 0..31, its place in alphabetical order.
        name: as the database has it.
        rgb: its colour in drawn masks, three integers in 0..255.
    """

    id: int
    name: str
    rgb: tuple[int, int, int]


@functools.cache
def camvid_classes() -> tuple[CamVidClass, ...]:
    """The 32 classes in the order of their ids."""
    with fetch("data/camvid_classes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        CamVidClass(int(row["id"]), row["name"], (int(row["red"]), int(row["green"]), int(row["blue"]))) for row in rows
    )


@dataclass(frozen=True)
class StreetPhoto:
    """One photograph of lesson 9.

    Attributes:
        name: short, for tables.
        title: a few words for figures.
        path: of the JPEG or PNG file, RGB.
        mask_path: of a PNG file of the same size with one CamVid id per pixel (uint8, VOID where nothing is known), or
            None where there is no mask.
    """

    name: str
    title: str
    path: Path
    mask_path: Path | None = None


def street_photos() -> list[StreetPhoto]:
    """The embedded photographs with hand-drawn masks; in full mode four frames of CamVid, without masks, before them.

    Raises:
        DownloadError: a file is missing or damaged, or cannot be downloaded.
    """
    frames = []
    if mode() == "full":
        names = ("0001TP_008550", "0001TP_008580", "Seq05VD_f00000", "Seq05VD_f02550")
        frames = [StreetPhoto(name, f"CamVid frame {name}", fetch(f"CamVid/test/{name}.png")) for name in names]
    with fetch("images/street/photos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        photo, mask = (fetch(f"images/street/{row['name']}{end}") for end in (".jpg", "_mask.png"))
        frames.append(StreetPhoto(row["name"], row["title"], photo, mask))
    return frames


def hrnet_path() -> str:
    """What `hub.load` is to load: the embedded small HRNet (quick mode), or HRNetV2-W48 (full mode).

    In full mode a local SavedModel folder named in $COURSE_HRNET goes before the address on TensorFlow Hub.

    Raises:
        FileNotFoundError: $COURSE_HRNET names no folder with a SavedModel.
        DownloadError: a file of the embedded model is missing or damaged.
    """
    if mode() == "quick":
        return str(fetch_folder("models/hrnet_small"))
    local = os.environ.get("COURSE_HRNET")
    if not local:
        return HRNET_HANDLE
    if not (Path(local) / "saved_model.pb").is_file():
        raise FileNotFoundError(
            f"COURSE_HRNET is {local!r}, but there is no saved_model.pb. Name the folder of a SavedModel, or unset it."
        )
    return local
