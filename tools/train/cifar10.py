"""Train networks on the CIFAR-10 training images: lesson 6's two, or our recipe, short, medium or long.

    python -m tools.train.cifar10 dropout cifar10_train.zip
    python -m tools.train.cifar10 baseline cifar10_train.zip
    python -m tools.train.cifar10 short cifar10_train.zip --seeds 42 1 2
    python -m tools.train.cifar10 medium cifar10_train.zip
    python -m tools.train.cifar10 long cifar10_train.zip

The zip or folder holds <class>/<n>.jpg, 5,000 images per class; ours were JPEG copies. Without one, and with
COURSE_MODE=full, the original images are downloaded. They are shuffled with one seed and split 70/30 into training and
validation images; --seeds changes the weights' start and the order of the images, and the first seed's history is kept.
`dropout` and `baseline` are lesson 6's network with and without its dropout layers. `dropout` and `medium` also write
the networks that the course ships, as models/cifar10_lesson.keras and cifar10_recipe.keras, and what these confuse on
the validation images. A training can be stopped and started again.

Our recipe: convolutions with more channels on fewer pixels, which processors like better; batch normalisation; images
mirrored and shifted, in the longer trainings with a grey hole; softened labels; stochastic gradient descent with
a learning rate that rises and falls; multiplications in bfloat16, which is as precise as the training needs; on a
processor without instructions for it (look for avx512_bf16 or amx_bf16 in /proc/cpuinfo) it is slow, and `--precision
float32` is better. The network of `short` and `medium` multiplies less per image than lesson 6's, that of `long` twice
as much.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers
from numpy.lib.stride_tricks import sliding_window_view

from tools.data import compact
from tools.data.registry import write_file
from tools.train import common
from tools.train.data import open_data
from tools.train.fused import FusedBatchNormalization
from utils import datasets
from utils.confusion import confusion_matrix
from utils.downloads import DownloadError

SEED, EPOCHS, BATCH_SIZE, LEARNING_RATE, VALIDATION = 42, 20, 256, 0.001, 0.3
Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # images and labels to train on, and to validate with


def read_images(path: Path | None) -> tuple[np.ndarray, np.ndarray, str]:
    """All images of a zip or folder as (N, 32, 32, 3) uint8, their labels as (N,) int64, and what they are, in words.

    Without a path: the original training images, which full mode downloads.

    Raises:
        SystemExit: the path does not hold CIFAR-10, or the download failed.
    """
    if path is None:
        try:
            (images, labels), _ = datasets.load_cifar10()
        except DownloadError as error:
            sys.exit(f"{error}\nName a zip of the images, or set COURSE_MODE=full, which downloads them.")
        return images, labels[:, 0].astype(np.int64), "the original files"
    pictures = open_data(path, "CIFAR-10")
    classes = {name: number for number, name in enumerate(datasets.CIFAR10_CLASSES)}
    names = [name for name in pictures.names if Path(name).parent.name in classes]
    images = np.stack([pictures.picture(name) for name in names])
    if images.shape[1:] != (32, 32, 3):
        sys.exit(f"{path.name} has pictures of {images.shape[2]} x {images.shape[1]} pixels; CIFAR-10's have 32 x 32.")
    copies = "JPEG copies" if names[0].lower().endswith((".jpg", ".jpeg")) else "copies"
    return images, np.array([classes[Path(name).parent.name] for name in names]), f"{copies} ({path.name})"


def split_images(images: np.ndarray, labels: np.ndarray, limit: int | None = None) -> Split:
    """Shuffled with the seed, 70 % to train on and 30 % to validate with; of each part at most `limit`."""
    order = np.random.default_rng(SEED).permutation(len(images))
    n_train = round(len(images) * (1 - VALIDATION))
    train, valid = order[:n_train][:limit], order[n_train:][:limit]
    return images[train], labels[train], images[valid], labels[valid]


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
    "medium": Recipe(epochs=16, hole=8),
    "long": Recipe(epochs=40, stem=48, widths=(64, 96, 192, 192, 256), shift=4, hole=12),
}


def build_ours(recipe: Recipe, normalization: type[keras.Layer] = FusedBatchNormalization) -> keras.Model:
    """Pixels 0..255 of (N, 32, 32, 3) in, 10 logits out."""
    policy = keras.dtype_policies.get(recipe.precision)
    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 64, offset=-2, dtype=policy)(inputs)
    x = layers.Conv2D(recipe.stem, 4, strides=2, padding="same", use_bias=False, dtype=policy)(x)
    x = layers.ReLU(dtype=policy)(normalization(momentum=0.9, dtype=policy)(x))
    for number, filters in enumerate(recipe.widths):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, dtype=policy)(x)
        if number in recipe.pooled:
            x = layers.MaxPooling2D(2, dtype=policy)(x)
        x = layers.ReLU(dtype=policy)(normalization(momentum=0.9, dtype=policy)(x))
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


def train_lesson(dropout: bool, split: Split, folder: Path, seed: int, epochs: int) -> tuple[keras.Model, dict]:
    """Lesson 6's network for pixels in [0, 1], and its history with the scores on the training images, dropout off."""
    x_train, y_train, x_valid, y_valid = split
    x_train, x_valid = x_train.astype("float32") / 255, x_valid.astype("float32") / 255
    one_hot = keras.utils.to_categorical(y_train, 10)
    keras.utils.set_random_seed(seed)
    model = build(dropout)
    model.compile(keras.optimizers.RMSprop(LEARNING_RATE), "categorical_crossentropy", metrics=["accuracy"])
    model, history = common.train(
        model,
        folder,
        {"dropout": dropout, "epochs": epochs, "batch_size": BATCH_SIZE, "images": len(x_train), "seed": seed},
        x=x_train,
        y=one_hot,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=(x_valid, keras.utils.to_categorical(y_valid, 10)),
    )
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(x_train, one_hot, batch_size=BATCH_SIZE, verbose=0)
    return model, {
        "history": history,
        "train_without_dropout": {"loss": round(loss, 5), "accuracy": round(accuracy, 5)},
    }


def train_ours(recipe: Recipe, split: Split, folder: Path) -> tuple[keras.Model, dict[str, Any]]:
    """Our network, and its history.

    Besides it: the validation accuracy when the logits for an image and for its mirror image are added.
    """
    x_train, y_train, x_valid, y_valid = split
    keras.utils.set_random_seed(recipe.seed)
    model = build_ours(recipe)
    batches = Augmented(x_train, keras.utils.to_categorical(y_train, 10), recipe)
    compile_ours(model, recipe, len(batches))
    model, history = common.train(
        model,
        folder,
        asdict(recipe) | {"images": len(x_train)},
        x=batches,
        epochs=recipe.epochs,
        validation_data=(x_valid, keras.utils.to_categorical(y_valid, 10)),
        validation_batch_size=500,
    )
    logits = sum(model.predict(images, batch_size=500, verbose=0) for images in (x_valid, x_valid[:, :, ::-1]))
    return model, {
        "history": history,
        "val_accuracy_with_mirror_images": round(float((logits.argmax(axis=1) == y_valid).mean()), 5),
    }


def shipped_lesson(model: keras.Model) -> keras.Model:
    """Lesson 6's trained network for pixels 0..255: the scaling is its first layer."""
    scaled = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255)], name="cifar10_lesson")
    for layer in model.layers:
        if not isinstance(layer, layers.InputLayer):
            scaled.add(type(layer).from_config(layer.get_config()))
    scaled.set_weights(model.get_weights())
    return scaled


def shipped_ours(model: keras.Model, recipe: Recipe) -> keras.Model:
    """Our trained network of Keras's own layers, in float32, with probabilities as its output."""
    plain = build_ours(replace(recipe, precision="float32"), layers.BatchNormalization)
    plain.set_weights(model.get_weights())
    return keras.Model(plain.input, layers.Softmax()(plain.output), name="cifar10_recipe")


def ship(model: keras.Model, split: Split, target: Path) -> float:
    """Write a network as the course ships it, and what it confuses on the validation images.

    Args:
        model: for pixels 0..255, with 10 probabilities as its output; its weights are rounded.
        split: of the images.
        target: the training's folder.

    Returns:
        The accuracy of the rounded network on the validation images.
    """
    *_, x_valid, y_valid = split
    model.set_weights([compact.round_to_10_bits(weight) for weight in model.get_weights()])
    predicted = model.predict(x_valid, batch_size=500, verbose=0).argmax(axis=1)
    names = pd.Index(datasets.CIFAR10_CLASSES, name="true")
    counts = pd.DataFrame(confusion_matrix(y_valid, predicted, 10), names, datasets.CIFAR10_CLASSES)
    write_file(target / "assets" / "models" / f"{model.name}.keras", compact.deflated(model))
    write_file(target / "assets" / "data" / f"{model.name}_confusion.csv", counts.to_csv(lineterminator="\n").encode())
    return float((predicted == y_valid).mean())


def main() -> None:
    parser = common.command_line(__doc__, "cifar10")
    parser.add_argument("kind", choices=("dropout", "baseline", *RECIPES), help="which training, see above")
    parser.add_argument("data", type=Path, nargs="?", help="zip or folder of <class>/<n>.jpg")
    parser.add_argument("--seeds", type=int, nargs="+", default=[SEED], help="one training each (default: 42)")
    parser.add_argument("--precision", choices=("mixed_bfloat16", "float32"), default="mixed_bfloat16", help="of ours")
    arguments = parser.parse_args()
    kind, target = arguments.kind, arguments.target
    images, labels, form = read_images(arguments.data)
    split = split_images(images, labels, arguments.limit)
    n_train, n_valid = len(split[1]), len(split[3])
    ours = kind in RECIPES
    recipe = replace(RECIPES[kind], precision=arguments.precision) if ours else Recipe(EPOCHS)
    recipe = replace(recipe, epochs=arguments.epochs or recipe.epochs)
    words = ["python -m tools.train.cifar10", kind, *([arguments.data.name] if arguments.data else [])]
    words += ["--seeds", *map(str, arguments.seeds)] if arguments.seeds != [SEED] else []
    words += ["--precision", arguments.precision] if ours and arguments.precision != Recipe.precision else []
    record = {
        "command": " ".join(words),
        "data": f"the {n_train + n_valid:,} CIFAR-10 training images, {n_train} for training, {n_valid} for validation",
        "pictures": form,
        "versions": common.versions(),
        "recipe": asdict(recipe)
        if ours
        else {"epochs": recipe.epochs, "batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE},
        **common.trial(arguments.epochs, arguments.limit),
    }
    accuracies = {}
    for seed in arguments.seeds:
        print(f"Seed {seed}:")
        folder = target / f"{kind}_{seed}"
        if ours:
            model, run = train_ours(replace(recipe, seed=seed), split, folder)
        else:
            model, run = train_lesson(kind == "dropout", split, folder, seed, recipe.epochs)
        accuracies[seed] = run["history"]["val_accuracy"][-1]
        if seed == arguments.seeds[0]:
            record |= {"seed": seed, "parameters": model.count_params(), **run}
            if kind in ("dropout", "medium"):
                network = shipped_ours(model, recipe) if ours else shipped_lesson(model)
                record["shipped_val_accuracy"] = round(ship(network, split, target), 5)
    record["val_accuracy_by_seed"] = accuracies
    mean = statistics.mean(accuracies.values())
    sentence = f"Validation accuracy {mean:.2%} in epoch {recipe.epochs}, on average over {len(accuracies)} seeds."
    common.finish(target, "cifar10_history.json", {kind: record}, sentence)


if __name__ == "__main__":
    main()
