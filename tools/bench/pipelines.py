"""Input pipelines against the training steps that they feed: images a second of each, alone, in turns.

    python -m tools.bench.pipelines

Both share the processor in a training, so the pipeline must be several times faster than the step.
"""

from __future__ import annotations

import io
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from tools.bench import common

import keras  # isort: skip
import numpy as np  # isort: skip
from PIL import Image  # isort: skip

from tools.bench import limits
from tools.train import cifar10, hrnet, signs

tf = common.tf
ROUNDS = 5


def photographs(folder: Path, count: int, size: int = 64) -> None:
    """PNG files of noise in two class folders, as large as a cropped traffic sign."""
    generator = np.random.default_rng(0)
    for number in range(count):
        path = folder / str(number % 2) / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        buffer = io.BytesIO()
        Image.fromarray(generator.integers(0, 256, (size, size, 3), np.uint8)).save(buffer, format="PNG")
        path.write_bytes(buffer.getvalue())


def decoding(folder: Path, size: int) -> Callable[[], None]:
    """Lesson 8's reading: decode and resize every file of a folder, once."""
    files = keras.utils.image_dataset_from_directory(
        folder, label_mode="int", image_size=(size, size), batch_size=32, shuffle=False, verbose=False
    )
    return lambda: list(files)


def drawn(dataset: tf.data.Dataset, batches: int) -> Callable[[], None]:
    """Some batches of an endless dataset: many more than it keeps ready, which it fills while the step is measured."""
    iterator = iter(dataset)
    return lambda: [next(iterator) for _ in range(batches)]


def compared(
    pipelines: dict[str, tuple[Callable, int]], step: Callable, images: int, rounds: int, least: float = 0.5
) -> dict:
    """Images a second of each pipeline, given with its images per call, and how many times those of the step."""
    sides = {name: work for name, (work, _) in pipelines.items()} | {"training step": limits.repeated(step, least)}
    times = common.in_turns(sides, rounds)
    counts = {name: count for name, (_, count) in pipelines.items()}
    counts["training step"] = images * sides["training step"].times
    rates = {name: [counts[name] / value for value in values] for name, values in times.items()}
    return {
        "images a second": {name: statistics.median(values) for name, values in rates.items()},
        "times the step": {name: common.ratio(rates[name], rates["training step"]) for name in pipelines},
    }


def lesson_6(rounds: int, count: int = 2560) -> dict:
    """The augmentation of our recipe, with the grey hole of its long training."""
    recipe, generator = cifar10.Recipe(epochs=1, hole=8), np.random.default_rng(0)
    images = generator.integers(0, 256, (count, 32, 32, 3), np.uint8)
    batches = cifar10.Augmented(images, np.zeros((count, 10), "float32"), recipe)
    step = limits.ours(recipe.precision, recipe.batch_size)
    work = lambda: [batches[index] for index in range(len(batches))]  # noqa: E731
    return compared({"mirror, shift, hole": (work, count)}, step, recipe.batch_size, rounds)


def lesson_8(rounds: int, count: int = 1024, size: int = 112) -> dict:
    """Decoding, and the augmentation of `tools.train.signs`."""
    settings, generator = signs.Settings(size=size, epochs=1), np.random.default_rng(0)
    images = generator.integers(0, 256, (count, size, size, 3), np.uint8)
    augmented = signs.batches(images, np.arange(count) % signs.CLASSES, settings)
    number = count // settings.batch_size
    with tempfile.TemporaryDirectory() as folder:
        photographs(Path(folder), count)
        pipelines = {
            "decode and resize": (decoding(Path(folder), size), count),
            "augment": (drawn(augmented, number), number * settings.batch_size),
        }
        return compared(pipelines, limits.lesson_8(size=size), settings.batch_size, rounds)


def lesson_9(rounds: int, batches: int = 8) -> dict:
    """The views and cameras of `tools.train.hrnet`."""
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (16, 360, 480, 3), np.uint8)
    masks = generator.integers(0, 12, (16, 360, 480), np.uint8)
    data = tf.data.Dataset.from_tensor_slices((frames, masks)).repeat()
    data = data.map(hrnet.random_view, 2).map(hrnet.random_camera, 2).batch(hrnet.BATCH_SIZE)
    pipelines = {"crop and camera": (drawn(data, batches), batches * hrnet.BATCH_SIZE)}
    return compared(pipelines, limits.lesson_9(), hrnet.BATCH_SIZE, rounds)


def main() -> None:
    for name, work in (("lesson 6, our recipe", lesson_6), ("lesson 8", lesson_8), ("lesson 9", lesson_9)):
        common.record(f"input pipeline of {name}", "the training step is the bottleneck", work(ROUNDS))


if __name__ == "__main__":
    main()
