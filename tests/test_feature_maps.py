"""utils.feature_maps: tables of layers, and the parts of photographs that a map answers to."""

from __future__ import annotations

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import feature_maps


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_layer_table_has_no_counted_names():
    layers = [keras.layers.Conv2D(2, 3), keras.layers.Conv2D(4, 3), keras.layers.Flatten()]
    table = feature_maps.layer_table(keras.Sequential([keras.Input((8, 8, 3)), *layers]))
    assert table["layer"].tolist() == ["conv2d", "conv2d", "flatten"]
    assert table["output"].tolist() == ["6 × 6 × 2", "4 × 4 × 4", "64"]
    assert table["parameters"].tolist() == [56, 76, 0]


def test_square_photo_takes_the_middle():
    photo = np.zeros((40, 100, 3), np.uint8)
    photo[:, 30:70] = 200
    assert (feature_maps.square_photo(photo, 20) == 200).all()


def test_square_photos_are_in_a_fixed_order():
    photos = feature_maps.square_photos(["images/street"], 32)
    assert photos.shape[1:] == (32, 32, 3)
    np.testing.assert_array_equal(photos, feature_maps.square_photos(["images/street"], 32))


def test_strongest_parts_are_sorted_and_lie_inside():
    photos = np.arange(3 * 32 * 32 * 3, dtype=np.uint64).reshape(3, 32, 32, 3)
    one_map = np.zeros((3, 4, 4))
    one_map[0, 0, 0], one_map[1, 2, 1], one_map[2, 3, 3] = 2, 3, 1
    middle, corner, last = feature_maps.strongest_parts(one_map, photos, 10, count=3)
    np.testing.assert_array_equal(middle, photos[1, 15:25, 7:17])
    np.testing.assert_array_equal(corner, photos[0, :10, :10])  # moved inside
    np.testing.assert_array_equal(last, photos[2, 22:, 22:])


def test_figures_have_a_picture_in_each_place():
    part = np.zeros((8, 8, 3), np.uint8)
    figure = feature_maps.show_parts({"one": [part] * 3, "two": [part] * 3})
    assert [len(ax.images) for ax in figure.axes] == [1] * 6
    assert [ax.get_ylabel() for ax in figure.axes if ax.get_ylabel()] == ["one", "two"]
    over = feature_maps.show_over(part, {"lemon": np.zeros((2, 2))})
    assert [ax.get_title() for ax in over.axes] == ["photo", "lemon"]
    assert [len(ax.images) for ax in over.axes] == [1, 2]
