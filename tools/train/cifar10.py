"""Train networks on the real CIFAR-10 training images and keep the histories as a small JSON.

    python -m tools.train.cifar10 cifar10_train.zip --work /tmp/cifar10
    python -m tools.train.cifar10 cifar10_train.zip --work /tmp/cifar10 --recipe ours
    COURSE_MODE=full python -m tools.train.cifar10 --work /tmp/cifar10

The zip holds cifar10_train/<class>/<n>.jpg, 5,000 images per class; ours were JPEG copies. Without a zip the original
images are downloaded. They are shuffled with the seed and split 70/30 into training and validation images. A training
can be stopped and started again: the state after every epoch is in --work. The first command trains lesson 6's two
networks, 31 epochs each, and writes assets/data/cifar10_history.json; on two cores it takes one to two hours. The
second trains our recipe, once for a few epochs and once for many, and writes assets/data/cifar10_ours_history.json.

Our recipe: convolutions with more channels on fewer pixels, which processors like better; batch normalisation; images
mirrored and shifted by chance, in the long training with a grey hole; softened labels; stochastic gradient descent with
a learning rate that rises and falls; multiplications in bfloat16, which is as precise as the training needs; on a
processor without instructions for it (look for avx512_bf16 or amx_bf16 in /proc/cpuinfo) it is slow, and `--precision
float32` is better. The network of the short training multiplies less per image than lesson 6's, that of the long one
twice as much.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import zipfile
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from utils import paths

from utils import runtime  # isort: skip  (first, since it keeps TensorFlow's start-up messages away)

import keras
import numpy as np
from keras import layers
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from tools.train.fused import FusedBatchNormalization
from utils import datasets
from utils.confusion import confusion_matrix

DATA = paths.ASSETS / "data"
TARGET, OURS = DATA / "cifar10_history.json", DATA / "cifar10_ours_history.json"
SEED, EPOCHS, BATCH_SIZE, LEARNING_RATE, VALIDATION = 42, 31, 256, 0.001, 0.3


def read_images(path: Path | None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """All images of the zip as (N, 32, 32, 3) uint8, their labels as (N,) int64, and the class names in order.

    Without a zip: the original training images, which full mode downloads.
    """
    if path is None:
        (images, labels), _ = datasets.load_cifar10()
        return images, labels[:, 0].astype(np.int64), list(datasets.CIFAR10_CLASSES)
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        images = np.stack([np.asarray(Image.open(BytesIO(archive.read(name))).convert("RGB")) for name in names])
    classes = sorted({name.split("/")[1] for name in names})
    return images, np.array([classes.index(name.split("/")[1]) for name in names]), classes


def build(dropout: bool, width: float = 1) -> keras.Model:
    """The network of lesson 6: 669,354 parameters, with or without its four dropout layers; probabilities come out.

    A `width` other than 1 multiplies the numbers of its filters.
    """
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for filters in (32, 64, 64):
        for _ in range(2):
            model.add(layers.Conv2D(round(width * filters), 3, padding="same", activation="relu"))
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
    """Append each epoch's numbers and seconds to a file, so that an interrupted run loses none."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.began = path, 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        rows = json.loads(self.path.read_text()) if self.path.exists() else []
        row = {key: round(float(value), 5) for key, value in (logs or {}).items()}
        row["seconds"] = round(time.perf_counter() - self.began, 2)
        rows = [*rows[:epoch], row]  # an epoch that was interrupted after its line is run, and written, again
        self.path.write_text(json.dumps(rows))
        print(f"epoch {epoch + 1:2}  {row}", flush=True)


def fit(model: keras.Model, work: Path, **arguments: Any) -> dict[str, list[float]]:
    """Keras's `fit`, continued after an interruption: each number of the history, epoch by epoch."""
    callbacks = [KeepHistory(work / "history.json"), keras.callbacks.BackupAndRestore(work / "state")]
    model.fit(**arguments, callbacks=callbacks, verbose=0)
    rows = json.loads((work / "history.json").read_text())
    return {key: [row[key] for row in rows] for key in rows[0]}


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
    history = fit(model, work, x=x_train, y=one_hot(y_train, 10), batch_size=BATCH_SIZE, epochs=EPOCHS,
                  validation_data=valid)  # fmt: skip
    loss, accuracy = model.evaluate(x_train, one_hot(y_train, 10), batch_size=BATCH_SIZE, verbose=0)
    predicted = model.predict(x_valid, batch_size=BATCH_SIZE, verbose=0).argmax(axis=1)
    result = {
        "history": history,
        "train_without_dropout": {"loss": round(loss, 5), "accuracy": round(accuracy, 5)},
        "confusion_on_validation": confusion_matrix(y_valid, predicted, 10).tolist(),
    }
    finished.write_text(json.dumps(result))
    return result


@dataclass(frozen=True)
class Recipe:
    """What our training depends on, apart from its images."""

    epochs: int
    stem: int = 32  # filters of the first convolution, 4x4 with stride 2
    widths: tuple[int, ...] = (48, 64, 128, 128, 224)  # filters of the 3x3 convolutions
    pooled: tuple[int, ...] = (1, 3)  # those that max pooling follows
    batch_size: int = 128
    learning_rate: float = 0.2  # the highest; it rises for a fifth of the steps and falls along a cosine
    weight_decay: float = 5e-3  # per step and unit of the learning rate
    label_smoothing: float = 0.1
    shift: int = 3  # pixels, each way
    hole: int = 0  # side of a grey square at a random place ("cutout": DeVries and Taylor, 2017)
    precision: str = "mixed_bfloat16"
    seed: int = SEED


RECIPES = {
    "short": Recipe(epochs=5),
    "long": Recipe(epochs=40, stem=48, widths=(64, 96, 192, 192, 256), shift=4, hole=12),
}


def build_ours(recipe: Recipe) -> keras.Model:
    """Pixels 0..255 of (N, 32, 32, 3) in, 10 logits out."""
    policy = keras.dtype_policies.get(recipe.precision)
    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 64, offset=-2, dtype=policy)(inputs)
    x = layers.Conv2D(recipe.stem, 4, strides=2, padding="same", use_bias=False, dtype=policy)(x)
    x = layers.ReLU(dtype=policy)(FusedBatchNormalization(momentum=0.9, dtype=policy)(x))
    for number, filters in enumerate(recipe.widths):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, dtype=policy)(x)
        if number in recipe.pooled:
            x = layers.MaxPooling2D(2, dtype=policy)(x)
        x = layers.ReLU(dtype=policy)(FusedBatchNormalization(momentum=0.9, dtype=policy)(x))
    x = layers.GlobalMaxPooling2D(dtype=policy)(x)
    return keras.Model(inputs, layers.Dense(10, dtype="float32")(x))


class Augmented(keras.utils.PyDataset):
    """Batches of the images in a new order each epoch: half of them mirrored, all shifted and with a grey hole."""

    def __init__(self, images: np.ndarray, one_hot: np.ndarray, recipe: Recipe) -> None:
        super().__init__()
        margin, self.shift, self.batch_size = (recipe.shift,) * 2, recipe.shift, recipe.batch_size
        self.hole = recipe.hole
        padded = np.pad(images, ((0, 0), margin, margin, (0, 0)), mode="reflect")
        self.windows = sliding_window_view(padded, images.shape[1:3], axis=(1, 2))  # (N, shifts, shifts, 3, 32, 32)
        self.one_hot, self.generator = one_hot, np.random.default_rng(recipe.seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        return len(self.one_hot) // self.batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        down, right = self.generator.integers(0, 2 * self.shift + 1, (2, len(rows)))
        images = np.moveaxis(self.windows[rows, down, right], 1, -1)
        mirrored = self.generator.random(len(rows)) < 0.5
        images = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        if self.hole:
            centres = self.generator.integers(0, images.shape[1] + 1, (2, len(rows), 1))
            down, right = 2 * np.abs(np.arange(images.shape[1]) + 0.5 - centres) < self.hole
            images[down[:, :, None] & right[:, None]] = 128
        return images, self.one_hot[rows]

    def on_epoch_end(self) -> None:
        self.order = self.generator.permutation(len(self.one_hot))


def compile_ours(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """The optimizer, the loss and the schedule of our recipe."""
    steps = recipe.epochs * steps_per_epoch
    warm = max(1, steps // 5)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 10, max(1, steps - warm), warmup_target=recipe.learning_rate, warmup_steps=warm
    )
    optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["beta", "gamma", "bias"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
    model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=8)


def train_ours(recipe: Recipe, split: tuple[np.ndarray, ...], work: Path) -> dict:
    """One training with our recipe, from the first epoch or from where it was interrupted.

    Besides the history: the validation accuracy when the logits for an image and for its mirror image are added.
    """
    finished = work / "result.json"
    if finished.exists():
        return json.loads(finished.read_text())
    x_train, y_train, x_valid, y_valid = split
    work.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    model = build_ours(recipe)
    batches = Augmented(x_train, keras.utils.to_categorical(y_train, 10), recipe)
    compile_ours(model, recipe, len(batches))
    valid = (x_valid, keras.utils.to_categorical(y_valid, 10))
    history = fit(model, work, x=batches, epochs=recipe.epochs, validation_data=valid, validation_batch_size=500)
    logits = sum(model.predict(images, batch_size=500, verbose=0) for images in (x_valid, x_valid[:, :, ::-1]))
    result = {
        "recipe": asdict(recipe),
        "parameters": model.count_params(),
        "history": history,
        "val_accuracy_with_mirror_images": round(float((logits.argmax(axis=1) == y_valid).mean()), 5),
    }
    finished.write_text(json.dumps(result))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zip", type=Path, nargs="?", help="zip of cifar10_train/<class>/<n>.jpg")
    parser.add_argument("--work", type=Path, required=True, help="folder for the state between epochs")
    parser.add_argument("--recipe", choices=("lesson", "ours"), default="lesson", help="whose recipe to train")
    parser.add_argument("--precision", choices=("mixed_bfloat16", "float32"), default="mixed_bfloat16", help="of ours")
    arguments = parser.parse_args()
    images, labels, classes = read_images(arguments.zip)
    order = np.random.default_rng(SEED).permutation(len(images))
    images, labels = images[order], labels[order]
    n_train = round(len(images) * (1 - VALIDATION))
    ours = arguments.recipe == "ours"
    result = {
        "command": f"python -m tools.train.cifar10 cifar10_train.zip --work FOLDER{' --recipe ours' if ours else ''}",
        "data": f"the 50,000 CIFAR-10 training images, {n_train} for training, {len(images) - n_train} for validation",
        "seed": SEED,
        "versions": {"python": platform.python_version(), "tensorflow": runtime.tf.__version__,
                     "keras": keras.__version__},
        "class_names": classes,
    }  # fmt: skip
    if ours:
        split = (images[:n_train], labels[:n_train], images[n_train:], labels[n_train:])
        for name, recipe in RECIPES.items():
            recipe = replace(recipe, precision=arguments.precision)
            result[name] = train_ours(recipe, split, arguments.work / name)
    else:
        scaled = images.astype("float32") / 255
        split = (scaled[:n_train], labels[:n_train], scaled[n_train:], labels[n_train:])
        result |= {"epochs": EPOCHS, "batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE}
        for name, dropout in (("dropout", True), ("baseline", False)):
            result[name] = train(dropout, split, arguments.work / name)
    target = OURS if ours else TARGET
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
