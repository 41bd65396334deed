"""Train lesson 6's networks on the real CIFAR-10 training images and keep the history as a small JSON.

    python -m tools.train_cifar10 cifar10_train.zip --work /tmp/cifar10

The zip holds cifar10_train/<class>/<n>.jpg, 5,000 images per class. They are shuffled with the seed and split 70/30
into training and validation images. Each variant runs 31 epochs and can be stopped and started again: the state after
every epoch is in --work. The result is assets/data/cifar10_history.json; on two cores it takes one to two hours.
"""

from __future__ import annotations

import argparse
import json
import platform
import zipfile
from io import BytesIO
from pathlib import Path

from utils import runtime  # isort: skip  (first, since it keeps TensorFlow's start-up messages away)

import keras
import numpy as np
from keras import layers
from PIL import Image

from utils.confusion import confusion_matrix

TARGET = Path(__file__).resolve().parent.parent / "assets" / "data" / "cifar10_history.json"
SEED, EPOCHS, BATCH_SIZE, LEARNING_RATE, VALIDATION = 42, 31, 256, 0.001, 0.3


def read_images(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """All images of the zip as (N, 32, 32, 3) uint8, their labels as (N,) int64, and the class names in order."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        images = np.stack([np.asarray(Image.open(BytesIO(archive.read(name))).convert("RGB")) for name in names])
    classes = sorted({name.split("/")[1] for name in names})
    return images, np.array([classes.index(name.split("/")[1]) for name in names]), classes


def build(dropout: bool) -> keras.Model:
    """The network of lesson 6: 669,354 parameters, with or without its four dropout layers; probabilities come out."""
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for filters in (32, 64, 64):
        for _ in range(2):
            model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
        if dropout:
            model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    if dropout:
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    return model


class KeepHistory(keras.callbacks.Callback):
    """Append each epoch's numbers to a file, so that an interrupted run loses none."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        rows = json.loads(self.path.read_text()) if self.path.exists() else []
        row = {key: round(float(value), 5) for key, value in (logs or {}).items()}
        rows = [*rows[:epoch], row]  # an epoch that was interrupted after its line is run, and written, again
        self.path.write_text(json.dumps(rows))
        print(f"epoch {epoch + 1:2}  {row}", flush=True)


def train(dropout: bool, split: tuple[np.ndarray, ...], work: Path) -> dict:
    """One variant from the first epoch, or from where it was interrupted, to its scores with dropout off."""
    finished = work / "result.json"
    if finished.exists():
        return json.loads(finished.read_text())
    x_train, y_train, x_valid, y_valid = split
    work.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(SEED)
    model = build(dropout)
    model.compile(keras.optimizers.RMSprop(LEARNING_RATE), "categorical_crossentropy", metrics=["accuracy"])
    one_hot = keras.utils.to_categorical
    valid = (x_valid, one_hot(y_valid, 10))
    callbacks = [KeepHistory(work / "history.json"), keras.callbacks.BackupAndRestore(work / "state")]
    model.fit(x_train, one_hot(y_train, 10), batch_size=BATCH_SIZE, epochs=EPOCHS, validation_data=valid,
              callbacks=callbacks, verbose=0)  # fmt: skip
    rows = json.loads((work / "history.json").read_text())
    loss, accuracy = model.evaluate(x_train, one_hot(y_train, 10), batch_size=BATCH_SIZE, verbose=0)
    predicted = model.predict(x_valid, batch_size=BATCH_SIZE, verbose=0).argmax(axis=1)
    result = {
        "history": {key: [row[key] for row in rows] for key in rows[0]},
        "train_without_dropout": {"loss": round(loss, 5), "accuracy": round(accuracy, 5)},
        "confusion_on_validation": confusion_matrix(y_valid, predicted, 10).tolist(),
    }
    finished.write_text(json.dumps(result))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip", type=Path, help="zip of cifar10_train/<class>/<n>.jpg")
    parser.add_argument("--work", type=Path, required=True, help="folder for the state between epochs")
    arguments = parser.parse_args()
    images, labels, classes = read_images(arguments.zip)
    order = np.random.default_rng(SEED).permutation(len(images))
    scaled, labels = images[order].astype("float32") / 255, labels[order]
    n_train = round(len(images) * (1 - VALIDATION))
    split = (scaled[:n_train], labels[:n_train], scaled[n_train:], labels[n_train:])
    result = {
        "command": "python -m tools.train_cifar10 cifar10_train.zip --work FOLDER",
        "data": f"the 50,000 CIFAR-10 training images, {n_train} for training, {len(images) - n_train} for validation",
        "seed": SEED, "epochs": EPOCHS, "batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE,
        "versions": {"python": platform.python_version(), "tensorflow": runtime.tf.__version__,
                     "keras": keras.__version__},
        "class_names": classes,
    }  # fmt: skip
    for name, dropout in (("dropout", True), ("baseline", False)):
        result[name] = train(dropout, split, arguments.work / name)
    TARGET.write_text(json.dumps(result, indent=1) + "\n")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
