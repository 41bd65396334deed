"""Train lesson 9's small HRNet on the real CamVid frames, score it, and export it as a SavedModel.

    python -m tools.data.street_photos training photos.zip
    python -m tools.train.hrnet camvid_trainval.zip photos.zip photos.zip
    python -m tools.train.hrnet camvid_trainval.zip photos.zip photos.zip --leave-out 0001TP --epochs 40

The first zip (or folder) holds 367 training and 101 validation frames of 360x480 with masks of the ids 0-10 (CLASSES)
and 11 (unlabelled); further ones only training frames. A zip that is named twice is seen twice an epoch. A training can
be stopped and started again. It takes 37 minutes of two cores; at its end the validation frames are scored and the
model is exported, and `python -m tools.train.publish` puts both, hrnet_scores.json and models/hrnet_small, into assets.

The validation frames are no test. They are seven seconds of the drive 0016E5 (frames 07959 to 08159), of which 204
other frames are in the training, the nearest a second before and after; and the recipe was chosen on them.
`--leave-out` trains without one of the three drives 0001TP (62 frames at dusk), 0006R0 (101) and 0016E5 (204), and
scores on that drive, on the validation frames, and on the frames learned from: hrnet_drives.json. The other options
change the recipe; docs/TRIED.md has what they gave. `--start` begins with the weights of a trained network.

The network follows HRNet (Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", 2020):
parallel branches at strides 4, 8 and 16 that exchange their features, here with 32, 64 and 96 channels. They begin
with the maps of a stem that is trained on ImageNet, the first blocks of lesson 7's EfficientNet-Lite0. The head also
sees the stem's map at stride 2, since poles and signs are a few pixels wide.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tools.train import common
from tools.train.data import open_data
from tools.train.fused import FusedBatchNormalization, fuse
from utils import paths
from utils.confusion import confusion_matrix

CLASSES = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "cyclist")
UNLABELLED = len(CLASSES)
THIN = (2, 6)  # pole and sign
CAMVID_IDS = (21, 4, 8, 17, 19, 26, 20, 9, 5, 16, 2)  # the same classes among CamVid's 32, in alphabetical order
BACKBONE = paths.ASSETS / "models" / "efficientnet_lite0.keras"
STEM_LAYERS = ("block01_project_bn", "block03_add", "block05_add", "block11_add")
WIDTHS = (32, 64, 96)
CROP = (256, 320)
BATCH_SIZE = 8
LEARNING_RATE = 1e-3
EPOCHS = 70
SEED = 42


def drive(name: str) -> str:
    """The drive that a frame is from, which its name begins with: "0001TP" of 0001TP_006690.png."""
    return Path(name).stem.split("_")[0]


def read_frames(
    path: Path, part: str, limit: int | None = None, keep: Callable[[str], bool] = lambda name: True
) -> tuple[np.ndarray, np.ndarray]:
    """The frames of "train" or "val" (or another split that is there) and their masks.

    Args:
        path: zip or folder of …/<part>/images/ and …/<part>/labels/.
        part: which split.
        limit: only so many, evenly spaced.
        keep: says of a file's name whether it is taken.

    Returns:
        (N, H, W, 3) uint8 RGB and (N, H, W) uint8 in 0..11.

    Raises:
        SystemExit: the path does not hold CamVid in this layout, or its masks other ids.
    """
    pictures = open_data(path, "CamVid")
    names = {
        kind: [name for name in pictures.names if f"/{part}/{kind}/" in f"/{name}" and keep(name)]
        for kind in ("images", "labels")
    }
    stems = {kind: [Path(name).stem for name in files] for kind, files in names.items()}
    if not stems["images"]:
        sys.exit(f"{path.name} has no frames in {part}/images/.")
    if stems["images"] != stems["labels"]:
        sys.exit(f"{path.name}: the files of {part}/images/ and {part}/labels/ are not named alike.")
    chosen = np.linspace(0, len(stems["images"]) - 1, min(limit or len(stems["images"]), len(stems["images"]))).astype(
        int
    )
    frames = np.stack([pictures.picture(names["images"][i]) for i in chosen])
    masks = np.stack([pictures.mask(names["labels"][i]) for i in chosen])
    if frames.shape[:3] != masks.shape or masks.max() > UNLABELLED:
        sys.exit(f"{path.name}: the masks need the size of the frames and ids from 0 to {UNLABELLED}.")
    return frames, masks


def class_weights(masks: np.ndarray) -> np.ndarray:
    """1 / ln(1.10 + frequency) per class (after Paszke et al., 2016), its root, scaled to mean 1: (11,) float32."""
    counts = np.bincount(masks.ravel(), minlength=12)[:UNLABELLED]
    weights = np.log(1.10 + counts / counts.sum()) ** -0.5
    return (weights / weights.mean()).astype(np.float32)


def thin_corner(mask: Any, size: Any) -> Any:
    """A corner of a crop of that size with a random pixel of a thin class in its middle, as far as the frame allows."""
    thin = tf.where(tf.reduce_any(mask[..., None] == tf.constant(THIN, mask.dtype), axis=-1))
    middle = tf.random.shuffle(tf.cast(thin, tf.int32))[0] if tf.shape(thin)[0] > 0 else tf.shape(mask) // 2
    return tf.clip_by_value(middle - size // 2, 0, tf.shape(mask) - size)


def random_view(frame: Any, mask: Any, thin: float = 0.0, largest: float = 1.9) -> tuple[Any, Any]:
    """A random crop at a random scale and aspect, perhaps mirrored, resized to CROP: float32 in [0, 1] and int32.

    Args:
        frame: (H, W, 3) uint8.
        mask: (H, W) uint8.
        thin: how many of the crops are laid around a thin class, in [0, 1].
        largest: scale.
    """
    uniform = tf.random.uniform
    scale = tf.exp(uniform([], tf.math.log(0.6), tf.math.log(largest)))
    aspect = tf.exp(uniform([], -0.15, 0.15))
    size = tf.stack([CROP[0] / scale * aspect, CROP[1] / scale / aspect])
    size = tf.minimum(tf.cast(size, tf.int32), tf.shape(mask))
    corner = tf.cast(uniform([2]) * tf.cast(tf.shape(mask) - size + 1, tf.float32), tf.int32)
    if uniform([]) < thin:
        corner = thin_corner(mask, size)
    frame = frame[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
    mask = mask[corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]
    if uniform([]) < 0.5:
        frame, mask = frame[:, ::-1], mask[:, ::-1]
    frame = tf.image.resize(frame, CROP, antialias=False) / 255
    mask = tf.image.resize(mask[..., None], CROP, method="nearest")[..., 0]
    return frame, tf.cast(mask, tf.int32)


def random_paste(frame: Any, mask: Any, other: Any, other_mask: Any) -> tuple[Any, Any]:
    """Another frame's poles and signs over a frame, moved sideways and in another light; uint8, as they came."""
    uniform = tf.random.uniform
    shift = uniform([], 0, tf.shape(mask)[1], tf.int32)
    other, other_mask = tf.roll(other, shift, 1), tf.roll(other_mask, shift, 1)
    if uniform([]) < 0.5:
        other, other_mask = other[:, ::-1], other_mask[:, ::-1]
    thin = tf.reduce_any(other_mask[..., None] == tf.constant(THIN, mask.dtype), axis=-1)
    lit = tf.cast(tf.minimum(tf.cast(other, tf.float32) * uniform([], 0.3, 1.2), 255), frame.dtype)
    return tf.where(thin[..., None], lit, frame), tf.where(thin, other_mask, mask)


def random_weather(frame: Any, mask: Any) -> tuple[Any, Any]:
    """More than `random_camera` does: dusk, with its cast, or haze, in every other frame. The mask stays."""
    uniform = tf.random.uniform
    if uniform([]) < 0.3:
        frame = frame ** uniform([], 1.2, 2.5) * uniform([1, 1, 3], 0.7, 1.0) * uniform([], 0.3, 0.9)
    elif uniform([]) < 0.3:
        frame += uniform([], 0.1, 0.5) * (uniform([1, 1, 3], 0.7, 1.0) - frame)
    return frame, mask


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


def convolve(x: Any, filters: int, size: int = 3, stride: int = 1, relu: bool = True) -> Any:
    """Convolution, batch normalisation and, if asked for, ReLU."""
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    x = FusedBatchNormalization(momentum=0.97)(x)
    return layers.ReLU()(x) if relu else x


def residual(x: Any) -> Any:
    """Two 3x3 convolutions and the shortcut around them; the number of channels stays."""
    y = convolve(convolve(x, x.shape[-1]), x.shape[-1], relu=False)
    return layers.ReLU()(layers.Add()([x, y]))


@keras.saving.register_keras_serializable("course")
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


def confusion(predict: Callable[[np.ndarray], Any], frames: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(11, 11) counts of pixels over whole frames, row = true class; unlabelled pixels do not count.

    Args:
        predict: (N, H, W, 3) float32 RGB in [0, 1] to (N, H, W, 11) scores.
        frames: (N, H, W, 3) uint8.
        masks: (N, H, W) uint8.
    """
    matrix = np.zeros((len(CLASSES),) * 2, np.int64)
    for start in range(0, len(frames), BATCH_SIZE):
        scores = predict(frames[start : start + BATCH_SIZE] / np.float32(255))
        true = masks[start : start + BATCH_SIZE]
        known = true < UNLABELLED
        matrix += confusion_matrix(true[known], np.asarray(scores).argmax(axis=-1)[known], len(CLASSES))
    return matrix


def intersection_over_union(matrix: np.ndarray) -> np.ndarray:
    """IoU per class from a confusion matrix: (K,) floats in [0, 1]."""
    return np.diag(matrix) / (matrix.sum(axis=0) + matrix.sum(axis=1) - np.diag(matrix))


class Segmenter(tf.Module):
    """What is exported: `predict`, as the HRNet on TensorFlow Hub has it."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self.values = [variable.value for variable in model.variables]  # what is saved
        # A function is not tracked; a model is, and each layer's functions would be saved, too.
        self._model = lambda images: model(images, training=False)
        channels = np.zeros((len(CLASSES), 33), np.float32)
        channels[range(len(CLASSES)), np.add(CAMVID_IDS, 1)] = 1
        self.channels = tf.constant(channels)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
    def predict(self, images: Any) -> Any:
        """(N, H, W, 3) RGB in [0, 1] to (N, H, W, 33) probabilities: the background, then CamVid's 32 classes."""
        return tf.tensordot(tf.nn.softmax(self._model(images)), self.channels, 1)


class MeanIoU(keras.callbacks.Callback):
    """Every ten epochs the mean IoU of the validation frames, among the numbers of the epoch."""

    def __init__(self, frames: np.ndarray, masks: np.ndarray) -> None:
        super().__init__()
        self.frames, self.masks = frames, masks

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None and epoch % 10 == 9:
            logs["mean_iou"] = intersection_over_union(
                confusion(self.model.predict_on_batch, self.frames, self.masks)
            ).mean()


def begin_with(model: keras.Model, path: Path) -> None:
    """Give a network the weights of a trained one: a .keras file, or a folder that `export` wrote."""
    if path.is_dir():
        for variable, value in zip(model.variables, tf.saved_model.load(str(path)).values, strict=True):
            variable.assign(value)
    else:
        model.set_weights(keras.models.load_model(path).get_weights())


@dataclass(frozen=True)
class Recipe:
    """What a training depends on, apart from its frames."""

    epochs: int = EPOCHS
    rate: float = LEARNING_RATE  # the highest
    thin: float = 0.0  # how many crops are laid around a thin class
    thin_weight: float = 1.0  # by how much their pixels count for more
    largest: float = 1.9  # scale of a crop
    paste: float = 0.0  # how many frames have another frame's poles and signs over them
    weather: bool = False  # dusk and haze
    averaged: bool = False  # the weights are the moving average over the last steps


def train(
    data: list[Path], folder: Path, recipe: Recipe, limit: int | None, leave_out: str = "", start: Path | None = None
) -> tuple[keras.Model, dict, int]:
    """The trained model, its history, and how many frames an epoch has; a drive that is left out is not among them."""
    parts = [read_frames(path, "train", limit, lambda name: drive(name) != leave_out) for path in data]
    frames, masks = (np.concatenate(part) for part in zip(*parts, strict=True))
    keras.utils.set_random_seed(SEED)
    model = build()
    if start:
        begin_with(model, start)
    steps, epochs = max(1, len(frames) // BATCH_SIZE), recipe.epochs
    decay = keras.optimizers.schedules.CosineDecay(1e-4, epochs * steps, warmup_target=recipe.rate, warmup_steps=steps)
    optimizer = keras.optimizers.AdamW(decay, weight_decay=1e-3, clipnorm=5.0, use_ema=recipe.averaged)
    weights = class_weights(masks)
    weights[list(THIN)] *= recipe.thin_weight
    model.compile(optimizer, segmentation_loss(weights))
    views = tf.data.Dataset.from_tensor_slices((frames, masks)).shuffle(len(frames)).repeat()
    if recipe.paste:
        pairs = tf.data.Dataset.zip(views, tf.data.Dataset.from_tensor_slices((frames, masks)).shuffle(97).repeat())
        views = pairs.map(
            lambda one, other: tf.cond(
                tf.random.uniform([]) < recipe.paste, lambda: random_paste(*one, *other), lambda: one
            ),
            2,
        )
    views = views.map(lambda frame, mask: random_view(frame, mask, recipe.thin, recipe.largest), 2)
    if recipe.weather:
        views = views.map(random_weather, 2)
    views = views.map(random_camera, 2).batch(BATCH_SIZE).prefetch(2)
    model, history = common.train(
        model,
        folder,
        asdict(recipe) | {"frames": len(frames), "leave_out": leave_out, "start": str(start or "")},
        [MeanIoU(*read_frames(data[0], "val", limit))],
        x=views,
        shuffle=False,
        steps_per_epoch=steps,
        epochs=epochs,
    )
    return model, history, len(frames)


def scores(matrix: np.ndarray) -> dict[str, Any]:
    """What a confusion matrix of pixels says: IoU of each class, their mean, pixel accuracy, and the matrix."""
    iou = intersection_over_union(matrix)
    return {
        "classes": CLASSES,
        "iou": iou.round(4).tolist(),
        "mean_iou": round(float(iou.mean()), 4),
        "pixel_accuracy": round(float(np.diag(matrix).sum() / matrix.sum()), 4),
        "confusion": matrix.tolist(),
    }


def export(model: keras.Model, target: Path) -> None:
    """Write the SavedModel, and nothing if it cannot be written whole."""
    beside = target.with_name(f"{target.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    tf.saved_model.save(Segmenter(model), str(beside))
    shutil.rmtree(target, ignore_errors=True)
    beside.replace(target)


def left_out_scores(model: keras.Model, path: Path, leave_out: str, limit: int | None) -> dict[str, Any]:
    """The scores on a drive that the training left out, on the validation frames, and on the drives learned from."""
    parts = {
        f"drive {leave_out}, left out": read_frames(path, "train", limit, lambda name: drive(name) == leave_out),
        "validation frames": read_frames(path, "val", limit),
        "frames learned from": read_frames(path, "train", limit, lambda name: drive(name) != leave_out),
    }
    results = {}
    for name, (frames, masks) in parts.items():
        results[name] = {"frames": len(frames), **scores(confusion(model.predict_on_batch, frames, masks))}
        del results[name]["confusion"], results[name]["classes"]
    return results


def typed(words: list[str]) -> str:
    """The command, with the names of the zips alone and without the option that says where results go."""
    kept = [Path(word).name if word.endswith(".zip") else word for word in words]
    if "--target" in kept:
        place = kept.index("--target")
        del kept[place : place + 2]
    return " ".join(["python -m tools.train.hrnet", *kept])


def main() -> None:
    parser = common.command_line(__doc__, "hrnet")
    parser.add_argument("data", type=Path, nargs="+", help="camvid_trainval.zip, and zips of further training frames")
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, help="largest learning rate (%(default)s)")
    parser.add_argument("--leave-out", metavar="DRIVE", help="train without a drive, such as 0001TP, and score on it")
    parser.add_argument("--start", type=Path, help="begin with these weights: trained.keras or an exported folder")
    parser.add_argument("--paste", type=float, default=0, help="share of frames with other frames' poles (%(default)s)")
    parser.add_argument("--thin", type=float, default=0, help="share of crops around poles and signs (%(default)s)")
    parser.add_argument("--thin-weight", type=float, default=1, help="their weight in the loss (%(default)s)")
    parser.add_argument("--largest", type=float, default=1.9, help="scale of a crop (%(default)s)")
    parser.add_argument("--weather", action="store_true", help="dusk and haze among the augmentation")
    parser.add_argument("--averaged", action="store_true", help="average the weights over the last steps")
    arguments = parser.parse_args()
    data, target, limit = arguments.data, arguments.target, arguments.limit
    recipe = Recipe(
        arguments.epochs or EPOCHS,
        arguments.rate,
        arguments.thin,
        arguments.thin_weight,
        arguments.largest,
        arguments.paste,
        arguments.weather,
        arguments.averaged,
    )
    leave_out = arguments.leave_out
    model, history, n_train = train(data, target / "hrnet", recipe, limit, leave_out or "", arguments.start)
    result = {
        "training_data": f"{n_train} frames an epoch, of {', '.join(path.name for path in data)}",
        "versions": common.versions(),
        "command": typed(sys.argv[1:]),
        "seed": SEED,
        "recipe": asdict(recipe),
        "epochs": recipe.epochs,
        "seconds": round(sum(history["seconds"])),
        "loss": [round(value, 4) for value in history["loss"]],
        "mean_iou_by_epoch": {
            str(epoch): round(row["mean_iou"], 4)
            for epoch, row in enumerate(common.read_json(target / "hrnet" / "history.json", []), 1)
            if "mean_iou" in row
        },
        **common.trial(None if leave_out else arguments.epochs, limit),
    }
    if leave_out:
        result["scores"] = left_out_scores(model, data[0], leave_out, limit)
        parts = [f"{part['mean_iou']:.3f} on {name}" for name, part in result["scores"].items()]
        common.finish(target, "hrnet_drives.json", {leave_out: result}, f"Mean IoU {', '.join(parts)}.")
        return
    frames, masks = read_frames(data[0], "val", limit)
    result = {
        "data": f"the {len(frames)} validation frames of CamVid, {masks.shape[1]}x{masks.shape[2]}; "
        "rows of `confusion` are true classes, entries pixels",
        **result,
        **scores(confusion(model.predict_on_batch, frames, masks)),
    }
    export(model, target / "assets" / "models" / "hrnet_small")
    sentence = (
        f"Mean IoU {result['mean_iou']:.3f}, pixel accuracy {result['pixel_accuracy']:.3f} on {len(frames)} frames."
    )
    common.finish(target, "hrnet_scores.json", result, sentence)


if __name__ == "__main__":
    main()
