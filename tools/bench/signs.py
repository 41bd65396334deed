"""Lesson 8: seconds to 95 % validation accuracy on real signs with Lite0, measured, against VGG16 at 224 pixels.

    SIGNS=gtsrb_40_per_class.zip python -m tools.bench.signs

VGG16 with its last eight layers trainable is measured for a few training steps and validation batches, with random
weights, which take as long as trained ones, and extrapolated over the 101 epochs of full mode. Lite0 is trained until
it is there.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

from tools.bench import common
from tools.train import signs

TARGET, VGG16_EPOCHS = 0.95, 101
SETTINGS = signs.Settings(size=64, epochs=10)


class StopAt(keras.callbacks.Callback):
    """Stop when the validation accuracy is there."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.model.stop_training = (logs or {})["val_accuracy"] >= TARGET


def lite0(train_set: signs.Images, valid_set: signs.Images, settings: signs.Settings) -> tuple[float, list[float]]:
    """Train as `tools.train.signs` does until the target is reached: seconds, loading included, and the accuracies."""
    began = time.perf_counter()
    keras.utils.set_random_seed(settings.seed)
    model = signs.build(settings)
    steps = len(train_set[0]) // settings.batch_size
    signs.compile_model(model, settings, steps)
    valid = (valid_set[0], keras.utils.to_categorical(valid_set[1], signs.CLASSES))
    data, stop = signs.batches(*train_set, settings), [StopAt()]
    history = model.fit(
        data, steps_per_epoch=steps, epochs=settings.epochs, validation_data=valid, callbacks=stop, verbose=0
    )
    return time.perf_counter() - began, history.history["val_accuracy"]


def vgg16_epoch(n_train: int, n_valid: int, rounds: int, size: int = 224, batch_size: int = 32) -> float:
    """Seconds of an epoch of VGG16, from a few steps and validation batches."""
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(size, size, 3))
    for layer in base.layers[:-8]:
        layer.trainable = False
    head = [layers.Flatten(), layers.Dense(128, "relu"), layers.Dropout(0.6), layers.Dense(signs.CLASSES)]
    model = keras.Sequential([base, *head])
    model.compile(keras.optimizers.Adam(1e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).uniform(-1, 1, (batch_size, size, size, 3)).astype("float32")
    y = np.arange(batch_size) % signs.CLASSES
    sides = {"step": lambda: model.train_on_batch(x, y), "batch": lambda: model.predict_on_batch(x)}
    medians = {name: common.spread(values)["median"] for name, values in common.in_turns(sides, rounds).items()}
    return -(-n_train // batch_size) * medians["step"] + -(-n_valid // batch_size) * medians["batch"]


def main() -> None:
    path = Path(os.environ["SIGNS"])
    train_set, valid_set = (signs.read_part(path, part, SETTINGS.size) for part in ("Train", "Valid"))
    seconds, epochs = [], []
    for _ in range(3):  # in turns, so that a busy machine slows both
        took, accuracies = lite0(train_set, valid_set, SETTINGS)
        if accuracies[-1] < TARGET:
            sys.exit(f"{TARGET:.0%} was not reached: {accuracies}")
        seconds.append(took)
        epochs.append(vgg16_epoch(len(train_set[0]), len(valid_set[0]), rounds=3))
    common.record(
        "lesson 8, time to 95 % on real signs",
        {
            "ratio with VGG16's 101 epochs": common.ratio([VGG16_EPOCHS * value for value in epochs], seconds),
            "ratio with one epoch of VGG16": common.ratio(epochs, seconds),
            "seconds of Lite0": common.spread(seconds),
            "validation accuracy of Lite0": accuracies,
            "seconds of an epoch of VGG16": common.spread(epochs)["median"],
        },
    )


if __name__ == "__main__":
    main()
