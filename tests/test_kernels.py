"""utils.kernels: the fields of a kernel, what it makes of a picture, and a window that walks step by step."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from utils import kernels

PICTURE = np.arange(36).reshape(6, 6) % 7


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_preset_fills_the_fields_in_one_message():
    fields = kernels.KernelFields()
    seen = []
    fields.observe(lambda change: seen.append(change["new"]), "value")
    assert fields.value == kernels.PRESETS["Sobel: left minus right"]
    fields.preset.label = "sharpen"
    assert fields.value == kernels.PRESETS["sharpen"]
    assert len(seen) == 1
    fields.fields[4].value = 7.0
    assert fields.value[4] == 7.0


def test_filtered_shows_middle_grey_for_zero_only_if_the_kernel_adds_up_to_zero():
    draw = kernels.filtered(np.random.default_rng(0).uniform(size=(32, 32)))
    edges, blur = (
        draw(kernel=kernels.PRESETS["all edges (Laplace)"]),
        draw(kernel=kernels.PRESETS["blur: the mean of nine"]),
    )
    low, high = edges.axes[1].images[0].get_clim()
    assert low == -high
    assert blur.axes[1].images[0].get_clim() == (0, 1)
    assert "middle grey is 0" in edges.axes[1].get_title()
    assert edges.axes[1].images[0].get_array().shape == (30, 30)


@pytest.mark.parametrize("operation", kernels.OPERATIONS)
@pytest.mark.parametrize(("window", "stride", "padding"), [(2, 2, 0), (3, 1, 0), (3, 2, 1), (4, 3, 1)])
def test_walk_visits_every_window(operation, window, stride, padding):
    padded, corners, windows, values = kernels.walk(PICTURE, operation, window, stride, padding)
    size = (6 + 2 * padding - window) // stride + 1
    assert values.shape == (size, size)
    assert len(corners) == len(windows) == size**2
    top, left = corners[-1]
    np.testing.assert_array_equal(windows[-1], padded[top : top + window, left : left + window])
    expected = {
        "convolution": np.sum(windows[-1] * kernels.EDGES[window]),
        "max pooling": windows[-1].max(),
        "average pooling": windows[-1].mean(),
    }
    assert values[-1, -1] == pytest.approx(expected[operation])


def test_steps_show_the_output_as_far_as_it_has_got():
    draw = kernels.steps(PICTURE)
    figure = draw(operation="max pooling", window=2, stride=2, step=4)
    assert figure.axes[0].get_title() == "input 6 × 6, step 4 of 9"
    shown = [words.get_text() for words in figure.axes[2].texts if words.get_text()]
    assert len(shown) == 4
    again = draw(operation="max pooling", window=2, stride=2, step=10)
    assert "step 1 of 9" in again.axes[0].get_title()
    assert "sum of the products" in draw().axes[1].get_title()
