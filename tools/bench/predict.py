"""Lesson 7's networks: one `predict` per picture, one batch, and a compiled call per batch: pictures a second.

python -m tools.bench.predict
"""

from __future__ import annotations

import statistics

from tools.bench import common
from utils import paths

import keras  # isort: skip
import numpy as np  # isort: skip

MODELS = paths.ASSETS / "models"
PICTURES, ROUNDS = 32, 5


def measure(model: keras.Model, size: int, pictures: int, rounds: int) -> dict:
    """How many times faster than one `predict` each, and pictures a second."""
    images = np.random.default_rng(0).uniform(0, 255, (pictures, size, size, 3)).astype("float32")
    compiled = common.tf.function(lambda x: model(x, training=False))
    sides = {
        "predict, one by one": lambda: [model.predict(image[None], verbose=0) for image in images],
        "predict, one batch": lambda: model.predict(images, verbose=0),
        "compiled call, one by one": lambda: [compiled(image[None]).numpy() for image in images],
        "compiled call, one batch": lambda: compiled(images).numpy(),
    }
    times = common.in_turns(sides, rounds)
    slow, *others = sides
    return {
        "ratio": {other: common.ratio(times[slow], times[other]) for other in others},
        "pictures a second": {side: pictures / statistics.median(values) for side, values in times.items()},
    }


def main() -> None:
    for name, size in (("efficientnet_lite0", 224), ("efficientnet_lite2", 260)):
        model = keras.models.load_model(MODELS / f"{name}.keras")
        result = measure(model, size, PICTURES, ROUNDS)
        common.record(f"lesson 7, {name}", "3 times faster than one predict each", result)


if __name__ == "__main__":
    main()
