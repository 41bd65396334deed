"""The functions that lesson 6 writes out, taken from its notebook."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.support import lesson_functions
from utils import runtime  # noqa: F401

# isort: split

import keras
from keras import layers

from tools.train import cifar10
from utils import paths
from utils.confusion import most_confused
from utils.downloads import fetch

LESSON = lesson_functions(6)
CONFIG = LESSON["NetworkConfig"]()


def description(model: keras.Model) -> list[dict]:
    """What each layer is, without the names that Keras counts up."""
    return [{"class": type(layer).__name__} | layer.get_config() | {"name": None} for layer in model.layers]


@pytest.mark.parametrize("dropout", [False, True])
def test_the_lesson_and_the_full_run_have_the_same_network(dropout):
    model = LESSON["build_model"](CONFIG, dropout=dropout)
    assert model.count_params() == 669_354
    assert description(model) == description(cifar10.build(dropout))
    assert model.input_shape == (None, 32, 32, 3)


def test_the_settings_of_the_full_run_are_those_of_full_mode(monkeypatch):
    monkeypatch.setenv("COURSE_MODE", "full")
    settings = lesson_functions(6)["TrainingConfig"]()
    kept = json.loads(fetch("data/cifar10_history.json").read_text(encoding="utf-8"))
    for name in ("epochs", "batch_size", "learning_rate"):
        assert getattr(settings, name) == kept[name] == getattr(cifar10, name.upper())
    for variant in ("baseline", "dropout"):
        assert {len(values) for values in kept[variant]["history"].values()} == {31}
        matrix = np.array(kept[variant]["confusion_on_validation"])
        assert matrix.sum() == 15_000
        assert np.trace(matrix) / 15_000 == pytest.approx(kept[variant]["history"]["val_accuracy"][-1], abs=2e-4)


@pytest.mark.parametrize("field", ["classes", "height", "width", "channels"])
def test_every_setting_changes_the_network(field):
    changed = LESSON["build_model"](replace(CONFIG, **{field: getattr(CONFIG, field) + 16}), dropout=False)
    assert description(changed) != description(LESSON["build_model"](CONFIG, dropout=False)) or (
        changed.input_shape != (None, 32, 32, 3)
    )


@pytest.mark.parametrize("dropout", [False, True])
def test_a_reloaded_network_gives_equal_probabilities(tmp_path, dropout):
    model = LESSON["build_model"](CONFIG, dropout=dropout)
    pictures = np.random.default_rng(0).uniform(0, 1, (5, 32, 32, 3)).astype("float32")
    expected = model.predict(pictures, verbose=0)
    model.save(tmp_path / "model.keras")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(reloaded.predict(pictures, verbose=0), expected)
    model.export(tmp_path / "exported", verbose=False)
    served = layers.TFSMLayer(tmp_path / "exported", call_endpoint="serve")
    np.testing.assert_allclose(np.asarray(served(pictures)), expected, atol=1e-6)


def test_stratified_split_divides_every_class_by_itself():
    labels = np.array([0] * 10 + [1] * 20 + [2] * 5)
    training, validation = LESSON["stratified_split"](labels, share=0.4, seed=1)
    assert sorted([*training, *validation]) == list(range(35))
    assert np.bincount(labels[validation]).tolist() == [4, 8, 2]
    again = LESSON["stratified_split"](labels, share=0.4, seed=1)
    np.testing.assert_array_equal(again[0], training)
    assert not np.array_equal(LESSON["stratified_split"](labels, share=0.4, seed=2)[0], training)


def test_grad_cam_is_the_gradient_s_weighted_sum():
    """Against gradients by finite differences, through a pooling and two dense layers."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(3, 3, padding="same", activation="relu"),
            layers.AveragePooling2D(2),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(5, activation="tanh"),
            layers.Dense(4, activation="softmax"),
        ]
    )
    picture = np.random.default_rng(0).uniform(0, 1, (1, 8, 8, 1)).astype("float32")
    maps = np.asarray(model.layers[0](picture), np.float64)[0]
    first, second = ([np.asarray(w, np.float64) for w in layer.get_weights()] for layer in model.layers[-2:])

    def logit(changed: np.ndarray) -> float:
        pooled = changed.reshape(4, 2, 4, 2, 3).mean(axis=(1, 3))
        return (np.tanh(pooled.ravel() @ first[0] + first[1]) @ second[0] + second[1])[2]

    step, weights = 1e-5, np.zeros(3)
    for channel in range(3):
        for row in range(8):
            for column in range(8):
                up, down = maps.copy(), maps.copy()
                up[row, column, channel] += step
                down[row, column, channel] -= step
                weights[channel] += (logit(up) - logit(down)) / (2 * step) / 64
    expected = np.maximum(0, maps @ weights)
    np.testing.assert_allclose(LESSON["grad_cam"](model, picture, [2])[0], expected, atol=1e-5)
    assert expected.max() > 0


def test_overlay_keeps_the_picture_s_range_and_colours():
    picture = np.random.default_rng(0).uniform(0, 1, (32, 32, 3))
    heat = np.random.default_rng(1).uniform(0, 5, (8, 8))
    mixed = LESSON["overlay"](picture, heat, a=0.4)
    assert mixed.shape == picture.shape
    assert 0 <= mixed.min() <= mixed.max() <= 1
    np.testing.assert_array_equal(LESSON["overlay"](picture, heat, a=0), picture)
    assert np.isfinite(LESSON["overlay"](picture, np.zeros((8, 8)))).all()


def test_wilson_interval_has_known_values():
    assert np.round(LESSON["wilson"](16, 18), 2).tolist() == [0.67, 0.97]
    assert np.round(LESSON["wilson"](8, 10), 3).tolist() == [0.49, 0.943]
    low, high = LESSON["wilson"](18, 18)
    assert high == pytest.approx(1)
    assert 0.8 < low < 0.85


def test_the_most_confused_pair_of_the_full_run_is_counted_by_hand():
    kept = json.loads(fetch("data/cifar10_history.json").read_text(encoding="utf-8"))
    matrix, names = kept["dropout"]["confusion_on_validation"], kept["class_names"]
    count, true, predicted = max(
        (value, true, predicted)
        for true, row in enumerate(matrix)
        for predicted, value in enumerate(row)
        if true != predicted
    )
    (pair,) = most_confused(np.array(matrix), names, k=1)
    assert pair == (names[true], names[predicted], count)


def test_cifar10_is_not_in_the_repository():
    assert not [path for path in (paths.ASSETS / "data").rglob("*cifar*") if path.suffix != ".json"]
