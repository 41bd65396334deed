"""utils.lines: the line that a reader lays over the cloud, and the map of its loss."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import lines

X = np.array([[4.0], [5.0], [6.0], [8.0]])
Y = 8.0 * X - 30 + np.array([[1.0], [-1.0], [1.0], [-1.0]])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_is_straight_takes_columns_of_lines_only():
    assert lines.is_straight(8 * lines.THREE_ROOMS - 31)
    assert lines.is_straight((8 * lines.THREE_ROOMS - 31).tolist())
    assert not lines.is_straight(lines.THREE_ROOMS**2)
    assert not lines.is_straight(lines.THREE_ROOMS[:, 0])
    assert not lines.is_straight(X)


def test_a_place_is_the_same_in_data_and_figure():
    draw = lines.lay_line(X, Y, {"neuron": 54.0, "mean": 75.0})
    figure = draw(weight=8.0, pointer=lines.place_in_figure(6.0, 18.0))
    cloud, bars = figure.axes
    assert cloud.get_title() == "price = 8.0 · rooms - 30.0"
    drawn = figure.transFigure.inverted().transform(cloud.transData.transform((6.0, 18.0)))
    np.testing.assert_allclose(drawn, lines.place_in_figure(6.0, 18.0), atol=1e-6)
    heights = [bar.get_height() for bar in bars.patches]
    np.testing.assert_allclose(heights, [1.0, 54.0, 75.0])


def test_a_bad_line_says_its_error_above_a_short_bar():
    figure = lines.lay_line(X, Y, {"neuron": 54.0})(weight=-5.0, pointer=(0.0, 1.0))  # a corner outside the axes
    bars = figure.axes[1]
    assert figure.axes[0].get_title() == "price = -5.0 · rooms + 70.0"
    assert bars.patches[0].get_height() < bars.get_ylim()[1]
    error = np.mean((-5 * X + 70 - Y) ** 2)
    assert bars.texts[0].get_text() == f"{error:.1f}"


def test_the_map_has_its_lowest_point_at_the_best_line():
    ax = plt.subplots()[1]
    lines.loss_map(ax, X, Y, (0, 14), (-70, 10), {"start": (0, 0), "best": (8.0, -30.0)}, np.zeros((3, 2)))
    assert [note.get_text() for note in ax.texts if note.get_text() in ("start", "best")] == ["start", "best"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight w", "bias b")
    paths = next(artist for artist in ax.collections).get_paths()
    innermost = next(path for path in paths if len(path.vertices))
    assert innermost.contains_point(np.polyfit(X[:, 0], Y[:, 0], deg=1))
