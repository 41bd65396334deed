"""What lesson 9 works on: CamVid's classes and colours, the street photographs with their masks, the HRNet."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from utils.downloads import CURE, DownloadError, cache_dir, fetch, fetch_folder, mirror_address
from utils.mode import mode
from utils.transfer import TIMEOUTS

HRNET_HANDLE = "https://tfhub.dev/google/HRNet/camvid-hrnetv2-w48/1"
HRNET_ARCHIVE = "HRNet/camvid-hrnetv2-w48.tar.gz"  # its place in a mirror
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
    table = pd.read_csv(fetch("data/camvid_classes.csv"), keep_default_na=False)
    return tuple(CamVidClass(row.id, row.name, (row.red, row.green, row.blue)) for row in table.itertuples(index=False))


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
    for row in pd.read_csv(fetch("images/street/photos.csv"), dtype=str, keep_default_na=False).itertuples(index=False):
        path, mask_path = fetch(f"images/street/{row.name}.jpg"), fetch(f"images/street/{row.name}_mask.png")
        frames.append(StreetPhoto(row.name, row.title, path, mask_path))
    return frames


def hrnet_path() -> str:
    """The folder that `hub.load` is to load: the embedded small HRNet (quick mode), or HRNetV2-W48 (full mode).

    In full mode TensorFlow Hub fetches it once, into $TFHUB_CACHE_DIR or the course's cache, from $COURSE_HRNET (an
    address that TensorFlow Hub or Kaggle gives, or a local SavedModel folder), $COURSE_MIRROR, or tfhub.dev.

    Raises:
        DownloadError: it cannot be had, is no SavedModel, or a file of the embedded model is missing or damaged.
    """
    if mode() == "quick":
        return str(fetch_folder("models/hrnet_small"))
    handle = _hrnet_handle()
    place = Path(os.environ.setdefault("TFHUB_CACHE_DIR", str(cache_dir() / "tfhub")))
    os.environ.setdefault("TFHUB_DOWNLOAD_PROGRESS", "" if os.environ.get("CI") else "1")
    try:
        return str(_resolve(handle, place))
    except Exception as error:  # of many kinds: urllib's, tarfile's, TensorFlow's
        what = f"HRNetV2-W48 could not be loaded into {place}:\n  {handle}: {error}"
        raise DownloadError(f"{what}\nName a SavedModel's folder or address in COURSE_HRNET. {CURE}") from error


def _hrnet_handle() -> str:
    """Where HRNetV2-W48 is to come from: an address, or a folder."""
    if named := os.environ.get("COURSE_HRNET"):
        return named
    if mirror := mirror_address():
        return f"{mirror}/{HRNET_ARCHIVE}"
    return HRNET_HANDLE


def _resolve(handle: str, place: Path) -> Path:
    """The folder of a whole SavedModel, fetched into `place`, TensorFlow Hub's cache, if it is not there."""
    import tensorflow_hub as hub

    with _socket_timeout(TIMEOUTS[1]):
        folder = Path(hub.resolve(handle))
    if (folder / "saved_model.pb").is_file() and len(list(folder.glob("variables/variables.*"))) >= 2:
        return folder
    if folder.is_relative_to(place):
        shutil.rmtree(folder)  # what a connection left that was cut between two files
    raise ValueError("there is no whole SavedModel")


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Let no connection wait longer than this; TensorFlow Hub sets no limit, and would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
