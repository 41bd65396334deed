"""Lesson 8's functions, as its notebook has them: parameter counts, switches, joined table, tracks, safe changes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support import lesson_functions
from utils import runtime  # noqa: F401  (first, since it keeps TensorFlow's start-up messages away)

# isort: split

import keras

LESSON = lesson_functions(8)


@pytest.fixture(scope="module")
def vgg() -> keras.Model:
    """The classic recipe's network with random weights: no download."""
    return LESSON["build_model"]("vgg16", 224, 43, 0.6, pretrained=False)


@pytest.mark.parametrize(
    ("last", "convolutions", "base_count", "total"),
    [
        (0, 0, 0, 3_216_939),
        (4, 3, 7_079_424, 10_296_363),
        (8, 6, 12_979_200, 16_196_139),
        (4, 3, 7_079_424, 10_296_363),
    ],
)
def test_last_layers_of_vgg16(vgg, last, convolutions, base_count, total):
    """The counts of the older course; going back to 4 after 8 shows that each switch is set, not only the base's."""
    base = vgg.get_layer("vgg16")
    assert vgg.count_params() == 17_931_627
    LESSON["set_trainable"](base, last)
    assert sum("conv" in layer.name for layer in base.layers if layer.trainable) == convolutions
    assert LESSON["trainable_count"](base) == base_count
    assert LESSON["trainable_count"](vgg) == total
    assert last != 8 or vgg.count_params() - total == 1_735_488


def test_the_head_of_vgg16(vgg):
    counts = [layer.count_params() for layer in vgg.layers if layer.count_params() and layer.name != "vgg16"]
    assert counts == [3_211_392, 5_547]


def test_batch_normalisation_stays_frozen():
    model = LESSON["build_model"]("lite0", 64, 43, 0.3)
    base = model.get_layer("lite0")
    LESSON["set_trainable"](base, len(base.layers))
    kinds = {type(layer).__name__ for layer in base.layers if layer.trainable and layer.count_params()}
    assert "BatchNormalization" not in kinds
    assert "Conv2D" in kinds
    before = [np.array(layer.moving_mean) for layer in base.layers if "BatchNorm" in type(layer).__name__]
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.train_on_batch(np.random.default_rng(0).uniform(0, 255, (4, 64, 64, 3)).astype("float32"), np.arange(4))
    after = [np.array(layer.moving_mean) for layer in base.layers if "BatchNorm" in type(layer).__name__]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_test_table_is_joined_by_name(tmp_path):
    (tmp_path / "Test").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "Test" / name).touch()
    rows = "Width,ClassId,Path\n5,7,Test/c.png\n5,3,Test/a.png\n5,9,Test/b.png\n"
    (tmp_path / "Test.csv").write_text(rows, encoding="utf-8")
    paths, labels = LESSON["read_test_table"](tmp_path)
    assert [path.name for path in paths] == ["a.png", "b.png", "c.png"]
    assert labels.tolist() == [3, 9, 7]
    (tmp_path / "Test" / "d.png").touch()
    with pytest.raises(ValueError, match=r"d\.png"):
        LESSON["read_test_table"](tmp_path)


def test_a_split_by_track_shares_no_track():
    paths = [f"x/{c:05}_{t:05}_{f:05}.png" for c in range(3) for t in range(5) for f in range(4)]
    training, validation = LESSON["split_by_track"](paths, 0.3, seed=0)
    assert sorted([*training, *validation]) == list(range(60))
    tracks = [{LESSON["track_of"](paths[i]) for i in part} for part in (training, validation)]
    assert not tracks[0] & tracks[1]
    assert [len(part) for part in tracks] == [9, 6]  # 30 % of 5, rounded, is 2 of each class


def test_no_augmentation_mirrors_a_sign():
    picture = np.zeros((1, 64, 64, 3), "float32")
    picture[:, :32, :32] = 200  # bright at the upper left
    augment = LESSON["make_augmentation"](0)
    for _ in range(40):
        changed = np.asarray(augment(picture, training=True))[0, ..., 0]
        quarters = [changed[:32, :32].mean(), changed[:32, 32:].mean(), changed[32:, :32].mean()]
        assert np.argmax(quarters) == 0
