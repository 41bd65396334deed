"""Lesson 9: colouring a 720 x 960 mask, 32 passes against a table; one frame through the small HRNet, by size.

python -m tools.bench.masks
"""

from __future__ import annotations

import statistics

from tools.bench import common

import numpy as np  # isort: skip
from PIL import Image  # isort: skip

from utils.downloads import fetch
from utils.segmentation import camvid_classes, hrnet_path

ROUNDS = 15
SIZES = ((180, 240), (360, 480), (720, 960))


def colouring(size: tuple[int, int], rounds: int) -> dict:
    """How many times faster a table of colours is than a pass for each class."""
    colours = np.array([one.rgb for one in camvid_classes()], np.uint8)
    with Image.open(fetch("images/street/leuven_a_mask.png")) as file:
        mask = np.asarray(file.resize(size[::-1], Image.Resampling.NEAREST)).astype(np.int64)  # as argmax gives it

    def passes() -> np.ndarray:
        coloured = np.zeros((*mask.shape, 3), np.uint8)
        for number, colour in enumerate(colours):
            coloured[mask == number] = colour
        return coloured

    sides = {
        "32 passes": passes,
        "table": lambda: np.take(colours, mask, axis=0),
        "colours[mask]": lambda: colours[mask],
    }
    first, *others = (side() for side in sides.values())
    assert all(np.array_equal(first, other) for other in others)
    times = common.in_turns(sides, rounds)
    return {
        "ratio": common.ratio(times["32 passes"], times["table"]),
        "ratio with colours[mask] in place of np.take": common.ratio(times["32 passes"], times["colours[mask]"]),
    }


def frames(sizes: tuple[tuple[int, int], ...], rounds: int) -> dict:
    """Seconds of one frame of each size, and microseconds a pixel."""
    network = common.tf.saved_model.load(hrnet_path())
    images = {size: np.random.default_rng(0).uniform(0, 1, (1, *size, 3)).astype("float32") for size in sizes}
    sides = {f"{size[0]} x {size[1]}": lambda x=x: network.predict(x).numpy() for size, x in images.items()}
    times = common.in_turns(sides, rounds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    pixels = {name: size[0] * size[1] for name, size in zip(sides, sizes, strict=True)}
    each = {name: 1e6 * medians[name] / pixels[name] for name in sides}
    return {"seconds": {name: common.spread(values) for name, values in times.items()}, "microseconds a pixel": each}


def main() -> None:
    common.record("lesson 9, colouring a mask", "8 times faster", colouring((720, 960), ROUNDS))
    common.record("lesson 9, one frame", "0.5 s at 360 x 480", frames(SIZES, ROUNDS))


if __name__ == "__main__":
    main()
