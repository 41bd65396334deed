"""Lesson 9's functions, as its notebook has them, on small masks and odd pictures; the embedded HRNet on odd sizes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.support import lesson_functions
from utils.segmentation import VOID, camvid_classes, hrnet_path, street_photos

# isort: split

import tensorflow_hub as hub

LESSON = lesson_functions(9)
LUT = np.array([c.rgb for c in camvid_classes()], "uint8")
TRUE = np.array([[0, 0, 0, 0], [1, 1, 2, VOID]])
PREDICTED = np.array([[0, 0, 0, 1], [1, 1, 1, 2]])


@pytest.fixture(scope="module")
def model():
    return hub.load(hrnet_path())


def test_iou_and_dice_by_hand():
    matrix = LESSON["confusion_of_masks"](TRUE, PREDICTED, 32)
    assert matrix.sum() == 7  # Void does not count
    iou = LESSON["iou_per_class"](matrix)
    np.testing.assert_allclose(iou[:3], [3 / 4, 2 / 4, 0])
    assert np.isnan(iou[3:]).all()
    np.testing.assert_allclose(LESSON["dice_per_class"](matrix)[:3], [6 / 7, 4 / 6, 0])
    assert LESSON["mean_iou"](matrix) == pytest.approx((0.75 + 0.5) / 3)
    assert LESSON["pixel_accuracy"](matrix) == pytest.approx(5 / 7)


def test_colours_are_those_of_the_table():
    mask = np.random.default_rng(0).integers(0, 32, (5, 7))
    np.testing.assert_array_equal(LESSON["class_to_rgb"](mask, LUT), LESSON["colour_by_loop"](mask, LUT))
    assert LESSON["class_to_rgb"](np.zeros((0, 4), int), LUT).shape == (0, 4, 3)
    for bad in (mask[None], mask + 0.0, np.array([[32]]), np.array([[-1]])):
        with pytest.raises(ValueError, match=r"expected|ids run"):
            LESSON["class_to_rgb"](bad, LUT)


def test_the_overlay_keeps_the_photograph():
    image = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    black = np.zeros_like(image)
    for alpha in (0.0, 0.5, 1.0):
        np.testing.assert_allclose(LESSON["image_overlay"](image, black, alpha), image / 255, atol=1e-6)
    blended = LESSON["image_overlay"](np.full((1, 1, 3), 240, np.uint8), LUT[[[21]]], 0.5)
    np.testing.assert_allclose(blended * 255, 184, atol=1e-3)
    with pytest.raises(ValueError, match="alpha"):
        LESSON["image_overlay"](image, black, 1.5)
    with pytest.raises(ValueError, match="colours"):
        LESSON["image_overlay"](image, black[:2], 0.5)


def picture(mode: str, file_format: str = "PNG") -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (6, 4), (250, 150, 50)).convert(mode).save(file, file_format)
    return file


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK"])
def test_pictures_of_every_mode(mode):
    pixels = LESSON["load_image"](picture(mode, "TIFF" if mode == "CMYK" else "PNG"))
    assert (pixels.shape, pixels.dtype) == ((4, 6, 3), np.float32)
    assert 0 <= pixels.min() <= pixels.max() <= 1


def test_what_is_no_picture(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    cut = tmp_path / "cut.png"
    cut.write_bytes(picture("RGB").getvalue()[:-30])
    for path in (text, cut, tmp_path / "missing.png", tmp_path):
        with pytest.raises(ValueError, match=f"{path.name} cannot be read as a picture"):
            LESSON["load_image"](path)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (37, 53), (321, 123), (720, 960)])
def test_the_embedded_network_takes_any_size(model, size):
    image = np.random.default_rng(0).uniform(0, 1, (*size, 3)).astype("float32")
    mask = LESSON["run_inference"](model, image)
    assert mask.shape == size
    assert set(np.unique(mask)) <= {2, 4, 5, 8, 9, 16, 17, 19, 20, 21, 26}


@pytest.mark.parametrize("shape", [(8, 8, 4), (8, 8, 1), (8, 8), (1, 8, 8, 3)])
def test_a_wrong_number_of_channels_or_axes_is_refused(model, shape):
    with pytest.raises(ValueError, match="expected a picture"):
        LESSON["run_inference"](model, np.zeros(shape, "float32"))


def test_the_embedded_network_on_real_photographs(model):
    """Sky, road and building of the two views of Leuven, by the recall of hand-drawn pixels."""
    for photo in street_photos()[:2]:
        mask = LESSON["run_inference"](model, LESSON["load_image"](photo.path))
        truth = np.asarray(Image.open(photo.mask_path))
        for class_id, least in ((21, 0.9), (4, 0.8), (17, 0.5)):
            assert (mask[truth == class_id] == class_id).mean() > least


def test_the_scores_that_the_readme_tells(model):
    """Mean IoU 0.44 to 0.95 (of all classes 0.39 to 0.87), pixel accuracy 0.62 to 0.98, on fifteen photographs."""
    photos, scores = street_photos(), []
    assert len(photos) == 15
    for photo in photos:
        mask = LESSON["run_inference"](model, LESSON["load_image"](photo.path))
        matrix = LESSON["confusion_of_masks"](np.asarray(Image.open(photo.mask_path)), mask, 32)
        scores.append((LESSON["mean_iou"](matrix, 0.01), LESSON["mean_iou"](matrix), LESSON["pixel_accuracy"](matrix)))
    np.testing.assert_allclose(np.min(scores, axis=0), [0.44, 0.39, 0.62], atol=0.01)
    np.testing.assert_allclose(np.max(scores, axis=0), [0.95, 0.87, 0.98], atol=0.01)


def test_what_section_13_says_of_the_night(model):
    """At night parts of the brick wall of leuven_b become a tree and a road, and of the road the network is sure."""
    photo = street_photos()[1]
    assert photo.name == "leuven_b"
    night = LESSON["at_night"](LESSON["load_image"](photo.path), np.random.default_rng(0))
    scores = np.asarray(model.predict(night[None]))[0, ..., 1:]
    wall, predicted = np.asarray(Image.open(photo.mask_path)) == 4, scores.argmax(axis=-1)
    assert (wall & (predicted == 26)).mean() > 0.05
    road = wall & (predicted == 17)
    assert road.mean() > 0.05
    assert np.median(scores.max(axis=-1)[road]) > 0.8


def test_most_of_the_square_in_front_of_the_cinema_becomes_a_road(model):
    photo = next(photo for photo in street_photos() if photo.name == "cinema")
    mask = LESSON["run_inference"](model, LESSON["load_image"](photo.path))
    assert (mask[np.asarray(Image.open(photo.mask_path)) == 19] == 17).mean() > 0.5
