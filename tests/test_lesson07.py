"""The functions that lesson 7 writes out, taken from its notebook: photographs of every kind, decoding, scores."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from PIL import Image

from tests.support import lesson_functions
from utils import paths
from utils.downloads import fetch
from utils.imagenet import decode_predictions, imagenet_class_names

LESSON = lesson_functions(7)


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def panda() -> Image.Image:
    with Image.open(fetch("images/photos/giant_panda.jpg")) as image:
        return image.convert("RGB")


def loaded(data: bytes) -> np.ndarray:
    image = LESSON["load_photo"](data)
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    return image


def test_load_photo_gives_rgb_from_every_kind_of_file(panda):
    pixels = np.asarray(panda)
    np.testing.assert_array_equal(loaded(encoded(panda)), pixels)
    grey = np.asarray(panda.convert("L"))
    np.testing.assert_array_equal(loaded(encoded(panda.convert("L"))), np.repeat(grey[..., None], 3, axis=2))
    sixteen = Image.fromarray(grey.astype(np.uint16) * 257)
    np.testing.assert_array_equal(loaded(encoded(sixteen))[..., 0], grey)
    few_colours = panda.quantize(256)
    np.testing.assert_array_equal(loaded(encoded(few_colours)), np.asarray(few_colours.convert("RGB")))
    np.testing.assert_array_equal(
        loaded(encoded(panda.convert("CMYK"), "TIFF")), np.asarray(panda.convert("CMYK").convert("RGB"))
    )
    black_or_white = loaded(encoded(panda.convert("1")))
    assert set(np.unique(black_or_white)) == {0, 255}


def test_load_photo_shows_what_is_transparent_as_white(panda):
    half = panda.convert("RGBA")
    alpha = np.full((panda.height, panda.width), 255, np.uint8)
    alpha[:, :100] = 0
    half.putalpha(Image.fromarray(alpha))
    image = loaded(encoded(half))
    assert (image[:, :100] == 255).all()
    np.testing.assert_array_equal(image[:, 100:], np.asarray(panda)[:, 100:])


def test_load_photo_turns_a_picture_upright(panda):
    lying = panda.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to see it upright"
    np.testing.assert_array_equal(loaded(encoded(lying, exif=exif)), np.asarray(panda))


def test_load_photo_reduces_a_large_picture(panda):
    image = loaded(encoded(panda.resize((3000, 2000))))
    assert image.shape == (683, 1024, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no known picture format"),
        (b"<html><body>Not found</body></html>", "no known picture format"),
        (encoded(Image.new("RGB", (31, 200))), "31 x 200 pixels are too few"),
        (encoded(Image.fromarray(np.zeros((50, 50), np.float32)), "TIFF"), "brightness is unknown"),
    ],
)
def test_load_photo_refuses_with_a_reason(data, reason):
    with pytest.raises(ValueError, match=f"the given bytes cannot be used: .*{reason}"):
        LESSON["load_photo"](data)


def test_load_photo_refuses_a_truncated_file_and_a_missing_one(panda, tmp_path):
    data = encoded(panda, "JPEG")
    (tmp_path / "half.jpg").write_bytes(data[: len(data) // 2])
    for name in ("half.jpg", "absent.jpg", "."):
        with pytest.raises(ValueError, match="cannot be used"):
            LESSON["load_photo"](tmp_path / name)


def test_load_photo_refuses_a_decompression_bomb(panda, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", panda.width * panda.height - 1)
    with pytest.raises(ValueError, match="decompression bomb"):
        LESSON["load_photo"](encoded(panda))


@pytest.mark.parametrize("shape", [(100, 300), (300, 100), (64, 64), (33, 34)])
def test_centre_crop_keeps_the_middle(shape):
    rows, columns = np.indices(shape)
    photo = np.stack([rows, columns, 0 * rows], axis=-1).astype(np.uint8)
    square = LESSON["centre_crop"](photo, min(shape))
    assert square.shape == (min(shape), min(shape), 3)
    top, left = (shape[0] - min(shape)) // 2, (shape[1] - min(shape)) // 2
    np.testing.assert_array_equal(square, photo[top : top + min(shape), left : left + min(shape)])


def test_decode_agrees_with_utils():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(1000))
    ours = LESSON["decode"](probabilities, imagenet_class_names(), top=5)
    assert ours == [tuple(prediction) for prediction in decode_predictions(probabilities[None], top=5)[0]]
    assert ours[0][0] == probabilities.argmax()


def test_top_k_accuracy():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.5, 0.2, 0.3], [0.15, 0.8, 0.05], [0.6, 0.3, 0.1]])
    labels = [0, 2, 2, 1]
    assert LESSON["top_k_accuracy"](probabilities, labels, 1) == 0.25
    assert LESSON["top_k_accuracy"](probabilities, labels, 2) == 0.75
    assert LESSON["top_k_accuracy"](probabilities, labels, 3) == 1


def test_the_labels_belong_to_the_photographs():
    folder = paths.ASSETS / "images" / "photos"
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {path.name for path in folder.glob("*.jpg")}
    assert {row["kind"] for row in rows} == {"clear", "other", "outside"}
    for row in rows:
        assert (row["class_index"] == "") == (row["kind"] == "outside"), row["file"]
        assert row["title"], row["file"]
        assert row["author"], row["file"]
        assert row["licence"], row["file"]
    assert sum(row["kind"] == "clear" for row in rows) >= 8
