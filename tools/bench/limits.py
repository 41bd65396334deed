"""How far from the limit: the FLOP/s of each lesson's training step over those of a large matrix product.

    python -m tools.bench.limits

Counted are the products and convolutions of the step's own graph, forward and backward; pooling, normalisation and the
optimizer cost time and count nothing.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tools.bench import common

import keras  # isort: skip
import numpy as np  # isort: skip

from tools.bench.mlp import build as build_mlp
from tools.train import cifar10, hrnet, signs
from tools.train.fused import FusedBatchNormalization

tf = common.tf


def images(*shape: int, top: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, top, shape).astype("float32")


def one_hot(batch_size: int, classes: int) -> np.ndarray:
    return np.eye(classes, dtype="float32")[np.arange(batch_size) % classes]


def lesson_4(batch_size: int = 64) -> Callable:
    loss, optimizer = keras.losses.CategoricalCrossentropy(), keras.optimizers.RMSprop()
    return common.training_step(build_mlp(), loss, optimizer, images(batch_size, 784), one_hot(batch_size, 10))


def lesson_6(batch_size: int = 256, width: float = 1) -> Callable:
    loss, optimizer = keras.losses.CategoricalCrossentropy(), keras.optimizers.RMSprop()
    model = cifar10.build(dropout=True, width=width)
    return common.training_step(model, loss, optimizer, images(batch_size, 32, 32, 3), one_hot(batch_size, 10))


def ours(precision: str, batch_size: int = 128) -> Callable:
    recipe = cifar10.Recipe(epochs=5, precision=precision)
    model = cifar10.build_ours(recipe)
    cifar10.compile_ours(model, recipe, steps_per_epoch=273)
    x = images(batch_size, 32, 32, 3, top=255)
    return common.training_step(model, model.loss, model.optimizer, x, one_hot(batch_size, 10))


def lesson_8(batch_size: int = 32, size: int = 112) -> Callable:
    settings = signs.Settings(size=size, epochs=30)
    model = signs.build(settings)
    signs.compile_model(model, settings, steps_per_epoch=37)
    x = images(batch_size, size, size, 3, top=255)
    return common.training_step(model, model.loss, model.optimizer, x, one_hot(batch_size, signs.CLASSES))


def lesson_9(batch_size: int = hrnet.BATCH_SIZE, size: tuple[int, int] = hrnet.CROP) -> Callable:
    masks = np.random.default_rng(0).integers(0, len(hrnet.CLASSES), (batch_size, *size))
    model = hrnet.build()
    loss = hrnet.segmentation_loss(hrnet.class_weights(masks))
    optimizer = keras.optimizers.AdamW(1e-4, weight_decay=1e-3, clipnorm=5.0)
    return common.training_step(model, loss, optimizer, images(batch_size, *size, 3), masks)


def matrix_product(size: int, dtype: str) -> Callable:
    """A product of two square matrices; the one number that comes back is the end of the work."""
    a = tf.cast(tf.random.normal((size, size)), dtype)

    @tf.function
    def product() -> tf.Tensor:
        return tf.reduce_max(tf.matmul(a, a))

    return product


STEPS = {
    "lesson 4, MLP": lesson_4,
    "lesson 6, CNN": lesson_6,
    "lesson 6, our recipe in float32": lambda: ours("float32"),
    "lesson 6, our recipe": lambda: ours("mixed_bfloat16"),
    "lesson 8, Lite0 on photographs": lesson_8,
    "lesson 9, HRNet": lesson_9,
}


def operation(layer: keras.Layer, shape: tuple[int, ...]) -> Callable:
    """One layer on a batch of this shape, forward and backward to its input and its weights."""
    x = tf.random.normal(shape)
    upstream = tf.random.normal(layer(x).shape)
    wanted = [x, *(variable.value for variable in layer.trainable_variables)]

    @tf.function
    def run() -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True) if isinstance(layer, keras.layers.BatchNormalization) else layer(x)
        gradients = tape.gradient(y, wanted, output_gradients=upstream)
        return tf.add_n([tf.reduce_max(values) for values in (y, *gradients)])  # what is not used would not be run

    return run


# What the networks are made of, on batches of 32: why some of them stay far from the limit.
OPERATIONS = {
    "3x3, 64 to 64 channels, 16 x 16": lambda: operation(
        keras.layers.Conv2D(64, 3, padding="same", use_bias=False), (32, 16, 16, 64)
    ),
    "3x3, 3 to 32 channels, 32 x 32": lambda: operation(
        keras.layers.Conv2D(32, 3, padding="same", use_bias=False), (32, 32, 32, 3)
    ),
    "1x1, 24 to 144 channels, 28 x 28": lambda: operation(
        keras.layers.Conv2D(144, 1, use_bias=False), (32, 28, 28, 24)
    ),
    "depthwise 3x3, 144 channels, 28 x 28": lambda: operation(
        keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False), (32, 28, 28, 144)
    ),
    "batch normalisation, 144 channels, 28 x 28": lambda: operation(
        keras.layers.BatchNormalization(), (32, 28, 28, 144)
    ),
    "batch normalisation, fused, 144 channels, 28 x 28": lambda: operation(
        FusedBatchNormalization(), (32, 28, 28, 144)
    ),
}


# Kinds of operations by their names in TensorFlow's profile, the first that fits.
KINDS = {
    "depthwise convolutions": "Depthwise",
    "convolutions": "Conv2D",
    "matrix products": "MatMul",
    "fused normalisation": "FusedBatchNorm",
    "resizing": "Resize",
    "softmax and cross-entropy": "Softmax|CrossEntropy",
    "one by one: add, multiply, sum, ReLU, dropout, Keras's normalisation, optimizer": "",
}


def profile(step: Callable, times: int = 3) -> dict[str, float]:
    """Shares of the time of a step's operations, by kind, from TensorFlow's profiler; on two cores two run at once."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    step().numpy()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(times):
            step().numpy()
        tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace.FromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    took: Counter[str] = Counter()
    for plane in space.planes:
        names = {number: metadata.name for number, metadata in plane.event_metadata.items()}
        for event in (event for line in plane.lines for event in line.events):
            operation = re.fullmatch(r"[^:]+:(_?[A-Z]\w+)", names[event.metadata_id])  # name in the graph, its kind
            if operation:
                kind = next(kind for kind, pattern in KINDS.items() if re.search(pattern, operation[1]))
                took[kind] += event.duration_ps
    return {kind: value / took.total() for kind, value in took.most_common()}


REASON = (
    "see the profiles and single layers below: a depthwise convolution, a 1x1 convolution with few channels, a first "
    "convolution with three and whatever goes through a map number by number do few multiplications for what they read "
    "and write, so memory is their limit; Lite0 is made of them, and the HRNet begins with Lite0's blocks; the MLP's "
    "steps are so short that calling them counts"
)


def parts(operations: dict[str, Callable], rounds: int, least: float = 0.2) -> dict[str, dict]:
    """Milliseconds and, where it multiplies, GFLOP/s of single layers."""
    made = {name: make() for name, make in operations.items()}
    sides = {name: repeated(step, least) for name, step in made.items()}
    result = {}
    for name, values in common.in_turns(sides, rounds).items():
        each = [value / sides[name].times for value in values]
        result[name] = {"ms": common.spread([1000 * value for value in each])}
        count = common.floating_point_operations(made[name])
        if count:
            result[name]["GFLOP/s"] = common.spread([count / value / 1e9 for value in each])
    return result


IN_BFLOAT16 = {"lesson 6, our recipe"}


def repeated(step: Callable, least: float) -> Callable[[], None]:
    """The step as often as it takes to fill `least` seconds, so that a short one is measured as well as a long one."""
    step()
    times = max(1, round(least / common.seconds(lambda: step().numpy())))

    def work() -> None:
        for _ in range(times):
            step().numpy()

    work.times = times
    return work


def measure(
    steps: dict[str, Callable], rounds: int, least: float = 0.5, sizes: tuple[int, ...] = (1024, 2048, 4096)
) -> dict[str, dict]:
    """GFLOP/s of each step and of the products, and the ratio of their fastest rounds."""
    made = {name: make() for name, make in steps.items()}
    operations = {name: common.floating_point_operations(step) for name, step in made.items()}
    products = {dtype: {f"{dtype}, {size}": size for size in sizes} for dtype in ("float32", "bfloat16")}
    for dtype, named in products.items():
        for name, size in named.items():
            made[name], operations[name] = matrix_product(size, dtype), 2 * size**3
    sides = {name: repeated(step, least) for name, step in made.items()}
    times = common.in_turns(sides, rounds)
    rates = {
        name: [operations[name] * sides[name].times / value / 1e9 for value in values] for name, values in times.items()
    }
    # The fastest round of each, since the limit of a shared machine shows only when nobody else works.
    best = {name: max(values) for name, values in rates.items()}
    peak = {dtype: max(named, key=best.__getitem__) for dtype, named in products.items()}
    result = {"matrix product": {f"GFLOP/s in {name}": common.spread(rates[name]) for name in peak.values()}}
    for name in steps:
        result[name] = {
            "GFLOP/s": common.spread(rates[name]),
            "share": best[name] / best[peak["bfloat16" if name in IN_BFLOAT16 else "float32"]],
            "GFLOP in a step": operations[name] / 1e9,
        }
    return result


def main() -> None:
    result = {**measure(STEPS, 5), "why some are far from it": REASON}
    common.record("distance from the limit", "60 % of a matrix product for the CNNs", result)
    profiles = {name: profile(make()) for name, make in STEPS.items()}
    common.record("profile of a training step, shares of its time", "the reason where a step is far from it", profiles)
    common.record("single layers, forward and backward", "the reason where a step is far from it", parts(OPERATIONS, 5))


if __name__ == "__main__":
    main()
