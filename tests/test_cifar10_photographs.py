"""Lesson 6's own photographs: the loader, the table of the builder, and what the builder cuts out."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tools.data import cifar10_photographs
from utils import datasets, paths

TABLE = cifar10_photographs.read_table()


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def test_photographs_are_colour_pictures_with_labels_and_authors():
    photographs, labels, table = datasets.cifar10_photographs()
    assert photographs.shape == (len(table), 96, 96, 3)
    assert (photographs.dtype, labels.dtype, labels.shape) == (np.uint8, np.int64, (len(table),))
    assert [datasets.CIFAR10_CLASSES[label] for label in labels] == table["class"].tolist()
    assert (photographs.std(axis=(1, 2, 3)) > 10).all()
    assert len(np.unique(photographs.reshape(len(photographs), -1), axis=0)) == len(photographs)
    assert (table[["file", "class", "title", "author", "licence", "source"]] != "").all(axis=None)


def test_every_class_has_photographs():
    counts = pd.Series(datasets.cifar10_photographs()[2]["class"]).value_counts()
    assert (
        counts.reindex(list(datasets.CIFAR10_CLASSES), fill_value=0).min() >= 2
    )  # ten are wanted: packages carry few free photographs of frogs, cats, ships and trucks


def test_table_and_archive_name_the_same_files():
    with zipfile.ZipFile(paths.ASSETS / "data" / "cifar10_photographs.zip") as archive:
        assert archive.namelist() == ["photographs.csv", *TABLE["file"]]
        assert archive.read("photographs.csv") == cifar10_photographs.TABLE.read_bytes()
    pd.testing.assert_frame_equal(datasets.cifar10_photographs()[2], TABLE)


def test_table_of_the_builder():
    assert set(TABLE["class"]) <= set(datasets.CIFAR10_CLASSES)
    numbers = TABLE.groupby("class", sort=False).cumcount() + 1
    assert TABLE["file"].tolist() == [f"{c}/{n}.jpg" for c, n in zip(TABLE["class"], numbers, strict=True)]
    assert not TABLE.duplicated(["source", "crop"]).any()
    assert ((TABLE["crop"] == "") == (TABLE["background"] != "")).all()
    crops = TABLE.loc[TABLE["crop"] != "", "crop"].str.split(expand=True).astype(int)
    assert (crops >= 0).all(axis=None)
    assert (crops[2] >= 60).all(), "a smaller square would be blurred"


def test_a_crop_keeps_its_square_and_nothing_outside_the_picture():
    picture = Image.fromarray(np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3))
    square = cifar10_photographs.photograph(picture, "20 10 50")
    np.testing.assert_array_equal(np.asarray(square), np.asarray(picture)[10:60, 20:70])
    for outside in ("31 0 50", "0 11 50", "-1 0 50"):
        with pytest.raises(ValueError, match="not inside a picture of 80x60"):
            cifar10_photographs.photograph(picture, outside)


def test_a_cut_out_stands_in_the_middle_of_its_colour():
    stamp = np.zeros((30, 90, 4), np.uint8)
    stamp[10:20, 40:90] = (200, 0, 0, 255)
    square = np.asarray(cifar10_photographs.cut_out(Image.fromarray(stamp), "#0000ff"))
    assert square.shape == (58, 58, 3)
    red = np.argwhere(square[..., 0] > 100)
    assert (red.min(axis=0).tolist(), red.max(axis=0).tolist()) == ([24, 4], [33, 53])
    assert (square[0, 0] == (0, 0, 255)).all()


def test_an_archive_is_the_same_when_built_again():
    rows = TABLE.head(1).assign(source="one", crop="0 0 64", background="")
    files = {"one": png(Image.fromarray(np.full((64, 64, 3), (10, 200, 30), np.uint8)))}
    first, second = (cifar10_photographs.archive(rows, files.__getitem__) for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive, Image.open(archive.open(rows["file"][0])) as picture:
        assert (picture.size, picture.mode) == ((96, 96), "RGB")
        assert np.abs(np.asarray(picture, int) - (10, 200, 30)).max() < 4
