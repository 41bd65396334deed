"""The functions that lesson 5 writes out, taken from its notebook, against Keras and against known numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support import lesson_functions
from utils import runtime  # noqa: F401

# isort: split

import keras

LESSON = lesson_functions(5)


@pytest.mark.parametrize("size", [(9, 9), (8, 11), (3, 3)])
@pytest.mark.parametrize(("k", "channels", "filters"), [(1, 4, 2), (3, 1, 1), (3, 3, 5)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_convolve_agrees_with_keras(size, k, channels, filters, stride, padding):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (*size, channels))
    kernels, bias = rng.uniform(-1, 1, (k, k, channels, filters)), rng.uniform(-1, 1, filters)
    ours = LESSON["convolve"](x, kernels, bias, stride=stride, padding=padding)
    layer = keras.layers.Conv2D(filters, k, strides=stride)
    padded = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))[None].astype("float32")
    layer.build(padded.shape)
    layer.set_weights([kernels, bias])
    np.testing.assert_allclose(ours, np.asarray(layer(padded))[0], atol=1e-5)
    assert ours.shape[:2] == tuple(LESSON["output_size"](n, k, padding, stride) for n in size)
    assert LESSON["conv_parameters"](k, channels, filters) == layer.count_params()


def test_convolve_does_not_turn_the_kernel():
    ramp = np.tile(np.arange(6.0), (6, 1))
    sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    assert (LESSON["slide"](ramp, sobel) == -8).all()
    assert (LESSON["convolve"](ramp[..., None], sobel[..., None, None], np.zeros(1)) == -8).all()


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1), (2, 3)])
@pytest.mark.parametrize("shape", [(4, 4, 1), (9, 8, 5)])
def test_pooling_agrees_with_keras(shape, size, stride):
    x = np.random.default_rng(0).uniform(-1, 1, shape)
    for name, layer in (("max_pool", keras.layers.MaxPooling2D), ("average_pool", keras.layers.AveragePooling2D)):
        expected = np.asarray(layer(size, stride)(x[None].astype("float32")))[0]
        np.testing.assert_allclose(LESSON[name](x, size, stride), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        ([(3, 1)], 3),
        ([(3, 1), (3, 1)], 5),
        ([(3, 1), (3, 1), (2, 2)], 6),
        ([(7, 2), (3, 2)], 11),
        ([(1, 1), (1, 2), (3, 1)], 5),
    ],
)
def test_receptive_field(layers, field):
    assert LESSON["receptive_field"](layers) == field
    # Measured: how far apart the pixels are that one output in the middle of a large picture depends on.
    pools = [keras.layers.AveragePooling2D((k, 1), (s, 1)) for k, s in layers]
    stack = keras.Sequential([keras.Input((64, 1, 1)), *pools])
    x = np.eye(64, dtype="float32").reshape(64, 64, 1, 1)  # picture n has a single bright pixel, in row n
    answers = np.asarray(stack(x))
    rows = np.flatnonzero(answers[:, answers.shape[1] // 2])
    assert rows[-1] - rows[0] + 1 == field


def test_shifting_brings_in_zeros():
    x = np.arange(1, 13).reshape(1, 3, 4, 1)
    assert LESSON["shift_right"](x, 0).tolist() == x.tolist()
    assert LESSON["shift_right"](x, 3)[0, 1, :, 0].tolist() == [0, 0, 0, 5]
