from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from utils.confusion import (
    ConfusedPair,
    confusion_matrix,
    most_confused,
    plot_confusion_matrix,
    precision_per_class,
    recall_per_class,
    wilson_interval,
)

MATRIX = np.array([[8, 2, 0], [1, 9, 0], [3, 3, 4]])
NAMES = ["cat", "dog", "other"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_counts():
    np.testing.assert_array_equal(confusion_matrix([0, 0, 1, 2], [0, 1, 1, 0], 3), [[1, 1, 0], [0, 1, 0], [1, 0, 0]])


def test_agrees_with_a_loop():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 7, (2, 500))
    expected = np.zeros((7, 7), int)
    for t, p in zip(y_true, y_pred, strict=True):
        expected[t, p] += 1
    np.testing.assert_array_equal(confusion_matrix(y_true, y_pred, 7), expected)


def test_edges():
    assert confusion_matrix([], [], 3).sum() == 0
    assert confusion_matrix([1], [1], 4).shape == (4, 4)  # absent classes keep their rows
    assert confusion_matrix([0, 0], [0, 0], 1).tolist() == [[2]]
    assert confusion_matrix(np.array([[0], [1]]), [0, 0], 2).tolist() == [[1, 0], [1, 0]]
    assert confusion_matrix(np.array([0.0, 1.0]), [0, 1], 2).tolist() == [[1, 0], [0, 1]]
    assert confusion_matrix(np.array([250], np.uint8), np.array([3], np.uint8), 251)[250, 3] == 1


@pytest.mark.parametrize(
    ("y_true", "y_pred", "words"),
    [
        ([0, 1], [0], "2 true labels for 1 predictions"),
        ([0, 3], [0, 0], r"y_true has labels 0 to 3, outside 0\.\.2"),
        ([0, 0], [0, -1], "y_pred has labels -1"),
        ([0, 0], [[0.2, 0.8], [0.5, 0.5]], "one class index per example"),
        ([0, 0], [0.2, 0.8], "whole numbers"),
    ],
)
def test_bad_labels(y_true, y_pred, words):
    with pytest.raises(ValueError, match=words):
        confusion_matrix(y_true, y_pred, 3)


def test_recall_and_precision():
    np.testing.assert_allclose(recall_per_class(MATRIX), [0.8, 0.9, 0.4])
    np.testing.assert_allclose(precision_per_class(MATRIX), [8 / 12, 9 / 14, 1.0])
    empty = np.array([[0, 0], [2, 3]])
    assert np.isnan(recall_per_class(empty)[0])
    assert np.isnan(precision_per_class(empty.T)[0])


def test_most_confused():
    assert most_confused(MATRIX, NAMES, 2) == [ConfusedPair("other", "cat", 3), ConfusedPair("other", "dog", 3)]
    assert len(most_confused(MATRIX, NAMES, 99)) == 4  # pairs that never occur are left out
    assert most_confused(np.eye(3, dtype=int), NAMES) == []
    with pytest.raises(ValueError, match="2 class names for 3"):
        most_confused(MATRIX, NAMES[:2])


def test_plot():
    ax = plot_confusion_matrix(MATRIX, NAMES, title="Animals")
    words = [text.get_text() for text in ax.texts]
    assert {"8", "2", "80.0 %", "90.0 %", "40.0 %", "recall"} <= set(words)
    assert "0" not in words
    assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("predicted class", "true class", "Animals")
    given = plt.subplots()[1]
    assert plot_confusion_matrix(MATRIX, NAMES, ax=given) is given


def test_small_mistakes_are_shaded_and_every_number_is_readable():
    """One per cent of a class stands out from an empty cell; every number has a contrast above 4."""

    def luminance(colour) -> float:
        rgb = np.array(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    shares = np.array([1000, 970, 900, 850, 700, 550, 410, 390, 200, 100])
    matrix = np.diag(shares)
    matrix[range(9), range(1, 10)] = 1000 - shares[:9]
    matrix[9, 0] = 10
    ax = plot_confusion_matrix(matrix, [str(number) for number in range(10)])
    ax.figure.canvas.draw()
    shades = ax.collections[0].get_facecolor()
    for number, shade in zip(ax.texts, shades, strict=False):
        if number.get_text():
            dark, bright = sorted((luminance(number.get_color()), luminance(shade[:3])))
            assert (bright + 0.05) / (dark + 0.05) > 4, number.get_text()
    empty, small = shades[2], shades[90]
    assert luminance(small[:3]) < 0.9 * luminance(empty[:3])
    assert ax.texts[90].get_text() == "10"
    assert ax.texts[90].get_position() == (0.5, 9.5)


def test_plot_edges():
    ax = plot_confusion_matrix([[5]], ["only"])
    assert "100.0 %" in [text.get_text() for text in ax.texts]
    assert "–" in [text.get_text() for text in plot_confusion_matrix(np.zeros((2, 2), int), "ab").texts]
    for bad in (np.zeros((2, 3)), np.zeros(4)):
        with pytest.raises(ValueError, match="square"):
            plot_confusion_matrix(bad, "ab")


def test_wilson_interval_has_known_values():
    # Wilson (1927); 8 of 10 is the example of many textbooks: 0.490 to 0.943.
    assert np.round(wilson_interval(8, 10), 3).tolist() == [0.49, 0.943]
    low, high = wilson_interval(12, 12)
    assert high == pytest.approx(1)
    assert low == pytest.approx(12 / (12 + 1.96**2))
    for right, n in ((-1, 5), (6, 5), (0, 0)):
        with pytest.raises(ValueError, match="right answers of"):
            wilson_interval(right, n)
