"""The embedded EfficientNet-Lite models, and the tool that converted them."""

from __future__ import annotations

import io
import pickle

import keras
import numpy as np
import pytest

from tools.data import compact
from tools.data import convert_efficientnet_lite as convert
from tools.train import score
from tools.train.data import Pictures, centre_square
from utils import paths
from utils.downloads import fetch

SIZES = {"efficientnet_lite0": 4_694_024, "efficientnet_lite2": 6_150_168}


@pytest.mark.parametrize("name", SIZES)
def test_a_model_loads_with_plain_keras_and_is_small(name):
    path = fetch(f"models/{name}.keras")
    assert path.stat().st_size < 14_000_000
    model = keras.models.load_model(path)
    assert model.count_params() == SIZES[name]
    assert model.output_shape == (None, 1000)
    probabilities = model.predict(np.full((2, 96, 64, 3), 127, "uint8"), verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(probabilities[0], probabilities[1])


def test_lite0_recognises_the_photographs():
    pictures = Pictures(paths.ASSETS / "images" / "photos")
    labels = score.imagenet_labels(pictures)
    model = keras.models.load_model(fetch("models/efficientnet_lite0.keras"))
    images = np.stack([centre_square(pictures.picture(name), 224) for name in labels])
    answers = model.predict(images, verbose=0).argmax(axis=1)
    right = [answer in classes for answer, classes in zip(answers, labels.values(), strict=True)]
    assert np.mean(right) > 0.75


def test_the_weights_are_rounded_to_ten_bits():
    lite0 = keras.models.load_model(fetch("models/efficientnet_lite0.keras"))
    values = np.concatenate([w.ravel() for w in lite0.get_weights()])
    np.testing.assert_array_equal(compact.round_to_10_bits(values), values)
    x = np.array([1.0, 1.001, 1 / 3, -1e-9, 0], "float32")
    rounded = compact.round_to_10_bits(x)
    assert abs(rounded - x).max() <= 2**-10
    assert (abs(rounded - x) <= abs(x) * 2**-10).all()
    assert rounded[0] == 1
    assert rounded[1] != x[1]


class Call:
    """An object whose pickle asks for a call of eval."""

    def __reduce__(self) -> tuple:
        return eval, ("1 + 1",)


def test_reading_a_pytorch_file_runs_no_code_of_the_file():
    headers = b"".join(pickle.dumps(number, protocol=2) for number in (1, 2, 3))
    with pytest.raises(pickle.UnpicklingError, match="eval has no place"):
        convert.read_pytorch(io.BytesIO(headers + pickle.dumps({"a": Call()}, protocol=2)))
