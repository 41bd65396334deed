"""utils.decision_map: points, the map of a network with two features, and its sliders."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from utils import decision_map

FEATURES = pd.DataFrame({"middle": [0.1, 0.2, 0.7, 0.8], "sides": [0.3, 0.3, 0.1, 0.1]})
IS_ONE = np.array([False, False, True, True])


def network(features, knobs):
    score = knobs[0] * features["middle"] + knobs[1] * features["sides"] + knobs[2]
    return 1 / (1 + np.exp(-score))


@pytest.fixture
def ax():
    yield plt.subplots()[1]
    plt.close("all")


def test_points_are_split_by_digit(ax):
    decision_map.plot_points(ax, FEATURES, IS_ONE, count=3)
    assert [len(points.get_offsets()) for points in ax.collections] == [2, 1]
    assert ax.get_legend_handles_labels()[1] == ["digit 0", "digit 1"]


@pytest.mark.parametrize(("knobs", "words"), [((10, 0, -5), "100.0 %"), ((-10, 0, 5), "0.0 %"), ((0, 0, 0), "50.0 %")])
def test_the_title_says_how_many_are_right(ax, knobs, words):
    decision_map.plot_map(ax, network, knobs, FEATURES, IS_ONE)
    assert ax.get_title().endswith(f": {words} right")


def test_the_sliders_begin_with_a_line_on_the_map():
    figure = decision_map.turner(network, FEATURES, IS_ONE)()
    assert figure.axes[0].get_title().startswith("knobs 2, 0, -1")
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == len(FEATURES)
    plt.close(figure)


def test_the_measured_parts_are_framed_in_each_picture():
    figure = decision_map.show_parts(np.zeros((2, 28, 28), np.uint8))
    frames = [[patch.get_bbox().bounds for patch in ax.patches] for ax in figure.axes]
    assert frames == [[(5.5, -0.5, 6, 28), (15.5, -0.5, 6, 28), (11.5, 11.5, 4, 4)]] * 2
