"""Lesson 8's three rules of fine-tuning, measured: `python -m tools.train.signs rules ZIP --seeds 42 1 2`.

The lesson trains a new head on frozen features first; then it fine-tunes the last layers at a learning rate that was
measured, while batch normalisation stays frozen. Here each rule is broken alone, with the lesson's own network, images
and epochs, on photographs and on rendered signs. With "the base frozen" the head goes on alone, for the same epochs and
on the same augmented images, so that what differs is the thaw. The rate was chosen on the validation part of the
rendered signs, by accuracy.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tools.train import common
from utils import signs as lesson_8

Images = tuple[np.ndarray, np.ndarray]
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)  # of which the lesson takes the best
T_95 = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776}  # Student's t for the 95 % interval of the mean of so many numbers
QUICK = lesson_8.QUICK


@dataclass(frozen=True)
class Lesson:
    """Lesson 8's training in quick mode; the three rules come first."""

    head_first: bool = True
    normalisation_learns: bool = not QUICK.freeze_normalisation
    rate: float = QUICK.learning_rate  # of fine-tuning, the highest; it falls along half a cosine
    size: int = QUICK.size
    cut: str = QUICK.cut
    dropout: float = QUICK.dropout
    batch_size: int = QUICK.batch_size
    head_epochs: int = QUICK.head_epochs
    head_rate: float = QUICK.head_rate
    epochs: int = QUICK.epochs
    fine_tuned: int = QUICK.fine_tune_layers


LESSON = Lesson()
KEPT = "all three kept"
BROKEN = {
    "all at once": replace(LESSON, head_first=False),
    "normalisation learns": replace(LESSON, normalisation_learns=True),
    "ten times the rate": replace(LESSON, rate=10 * LESSON.rate),
    "a tenth of the rate": replace(LESSON, rate=LESSON.rate / 10),
}
FROZEN = {"the base frozen": replace(LESSON, fine_tuned=0)}  # no rule, but what fine-tuning is compared with


def build(lesson: Lesson, classes: int) -> tuple[keras.Model, keras.Model]:
    """Pixels 0..255 to probabilities, and the base in it; normalisation takes the batch's statistics if it learns."""
    network = lesson_8.load_network("lite0", lesson.size)
    base = keras.Model(network.input, network.get_layer(lesson.cut).output, name="base")
    inputs = keras.Input((lesson.size, lesson.size, 3))
    x = base(inputs) if lesson.normalisation_learns else base(inputs, training=False)
    x = layers.Flatten(name="features")(layers.Rescaling(0.1)(x))
    x = layers.Dense(classes, activation="softmax", name="signs")(layers.Dropout(lesson.dropout)(x))
    return keras.Model(inputs, x), base


def augmentation(seed: int) -> keras.Sequential:
    """The lesson's."""
    return keras.Sequential(
        [
            layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=seed),
            layers.RandomRotation(0.02, fill_mode="nearest", seed=seed + 1),
            layers.RandomZoom(0.1, fill_mode="nearest", seed=seed + 2),
            layers.RandomBrightness(0.2, value_range=(0, 255), seed=seed + 3),
            layers.RandomContrast(0.2, value_range=(0, 255), seed=seed + 4),
        ]
    )


def compile_model(model: keras.Model, rate: float, steps: int) -> None:
    """As the lesson does."""
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def train_head(model: keras.Model, train_set: Images, lesson: Lesson) -> None:
    """Train the head alone, on the features of images that are not augmented."""
    features = model.get_layer("features").output
    x = keras.Model(model.inputs, features).predict(train_set[0].astype("float32"), batch_size=64, verbose=0)
    head = keras.Sequential([keras.Input(features.shape[1:]), *model.layers[-2:]])
    compile_model(head, lesson.head_rate, lesson.head_epochs * -(-len(x) // lesson.batch_size))
    head.fit(x, train_set[1], epochs=lesson.head_epochs, batch_size=lesson.batch_size, verbose=0)


def set_trainable(base: keras.Model, lesson: Lesson) -> None:
    """The last layers learn; batch normalisation among them only if the rule is broken."""
    base.trainable = True
    for index, layer in enumerate(base.layers):
        is_normalisation = isinstance(layer, layers.BatchNormalization)
        in_last = index >= len(base.layers) - lesson.fine_tuned
        layer.trainable = in_last and (lesson.normalisation_learns or not is_normalisation)


def train(train_set: Images, lesson: Lesson, seed: int, classes: int) -> keras.Model:
    """A network after the lesson's training, or after one with a broken rule."""
    keras.utils.set_random_seed(seed)
    model, base = build(lesson, classes)
    base.trainable = False
    if lesson.head_first:
        train_head(model, train_set, lesson)
    set_trainable(base, lesson)
    keras.utils.set_random_seed(seed)
    augment, n_train = augmentation(seed), len(train_set[0])
    data = tf.data.Dataset.from_tensor_slices((train_set[0].astype("float32"), train_set[1]))
    data = data.shuffle(n_train, seed=seed).batch(lesson.batch_size)
    data = data.map(lambda x, y: (augment(x, training=True), y)).prefetch(2)
    compile_model(model, lesson.rate, lesson.epochs * len(data))
    # The dataset shuffles itself; Keras warns where it is asked to as well.
    model.fit(data, epochs=lesson.epochs, shuffle=False, verbose=0)
    return model


def effect(broken: list[float], kept: list[float]) -> dict[str, float]:
    """What breaking a rule changes: the mean difference over the seeds, with Student's 95 % interval."""
    differences = [b - k for b, k in zip(broken, kept, strict=True)]
    mean, n = statistics.mean(differences), len(differences)
    half = T_95[n] * statistics.stdev(differences) / n**0.5 if n in T_95 else float("nan")
    return {"mean": round(mean, 5), "low": round(mean - half, 5), "high": round(mean + half, 5)}


def measured(
    kind: str, name: str, parts: tuple[Images, Images], lesson: Lesson, seed: int, classes: int, folder: Path
) -> float:
    """The accuracy after one training; what was measured before is taken from the folder.

    Args:
        kind: the kind of sign.
        name: of the way.
        parts: the images to train on, and to answer.
        lesson: the settings.
        seed: of the training.
        classes: how many classes there are.
        folder: for what has been measured.
    """
    file = folder / "accuracies.json"
    done = common.read_json(file, {})
    (train_set, other_set), key = parts, f"{kind}, {name}, {asdict(lesson)}, {seed}, {len(parts[0][0])}"
    if key not in done:
        model = train(train_set, lesson, seed, classes)
        answers = model.predict(other_set[0].astype("float32"), batch_size=64, verbose=0).argmax(axis=1)
        done[key] = round(float((answers == other_set[1]).mean()), 5)
        common.write_json(file, done)
        print(f"{kind}, {name}, seed {seed}: {done[key]:.2%}", flush=True)
    return done[key]


def measure_rates(parts: tuple[Images, Images], lesson: Lesson, seeds: list[int], folder: Path, classes: int) -> dict:
    """The accuracy on validation images at each rate, with each seed.

    Args:
        parts: training and validation images.
        lesson: the settings, apart from the rate.
        seeds: of the trainings.
        folder: for what has been measured.
        classes: how many classes there are.
    """
    accuracies = {}
    for rate in RATES:
        one = replace(lesson, rate=rate)
        accuracies[f"{rate:g}"] = [
            measured("validation", f"rate {rate:g}", parts, one, seed, classes, folder) for seed in seeds
        ]
    return {
        "data": "rendered signs",
        "valid_images": len(parts[1][0]),
        "seeds": seeds,
        "valid_accuracy": accuracies,
    }


def measure(
    sets: dict[str, tuple[Images, Images]],
    seeds: list[int],
    folder: Path,
    lessons: dict[str, Lesson],
    classes: int,
) -> dict[str, Any]:
    """Train every way with every seed on every kind of sign.

    Args:
        sets: the training and the test images by the kind of sign.
        seeds: of the trainings.
        folder: for what has been measured.
        lessons: the lesson's way first, then the broken rules.
        classes: how many classes there are.

    Returns:
        By the kind of sign the test accuracies by way and seed, and the effects of the broken rules.
    """
    found: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in lessons} for kind in sets}
    for kind, parts in sets.items():
        for seed in seeds:  # so that a run that is stopped has every way for some seeds
            for name, lesson in lessons.items():
                found[kind][name].append(measured(kind, name, parts, lesson, seed, classes, folder))
    first = next(iter(lessons))
    return {
        kind: {
            "train_images": len(train_set[0]),
            "test_images": len(test_set[0]),
            "test_accuracy": found[kind],
            "effect": {name: effect(runs, found[kind][first]) for name, runs in found[kind].items() if name != first},
        }
        for kind, (train_set, test_set) in sets.items()
    }
