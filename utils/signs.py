"""Lesson 8: its settings, the bases it builds on, and its drawings."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import keras
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils.confusion import wilson_interval
from utils.datasets import TRAFFIC_SIGN_CLASSES
from utils.downloads import fetch
from utils.plotting import PALETTE, RIGHT_COLOUR, WRONG_COLOUR, plot_history


@dataclass(frozen=True)
class Settings:
    """What lesson 8 trains, and how."""

    backbone: str = "lite0"  # or "vgg16", for a GPU
    size: int = 64
    cut: str = "block06_expand_relu6"
    batch_size: int = 32
    dropout: float = 0.5
    scratch_epochs: int = 8
    scratch_rate: float = 1e-3
    head_epochs: int = 15
    head_rate: float = 2e-3
    epochs: int = 5
    learning_rate: float = 1e-2
    fine_tune_layers: int = 37
    freeze_normalisation: bool = True
    augmentation: float = 1.0
    hidden: tuple[int, ...] = ()


MEANING = {
    "backbone": "the pre-trained network",
    "size": "pictures are squares of so many pixels a side",
    "cut": "the last layer of the network that is kept",
    "batch_size": "pictures in a step of training",
    "dropout": "share of the features that is switched off",
    "scratch_epochs": "from scratch: epochs",
    "scratch_rate": "from scratch: first learning rate",
    "head_epochs": "phase 1: epochs of the head alone",
    "head_rate": "phase 1: first learning rate",
    "epochs": "phase 2: epochs of fine-tuning",
    "learning_rate": "phase 2: first learning rate",
    "fine_tune_layers": "phase 2: so many last layers of the base train",
}
QUICK = Settings()
FULL_LITE0 = Settings(
    cut="block12_expand_relu6",
    size=112,
    epochs=28,
    learning_rate=2e-3,
    fine_tune_layers=89,
    freeze_normalisation=False,
    augmentation=1.5,
)
FULL_VGG16 = Settings(  # a classic recipe: half an hour on a GPU
    backbone="vgg16",
    cut="block5_pool",
    size=224,
    dropout=0.6,
    head_epochs=30,
    head_rate=1e-3,
    epochs=101,
    learning_rate=1e-4,
    fine_tune_layers=8,
    hidden=(128,),
)


def settings_table(settings: Settings) -> pd.DataFrame:
    """The settings that matter in the lesson, each with its value and its meaning."""
    rows = {name: (str(getattr(settings, name)), meaning) for name, meaning in MEANING.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "meaning"])


def load_network(backbone: str, size: int, pretrained: bool = True) -> keras.Model:
    """A network that takes plain pixels from 0 to 255, with its preprocessing inside.

    Args:
        backbone: "lite0", whole and for pictures of any size, or "vgg16", without its head.
        size: of VGG16's pictures, in pixels.
        pretrained: whether VGG16 gets ImageNet's weights; Lite0 always has them.
    """
    if backbone == "lite0":
        return keras.models.load_model(fetch("models/efficientnet_lite0.keras"))
    pixels = keras.Input((size, size, 3), name="pixels")
    scaled = keras.applications.vgg16.preprocess_input(pixels)
    network = keras.applications.VGG16(include_top=False, weights=None, input_tensor=scaled)
    if pretrained:
        network.load_weights(fetch("vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"))
    return keras.Model(pixels, network.output, name="vgg16")


def rate_table(rates: Mapping[str, Any]) -> pd.DataFrame:
    """Validation accuracy in per cent after fine-tuning at each rate: a column a seed, and their mean.

    Args:
        rates: what stands under "rates" in data/signs_rules.json.
    """
    table = 100 * pd.DataFrame.from_dict(rates["valid_accuracy"], orient="index")
    table.columns = [f"seed {seed}" for seed in rates["seeds"]]
    table.index.name = "first rate"
    return table.assign(mean=table.mean(axis=1))


def rule_table(rules: Mapping[str, Any]) -> pd.DataFrame:
    """What breaking each rule changes, in percentage points of test accuracy, from the results of several seeds.

    Args:
        rules: what stands in data/signs_rules.json.

    Returns:
        For each kind of data and each way, as words: the mean accuracy in per cent with the seeds' lowest and highest,
        and the effect with its 95 % interval.
    """
    rows = []
    for data in (name for name in ("rendered signs", "photographs") if name in rules):
        for way, runs in rules[data]["test_accuracy"].items():
            effect = rules[data]["effect"].get(way)
            words = "to this the others are compared"
            if effect:
                mean, low, high = (100 * effect[end] for end in ("mean", "low", "high"))
                words = f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
            spread = f"{100 * np.mean(runs):.1f} ({100 * min(runs):.1f} to {100 * max(runs):.1f})"
            rows.append({"data": data, "way": way, "accuracy (seeds)": spread, "effect": words})
    return pd.DataFrame(rows).set_index(["data", "way"])


def with_interval(accuracy: float, n: int) -> dict[str, float]:
    """An accuracy measured on n pictures, in per cent, with the ends of its 95 % interval."""
    low, high = wilson_interval(round(accuracy * n), n)
    return {"accuracy": 100 * accuracy, "from": 100 * low, "to": 100 * high}


def real_table(real: Mapping[str, Any], n_signs: int) -> pd.DataFrame:
    """Accuracy on real test photographs, in per cent, for two trainings, with two 95 % intervals.

    The first interval counts photographs, the second signs, each of which is shown by many of the photographs.

    Args:
        real: what stands in data/gtsrb_history.json.
        n_signs: how many signs the photographs show.
    """
    rows = {}
    for name, result in (
        ("this lesson's network, rendered signs", real["lesson_to_real"]),
        ("photographs, another recipe", real),
    ):
        row = {"accuracy": f"{100 * result['test_accuracy']:.1f}"}
        for count, what in ((result["test_images"], "photographs"), (n_signs, "signs")):
            ends = with_interval(result["test_accuracy"], count)
            row[f"interval, {count:,} {what}"] = f"{ends['from']:.1f} to {ends['to']:.1f}"
        rows[name] = row
    return pd.DataFrame(rows).T


def one_of_each(pictures: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """For each class the index of its clearest picture: its middle is of medium brightness and rich in contrast."""
    edge = pictures.shape[1] // 4
    grey = pictures[:, edge : pictures.shape[1] - edge, edge : pictures.shape[2] - edge].mean(axis=3)
    brightness, contrast = grey.mean(axis=(1, 2)), grey.std(axis=(1, 2))
    clear = contrast - np.maximum(0, np.abs(brightness - 130) - 40)
    return np.array([np.where(labels == number, clear, -np.inf).argmax() for number in range(labels.max() + 1)])


def plot_both(history: Any, name: str, chance_loss: float) -> np.ndarray:
    """Loss, with that of a network that knows nothing, and accuracy of a training, side by side."""
    axes = plt.subplots(1, 2, figsize=(9.5, 3.4), layout="constrained")[1]
    plot_history(history, "loss", title=f"{name}: loss", ax=axes[0])
    axes[0].axhline(chance_loss, linestyle=":", color=PALETTE["black"], label="knowing nothing")
    axes[0].legend(loc="lower left")
    reached = f"{name}: validation accuracy reaches {history.history['val_accuracy'][-1]:.2f}"
    plot_history(history, "accuracy", title=reached, ylim=(0, 1), ax=axes[1])
    return axes


def plot_curves(scratch: Any, tuned: Any, frozen: float) -> Axes:
    """Validation accuracy over the epochs, from scratch and in fine-tuning, with a dashed line for the frozen base.

    Args:
        scratch: the history of the training from scratch.
        tuned: that of fine-tuning.
        frozen: the accuracy of the frozen base, in [0, 1].
    """
    ax = plt.subplots(layout="constrained")[1]
    for name, history, marker in (("small network from scratch", scratch, "o"), ("fine-tuning", tuned, "s")):
        values = history.history["val_accuracy"]
        ax.plot(range(1, len(values) + 1), values, f"{marker}-", label=name)
    ax.axhline(frozen, linestyle="--", color=PALETTE["grey"], label="the frozen base")
    ax.set(xlabel="epoch on augmented pictures", ylabel="validation accuracy", ylim=(0, 1))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_title(f"Fine-tuning lifts validation accuracy from {frozen:.2f} to {values[-1]:.2f}")
    ax.legend(loc="lower right")
    return ax


def show_scene(scene: np.ndarray, boxes: pd.DataFrame, answers: Sequence[str]) -> Axes:
    """A photograph with a box around each sign and the answer below it.

    Args:
        scene: (H, W, 3) uint8 RGB.
        boxes: one row for each sign, with the columns left, top, right and bottom, in pixels.
        answers: one for each sign.
    """
    ax = plt.figure(figsize=(8.5, 8.5 * scene.shape[0] / scene.shape[1])).add_axes((0, 0, 1, 1))
    ax.imshow(scene)
    ax.axis("off")
    for box, answer in zip(boxes.itertuples(), answers, strict=True):
        place, width, height = (box.left, box.top), box.right - box.left, box.bottom - box.top
        ax.add_patch(Rectangle(place, width, height, fill=False, linewidth=2, edgecolor=PALETTE["sky"]))
        ax.text(
            (box.left + box.right) / 2,
            box.bottom + 6,
            answer,
            ha="center",
            va="top",
            fontsize=11,
            bbox={"facecolor": "white", "edgecolor": PALETTE["sky"], "boxstyle": "round,pad=0.25"},
        )
    return ax


def spoiled(sign: np.ndarray, turn: float, brightness: float, blur: float, noise: float, pixels: int) -> np.ndarray:
    """A sign turned, blurred, reduced, lit and made grainy; with 0, 1, 0, 0 and its own size it stays as it is.

    Args:
        sign: (S, S, 3) uint8.
        turn: degrees, clockwise; corners are filled with the mean colour of the border.
        brightness: a factor on the pixels.
        blur: standard deviation of a Gaussian filter, in pixels.
        noise: standard deviation in grey levels.
        pixels: the side to which the sign is reduced before it is enlarged again.
    """
    size = len(sign)
    image = sign
    if turn:
        border = np.concatenate([sign[0], sign[-1], sign[:, 0], sign[:, -1]]).mean(axis=0)
        matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), -turn, 1)
        image = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_CUBIC, borderValue=border.tolist())
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    if pixels < size:
        image = cv2.resize(image, (pixels, pixels), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, 1, sign.shape)
    return np.clip(brightness * image + noise * grain, 0, 255).round().astype(np.uint8)


def draw_answer(original: np.ndarray, changed: np.ndarray, probabilities: np.ndarray, truth: int) -> Figure:
    """A sign, the same sign spoiled, and the five best answers to the second as bars."""
    figure = plt.figure(figsize=(8.4, 2.7))
    for left, picture, title in ((0.01, original, "test picture"), (0.25, changed, "what the network gets")):
        ax = figure.add_axes((left, 0.2, 0.23, 0.68), title=title)
        ax.imshow(picture)
        ax.axis("off")
    best = np.argsort(probabilities)[-5:]
    names = [textwrap.shorten(TRAFFIC_SIGN_CLASSES[k], 26, placeholder=" …") for k in best]
    colours = [RIGHT_COLOUR if k == truth else WRONG_COLOUR for k in best]
    ax = figure.add_axes((0.74, 0.2, 0.24, 0.68), title="✓ correct" if best[-1] == truth else "✗ wrong")
    ax.bar_label(ax.barh(names, probabilities[best], color=colours), fmt="%.2f", padding=3)
    ax.set(xlim=(0, 1.2), xlabel="probability")
    ax.grid(axis="y", visible=False)
    return figure
