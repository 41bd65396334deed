"""Pictures of every kind come out as RGB uint8; Pillow writes them here and says what is right."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from utils import pictures

RNG = np.random.default_rng(0)
RGB = np.asarray(Image.fromarray(RNG.integers(0, 256, (5, 6, 3), np.uint8)).resize((60, 40), Image.Resampling.BICUBIC))
PICTURE = Image.fromarray(RGB)
GREY = PICTURE.convert("L")


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[274] = 6  # "turn me by 90 degrees to the right before you show me"
    return exif


def half_transparent(mode: str) -> Image.Image:
    image = PICTURE.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 30, 40))
    return image.convert(mode)


def on_white(image: Image.Image) -> np.ndarray:
    image = image.convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))


DEEP = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)
THREE_GREY = np.repeat(np.asarray(GREY)[..., None], 3, axis=-1)
PALETTE = PICTURE.quantize(64)
JPEG = encode(PICTURE, "JPEG", quality=95)
DECODED_JPEG = np.asarray(Image.open(io.BytesIO(JPEG)))
CMYK = encode(PICTURE.convert("CMYK"), "JPEG", quality=95)
KINDS = {  # the file: what it shows
    "RGB": (encode(PICTURE, "PNG"), RGB),
    "grey": (encode(GREY, "PNG"), THREE_GREY),
    "16-bit grey": (encode(DEEP, "PNG"), THREE_GREY),
    "grey and alpha": (encode(half_transparent("LA"), "PNG"), on_white(half_transparent("LA"))),
    "RGBA": (encode(half_transparent("RGBA"), "PNG"), on_white(half_transparent("RGBA"))),
    "palette": (encode(PALETTE, "PNG"), np.asarray(PALETTE.convert("RGB"))),
    "black and white": (encode(PICTURE.convert("1"), "PNG"), np.asarray(PICTURE.convert("1").convert("RGB"))),
    "JPEG": (JPEG, DECODED_JPEG),
    "JPEG with EXIF orientation": (encode(PICTURE, "JPEG", quality=95, exif=turned()), np.rot90(DECODED_JPEG, -1)),
    "RGBA with EXIF orientation": (
        encode(half_transparent("RGBA"), "PNG", exif=turned()),
        np.rot90(on_white(half_transparent("RGBA")), -1),
    ),
    "CMYK JPEG": (CMYK, np.asarray(Image.open(io.BytesIO(CMYK)).convert("RGB"))),
    "WebP": (encode(PICTURE, "WEBP", lossless=True), RGB),
    "TIFF": (encode(PICTURE, "TIFF"), RGB),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_rgb(tmp_path, kind):
    data, shown = KINDS[kind]
    path = tmp_path / "Bäume 树.img"
    path.write_bytes(data)
    read = pictures.read_picture(path)
    assert (read.shape, read.dtype) == (shown.shape, np.uint8)
    assert np.abs(read.astype(int) - shown).max() <= (2 if kind == "CMYK JPEG" else 1)
    np.testing.assert_array_equal(pictures.decode_picture(data), read)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_transparent_pictures_are_turned_as_others_are(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    clear = encode(PICTURE.convert("RGBA"), "PNG", exif=exif)
    plain = encode(PICTURE, "PNG", exif=exif)
    assert np.array_equal(pictures.decode_picture(clear), pictures.decode_picture(plain))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "there is nothing in it"),
        (b"<html>404 Not Found</html>", "damaged, or in a format"),
        (JPEG[: len(JPEG) // 2], "damaged, or in a format"),
        (KINDS["RGB"][0][:-30], "damaged, or in a format"),
        (encode(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"), "largest possible brightness is unknown"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path, data, words):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"holiday\.jpg.*{words}"):
        pictures.read_picture(path)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .*holiday\.jpg \(looked for from the folder"):
        pictures.read_picture(tmp_path / "holiday.jpg")


def test_writing_and_reading_again(tmp_path):
    for picture, read in ((RGB, pictures.read_picture), (np.asarray(GREY), pictures.read_mask)):
        pictures.write_picture(tmp_path / "ä 树.png", picture)
        np.testing.assert_array_equal(read(tmp_path / "ä 树.png"), picture)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "ä 树.png")), picture)
    with pytest.raises(ValueError, match=r"no picture format '\.abc'"):
        pictures.write_picture(tmp_path / "x.abc", RGB)
    with pytest.raises(ValueError, match="of float64"):
        pictures.write_picture(tmp_path / "x.png", RGB / 255)
    assert not (tmp_path / "x.abc").exists()


def test_a_mask_has_neither_colours_nor_16_bits(tmp_path):
    for kind in ("RGB", "16-bit grey", "palette"):
        (tmp_path / "mask.png").write_bytes(KINDS[kind][0])
        with pytest.raises(ValueError, match=r"mask\.png is no mask"):
            pictures.read_mask(tmp_path / "mask.png")


def test_resizing_averages_and_interpolates():
    stripes = np.tile(np.array([[0, 255]], np.uint8), (8, 4))
    np.testing.assert_allclose(pictures.resize(stripes, 4, 4), 127.5, atol=0.5)
    np.testing.assert_allclose(pictures.resize(np.array([[0.0, 1.0]]), 1, 4), [[0, 0.25, 0.75, 1]])
    narrow_but_taller = pictures.resize(stripes, 16, 4)
    np.testing.assert_allclose(narrow_but_taller, 127.5, atol=0.5)
    for shape in ((5, 6), (5, 6, 1), (5, 6, 3)):
        for dtype in (np.uint8, np.uint16, np.float32, np.float64):
            resized = pictures.resize(np.ones(shape, dtype), 3, 9)
            assert (resized.shape, resized.dtype) == ((3, 9, *shape[2:]), dtype)
    np.testing.assert_array_equal(pictures.resize(RGB, *RGB.shape[:2]), RGB)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_resizing_a_mask_invents_no_class(dtype):
    mask = RNG.integers(0, 31, (40, 50)).astype(dtype)
    for size in ((17, 23), (90, 120), (40, 50)):
        resized = pictures.resize(mask, *size, mask=True)
        assert (resized.shape, resized.dtype) == (size, dtype)
        assert set(np.unique(resized)) <= set(np.unique(mask))
    np.testing.assert_array_equal(resized, mask)
    np.testing.assert_array_equal(pictures.resize(mask, 80, 100, mask=True)[::2, ::2], mask)


@pytest.mark.parametrize(
    ("picture", "size"), [(RGB, (0, 5)), (RGB, (5, -1)), (np.zeros((4, 4), np.int64), (2, 2)), (np.zeros(4), (2, 2))]
)
def test_what_cannot_be_resized(picture, size):
    with pytest.raises(ValueError, match="cannot be resized"):
        pictures.resize(picture, *size)


def test_blending():
    photo, colours = np.full((2, 2, 3), 240, np.uint8), np.full((2, 2, 3), 128, np.uint8)
    assert (pictures.blend(photo, colours) == 184).all()
    np.testing.assert_array_equal(pictures.blend(photo, colours, 0), photo)
    np.testing.assert_array_equal(pictures.blend(photo, colours, 1), colours)
    where = np.array([[True, False], [False, True]])
    np.testing.assert_array_equal(pictures.blend(photo, colours, where=where)[..., 0], [[184, 240], [240, 184]])
    floats = pictures.blend(photo / np.float32(255), colours / np.float32(255))
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats, 184 / 255, rtol=1e-6)
    for wrong in ((photo, colours[:1]), (photo, colours / 255), (photo, colours, 1.5)):
        with pytest.raises(ValueError, match=r"photograph|alpha"):
            pictures.blend(*wrong)
