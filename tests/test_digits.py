"""utils.digits: a drawing in MNIST's form, and figures of a network's answers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import datasets, digits


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return datasets.load_mnist()[1][0][:200]


def test_centre_leaves_mnist_nearly_as_it_is(images):
    """MNIST was prepared in the same way, so at most a pixel's rounding of the middle is left to do."""
    same = 0
    for image in images:
        prepared = digits.centre(image)
        near = [np.roll(prepared, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        same += any(np.array_equal(copy, image) for copy in near)
    assert same > 0.9 * len(images)


def test_centre_undoes_a_shift_and_a_change_of_size(images):
    image = digits.centre(images[0])
    np.testing.assert_array_equal(digits.centre(np.roll(image, (-2, -3), (0, 1))), image)
    tiny = np.zeros((28, 28), np.uint8)
    tiny[1:11, 2:12] = image[4:24, 4:24][::2, ::2]
    rows, columns = np.nonzero(digits.centre(tiny))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20


def test_centre_takes_any_drawing():
    empty = np.zeros((28, 28), np.uint8)
    assert not digits.centre(empty).any()
    for place in ((0, 0), (27, 27), (13, 5)):
        dot = empty.copy()
        dot[place] = 255
        assert digits.centre(dot).shape == (28, 28)
        assert digits.centre(dot).any()
    line = empty.copy()
    line[:, 27] = 255
    assert digits.centre(line)[:, 13:16].any()


def test_the_pad_comes_before_the_stored_digit():
    seen = []

    def model(pictures: np.ndarray) -> np.ndarray:
        seen.append(pictures)
        return np.eye(10)[[3]]

    stored = digits.one_of_each(np.arange(10)[:, None, None] * np.ones((10, 28, 28), np.uint8), np.arange(10))
    draw = digits.reader(model, stored)
    figure = draw(drawing=bytes(784), stored_digit="4")
    assert figure.axes[1].get_title() == "Answer: 3, confidence over 99 %"
    drawing = np.zeros((28, 28), np.uint8)
    drawing[4:24, 13:15] = 255
    draw(drawing=drawing.tobytes(), stored_digit="4")
    assert (seen[0] == 4).all()
    assert seen[1].max() == 255
    plt.close("all")


def test_show_answers_names_each_picture_and_its_answer():
    figure = digits.show_answers(np.zeros((2, 28, 28)), np.eye(10)[[2, 7]], ["a", "b"])
    assert [ax.get_title() for ax in figure.axes[:2]] == ["a: “2”, over 99 %", "b: “7”, over 99 %"]
    assert [len(ax.patches) for ax in figure.axes[2:]] == [10, 10]
    plt.close(figure)


def test_a_rounded_confidence_never_promises_certainty():
    assert [digits.percent(value) for value in (0.5, 0.987, 0.998)] == ["50 %", "99 %", "over 99 %"]
