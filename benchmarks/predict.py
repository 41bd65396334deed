"""Lesson 7's networks: one `predict` per picture, one batch, and a compiled call per batch: pictures a second.

python -m benchmarks.predict
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import common

import keras  # isort: skip
import numpy as np  # isort: skip

from utils.runtime import tf

MODELS = Path(__file__).resolve().parent.parent / "assets" / "models"
PICTURES, ROUNDS = 32, 5


def main() -> None:
    for name, size in (("efficientnet_lite0", 224), ("efficientnet_lite2", 260)):
        model = keras.models.load_model(MODELS / f"{name}.keras")
        images = np.random.default_rng(0).uniform(0, 255, (PICTURES, size, size, 3)).astype("float32")
        compiled = tf.function(lambda x, model=model: model(x, training=False))
        sides = {
            "predict, one by one": lambda m=model, x=images: [m.predict(image[None], verbose=0) for image in x],
            "predict, one batch": lambda m=model, x=images: m.predict(x, verbose=0),
            "compiled call, one batch": lambda call=compiled, x=images: call(x).numpy(),
        }
        times = common.in_turns(sides, ROUNDS)
        slow = times["predict, one by one"]
        common.record(
            f"lesson 7, {name}",
            "3 times faster than one predict each",
            {
                "ratio": {other: common.ratio(slow, times[other]) for other in list(sides)[1:]},
                "pictures_a_second": {side: PICTURES / min(values) for side, values in times.items()},
            },
        )


if __name__ == "__main__":
    main()
