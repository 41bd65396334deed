"""Train lesson 9's small HRNet on the real CamVid frames, score it, and export it as a SavedModel.

    python -m tools.data.street_photos training photos.zip
    python -m tools.train.hrnet train camvid_trainval.zip photos.zip photos.zip --work /tmp/hrnet
    python -m tools.train.hrnet evaluate camvid_trainval.zip --work /tmp/hrnet
    python -m tools.train.hrnet export --work /tmp/hrnet

The first zip holds 367 training and 101 validation frames of 360x480 with masks of the ids 0-10 (CLASSES) and 11
(unlabelled); further ones only training frames. A zip that is named twice is seen twice an epoch. A training can be
stopped and started again: its state after every epoch is in --work. `evaluate` writes assets/data/hrnet_scores.json,
`export` the SavedModel assets/models/hrnet_small.

The network follows HRNet (Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", 2020):
parallel branches at strides 4, 8 and 16 that exchange their features, here with 32, 64 and 96 channels. They begin
with the maps of a stem that is trained on ImageNet, the first blocks of lesson 7's EfficientNet-Lite0. The head also
sees the stem's map at stride 2, since poles and signs are a few pixels wide.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

from utils import paths

from utils import runtime  # isort: skip  (first, since it keeps TensorFlow's start-up messages away)

import keras
import numpy as np
from keras import layers
from PIL import Image

from tools.train.fused import FusedBatchNormalization, fuse

tf = runtime.tf

CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "cyclist",
)  # fmt: skip
UNLABELLED = len(CLASSES)
CAMVID_IDS = (21, 4, 8, 17, 19, 26, 20, 9, 5, 16, 2)  # the same classes among CamVid's 32, in alphabetical order
BACKBONE = paths.ASSETS / "models" / "efficientnet_lite0.keras"
STEM_LAYERS = ("block01_project_bn", "block03_add", "block05_add", "block11_add")
WIDTHS = (32, 64, 96)
CROP = (256, 320)
BATCH_SIZE = 8
LEARNING_RATE = 1e-3
EPOCHS = 70
SEED = 42
COMMAND = "python -m tools.train.hrnet train camvid_trainval.zip photos.zip photos.zip --work FOLDER"


# ---------------------------------------------------------------------------------------------------------------- data
def read_frames(path: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The frames of "train" or "val": (N, 360, 480, 3) uint8 and their masks, (N, 360, 480) uint8 in 0..11."""
    with zipfile.ZipFile(path) as archive:

        def read(folder: str) -> np.ndarray:
            names = sorted(name for name in archive.namelist() if f"/{part}/{folder}/" in name and "." in name)
            return np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])

        return read("images"), read("labels")


def class_weights(masks: np.ndarray) -> np.ndarray:
    """1 / ln(1.10 + frequency) per class (after Paszke et al., 2016), its root, scaled to mean 1: (11,) float32."""
    counts = np.bincount(masks.ravel(), minlength=12)[:UNLABELLED]
    weights = np.log(1.10 + counts / counts.sum()) ** -0.5
    return (weights / weights.mean()).astype(np.float32)


def random_view(frame: Any, mask: Any) -> tuple[Any, Any]:
    """A random crop at a random scale and aspect, perhaps mirrored, resized to CROP: float32 in [0, 1] and int32."""
    uniform = tf.random.uniform
    scale = tf.exp(uniform([], tf.math.log(0.6), tf.math.log(1.9)))
    aspect = tf.exp(uniform([], -0.15, 0.15))
    size = tf.stack([CROP[0] / scale * aspect, CROP[1] / scale / aspect])
    size = tf.minimum(tf.cast(size, tf.int32), tf.shape(mask))
    corner = tf.cast(uniform([2]) * tf.cast(tf.shape(mask) - size + 1, tf.float32), tf.int32)
    frame = frame[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
    mask = mask[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
    if uniform([]) < 0.5:
        frame, mask = frame[:, ::-1], mask[:, ::-1]
    frame = tf.image.resize(frame, CROP, antialias=False) / 255
    mask = tf.image.resize(mask[..., None], CROP, method="nearest")[..., 0]
    return frame, tf.cast(mask, tf.int32)


def random_camera(frame: Any, mask: Any) -> tuple[Any, Any]:
    """Another camera and light: blur, colour cast, saturation, contrast, gamma, noise. The mask stays."""
    uniform = tf.random.uniform
    if uniform([]) < 0.25:
        factor = uniform([], 1.5, 3.0)
        small = tf.image.resize(frame, tf.cast(tf.constant(CROP, tf.float32) / factor, tf.int32), antialias=True)
        frame = tf.image.resize(small, CROP)
    frame *= uniform([1, 1, 3], 0.85, 1.15)
    grey = tf.reduce_mean(frame, axis=-1, keepdims=True)
    frame = grey + (frame - grey) * (0.0 if uniform([]) < 0.05 else uniform([], 0.4, 1.6))
    mean = tf.reduce_mean(frame)
    frame = mean + (frame - mean) * uniform([], 0.6, 1.5)
    frame = tf.clip_by_value(frame * uniform([], 0.6, 1.5), 0, 1) ** tf.exp(uniform([], -0.5, 0.5))
    frame += tf.random.normal(tf.shape(frame), stddev=uniform([], 0, 0.03))
    return tf.clip_by_value(frame, 0, 1), mask


# --------------------------------------------------------------------------------------------------------------- model
def convolve(x: Any, filters: int, size: int = 3, stride: int = 1, relu: bool = True) -> Any:
    """Convolution, batch normalisation and, if asked for, ReLU."""
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    x = FusedBatchNormalization(momentum=0.97)(x)
    return layers.ReLU()(x) if relu else x


def residual(x: Any) -> Any:
    """Two 3x3 convolutions and the shortcut around them; the number of channels stays."""
    y = convolve(convolve(x, x.shape[-1]), x.shape[-1], relu=False)
    return layers.ReLU()(layers.Add()([x, y]))


class UpsampleLike(layers.Layer):
    """Bilinear resize of the first map to the size of the second; Keras's own layers and ops need fixed sizes."""

    def call(self, inputs: list[Any]) -> Any:
        x, like = inputs
        return tf.cast(tf.image.resize(x, tf.shape(like)[1:3]), x.dtype)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        return (*input_shape[1][:3], input_shape[0][3])


def exchange(branches: list[Any]) -> list[Any]:
    """Every branch receives the sum of all: finer ones by strided convolutions, coarser ones by 1x1 and upsampling."""
    results = []
    for target, like in enumerate(branches):
        parts = []
        for source, x in enumerate(branches):
            if source < target:
                for step in range(source, target):
                    x = convolve(x, WIDTHS[step + 1], stride=2, relu=step + 1 < target)
            elif source > target:
                x = UpsampleLike()([convolve(x, WIDTHS[target], size=1, relu=False), like])
            parts.append(x)
        results.append(layers.ReLU()(layers.Add()(parts)))
    return results


def stem() -> keras.Model:
    """The first eleven blocks of EfficientNet-Lite0, with their weights: RGB in 0..255 to maps at strides 2 to 16."""
    lite0 = keras.models.load_model(BACKBONE)
    return fuse(keras.Model(lite0.input, [lite0.get_layer(name).output for name in STEM_LAYERS]))


def build() -> keras.Model:
    """(N, H, W, 3) float RGB in [0, 1], of any height and width, to (N, H, W, 11) logits."""
    inputs = keras.Input((None, None, 3))
    fine, *maps = stem()(layers.Rescaling(255.0)(inputs))
    branches = [convolve(x, width, size=1) for x, width in zip(maps, WIDTHS, strict=True)]
    for _ in range(2):
        branches = exchange([residual(x) for x in branches])
    joined = layers.Concatenate()([branches[0]] + [UpsampleLike()([x, branches[0]]) for x in branches[1:]])
    x = layers.SpatialDropout2D(0.1)(convolve(joined, 64, size=1))
    x = layers.Concatenate()([UpsampleLike()([x, fine]), fine])
    x = convolve(x, 32)
    logits = layers.Conv2D(len(CLASSES), 1)(x)
    return keras.Model(inputs, UpsampleLike()([logits, inputs]))


def segmentation_loss(weights: np.ndarray) -> Any:
    """Weighted cross-entropy plus half of (1 - soft IoU of the classes present); unlabelled pixels do not count."""

    def loss(mask: Any, logits: Any) -> Any:
        mask = tf.cast(mask, tf.int32)  # Keras hands integer targets on as floats
        known = tf.cast(mask < UNLABELLED, tf.float32)
        one_hot = tf.one_hot(mask, len(CLASSES))  # all zeros for an unlabelled pixel
        weight = tf.reduce_sum(one_hot * weights, axis=-1)
        entropy = tf.nn.softmax_cross_entropy_with_logits(one_hot, logits)
        entropy = tf.reduce_sum(weight * entropy) / (tf.reduce_sum(weight) + 1)
        probabilities = tf.nn.softmax(logits) * known[..., None]
        both = tf.reduce_sum(one_hot * probabilities, axis=(0, 1, 2))
        size = tf.reduce_sum(one_hot, axis=(0, 1, 2))
        union = size + tf.reduce_sum(probabilities, axis=(0, 1, 2)) - both
        present = tf.cast(size > 0, tf.float32)
        jaccard = tf.reduce_sum(present * (1 - both / (union + 1))) / tf.reduce_sum(present)
        return entropy + 0.5 * jaccard

    return loss


# ------------------------------------------------------------------------------------------------------------ commands
def confusion(model: keras.Model, frames: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(11, 11) counts of pixels over whole frames, row = true class."""
    matrix = np.zeros((len(CLASSES),) * 2, np.int64)
    for start in range(0, len(frames), BATCH_SIZE):
        logits = model.predict_on_batch(frames[start : start + BATCH_SIZE] / np.float32(255))
        predicted = np.asarray(logits).argmax(axis=-1)
        true = masks[start : start + BATCH_SIZE]
        known = true < UNLABELLED
        pairs = true[known] * len(CLASSES) + predicted[known]
        matrix += np.bincount(pairs, minlength=matrix.size).reshape(matrix.shape)
    return matrix


def intersection_over_union(matrix: np.ndarray) -> np.ndarray:
    """IoU per class from a confusion matrix: (K,) floats in [0, 1]."""
    return np.diag(matrix) / (matrix.sum(axis=0) + matrix.sum(axis=1) - np.diag(matrix))


class Report(keras.callbacks.Callback):
    """Every few epochs the IoU on the validation frames, into a file."""

    def __init__(self, path: Path, frames: np.ndarray, masks: np.ndarray) -> None:
        super().__init__()
        self.path, self.frames, self.masks, self.began = path, frames, masks, 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        seconds = round(time.perf_counter() - self.began, 1)
        row: dict[str, Any] = {"epoch": epoch + 1, "loss": round(logs["loss"], 4), "seconds": seconds}
        if epoch % 10 == 9:
            iou = intersection_over_union(confusion(self.model, self.frames, self.masks))
            row["mean_iou"] = round(float(iou.mean()), 4)
            row["iou"] = dict(zip(CLASSES, iou.round(3).tolist(), strict=True))
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")


def train(data: list[Path], work: Path, epochs: int, rate: float) -> None:
    work.mkdir(parents=True, exist_ok=True)
    frames, masks = (np.concatenate(part) for part in zip(*(read_frames(path, "train") for path in data), strict=True))
    valid = read_frames(data[0], "val")
    keras.utils.set_random_seed(SEED)
    model = build()
    steps = len(frames) // BATCH_SIZE
    decay = keras.optimizers.schedules.CosineDecay(1e-4, epochs * steps, warmup_target=rate, warmup_steps=steps)
    optimizer = keras.optimizers.AdamW(decay, weight_decay=1e-3, clipnorm=5.0)
    model.compile(optimizer, segmentation_loss(class_weights(masks)))
    views = tf.data.Dataset.from_tensor_slices((frames, masks)).shuffle(len(frames)).repeat()
    views = views.map(random_view, 2).map(random_camera, 2).batch(BATCH_SIZE).prefetch(2)
    callbacks = [Report(work / "log.jsonl", *valid), keras.callbacks.BackupAndRestore(work / "state")]
    model.fit(views, epochs=epochs, steps_per_epoch=steps, callbacks=callbacks, verbose=2)
    model.save_weights(work / "hrnet.weights.h5")


class Segmenter(tf.Module):
    """What is exported: `predict`, as the HRNet on TensorFlow Hub has it."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.values = [variable.value for variable in model.variables]  # what is saved
        self._model = lambda images: model(
            images, training=False
        )  # not tracked, or each layer's functions would be saved, too
        channels = np.zeros((len(CLASSES), 33), np.float32)
        channels[range(len(CLASSES)), np.add(CAMVID_IDS, 1)] = 1
        self.channels = tf.constant(channels)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
    def predict(self, images: Any) -> Any:
        """(N, H, W, 3) RGB in [0, 1] to (N, H, W, 33) probabilities: the background, then CamVid's 32 classes."""
        return tf.tensordot(tf.nn.softmax(self._model(images)), self.channels, 1)


def trained(work: Path) -> keras.Model:
    model = build()
    model.load_weights(work / "hrnet.weights.h5")
    return model


def evaluate(data: Path, work: Path, target: Path) -> None:
    history = [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]
    matrix = confusion(trained(work), *read_frames(data, "val"))
    iou = intersection_over_union(matrix)
    for name, value in zip(CLASSES, iou, strict=True):
        print(f"{name:10} {value:.3f}")
    scores = {
        "data": "the 101 validation frames of CamVid, 360x480; rows of `confusion` are true classes, entries pixels",
        "versions": {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__},
        "command": COMMAND,
        "seed": SEED,
        "epochs": len(history),
        "seconds": round(sum(row["seconds"] for row in history)),
        "loss": [row["loss"] for row in history],
        "classes": CLASSES,
        "iou": iou.round(4).tolist(),
        "mean_iou": round(float(iou.mean()), 4),
        "pixel_accuracy": round(float(np.diag(matrix).sum() / matrix.sum()), 4),
        "confusion": matrix.tolist(),
    }
    target.write_text(json.dumps(scores) + "\n", encoding="utf-8")
    print(f"mean IoU {scores['mean_iou']:.3f}, pixel accuracy {scores['pixel_accuracy']:.3f}")


def export(work: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    tf.saved_model.save(Segmenter(trained(work)), str(target))
    files = [path for path in sorted(target.rglob("*")) if path.is_file()]
    print(*(f"{path.relative_to(target)}: {path.stat().st_size:,} bytes" for path in files), sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("train")
    command.add_argument("data", type=Path, nargs="+", help="camvid_trainval.zip, and zips of further training frames")
    command.add_argument("--epochs", type=int, default=EPOCHS)
    command.add_argument("--rate", type=float, default=LEARNING_RATE, help="largest learning rate")
    command = commands.add_parser("evaluate")
    command.add_argument("data", type=Path, help="camvid_trainval.zip")
    command.add_argument("--target", type=Path, default=paths.ASSETS / "data" / "hrnet_scores.json")
    command = commands.add_parser("export")
    command.add_argument("--target", type=Path, default=paths.ASSETS / "models" / "hrnet_small")
    for command in commands.choices.values():
        command.add_argument("--work", type=Path, required=True, help="folder of the training's state and weights")
    arguments = vars(parser.parse_args())
    {"train": train, "evaluate": evaluate, "export": export}[arguments.pop("command")](**arguments)


if __name__ == "__main__":
    main()
