"""Fine-tune EfficientNet-Lite0 on German traffic signs, photographed or rendered, and score it on photographs.

    python -m tools.train.signs real gtsrb_40_per_class.zip
    python -m tools.train.signs rendered gtsrb_40_per_class.zip
    python -m tools.train.signs ways gtsrb_40_per_class.zip
    python -m tools.train.signs lesson gtsrb_40_per_class.zip
    python -m tools.train.signs rules gtsrb_40_per_class.zip --seeds 42 1 2
    python -m tools.train.signs opener assets/data/traffic_signs.zip

The zip or folder holds GTSRB in lesson 8's layout: Train/<id>/ and Valid/<id>/ with 28 and 12 photographs a class,
Test/ and Test.csv with half of the official test set. `real` trains on its 1,204 training images; `rendered` trains on
the drawn signs of assets/data/traffic_signs.zip and on no photograph at all. Both answer for the same test photographs.
A training can be stopped and started again. `real` costs twelve minutes of one core, half as much on two; `rendered`
two and a half. `ways` compares three ways of training on the photographs, at 64 pixels and for 20 epochs each: from
scratch, with every layer of Lite0 frozen, and fine-tuned. `lesson` runs lesson 8 up to its fine-tuning, in quick mode,
and scores that network, too, on the test photographs. `rules` measures six learning rates on validation signs, breaks
each of the lesson's three rules of fine-tuning alone, with several seeds, on photographs and on rendered signs, and
also leaves the base frozen (tools.train.rules).
`opener` trains the network that opens the lesson, on the rendered signs, and writes models/traffic_signs.keras.

What goes beyond lesson 8's recipe: images of 112 pixels; more augmentation; softened labels; batch normalisation that
learns the statistics of road signs; normalised contrast (in trials on rendered signs these last two changed nothing);
and an image is judged in five positions whose probabilities are averaged. The scores of one view are in the file too.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import keras
import nbformat
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers, ops
from nbclient import NotebookClient

from tools.data import compact
from tools.train import common, rules
from tools.train.data import PICTURE, open_data, resized
from utils import paths
from utils.confusion import confusion_matrix, recall_per_class

CLASSES, OFFICIAL_TEST = 43, 12_630
BACKBONE = paths.ASSETS / "models" / "efficientnet_lite0.keras"
RENDERED = paths.ASSETS / "data" / "traffic_signs.zip"
Images = tuple[np.ndarray, np.ndarray]  # (N, size, size, 3) uint8 and their labels, (N,) int64


@dataclass(frozen=True)
class Settings:
    """What one training depends on, apart from its images."""

    size: int
    epochs: int
    frozen: str = "block02"  # the last block of Lite0 that keeps ImageNet's weights
    cut: str = "block12_expand_relu6"  # the layer of Lite0 whose output is kept
    batch_size: int = 32
    learning_rate: float = 0.0015  # the highest; it rises for one epoch and falls along a cosine
    label_smoothing: float = 0.05
    dropout: float = 0.3
    seed: int = 42
    pretrained: bool = True  # otherwise Lite0 begins with random weights and all of it learns


SETTINGS = {"real": Settings(size=112, epochs=30), "rendered": Settings(size=64, epochs=10)}
WAYS = {
    "from scratch": Settings(size=64, epochs=20, frozen="", pretrained=False),
    "frozen": Settings(size=64, epochs=20, frozen="every block"),
    "fine-tuned": Settings(size=64, epochs=20),
}


def read_part(path: Path, part: str, size: int, limit: int | None = None) -> Images:
    """The images of Train, Valid or Test; the labels are folder names, or for Test those of Test.csv.

    Args:
        path: zip or folder.
        part: "Train", "Valid" or "Test".
        size: the images become squares of so many pixels.
        limit: at most so many images, evenly spaced over the classes.

    Raises:
        SystemExit: the path does not hold GTSRB in this layout.
    """
    pictures = open_data(path, "GTSRB")
    table = next(name for name in pictures.names if name.endswith("Test.csv"))
    top = table.removesuffix("Test.csv")
    if part == "Test":
        rows = pd.read_csv(BytesIO(pictures.content(table)))
        files = [(top + name, label) for name, label in zip(rows["Path"], rows["ClassId"], strict=True)]
    else:
        inside = [name for name in pictures.names if re.fullmatch(rf"{re.escape(top + part)}/\d+/{PICTURE}", name)]
        files = [(name, int(Path(name).parent.name)) for name in inside]
    if not files:
        sys.exit(f"{path.name} has no pictures in {part}/<class>/.")
    if limit and limit < len(files):
        files = [files[i] for i in np.linspace(0, len(files) - 1, limit).astype(int)]
    images = np.stack([resized(pictures.picture(name), size) for name, _ in files])
    return images, np.array([label for _, label in files], np.int64)


@keras.saving.register_keras_serializable("signs")
class Contrast(layers.Layer):
    """Standardise an image by its middle, where the sign is: photographs by day and at dusk then look alike."""

    def call(self, images: Any) -> Any:
        edge = images.shape[1] // 6
        middle = images[:, edge:-edge, edge:-edge]
        mean = ops.mean(middle, axis=(1, 2, 3), keepdims=True)
        deviation = ops.std(middle, axis=(1, 2, 3), keepdims=True)
        return ops.clip(127 + 64 * (images - mean) / (deviation + 2), 0, 255)


def build(settings: Settings) -> keras.Model:
    """Pixels 0..255 in, 43 logits out: contrast, Lite0 up to its cut, average pooling, dropout and a dense layer."""
    lite0 = keras.models.load_model(BACKBONE)
    features = keras.Model(lite0.input, lite0.get_layer(settings.cut).output, name="lite0")
    if not settings.pretrained:
        features = keras.models.clone_model(features)
    names = [layer.name for layer in features.layers]
    blocks = (i for i, name in enumerate(names) if name.startswith("block") and name[:7] > settings.frozen)
    first = next(blocks, len(names)) if settings.frozen else 0
    for i, layer in enumerate(features.layers):
        layer.trainable = i >= first
    return keras.Sequential(
        [
            keras.Input((settings.size, settings.size, 3)),
            Contrast(name="contrast"),
            features,
            layers.GlobalAveragePooling2D(),
            layers.Dropout(settings.dropout),
            layers.Dense(CLASSES),
        ]
    )


def make_augmentation(seed: int) -> keras.Sequential:
    """Changes that leave a sign's meaning alone: small movements, never a flip."""
    return keras.Sequential(
        [
            layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", seed=seed),
            layers.RandomRotation(0.035, fill_mode="nearest", seed=seed + 1),
            layers.RandomZoom((-0.15, 0.2), (-0.15, 0.2), fill_mode="nearest", seed=seed + 2),
            layers.RandomShear(0.1, 0.1, fill_mode="nearest", seed=seed + 3),
        ]
    )


def batches(images: np.ndarray, labels: np.ndarray, settings: Settings) -> tf.data.Dataset:
    """Shuffled, augmented batches: moved; some of them blurred by way of fewer pixels; in other light and colour."""
    move, size = make_augmentation(settings.seed), settings.size

    def augment(batch: Any, answers: Any) -> tuple[Any, Any]:
        moved = move(tf.cast(batch, tf.float32), training=True)
        n = tf.shape(moved)[0]
        small = tf.cast(tf.random.uniform((), 16, 0.7 * size), tf.int32)
        blurred = tf.image.resize(tf.image.resize(moved, (small, small), antialias=True), (size, size))
        moved = tf.where(tf.random.uniform((n, 1, 1, 1)) < 0.3, blurred, moved)
        light = tf.exp(tf.random.normal((n, 1, 1, 1), 0.0, 0.35) + tf.random.normal((n, 1, 1, 3), 0.0, 0.06))
        return tf.clip_by_value(moved * light, 0, 255), answers

    data = tf.data.Dataset.from_tensor_slices((images, keras.utils.to_categorical(labels, CLASSES)))
    data = data.shuffle(len(images), seed=settings.seed).repeat().batch(settings.batch_size, drop_remainder=True)
    return data.map(augment).prefetch(2)


VIEWS = ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))


def probabilities(model: keras.Model, images: np.ndarray, views: int = len(VIEWS)) -> np.ndarray:
    """Softmax, (N, 43), averaged over the image as it is and shifted by a twentieth of its size to each corner."""
    step = round(images.shape[1] / 20)
    padded = np.pad(images, ((0, 0), (step, step), (step, step), (0, 0)), mode="edge")
    total = np.zeros((len(images), CLASSES))
    for dy, dx in VIEWS[:views]:
        top, left, size = step * (1 + dy), step * (1 + dx), images.shape[1]
        logits = model.predict(padded[:, top : top + size, left : left + size], batch_size=64, verbose=0)
        total += np.asarray(ops.softmax(logits))
    return total / views


def compile_model(model: keras.Model, settings: Settings, steps_per_epoch: int) -> None:
    """The optimizer, its schedule, and the loss."""
    rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 30,
        max(1, (settings.epochs - 1) * steps_per_epoch),
        warmup_target=settings.learning_rate,
        warmup_steps=steps_per_epoch,
    )
    model.compile(
        keras.optimizers.Adam(rate, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing),
        metrics=["accuracy"],
    )


def train(train_set: Images, valid_set: Images, settings: Settings, folder: Path) -> tuple[keras.Model, dict]:
    """The model after all epochs and its history."""
    keras.utils.set_random_seed(settings.seed)
    model = build(settings)
    steps = max(1, len(train_set[0]) // settings.batch_size)
    compile_model(model, settings, steps)
    return common.train(
        model,
        folder,
        asdict(settings) | {"images": len(train_set[0])},
        x=batches(*train_set, settings),
        steps_per_epoch=steps,
        epochs=settings.epochs,
        validation_data=(valid_set[0], keras.utils.to_categorical(valid_set[1], CLASSES)),
        shuffle=False,
    )


def scores(model: keras.Model, test_set: Images) -> dict[str, Any]:
    """Accuracy on the test photographs, with five views and with one, and the recall of each class."""
    images, labels = test_set
    answers = {views: probabilities(model, images, views).argmax(axis=1) for views in (1, len(VIEWS))}
    return {
        "test_accuracy": accuracy(answers[len(VIEWS)], labels),
        "test_accuracy_one_view": accuracy(answers[1], labels),
        "test_images": len(labels),
        "recall": recall(answers[len(VIEWS)], labels),
    }


def accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    """The share of right answers, in [0, 1]."""
    return round(float((answers == labels).mean()), 5)


def recall(answers: np.ndarray, labels: np.ndarray) -> list[float]:
    """The share of right answers in each of the 43 classes; of a class without photographs it is nan."""
    return [round(float(value), 4) for value in recall_per_class(confusion_matrix(labels, answers, CLASSES))]


def run(kind: str, path: Path, folder: Path, settings: Settings, limit: int | None = None) -> dict[str, Any]:
    """Train on photographs or on rendered signs and score on the test photographs."""
    source = RENDERED if kind == "rendered" else path
    train_set, valid_set = (read_part(source, part, settings.size, limit) for part in ("Train", "Valid"))
    test_set = read_part(path, "Test", settings.size, limit)
    model, history = train(train_set, valid_set, settings, folder)
    valid = probabilities(model, valid_set[0]).argmax(axis=1)
    return {
        "command": f"python -m tools.train.signs {kind} {path.name}",
        "versions": common.versions(),
        "settings": asdict(settings),
        "images_per_class": len(train_set[0]) // CLASSES,
        "valid_images": len(valid_set[0]),
        "history": history,
        "valid_accuracy": accuracy(valid, valid_set[1]),
        **scores(model, test_set),
    }


def described(result: dict[str, Any]) -> str:
    """The photographs that a result is about, in words."""
    train, valid, test = result["images_per_class"], result["valid_images"] // CLASSES, result["test_images"]
    parts = {OFFICIAL_TEST: "the official test set", OFFICIAL_TEST // 2: "half of the official test set"}
    part = parts.get(test, f"{test:,} photographs of the official test set")
    return f"GTSRB: {train} training and {valid} validation photographs of each of {CLASSES} classes, {part}"


def train_lesson(kept: Path) -> None:
    """Run lesson 8 in a kernel, in quick mode, up to its fine-tuning, and keep its network as a .keras file."""
    notebook = nbformat.read(next(paths.NOTEBOOKS.glob("08_*.ipynb")), as_version=4)
    trained = [cell.id for cell in notebook.cells].index("fine-tune")
    kept.parent.mkdir(parents=True, exist_ok=True)
    save = nbformat.v4.new_code_cell(f"model.save({str(kept.resolve())!r})")
    notebook.cells = [*notebook.cells[: trained + 1], save]
    print("Lesson 8 runs up to its fine-tuning: about two minutes.", flush=True)
    client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": str(paths.NOTEBOOKS)}})
    client.execute(env=os.environ | {"COURSE_MODE": "quick", "PYTHONPATH": str(paths.ROOT)})


def lesson_on_photographs(path: Path, folder: Path) -> dict[str, Any]:
    """Lesson 8's fine-tuned network, trained on rendered signs by the lesson itself, on the test photographs."""
    open_data(path, "GTSRB")
    kept = folder / "trained.keras"
    if not kept.exists():
        train_lesson(kept)
    model = keras.models.load_model(kept)
    images, labels = read_part(path, "Test", model.input_shape[1])
    answers = model.predict(images.astype("float32"), batch_size=64, verbose=0).argmax(axis=1)
    return {
        "command": f"python -m tools.train.signs lesson {path.name}",
        "versions": common.versions(),
        "test_accuracy": accuracy(answers, labels),
        "test_images": len(labels),
        "recall": recall(answers, labels),
    }


def measure_rules(path: Path, target: Path, seeds: list[int], epochs: int | None, limit: int | None) -> None:
    """Lesson 8's rate, and its three rules, each broken alone, on photographs and on rendered signs."""
    lessons = {rules.KEPT: rules.LESSON, **rules.BROKEN, **rules.FROZEN}
    lessons = {name: replace(lesson, epochs=epochs or lesson.epochs) for name, lesson in lessons.items()}
    size = rules.LESSON.size
    sources = {"rendered signs": RENDERED, "photographs": path}
    sets = {
        kind: (read_part(source, "Train", size, limit), read_part(source, "Test", size, limit))
        for kind, source in sources.items()
    }
    rendered = sets["rendered signs"][0], read_part(RENDERED, "Valid", size, limit)
    rates = rules.measure_rates(rendered, lessons[rules.KEPT], seeds[:2], target / "rules", CLASSES)
    results = rules.measure(sets, seeds, target / "rules", lessons, CLASSES)
    result = {
        "command": f"python -m tools.train.signs rules {path.name} --seeds {' '.join(map(str, seeds))}",
        "versions": common.versions(),
        "seeds": seeds,
        "lessons": {name: asdict(lesson) for name, lesson in lessons.items()},
        "rates": rates,
        **results,
        **common.trial(epochs, limit),
    }
    words = [
        f"{name}, {kind}: {100 * one['mean']:+.1f} points ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})"
        for kind in sources
        for name, one in result[kind]["effect"].items()
    ]
    common.finish(target, "signs_rules.json", result, "\n".join(words))


def train_opener(path: Path, target: Path, epochs: int | None, limit: int | None) -> None:
    """The network that opens lesson 8, its weights rounded to 10 bits: pixels 0..255 in, 43 probabilities out."""
    size = rules.LESSON.size
    lesson = replace(rules.LESSON, epochs=epochs or rules.LESSON.epochs)
    model = rules.train(read_part(path, "Train", size, limit), lesson, 42, CLASSES)
    model = keras.Model(model.inputs, model.outputs)  # without the optimizer
    model.set_weights([compact.round_to_10_bits(values) for values in model.get_weights()])
    file = target / "assets" / "models" / "traffic_signs.keras"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(compact.deflated(model))
    images, labels = read_part(path, "Test", size, limit)
    answers = model.predict(images.astype("float32"), batch_size=64, verbose=0).argmax(axis=1)
    print(f"{accuracy(answers, labels):.2%} of {len(labels):,} rendered test signs. Into the course:")
    print(f"python -m tools.train.publish {target}")


def main() -> None:
    parser = common.command_line(__doc__, "signs")
    parser.add_argument(
        "kind", choices=(*SETTINGS, "ways", "lesson", "rules", "opener"), help="which training, see above"
    )
    parser.add_argument("data", type=Path, help="zip or folder of Train/<id>/, Valid/<id>/, Test/ and Test.csv")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 1, 2], help="of `rules` (%(default)s)")
    arguments = parser.parse_args()
    kind, path, target, limit = arguments.kind, arguments.data, arguments.target, arguments.limit
    shortened = common.trial(arguments.epochs, limit)

    def trained(kind: str, name: str, settings: Settings) -> dict[str, Any]:
        settings = replace(settings, epochs=arguments.epochs or settings.epochs)
        return run(kind, path, target / name, settings, limit) | shortened

    if kind == "rules":
        if len(arguments.seeds) not in rules.T_95:
            parser.error("an interval takes two to five seeds")
        measure_rules(path, target, arguments.seeds, arguments.epochs, limit)
        return
    if kind == "opener":
        train_opener(path, target, arguments.epochs, limit)
        return
    if kind == "ways":
        result = {}
        for name, settings in WAYS.items():
            print(f"Lite0 {name}:")
            result[name] = trained(kind, name.replace(" ", "_"), settings)
        words = [f"{name} {one['test_accuracy']:.2%}" for name, one in result.items()]
        common.finish(target, "gtsrb_ways.json", result, f"Accuracy on the test photographs: {', '.join(words)}.")
        return
    result = lesson_on_photographs(path, target / kind) if kind == "lesson" else trained(kind, kind, SETTINGS[kind])
    sentence = f"Accuracy on {result['test_images']:,} test photographs: {result['test_accuracy']:.2%}."
    entry = {"data": described(result), **result} if kind == "real" else {f"{kind}_to_real": result}
    common.finish(target, "gtsrb_history.json", entry, sentence)


if __name__ == "__main__":
    main()
