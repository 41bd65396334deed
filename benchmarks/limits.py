"""How far from the limit: the FLOP/s of each lesson's training step over those of a large matrix product.

    python -m benchmarks.limits

Counted are the products and convolutions of the step's own graph, forward and backward; pooling, normalisation and the
optimizer cost time and count nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import common

import keras  # isort: skip
import numpy as np  # isort: skip

from benchmarks.mlp import build as build_mlp
from tools import train_cifar10, train_hrnet, train_signs

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
    model = train_cifar10.build(dropout=True, width=width)
    return common.training_step(model, loss, optimizer, images(batch_size, 32, 32, 3), one_hot(batch_size, 10))


def ours(precision: str, batch_size: int = 128) -> Callable:
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)
    model = train_cifar10.build_ours(train_cifar10.Recipe(epochs=1, precision=precision))
    return common.training_step(model, loss, optimizer, images(batch_size, 32, 32, 3, top=255), one_hot(batch_size, 10))


def lesson_8(batch_size: int = 32, size: int = 112) -> Callable:
    loss, optimizer = keras.losses.CategoricalCrossentropy(from_logits=True), keras.optimizers.Adam(1e-4)
    model = train_signs.build(train_signs.Settings(size=size, epochs=1))
    x = images(batch_size, size, size, 3, top=255)
    return common.training_step(model, loss, optimizer, x, one_hot(batch_size, train_signs.CLASSES))


def lesson_9(batch_size: int = 8, size: tuple[int, int] = train_hrnet.CROP) -> Callable:
    loss, optimizer = keras.losses.SparseCategoricalCrossentropy(from_logits=True), keras.optimizers.AdamW(1e-4)
    masks = np.random.default_rng(0).integers(0, len(train_hrnet.CLASSES), (batch_size, *size))
    return common.training_step(train_hrnet.build(), loss, optimizer, images(batch_size, *size, 3), masks)


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


def repeated(step: Callable, least: float) -> Callable[[], None]:
    """The step as often as it takes to fill `least` seconds, so that a short one is measured as well as a long one."""
    step()
    times = max(1, round(least / common.seconds(lambda: step().numpy())))

    def work() -> None:
        for _ in range(times):
            step().numpy()

    work.times = times
    return work


def measure(steps: dict[str, Callable], rounds: int, least: float = 0.5, size: int = 2048) -> dict[str, dict]:
    """GFLOP/s of each step and of the products, and their ratio in the same round."""
    made = {name: make() for name, make in steps.items()}
    operations = {name: common.floating_point_operations(step) for name, step in made.items()}
    for name, dtype in (("float32", "float32"), ("bfloat16", "bfloat16")):
        made[name], operations[name] = matrix_product(size, dtype), 2 * size**3
    sides = {name: repeated(step, least) for name, step in made.items()}
    times = common.in_turns(sides, rounds)
    rates = {
        name: [operations[name] * sides[name].times / value / 1e9 for value in values] for name, values in times.items()
    }
    result = {"matrix product": {name: common.spread(rates[name]) for name in ("float32", "bfloat16")}}
    for name in steps:
        peak = rates["bfloat16" if name == "lesson 6, our recipe" else "float32"]
        result[name] = {
            "GFLOP/s": common.spread(rates[name]),
            "share of the matrix product": common.ratio(rates[name], peak),
            "GFLOP in a step": operations[name] / 1e9,
        }
    return result


def main() -> None:
    common.record("distance from the limit", "60 % of a matrix product for the CNNs", measure(STEPS, 5))


if __name__ == "__main__":
    main()
