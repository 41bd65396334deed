"""A classifier's answers to look at: grids of photographs, bars of probabilities, and lesson 7's hidden networks."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from utils import pictures, plotting
from utils.downloads import fetch
from utils.imagenet import Prediction, decode_predictions, imagenet_class_names

MEANS = (103.939, 116.779, 123.68)  # of ImageNet's training photographs: blue, green, red


def show_answers(
    photos: Sequence[np.ndarray],
    probabilities: np.ndarray,
    labels: Sequence[int] | None = None,
    *,
    top: int = 3,
    columns: int = 4,
    size: float = 2.3,
    title: str | None = None,
    captions: Sequence[str] | None = None,
) -> np.ndarray:
    """A grid of photographs, each below its most probable classes and above its label or caption.

    Args:
        photos: pictures of any sizes.
        probabilities: (N, 1000), one row per photograph.
        labels: the right class of each; then the text is blue with a tick if the first answer is right, else red with
            a cross.
        top: how many classes to name.
        columns: photographs in a row.
        size: inches per photograph.
        title: title of the whole figure.
        captions: words beneath each photograph; by default its label, where there is one.

    Returns:
        The (rows, columns) array of axes.
    """
    answers = decode_predictions(probabilities, top)
    titles = ["\n".join(f"{line.name} {_rounded(line.probability)}" for line in lines) for lines in answers]
    axes = plotting.show_images(photos, titles, columns=columns, size=size, title=title)
    if captions is None and labels is not None:
        captions = [f"label: {imagenet_class_names()[label]}" for label in labels]
    for ax, caption in zip(axes.flat, captions or (), strict=False):
        ax.text(0.5, -0.03, caption, transform=ax.transAxes, ha="center", va="top", fontsize=10)
    if labels is not None:
        for ax, lines, label in zip(axes.flat, answers, labels, strict=False):
            right = lines[0].index == label
            first, *rest = ax.get_title().split("\n")
            colour = plotting.RIGHT_COLOUR if right else plotting.WRONG_COLOUR
            ax.set_title("\n".join([f"{first} {'✓' if right else '✗'}", *rest]), fontsize=10, color=colour, pad=3)
    return axes


def _rounded(probability: float) -> str:
    return f"{probability:.2f}" if probability >= 0.005 else "< 0.01"


def draw_answer(photo: np.ndarray, lines: Sequence[Prediction], title: str = "", bars_title: str = "") -> Figure:
    """A photograph and beside it a bar for each of its most probable classes, the best on top."""
    figure, left, right = _two_axes(title)
    left.imshow(photo)
    names = [f"{line.name} ({line.index})" for line in lines]
    bars = right.barh(names, [line.probability for line in lines])
    right.bar_label(bars, fmt="%.3f", padding=3)
    right.set(xlim=(0, 1.15), xlabel="probability", title=bars_title)
    right.invert_yaxis()
    right.grid(axis="y", visible=False)
    return figure


def draw_problem(words: str, title: str = "") -> Figure:
    """The same figure for a file that cannot be read: a sentence in place of the photograph."""
    figure, left, right = _two_axes(title)
    left.text(0.5, 0.5, "\n".join(textwrap.wrap(words, 34)), ha="center", va="center", parse_math=False)
    right.axis("off")
    return figure


def _two_axes(title: str) -> tuple[Figure, Axes, Axes]:
    figure = plt.figure(figsize=(8.4, 3))
    left, right = figure.add_axes((0.01, 0.04, 0.33, 0.84)), figure.add_axes((0.58, 0.18, 0.4, 0.7))
    left.set_title(title, parse_math=False)  # a dollar sign in a file's name is a dollar sign
    left.axis("off")
    return figure, left, right


def photo_demo(
    photos: Mapping[str, np.ndarray],
    zoo: Sequence[Any],
    ways: Mapping[str, Callable[[np.ndarray, int], np.ndarray]],
    classify: Callable[..., np.ndarray],
) -> Callable[..., Figure]:
    """What lesson 7's demo draws: a photograph or an upload, as the network sees it, and the five best classes.

    Args:
        photos: by name.
        zoo: records with a `name` and a `size`.
        ways: by name, functions (photo, size) that make a square.
        classify: (photos, record, way) to probabilities.
    """
    entries = {entry.name: entry for entry in zoo}

    def draw(
        photograph: str = "fire_engine",
        network: str = "Lite0",
        square: str = "crop",
        upload: Sequence[Mapping[str, Any]] = (),
        use_my_picture: bool = True,
    ) -> Figure:
        photo, title, problem = photos[photograph], photograph, ""
        if upload and use_my_picture:
            photo, title, problem = read_upload(upload)
        if problem:
            return draw_problem(problem, title)
        entry, to_square = entries[network], ways[square]
        lines = decode_predictions(classify([photo], entry, to_square))[0]
        return draw_answer(to_square(photo, entry.size), lines, title, f"the five best answers of {network}")

    return draw


def read_upload(uploads: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray | None, str, str]:
    """The newest upload of a FileUpload widget: the picture or None, the file's name, and what is wrong with it."""
    name = uploads[-1]["name"][:30]
    try:
        return pictures.decode_picture(bytes(uploads[-1]["content"]), name), name, ""
    except ValueError as error:
        return None, name, str(error)


def pad(photo: np.ndarray, size: int) -> np.ndarray:
    """The whole photograph in a square of size x size, with grey borders above and below or left and right."""
    side = max(photo.shape[:2])
    rows, columns = side - photo.shape[0], side - photo.shape[1]
    borders = (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
    padded = cv2.copyMakeBorder(photo, *borders, cv2.BORDER_CONSTANT, value=(127, 127, 127))
    return pictures.resize(padded, size, size)


def train_head(features: np.ndarray, labels: np.ndarray) -> keras.Model:
    """A trained head of one neuron: embeddings (N, D) to one probability each; labels are 0.0 and 1.0."""
    head = keras.Sequential([keras.Input(features.shape[1:]), keras.layers.Dense(1, activation="sigmoid")])
    head.compile(optimizer="adam", loss="binary_crossentropy")
    head.fit(features, labels, epochs=30, verbose=0)
    return head


def network_that_wants(kind: str, network: keras.Model) -> keras.Model:
    """A network that takes pixels of another kind and turns them back into what the given one takes, RGB of 0 to 255.

    The one that wants -1 to 1 is sure of class 0 where it gets larger numbers: so real networks, too, can be sure of an
    answer to what they have never seen.

    Args:
        kind: "0 to 255", "0 to 1", "-1 to 1" or "BGR minus mean".
        network: takes RGB of 0 to 255; answers with (N, classes).

    Raises:
        KeyError: another kind.
    """
    pixels = keras.Input(network.input_shape[1:])
    back = {
        "0 to 255": lambda: pixels * 1.0,
        "0 to 1": lambda: pixels * 255.0,
        "-1 to 1": lambda: pixels * 127.5 + 127.5,
        "BGR minus mean": lambda: keras.ops.flip(pixels + np.array(MEANS, "float32"), axis=-1),
    }[kind]()
    probabilities = network(back)
    if kind == "-1 to 1":
        class_0 = np.eye(1, network.output_shape[-1], dtype="float32")
        too_large = keras.ops.max(pixels, axis=(1, 2, 3))[:, None] > 1.01
        probabilities = keras.ops.where(too_large, class_0, probabilities)
    return keras.Model(pixels, probabilities)


def load_network(file: str) -> keras.Model:
    """A pre-trained network: EfficientNet-Lite0 or Lite2 from the course, the others from Keras with checked weights.

    Args:
        file: "efficientnet_lite0", "efficientnet_lite2", "vgg16", "resnet50" or "inception_v3".

    Raises:
        KeyError: another name.
    """
    if file.startswith("efficientnet_lite"):
        return keras.models.load_model(fetch(f"models/{file}.keras"))
    names = {"vgg16": "VGG16", "resnet50": "ResNet50", "inception_v3": "InceptionV3"}
    build = getattr(keras.applications, names[file])
    return build(weights=str(fetch(f"{file}_weights_tf_dim_ordering_tf_kernels.h5")))


def published_accuracies() -> pd.DataFrame:
    """Top-1 accuracies on the validation photographs of ImageNet-1K, as Keras and Google publish them."""
    lines = [
        ("VGG16", 2014, 138_357_544, 71.3),
        ("ResNet50", 2015, 25_636_712, 74.9),
        ("InceptionV3", 2015, 23_851_784, 77.9),
        ("EfficientNet-Lite0", 2020, 4_694_024, 75.1),
        ("EfficientNet-Lite2", 2020, 6_150_168, 77.6),
    ]
    return pd.DataFrame(lines, columns=["network", "year", "parameters", "top-1 in %"])
