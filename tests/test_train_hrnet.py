"""The small HRNet of lesson 9: shapes of any size, its loss, the scores, and the exported model's call."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from utils import runtime

# isort: split

import keras

from tools.train import hrnet

tf = runtime.tf


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return hrnet.build()


@pytest.mark.parametrize("size", [(64, 96), (33, 47), (1, 1), (100, 30)])
def test_logits_have_the_size_of_the_frame(model, size):
    logits = model(np.zeros((2, *size, 3), "float32"))
    assert logits.shape == (2, *size, 11)


def test_the_model_is_small(model):
    assert model.count_params() * 4 < 8_000_000


def test_the_loss_is_near_zero_for_right_answers_and_ignores_unlabelled_pixels():
    loss = hrnet.segmentation_loss(np.ones(11, "float32"))
    mask = np.random.default_rng(0).integers(0, 11, (1, 40, 40))
    right = 20 * np.eye(11, dtype="float32")[mask]
    wrong = np.roll(right, 1, axis=-1)
    assert float(loss(mask, right)) < 0.05
    assert float(loss(mask, wrong)) > 10
    half = mask.copy()
    half[:, :20] = hrnet.UNLABELLED
    mixed = np.where((half == hrnet.UNLABELLED)[..., None], wrong, right)
    assert float(loss(half, mixed)) < 0.05


def test_confusion_and_iou_by_hand():
    matrix = np.array([[3, 1], [0, 4]])
    np.testing.assert_allclose(hrnet.intersection_over_union(matrix), [3 / 4, 4 / 5])

    class Constant:
        def predict_on_batch(self, frames: np.ndarray) -> np.ndarray:
            return np.broadcast_to(np.eye(11)[4], (*frames.shape[:3], 11))

    masks = np.array([[[4, 4, 3], [11, 11, 4]]])
    counted = hrnet.confusion(Constant(), np.zeros((1, 2, 3, 3), np.uint8), masks)
    assert counted.sum() == 4
    assert (counted[4, 4], counted[3, 4]) == (3, 1)


def test_views_keep_frame_and_mask_together():
    """A frame whose red channel says its mask: after crop, resize and mirroring it still does."""
    mask = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 12, (9, 12)), 40, 0), 40, 1).astype(np.uint8)
    frame = np.repeat((mask * 20)[..., None], 3, axis=-1)
    for seed in range(4):
        tf.random.set_seed(seed)
        view, cut = hrnet.random_view(tf.constant(frame), tf.constant(mask))
        assert view.shape == (*hrnet.CROP, 3)
        same = np.abs(np.asarray(view)[..., 0] * 255 / 20 - np.asarray(cut)) < 0.5
        assert same.mean() > 0.9  # all but the borders between patches, where the frame is interpolated
        changed, kept = hrnet.random_camera(view, cut)
        assert 0 <= float(tf.reduce_min(changed)) <= float(tf.reduce_max(changed)) <= 1
        np.testing.assert_array_equal(kept, cut)


def test_the_exported_model_answers_as_the_hub_s_does(model, tmp_path):
    tf.saved_model.save(hrnet.Segmenter(model), str(tmp_path / "hrnet"))
    loaded = tf.saved_model.load(str(tmp_path / "hrnet"))
    frame = np.random.default_rng(0).uniform(0, 1, (1, 45, 61, 3)).astype("float32")
    probabilities = np.asarray(loaded.predict(frame))
    assert probabilities.shape == (1, 45, 61, 33)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)
    assert (np.flatnonzero(probabilities.sum(axis=(0, 1, 2))) == np.sort(np.add(hrnet.CAMVID_IDS, 1))).all()
    assert (probabilities.argmax(-1) == np.add(hrnet.CAMVID_IDS, 1)[np.asarray(model(frame)).argmax(-1)]).all()


def test_evaluation_keeps_scores_and_how_they_came_about(model, tmp_path):
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "frames.zip", "w") as archive:
        for number in range(2):
            for part, top, shape in (("images", 256, (36, 48, 3)), ("labels", 12, (36, 48))):
                buffer = io.BytesIO()
                Image.fromarray(generator.integers(0, top, shape, np.uint8)).save(buffer, format="PNG")
                archive.writestr(f"camvid/val/{part}/{number}.png", buffer.getvalue())
    model.save_weights(tmp_path / "hrnet.weights.h5")
    rows = [{"epoch": 1, "loss": 2.5, "seconds": 30.4}, {"epoch": 2, "loss": 1.5, "seconds": 30.2, "mean_iou": 0.1}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    hrnet.evaluate(tmp_path / "frames.zip", tmp_path, tmp_path / "scores.json")
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert (scores["epochs"], scores["seconds"], scores["loss"], scores["seed"]) == (2, 61, [2.5, 1.5], 42)
    _, masks = hrnet.read_frames(tmp_path / "frames.zip", "val")
    assert np.sum(scores["confusion"]) == (masks < hrnet.UNLABELLED).sum()
    assert scores["mean_iou"] == pytest.approx(np.mean(scores["iou"]), abs=1e-3)
