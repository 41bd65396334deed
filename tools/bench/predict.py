"""How long a prediction takes: lesson 7's networks one by one and in batches, lesson 9's on frames of three sizes.

python -m tools.bench.predict
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tools.bench import common
from utils.downloads import fetch, fetch_folder

PICTURES, ROUNDS = 32, 5
FRAMES = ((180, 240), (360, 480), (720, 960))


def classify(model: keras.Model, size: int, pictures: int, rounds: int) -> dict:
    """Pictures a second, and how many times faster than one `predict` each."""
    images = np.random.default_rng(0).uniform(0, 255, (pictures, size, size, 3)).astype("float32")
    compiled = tf.function(lambda x: model(x, training=False))

    def predict_each() -> None:
        for image in images:
            model.predict(image[None], verbose=0)

    def call_each() -> None:
        for image in images:
            compiled(image[None]).numpy()

    sides = {
        "predict, one by one": predict_each,
        "predict, one batch": lambda: model.predict(images, verbose=0),
        "compiled call, one by one": call_each,
        "compiled call, one batch": lambda: compiled(images).numpy(),
    }
    times = common.in_turns(sides, rounds)
    slowest, *others = sides
    return {
        "ratio": {name: common.ratio(times[slowest], times[name]) for name in others},
        "pictures a second": {name: pictures / common.spread(values)["median"] for name, values in times.items()},
    }


def segment(sizes: tuple[tuple[int, int], ...], rounds: int) -> dict:
    """Seconds of one frame of each size through the small HRNet."""
    network = tf.saved_model.load(str(fetch_folder("models/hrnet_small")))
    frames = {f"{h} x {w}": np.random.default_rng(0).uniform(0, 1, (1, h, w, 3)).astype("float32") for h, w in sizes}
    sides = {name: lambda frame=frame: network.predict(frame).numpy() for name, frame in frames.items()}
    return {"seconds": {name: common.spread(values) for name, values in common.in_turns(sides, rounds).items()}}


def main() -> None:
    for name, size in (("efficientnet_lite0", 224), ("efficientnet_lite2", 260)):
        model = keras.models.load_model(fetch(f"models/{name}.keras"))
        common.record(f"lesson 7, {name}", classify(model, size, PICTURES, ROUNDS))
    common.record("lesson 9, one frame", segment(FRAMES, 3 * ROUNDS))


if __name__ == "__main__":
    main()
