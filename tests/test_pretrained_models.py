"""The embedded EfficientNet-Lite models, layer by layer against NumPy, and the tool that converted them."""

from __future__ import annotations

import collections
import io
import pickle
from typing import Any

import numpy as np
import pytest

from utils import (
    paths,
    runtime,  # noqa: F401
)

# isort: split

import keras

from tools.data import convert_efficientnet_lite as convert
from utils.downloads import fetch, registry

SIZES = {"efficientnet_lite0": 4_694_024, "efficientnet_lite2": 6_150_168}


@pytest.fixture(scope="module")
def lite0() -> keras.Model:
    return keras.models.load_model(fetch("models/efficientnet_lite0.keras"))


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


def same_convolution(x: np.ndarray, kernel: np.ndarray, stride: int, depthwise: bool) -> np.ndarray:
    """A convolution with TensorFlow's "same" padding: (H, W, C) and (k, k, C, filters or 1), written with a loop."""
    k = len(kernel)
    size = -(-x.shape[0] // stride)
    total = max((size - 1) * stride + k - x.shape[0], 0)
    padded = np.pad(x, ((total // 2, total - total // 2),) * 2 + ((0, 0),))
    out = np.empty((size, size, x.shape[2] if depthwise else kernel.shape[3]))
    for row in range(size):
        for column in range(size):
            window = padded[row * stride : row * stride + k, column * stride : column * stride + k]
            out[row, column] = (
                (window * kernel[..., 0]).sum(axis=(0, 1)) if depthwise else np.tensordot(window, kernel, 3)
            )
    return out


def test_stem_and_blocks_are_what_numpy_computes(lite0):
    """Input scaling, stem, block 1 (no expansion), 2 (stride 2) and 3 (with its shortcut), each from the one before."""

    def weights(name: str) -> list[np.ndarray]:
        return [w.astype(np.float64) for w in lite0.get_layer(name).get_weights()]

    def unit(x: np.ndarray, name: str, stride: int = 1, relu6: bool = True) -> np.ndarray:
        x = same_convolution(x, weights(f"{name}_conv")[0], stride, "depthwise" in name)
        gamma, beta, mean, variance = weights(f"{name}_bn")
        x = gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
        return np.clip(x, 0, 6) if relu6 else x

    image = np.random.default_rng(0).uniform(0, 255, (33, 33, 3)).astype("float32")
    names = ["stem_relu6", "block01_project_bn", "block02_project_bn", "block03_add"]
    layers = keras.Model(lite0.input, [lite0.get_layer(name).output for name in names])
    stem, block1, block2, block3 = (np.asarray(y[0]) for y in layers(image[None]))

    def close(expected: np.ndarray, actual: np.ndarray) -> None:
        np.testing.assert_allclose(actual, expected, atol=2e-4 * abs(expected).max())

    close(unit((image.astype(np.float64) - 127) / 128, "stem", 2), stem)
    close(unit(unit(stem, "block01_depthwise"), "block01_project", relu6=False), block1)
    wide = unit(block1, "block02_expand")
    close(unit(unit(wide, "block02_depthwise", 2), "block02_project", relu6=False), block2)
    wide = unit(block2, "block03_expand")
    close(block2 + unit(unit(wide, "block03_depthwise"), "block03_project", relu6=False), block3)
    assert (stem.shape, block2.shape) == ((17, 17, 32), (9, 9, 24))


def test_the_weights_are_rounded_to_ten_bits(lite0):
    values = np.concatenate([w.ravel() for w in lite0.get_weights()])
    np.testing.assert_array_equal(convert.round_to_10_bits(values), values)
    x = np.array([1.0, 1.001, 1 / 3, -1e-9, 0], "float32")
    rounded = convert.round_to_10_bits(x)
    assert abs(rounded - x).max() <= 2**-10
    assert (abs(rounded - x) <= abs(x) * 2**-10).all()
    assert rounded[0] == 1
    assert rounded[1] != x[1]


def pytorch_file(tensors: dict[str, np.ndarray], rebuild: Any) -> bytes:
    """A file in PyTorch's format before 1.6, whose index calls `rebuild` where PyTorch's own call stands."""

    class Storage:
        def __init__(self, key: str) -> None:
            self.key = key

    class Tensor:
        def __init__(self, key: str, array: np.ndarray) -> None:
            self.arguments = (Storage(key), 0, array.shape, tuple(s // array.itemsize for s in array.strides))

        def __reduce__(self) -> tuple:
            return rebuild, self.arguments

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: object) -> tuple | None:
            return ("storage", "FloatStorage", obj.key, "cpu", 1, None) if isinstance(obj, Storage) else None

    buffer = io.BytesIO()
    for header in (1, 2, 3):
        pickle.dump(header, buffer, protocol=2)
    index = collections.OrderedDict((name, Tensor(name, array)) for name, array in tensors.items())
    Pickler(buffer, protocol=2).dump(index)
    pickle.dump(list(tensors), buffer, protocol=2)
    for array in tensors.values():
        buffer.write(array.size.to_bytes(8, "little") + array.astype("<f4").tobytes())
    return buffer.getvalue()


def test_reading_a_pytorch_file_runs_no_code_of_the_file(monkeypatch):
    tensors = {"a": np.arange(6, dtype="float32").reshape(2, 3), "b": np.float32([7, 8])}
    # eval is any callable that pickle can name; what such a file would call is decided by its author.
    data = pytorch_file(tensors, eval)
    with pytest.raises(pickle.UnpicklingError, match="eval has no place"):
        convert.read_pytorch(io.BytesIO(data))
    # The same file with the name that PyTorch writes in its place.
    good = data.replace(b"c__builtin__\neval\n", b"ctorch._utils\n_rebuild_tensor_v2\n")
    assert good != data
    read = convert.read_pytorch(io.BytesIO(good))
    for name, array in tensors.items():
        np.testing.assert_array_equal(read[name], array)


def test_full_mode_s_weights_have_the_hashes_that_keras_states():
    import inspect

    applications = keras.src.applications
    sources = {
        "vgg16": inspect.getsource(applications.vgg16),
        "resnet50": inspect.getsource(applications.resnet),
        "inception_v3": inspect.getsource(applications.inception_v3),
        "cifar-10": inspect.getsource(keras.src.datasets.cifar10),
    }
    for name, source in sources.items():
        entries = [e for key, e in registry().items() if key.startswith(name) and not e.embedded]
        assert entries
        for entry in entries:
            assert (entry.sha256 or entry.md5) in source
            assert entry.urls[0].rsplit("/", 1)[0].split("/")[-1] in source


def test_models_are_loaded_from_the_repository():
    assert {path.name for path in (paths.ASSETS / "models").iterdir()} >= {f"{name}.keras" for name in SIZES}
