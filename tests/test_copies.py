"""What JPEG copies lose: tools.train.copies."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pytest

from tests.training_data import cifar10_zip, signs_zip
from tools.train import copies
from tools.train.common import read_json

SMOOTH = np.broadcast_to(np.arange(0, 256, 8, dtype=np.uint8)[:, None], (2, 32, 32, 3)).copy()


@pytest.mark.parametrize("number", [50, 75, 92])
def test_a_file_says_the_quality_it_was_written_with(number):
    data = cv2.imencode(".jpg", SMOOTH[0], [cv2.IMWRITE_JPEG_QUALITY, number])[1].tobytes()
    assert copies.quality(data) == number


def test_copies_lose_more_at_a_lower_quality_and_little_when_copied_again():
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    fine, coarse = copies.copied(images, 90), copies.copied(images, 30)
    assert 0 < copies.pixel_error(images, fine) < copies.pixel_error(images, coarse)
    again, moved = (copies.copied(coarse, 30, grid) for grid in (0, copies.MOVED))
    assert copies.pixel_error(coarse, again) < copies.pixel_error(coarse, moved)


def test_a_moved_grid_does_not_move_the_image():
    assert copies.pixel_error(SMOOTH[:, 8:24], copies.copied(SMOOTH, 95, copies.MOVED)[:, 8:24]) < 2


def test_colours_stay_in_their_channels():
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 200
    assert copies.copied(red, 90)[0].mean(axis=(0, 1)) == pytest.approx([200, 0, 0], abs=3)


def test_the_measurement_writes_its_result(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(copies, "SEEDS", (1,))
    inputs = keras.Input((32, 32, 3))
    outputs = keras.layers.Dense(10, activation="softmax")(keras.layers.GlobalAveragePooling2D()(inputs))
    keras.Model(inputs, outputs).save(tmp_path / "tiny.keras")
    monkeypatch.setattr(copies, "fetch", lambda name: tmp_path / "tiny.keras")
    arguments = ["copies", cifar10_zip(tmp_path), signs_zip(tmp_path), "--epochs", 1, "--target", tmp_path / "run"]
    monkeypatch.setattr("sys.argv", [str(argument) for argument in arguments])
    copies.main()
    written = read_json(tmp_path / "run" / "assets" / "data" / "cifar10_copies.json")
    assert written["quality"] == 95  # OpenCV's, when nothing else is said
    assert written["command"] == "python -m tools.train.copies cifar.zip signs.zip"
    assert written["validation"]["as they are"]["pixel error"] == 0 < written["validation"]["moved grid"]["pixel error"]
    assert len(written["signs"]["originals"]) == len(written["signs"]["copies"]) == 1
    assert "copies of quality 95" in capsys.readouterr().out
