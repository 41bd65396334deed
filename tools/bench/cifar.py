"""Lesson 6's recipe against ours: seconds of an epoch in turns and, with the kept histories, the time to 78.3 %.

    python -m tools.bench.cifar

An epoch is 35,000 training and 15,000 validation images; a part of one is measured, on noise, and scaled. How many
epochs each recipe needs comes from assets/data/cifar10_history.json (real images).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np

from tools.bench import common
from tools.train import cifar10
from tools.train.cifar10 import RECIPES, Recipe
from utils import paths

TRAINING, VALIDATION = 35_000, 15_000
BATCH_SIZE = 256  # a multiple of both recipes' batches, so that neither drops images
TARGET = 0.783  # validation accuracy that both recipes train for
LESSON, LESSON_16 = "lesson 6's recipe", "lesson 6's recipe in bfloat16"


def epoch_of_lesson(images: np.ndarray, one_hot: np.ndarray, n_train: int, precision: str) -> Callable[[], object]:
    """Training and validation as in `tools.train.cifar10`, with lesson 6's network with dropout."""
    x = images.astype("float32") / 255
    keras.config.set_dtype_policy(precision)
    try:
        model = cifar10.build(dropout=True)
    finally:
        keras.config.set_dtype_policy("float32")
    model.compile(keras.optimizers.RMSprop(1e-3), "categorical_crossentropy", metrics=["accuracy"])
    train, valid = (x[:n_train], one_hot[:n_train]), (x[n_train:], one_hot[n_train:])
    return lambda: model.fit(*train, batch_size=cifar10.BATCH_SIZE, validation_data=valid, verbose=0)


def epoch_of_ours(images: np.ndarray, one_hot: np.ndarray, n_train: int, recipe: Recipe) -> Callable[[], object]:
    """The same with our recipe, its augmentation included."""
    model = cifar10.build_ours(recipe)
    batches = cifar10.Augmented(images[:n_train], one_hot[:n_train], recipe)
    cifar10.compile_ours(model, recipe, len(batches))
    valid = (images[n_train:], one_hot[n_train:])
    return lambda: model.fit(batches, validation_data=valid, validation_batch_size=500, verbose=0)


def epochs(part: float, rounds: int, recipes: dict[str, Recipe]) -> dict[str, list[float]]:
    """Seconds of a whole epoch for each recipe, measured on `part` of one, in turns."""
    n_train, n_valid = (max(1, round(part * n / BATCH_SIZE)) * BATCH_SIZE for n in (TRAINING, VALIDATION))
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (n_train + n_valid, 32, 32, 3), np.uint8)
    one_hot = keras.utils.to_categorical(generator.integers(0, 10, len(images)), 10)
    sides = {
        LESSON: epoch_of_lesson(images, one_hot, n_train, "float32"),
        LESSON_16: epoch_of_lesson(images, one_hot, n_train, "mixed_bfloat16"),
    }
    for name, recipe in recipes.items():
        sides[name] = epoch_of_ours(images, one_hot, n_train, recipe)
    times = common.in_turns(sides, rounds)
    return {name: [value * TRAINING / n_train for value in values] for name, values in times.items()}


def epochs_until(accuracies: list[float], target: float) -> int | None:
    """The first epoch, counted from 1, whose accuracy is at least `target`; None if there is none."""
    return next((number for number, value in enumerate(accuracies, start=1) if value >= target), None)


def main() -> None:
    runs = json.loads((paths.ASSETS / "data" / "cifar10_history.json").read_text(encoding="utf-8"))
    short, long = RECIPES["short"], RECIPES["long"]
    recipes = {"ours": short, "ours in float32": replace(short, precision="float32"), "ours, long": long}
    accuracies = runs["short"]["history"]["val_accuracy"]
    n_lesson, n_ours = runs["dropout_31"]["recipe"]["epochs"], epochs_until(accuracies, TARGET)
    if n_ours is None:
        raise SystemExit(f"our short recipe does not reach {TARGET:.1%}: {accuracies}")
    times = epochs(0.1, 9, recipes)

    def whole(name: str, number: int) -> list[float]:
        return [number * value for value in times[name]]

    common.record(
        "lesson 6, time to 78.3 %",
        {
            "ratio": common.ratio(whole(LESSON, n_lesson), whole("ours", n_ours)),
            "ratio with both in float32": common.ratio(whole(LESSON, n_lesson), whole("ours in float32", n_ours)),
            "ratio with both in bfloat16": common.ratio(whole(LESSON_16, n_lesson), whole("ours", n_ours)),
            "long to lesson": common.ratio(whole("ours, long", long.epochs), whole(LESSON, n_lesson)),
            "epochs": {LESSON: n_lesson, "ours": n_ours, "ours, long": long.epochs},
            "seconds of an epoch": {name: common.spread(values)["median"] for name, values in times.items()},
        },
    )


if __name__ == "__main__":
    main()
