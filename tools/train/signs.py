"""Fine-tune EfficientNet-Lite0 on German traffic signs, photographed or rendered, and score it on photographs.

    python -m tools.train.signs real gtsrb_40_per_class.zip --work /tmp/signs
    python -m tools.train.signs rendered gtsrb_40_per_class.zip --work /tmp/signs
    python -m tools.train.signs ways gtsrb_40_per_class.zip --work /tmp/signs
    python -m tools.train.signs lesson gtsrb_40_per_class.zip

The zip holds GTSRB in lesson 8's layout: Train/<id>/ and Valid/<id>/ with 28 and 12 photographs a class, Test/ and
Test.csv with half of the official test set. `real` trains on its 1,204 training images; `rendered` trains on the drawn
signs of assets/data/traffic_signs.zip and on no photograph at all. Both answer for the same test photographs and write
their part of assets/data/gtsrb_history.json. A training can be stopped and started again: its state after every epoch
is in --work. `real` costs twelve minutes of one core, half as much on two; `rendered` two and a half. `ways` compares
three ways of training on the photographs, at 64 pixels and for 20 epochs each: from scratch, with every layer of Lite0
frozen, and fine-tuned; it writes assets/data/gtsrb_ways.json. `lesson` runs lesson 8's own cells up to its fine-tuning,
in quick mode, and scores that network, too, on the test photographs; it writes its part of gtsrb_history.json.

What goes beyond lesson 8's recipe: images of 112 pixels; more augmentation; softened labels; batch normalisation that
learns the statistics of road signs; normalised contrast (in trials on rendered signs these last two changed nothing);
and an image is judged in five positions whose probabilities are averaged. The scores of one view are in the file too.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import zipfile
from dataclasses import asdict, dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from utils import paths

from utils import runtime  # isort: skip  (first, since it keeps TensorFlow's start-up messages away)

import keras
import nbformat
import numpy as np
from keras import layers, ops
from PIL import Image

from tools.train.cifar10 import KeepHistory
from utils.confusion import confusion_matrix, recall_per_class

tf = runtime.tf

TARGET = paths.ASSETS / "data" / "gtsrb_history.json"
WAYS_TARGET = paths.ASSETS / "data" / "gtsrb_ways.json"
RENDERED = paths.ASSETS / "data" / "traffic_signs.zip"
BACKBONE = paths.ASSETS / "models" / "efficientnet_lite0.keras"
CLASSES = 43
DATA = "GTSRB: 28 training and 12 validation photographs of each of 43 classes, half of the official test set"
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


def decode(content: bytes, size: int) -> np.ndarray:
    """An image file as a square of (size, size, 3) uint8."""
    image = Image.open(BytesIO(content)).convert("RGB")
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def read_part(path: Path, part: str, size: int) -> Images:
    """The images of Train, Valid or Test; the labels are folder names, or for Test those of Test.csv."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(archive.namelist())
        table = next(name for name in names if name.endswith("Test.csv"))
        root = table.removesuffix("Test.csv")
        if part == "Test":
            rows = list(csv.DictReader(StringIO(archive.read(table).decode())))
            files = [(root + row["Path"], int(row["ClassId"])) for row in rows]
        else:
            inside = [name for name in names if name.startswith(f"{root}{part}/") and not name.endswith("/")]
            files = [(name, int(name.split("/")[-2])) for name in inside]
        images = np.stack([decode(archive.read(name), size) for name, _ in files])
    return images, np.array([label for _, label in files])


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


def train(train_set: Images, valid_set: Images, settings: Settings, work: Path) -> tuple[keras.Model, dict]:
    """The model after all epochs and its history; from the first epoch, or from where it was interrupted."""
    work.mkdir(parents=True, exist_ok=True)
    kept, weights = work / "history.json", work / "signs.weights.h5"
    keras.utils.set_random_seed(settings.seed)
    model = build(settings)
    if weights.exists():
        model.load_weights(weights)
    else:
        steps = len(train_set[0]) // settings.batch_size
        compile_model(model, settings, steps)
        valid = (valid_set[0], keras.utils.to_categorical(valid_set[1], CLASSES))
        callbacks = [KeepHistory(kept), keras.callbacks.BackupAndRestore(work / "state")]
        model.fit(batches(*train_set, settings), steps_per_epoch=steps, epochs=settings.epochs,
                  validation_data=valid, callbacks=callbacks, shuffle=False, verbose=0)  # fmt: skip
        model.save_weights(weights)
    rows = json.loads(kept.read_text())
    return model, {key: [row[key] for row in rows] for key in rows[0]}


def scores(model: keras.Model, test_set: Images) -> dict:
    """Accuracy on the test photographs, with five views and with one, and the recall of each class."""
    images, labels = test_set
    answers = {views: probabilities(model, images, views).argmax(axis=1) for views in (1, len(VIEWS))}
    matrix = confusion_matrix(labels, answers[len(VIEWS)], CLASSES)
    return {
        "test_accuracy": round(float((answers[len(VIEWS)] == labels).mean()), 5),
        "test_accuracy_one_view": round(float((answers[1] == labels).mean()), 5),
        "test_images": len(labels),
        "recall": [round(float(value), 4) for value in recall_per_class(matrix)],
    }


def run(kind: str, path: Path, work: Path, settings: Settings) -> dict:
    """Train on photographs or on rendered signs and score on the test photographs of the zip."""
    source = RENDERED if kind == "rendered" else path
    train_set, valid_set = (read_part(source, part, settings.size) for part in ("Train", "Valid"))
    model, history = train(train_set, valid_set, settings, work)
    valid = probabilities(model, valid_set[0]).argmax(axis=1)
    return {
        "command": f"python -m tools.train.signs {kind} {path.name} --work FOLDER",
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
        "settings": asdict(settings),
        "images_per_class": len(train_set[0]) // CLASSES,
        "history": history,
        "valid_accuracy": round(float((valid == valid_set[1]).mean()), 5),
        **scores(model, read_part(path, "Test", settings.size)),
    }


def lesson_on_photographs(path: Path) -> dict:
    """Lesson 8's fine-tuned network, trained on rendered signs by the lesson's own cells, on the test photographs."""
    cells = nbformat.read(next((paths.ROOT / "notebooks").glob("08_*.ipynb")), as_version=4).cells
    scope: dict[str, Any] = {"__name__": "__main__"}  # dataclasses look for their module
    for cell in cells:
        if cell.cell_type == "code" and not cell.id.startswith("demo"):
            exec(compile(cell.source, cell.id, "exec"), scope)
        if cell.id == "fine-tune":
            break
    images, labels = read_part(path, "Test", scope["settings"].size)
    answers = scope["model"].predict(images.astype("float32"), batch_size=64, verbose=0).argmax(axis=1)
    matrix = confusion_matrix(labels, answers, CLASSES)
    return {
        "command": f"python -m tools.train.signs lesson {path.name}",
        "test_accuracy": round(float((answers == labels).mean()), 5),
        "test_images": len(labels),
        "recall": [round(float(value), 4) for value in recall_per_class(matrix)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=(*SETTINGS, "ways", "lesson"), help="which training, see above")
    parser.add_argument("zip", type=Path, help="zip of Train/<id>/, Valid/<id>/, Test/ and Test.csv")
    parser.add_argument("--work", type=Path, help="folder for the state between epochs; not for `lesson`")
    arguments = parser.parse_args()
    if arguments.kind != "lesson" and arguments.work is None:
        parser.error(f"{arguments.kind} needs --work")
    if arguments.kind == "ways":
        result = {name: run("ways", arguments.zip, arguments.work / name, one) for name, one in WAYS.items()}
        WAYS_TARGET.write_text(json.dumps(result, indent=1) + "\n")
        print(f"wrote {WAYS_TARGET}")
        return
    kept = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    others = ("rendered_to_real", "lesson_to_real")
    if arguments.kind == "lesson":
        result = {**kept, "lesson_to_real": lesson_on_photographs(arguments.zip)}
    else:
        result = run(arguments.kind, arguments.zip, arguments.work / arguments.kind, SETTINGS[arguments.kind])
        if arguments.kind == "real":
            result = {"data": DATA, **result, **{name: kept.get(name) for name in others}}
        else:
            result = {**kept, "rendered_to_real": result}
    TARGET.write_text(json.dumps(result, indent=1) + "\n")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
