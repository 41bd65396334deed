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
    base = signs.load_base("lite0", 64, signs.QUICK.cut)
    assert base.name == "lite0" and base.layers[-1].name == signs.QUICK.cut
    maps = base(np.zeros((1, 64, 64, 3), "float32"))
    assert maps.shape == (1, 8, 8, 240)


def test_vgg16_can_be_had_without_its_weights():
    base = signs.load_base("vgg16", 64, "", pretrained=False)
    assert base.output_shape == (None, 2, 2, 512) and base.name == "vgg16"


def test_the_table_of_rules_is_in_percentage_points():
    effect = {"mean": -0.035, "low": -0.043, "high": -0.028}
    rules = {
        "photographs": {"test_accuracy": {"kept": [0.9, 0.92], "broken": [0.88, 0.88]}, "effect": {"broken": effect}}
    }
    table = signs.rule_table(rules).loc["photographs"]
    assert table.loc["kept", "accuracy"] == pytest.approx(91) and np.isnan(table.loc["kept", "effect"])
    assert table.loc["broken", ["effect", "effect from", "effect to"]].tolist() == pytest.approx([-3.5, -4.3, -2.8])


def test_an_accuracy_gets_its_interval_in_per_cent():
    score = signs.with_interval(0.5, 100)
    assert score["accuracy"] == 50 and 40 < score["from"] < 41 and 59 < score["to"] < 60


def test_an_example_of_each_class_is_of_medium_brightness():
    pictures = np.stack([np.full((2, 2, 3), grey, np.uint8) for grey in (10, 130, 250, 90)])
    assert signs.one_of_each(pictures, np.array([0, 0, 1, 1])).tolist() == [1, 3]


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
    ax = signs.plot_curves({"from scratch": [0.1, 0.2], "phase 1, then 2": [0.5, 0.6, 0.7]}, boundary=2)
    assert [line.get_label() for line in ax.lines[:2]] == ["from scratch", "phase 1, then 2"]
    assert ax.lines[2].get_xdata()[0] == 2.5
    sign = np.zeros((8, 8, 3), np.uint8)
    probabilities = np.eye(43)[14]
    assert signs.draw_answer(sign, sign, probabilities, 14).axes[-1].get_title() == "right"
    assert signs.draw_answer(sign, sign, probabilities, 13).axes[-1].get_title() == "wrong"


def test_both_curves_of_a_training():
    history = keras.callbacks.History()
    history.history = {"loss": [3.0, 2.0], "val_loss": [3.5, 3.0], "accuracy": [0.1, 0.3], "val_accuracy": [0.1, 0.2]}
    history.epoch = [0, 1]
    left, right = signs.plot_both(history, "From scratch", 3.76)
    assert "knowing nothing" in [text.get_text() for text in left.get_legend().get_texts()]
    assert right.get_ylim() == (0, 1)
