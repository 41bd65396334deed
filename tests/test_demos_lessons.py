"""What the figures with controls of lessons 6 to 9 compute, by the functions that those lessons write out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from tests.support import lesson_functions


def test_lesson_6_each_slider_changes_the_copies_in_its_own_way():
    lesson = lesson_functions(6)
    picture = np.random.default_rng(0).random((32, 32, 3)).astype("float32")

    def copies(**strengths: float) -> np.ndarray:
        nothing = {"mirror": False, "shift": 0, "turn": 0, "zoom": 0, "brightness": 0, "dice": 3}
        return np.asarray(lesson["changed_copies"](picture, **(nothing | strengths), copies=40))

    np.testing.assert_allclose(copies(), np.repeat(picture[None], 40, axis=0), atol=1e-5)
    mirrored = [np.allclose(copy, picture[:, ::-1], atol=1e-4) for copy in copies(mirror=True)]
    kept = [np.allclose(copy, picture, atol=1e-4) for copy in copies(mirror=True)]
    assert sum(mirrored) + sum(kept) == 40
    assert 8 < sum(mirrored) < 32
    for strength in ("shift", "zoom"):
        assert np.abs(copies(**{strength: 0.3}) - picture).mean(axis=(1, 2, 3)).max() > 0.05
    assert np.abs(copies(turn=90) - picture).mean() > 0.05
    brighter = copies(brightness=0.2) - picture
    assert brighter.min() >= -0.2001
    assert brighter.max() <= 0.2001
    assert brighter.std() > 0.05


def test_lesson_6_tiles_keep_the_order_of_the_pictures():
    tile = lesson_functions(6)["tile"]
    sheet = tile([np.full((32, 32, 3), grey) for grey in (0.1, 0.2, 0.3, 0.4)], 2, 3)
    assert sheet.shape == (68, 102, 3)
    np.testing.assert_allclose([sheet[17, 17 + 34 * k, 0] for k in range(3)], [0.1, 0.2, 0.3])
    np.testing.assert_allclose([sheet[51, 17, 0], sheet[51, 51, 0]], [0.4, 1])


@pytest.mark.parametrize("content", [b"", b"Dear diary", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_lesson_7_an_upload_that_is_no_picture_gives_a_sentence_in_the_figure(content):
    lesson = lesson_functions(7, photos={}, entries={}, models={}, ways={})
    upload = [{"name": "a $\\frac$ " + 60 * "x", "content": memoryview(content)}]
    figure = lesson["draw_answers"]("none", upload=upload)
    figure.savefig(io.BytesIO())  # a dollar sign is no formula
    (words,) = [text.get_text().replace("\n", " ") for text in figure.axes[0].texts]
    assert "cannot be used" in words
    assert words.startswith("a $\\frac$")
    plt.close(figure)


def test_lesson_7_an_upload_is_read_by_load_photo():
    file = io.BytesIO()
    Image.new("LA", (40, 60), (90, 0)).save(file, "PNG")  # grey, and transparent
    photo, name, problem = lesson_functions(7)["read_upload"](
        [{"name": "clear", "content": memoryview(file.getvalue())}]
    )
    assert (photo.shape, photo.min(), name, problem) == ((60, 40, 3), 255, "clear", "")


def test_lesson_8_a_spoiled_sign():
    spoiled = lesson_functions(8)["spoiled"]
    sign = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    np.testing.assert_array_equal(spoiled(sign, 0, 1.0, 0.0, 0, 64), sign)
    np.testing.assert_array_equal(spoiled(sign, 180, 1.0, 0.0, 0, 64)[1:-1, 1:-1], sign[::-1, ::-1][1:-1, 1:-1])
    assert spoiled(sign, 0, 0.5, 0.0, 0, 64).max() <= 128
    for blurred in (spoiled(sign, 0, 1.0, 3.0, 0, 64), spoiled(sign, 0, 1.0, 0.0, 0, 8)):
        assert blurred.std() < 0.5 * sign.std()
    noisy = spoiled(sign // 2 + 60, 0, 1.0, 0.0, 10, 64).astype(float) - (sign // 2 + 60)
    assert 9 < noisy.std() < 11
    quarter = np.zeros((64, 64, 3), "uint8")
    quarter[:32, 32:] = 255  # right above; turned to the right it lies right below
    assert spoiled(quarter, 90, 1.0, 0.0, 0, 64)[48, 48].min() > 200


def test_lesson_8_batch_normalisation_trains_only_without_the_rule():
    names = {"can_train": np.array([10, 4, 10, 4]), "is_batch_norm": np.array([False, True, False, True])}
    freed = lesson_functions(8, **names)["freed"]
    assert freed(3, True).tolist() == [False, False, True, False]
    assert freed(3, False).tolist() == [False, True, True, True]
    assert not freed(0, False).any()


def test_lesson_9_regions_of_a_class_and_the_divider():
    true, predicted = np.array([[17, 17, 21, 30], [17, 17, 21, 30]]), np.array([[17, 21, 17, 17], [17, 17, 21, 17]])
    names = {
        "group_ids": {"Road": 17, "Sky": 21},
        "to_group": np.arange(32),
        "lut": np.where(np.arange(32)[:, None] == 30, 0, np.full(3, 200)).astype("uint8"),  # Void is black
        "true_masks": {"a": true},
        "predicted_masks": {"a": predicted},
        "images": {"a": np.zeros((2, 4, 3), "float32")},
    }
    lesson = lesson_functions(9, **names)
    counts = [int(region.sum()) for region in lesson["class_regions"]("a", "Road").values()]
    assert counts == [3, 1, 1]  # what is Void in the hand-drawn mask does not count
    halves = lesson["split_picture"]("a", "Road", True, 1.0, 0.5)
    assert halves.shape == (1, 2, 3)  # every second pixel
    assert halves[0, 0].max() == 0
    assert halves[0, 1].min() > 0.3
    assert lesson["split_picture"]("a", "Sky", False, 1.0, 0.0).max() == 0 < halves.max()
