"""utils.landscapes: gradients, paths and what they come to, and the figures of lesson 2."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import landscapes


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", landscapes.SURFACES)
def test_the_gradient_is_that_of_its_surface(name):
    loss, gradient = landscapes.SURFACES[name]
    w, h = np.array([0.7, -0.4]), 1e-6
    numerical = [(loss(*(w + shift)) - loss(*(w - shift))) / (2 * h) for shift in h * np.eye(2)]
    np.testing.assert_allclose(gradient(w), numerical, atol=1e-6)


def test_a_path_begins_at_the_start_and_goes_downhill():
    path = landscapes.descent_path(landscapes.long_bowl_gradient, (1.0, 1.0), 0.1, 3)
    np.testing.assert_allclose(path[:2], [[1.0, 1.0], [0.95, 0.6]])
    assert len(path) == 4 and (np.diff(landscapes.long_bowl(*path.T)) < 0).all()


def test_momentum_keeps_a_part_of_the_last_step():
    path = landscapes.descent_path(landscapes.long_bowl_gradient, (1.0, 0.0), 0.1, 2, momentum=0.5)
    assert path[2, 0] == pytest.approx(0.95 - 0.5 * 0.05 - 0.1 * 0.475)


def test_a_path_stops_when_it_has_left_the_map():
    path = landscapes.descent_path(landscapes.long_bowl_gradient, (1.0, 1.0), 1.0, 100)
    assert len(path) < 10 and np.abs(path[-1]).max() >= landscapes.FAR


@pytest.mark.parametrize(
    ("factor", "word"),
    [(0.98, "crawls"), (0.2, "converges"), (-1, "oscillates"), (1, "stands still"), (-2, "diverges")],
)
def test_the_factor_of_a_step_says_what_happens(factor, word):
    assert landscapes.verdict(factor) == word


def test_the_pointer_leads_to_weights_and_not_beyond_the_map():
    low, size = landscapes.MAP_LOW, landscapes.MAP_SIZE
    np.testing.assert_allclose(landscapes.start_at(landscapes.MAP_BOX[:2]), low)
    np.testing.assert_allclose(landscapes.start_at((1.0, 1.0)), low + size)


def test_each_learning_rate_has_a_column_with_all_its_steps():
    paths = {0.1: 0.8 ** np.arange(21.0), 1.0: (-1.0) ** np.arange(21)}
    figure = landscapes.plot_rates(np.square, paths, {0.1: "converges", 1.0: "oscillates"})
    assert [ax.get_title() for ax in figure.axes[:2]] == ["η = 0.1: converges", "η = 1.0: oscillates"]
    assert [len(ax.lines[0].get_ydata()) for ax in figure.axes[2:]] == [21, 21]


def test_the_demos_say_how_the_path_ends():
    assert landscapes.draw_parabola(4.0, 0.5).axes[1].get_title().startswith("diverges")
    assert landscapes.draw_walk(learning_rate=0.6).axes[1].get_title() == "diverges"
    assert landscapes.draw_walk(steps=0).axes[1].get_title().startswith("loss at the end")


def test_places_are_marked_on_the_surface():
    figure = landscapes.draw_surface(landscapes.two_hollows, {"minimum": (-1.07, 0.0), "pass": (0.15, 0.0)})
    assert [words.get_text() for words in figure.legends[0].get_texts()] == ["minimum", "pass"]
    assert not landscapes.draw_surface(landscapes.long_bowl).legends
