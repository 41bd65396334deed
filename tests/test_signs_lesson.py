"""Lesson 8's helpers (utils.signs)."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from utils import signs


@pytest.fixture(autouse=True)
def no_figure_left_open():
    yield
    plt.close("all")


def test_the_base_ends_at_the_cut_and_its_maps_keep_their_places():
    network = signs.load_network("lite0", 64)
    base = keras.Model(network.input, network.get_layer(signs.QUICK.cut).output)
    assert base(np.zeros((1, 64, 64, 3), "float32")).shape == (1, 8, 8, 240)
    assert len(base.layers) >= signs.QUICK.fine_tune_layers


def test_vgg16_can_be_had_without_its_weights_and_preprocesses_pixels_itself():
    network = signs.load_network("vgg16", 64, pretrained=False)
    assert network.get_layer(signs.FULL_VGG16.cut).output.shape == (None, 2, 2, 512)
    plain = keras.applications.VGG16(include_top=False, weights=None, input_shape=(64, 64, 3))
    plain.set_weights(network.get_weights())
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")
    prepared = keras.applications.vgg16.preprocess_input(pixels.copy())
    assert np.allclose(network(pixels), plain(prepared), rtol=1e-3, atol=1e-3)
    assert sum("conv" in layer.name for layer in network.layers[-signs.FULL_VGG16.fine_tune_layers :]) == 6


def test_the_settings_that_the_lesson_shows():
    table = signs.settings_table(signs.QUICK)
    assert table.loc["size", "value"] == "64" and table.loc["learning_rate", "value"] == str(signs.QUICK.learning_rate)
    assert table["meaning"].str.len().min() > 10


def test_the_table_of_rates_has_a_column_a_seed_and_the_mean():
    table = signs.rate_table({"seeds": [42, 1], "valid_accuracy": {"0.001": [0.9, 0.8], "0.01": [0.95, 0.93]}})
    assert table.columns.tolist() == ["seed 42", "seed 1", "mean"]
    assert table.loc["0.01"].tolist() == pytest.approx([95, 93, 94])


def test_the_table_of_rules_is_in_percentage_points():
    effect = {"mean": -0.035, "low": -0.043, "high": -0.028}
    rules = {
        "photographs": {"test_accuracy": {"kept": [0.9, 0.92], "broken": [0.88, 0.88]}, "effect": {"broken": effect}}
    }
    table = signs.rule_table(rules).loc["photographs"]
    assert table.loc["kept"].tolist() == ["91.0 (90.0 to 92.0)", "to this the others are compared"]
    assert table.loc["broken"].tolist() == ["88.0 (88.0 to 88.0)", "-3.5 (-4.3 to -2.8)"]


def test_real_photographs_get_an_interval_by_picture_and_a_wider_one_by_sign():
    one = {"test_accuracy": 0.75, "test_images": 6315}
    table = signs.real_table({"lesson_to_real": one, **one}, n_signs=421)
    assert table.iloc[0].to_dict() == {
        "accuracy": "75.0",
        "interval, 6,315 photographs": "73.9 to 76.0",
        "interval, 421 signs": "70.7 to 79.0",
    }


def test_an_accuracy_gets_its_interval_in_per_cent():
    score = signs.with_interval(0.5, 100)
    assert score["accuracy"] == 50 and 40 < score["from"] < 41 and 59 < score["to"] < 60


def test_an_example_of_each_class_is_of_medium_brightness_and_rich_in_contrast():
    pictures = np.stack([np.full((2, 2, 3), grey, np.uint8) for grey in (10, 130, 250, 90, 110)])
    pictures[4, 0] = 180
    assert signs.one_of_each(pictures, np.array([0, 0, 1, 1, 1])).tolist() == [1, 4]


def test_a_sign_is_spoiled_only_as_asked():
    sign = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert np.array_equal(signs.spoiled(sign, 0, 1, 0, 0, 32), sign)
    darker = signs.spoiled(sign, 0, 0.5, 0, 0, 32)
    assert np.abs(darker - sign / 2).max() <= 0.5
    for other in (
        signs.spoiled(sign, 20, 1, 0, 0, 32),
        signs.spoiled(sign, 0, 1, 2, 0, 32),
        signs.spoiled(sign, 0, 1, 0, 9, 32),
        signs.spoiled(sign, 0, 1, 0, 0, 8),
    ):
        assert other.shape == sign.shape and not np.array_equal(other, sign)


def test_the_scene_names_each_sign_below_its_box():
    boxes = pd.DataFrame({"left": [1, 20], "top": [2, 5], "right": [9, 29], "bottom": [10, 14]})
    ax = signs.show_scene(np.zeros((40, 60, 3), np.uint8), boxes, ["stop", "give way"])
    assert [text.get_text() for text in ax.texts] == ["stop", "give way"]
    assert [patch.get_bbox().bounds for patch in ax.patches] == [(1, 2, 8, 8), (20, 5, 9, 9)]


def test_curves_and_bars_say_what_they_show():
    scratch, tuned = keras.callbacks.History(), keras.callbacks.History()
    scratch.history, tuned.history = {"val_accuracy": [0.1, 0.2]}, {"val_accuracy": [0.8, 0.85, 0.9]}
    ax = signs.plot_curves(scratch, tuned, 0.79)
    assert [line.get_label() for line in ax.lines[1:]] == ["fine-tuning", "the frozen base"]
    assert ax.get_title().endswith("from 0.79 to 0.90")
    sign = np.zeros((8, 8, 3), np.uint8)
    probabilities = np.eye(43)[14]
    assert signs.draw_answer(sign, sign, probabilities, 14).axes[-1].get_title() == "✓ correct"
    assert signs.draw_answer(sign, sign, probabilities, 13).axes[-1].get_title() == "✗ wrong"


def test_both_curves_of_a_training():
    history = keras.callbacks.History()
    history.history = {"loss": [3.0, 2.0], "val_loss": [3.5, 3.0], "accuracy": [0.1, 0.3], "val_accuracy": [0.1, 0.2]}
    history.epoch = [0, 1]
    left, right = signs.plot_both(history, "From scratch", 3.76)
    assert "knowing nothing" in [text.get_text() for text in left.get_legend().get_texts()]
    assert right.get_ylim() == (0, 1)
