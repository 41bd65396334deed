from __future__ import annotations

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils.plotting import PALETTE, RIGHT_COLOUR, WRONG_COLOUR, plot_history, show_images, use_style

HISTORY = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.5, 2.5, 2.7], "accuracy": [0.1, 0.5, 0.9]}


@pytest.fixture(autouse=True)
def close_figures():
    use_style()
    yield
    plt.close("all")


def test_history_counts_epochs_from_one():
    ax = plot_history(HISTORY, "loss", title="Loss")
    training, validation = ax.get_lines()
    assert training.get_xdata().tolist() == [1, 2, 3]
    assert training.get_ydata().tolist() == [3, 2, 1]
    assert validation.get_ydata().tolist() == [3.5, 2.5, 2.7]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training loss", "validation loss"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("epoch", "loss", "Loss")


def test_history_takes_a_history_object_several_metrics_and_long_runs():
    history = SimpleNamespace(history={**HISTORY, "loss": [1.0] * 50})
    ax = plot_history(history, ["loss", "accuracy"], labels={"loss": "mine"}, ylim=(0, 2))
    assert len(ax.get_lines()) == 3
    assert ax.get_lines()[0].get_xdata()[-1] == 50
    assert ax.get_xlim()[1] >= 50
    assert ax.get_ylim() == (0, 2)
    assert ax.get_legend().get_texts()[0].get_text() == "mine"


def test_history_marks_the_best_epoch():
    words = [text.get_text() for text in plot_history(HISTORY, "loss", mark_best=True).texts]
    assert words == ["best: epoch 2"]
    highest = {"accuracy": [0.1, 0.3, 0.2], "val_accuracy": [0.1, 0.2, 0.3]}
    assert plot_history(highest, "accuracy", mark_best=True).texts[0].get_text() == "best: epoch 3"


def test_history_of_one_epoch_and_given_axes():
    given = plt.subplots()[1]
    assert plot_history({"loss": [1.0]}, ax=given) is given


@pytest.mark.parametrize(
    ("history", "metric", "words"),
    [
        (HISTORY, "mae", "No metric 'mae'.*loss, val_loss, accuracy"),
        ({}, "loss", "it has: none"),
        ({"loss": []}, "loss", "no epoch"),
    ],
)
def test_history_errors(history, metric, words):
    with pytest.raises(ValueError, match=words):
        plot_history(history, metric)


def test_images_with_titles_and_marks():
    images = np.zeros((3, 28, 28), np.uint8)
    axes = show_images(images, ["a", "b", "c"], correct=[True, False, True], columns=2, title="All")
    assert axes.shape == (2, 2)
    titles = [ax.get_title() for ax in axes.flat]
    assert titles == ["a ✓", "b ✗", "c ✓", ""]
    assert [ax.title.get_color() for ax in axes.flat[:2]] == [RIGHT_COLOUR, WRONG_COLOUR]
    assert not axes[1, 1].axison
    assert axes[1, 1].images == () or len(axes[1, 1].images) == 0
    assert axes[0, 0].figure.get_suptitle() == "All"


def test_more_images_than_cells_and_fewer_than_columns():
    assert show_images(np.zeros((100, 8, 8)), columns=5, rows=2).shape == (2, 5)
    assert show_images(np.zeros((3, 8, 8)), columns=8).shape == (1, 3)


@pytest.mark.parametrize(
    ("image", "limits"),
    [
        (np.array([[0, 10]], np.uint8), (0, 255)),
        (np.array([[0.2, 0.4]]), (0, 1)),
        (np.array([[-3.0, 4.0]]), (-3, 4)),
    ],
)
def test_grey_range_does_not_depend_on_the_brightest_pixel(image, limits):
    axes = show_images(image[None])
    assert axes[0, 0].images[0].get_clim() == limits


def test_shapes_of_pictures():
    show_images(np.zeros((2, 8, 8, 1), np.uint8))
    show_images(np.zeros((2, 8, 8, 3), np.uint8))
    show_images([np.zeros((8, 9)), np.zeros((5, 4, 3))], value_range=(0, 2))


def test_image_errors():
    with pytest.raises(ValueError, match="No images"):
        show_images([])
    with pytest.raises(ValueError, match="1 titles for 2 images"):
        show_images(np.zeros((2, 4, 4)), ["a"])
    with pytest.raises(ValueError, match="3 correct for 2 images"):
        show_images(np.zeros((2, 4, 4)), correct=[True] * 3)


def test_palette_is_made_of_different_colours():
    assert len(set(PALETTE.values())) == len(PALETTE)
