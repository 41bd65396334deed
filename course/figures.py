"""The data of the website's figures that answer in the browser, as scripts that site_static/figures.js reads."""

from __future__ import annotations

import base64
import inspect
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pandas as pd

from utils import datasets, landscapes, paths, segmentation
from utils.digits import one_of_each
from utils.downloads import fetch, fetch_folder
from utils.imagenet import imagenet_class_names
from utils.pictures import read_mask, read_picture

# A cell of a lesson -> the figure that takes the place of a demo's output, or comes below another's.
FIGURES = {
    (1, "demo-knobs"): "knobs",
    (1, "demo-digit"): "digit",
    (2, "demo-rate"): "rate",
    (2, "demo-descent"): "walk",
    (3, "demo-line"): "line",
    (4, "demo-digit"): "digit",
    (5, "demo-kernel"): "kernel",
    (6, "classify-photographs"): "objects",
    (7, "demo-upload"): "imagenet",
    (9, "score-maps"): "scores",
    (9, "demo-overlay"): "overlay",
}

# Figures whose code does not stand in figures.js.
OWN_SCRIPTS = {
    "knobs": ("knobs.js",),
    "walk": ("walk.js",),
    "objects": ("networks.js", "photographs.js"),
    "imagenet": ("networks.js", "photographs.js"),
    "scores": ("scores.js",),
    "overlay": ("overlay.js",),
}
SCORE_STEP = 2  # of a photograph's pixels, from one whose scores are stored to the next


def text(array: np.ndarray) -> str:
    """The bytes of an array by rows as base64, 16-bit numbers with the low byte first."""
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def digit_data() -> dict[str, Any]:
    """Lesson 4's network, trained (tools.train.small), and a test digit of each kind."""
    weights = np.load(fetch("models/mnist_mlp.npz"))
    layers = [{kind: text(weights[f"{kind}_{n}"]) for kind in ("kernel", "bias")} for n in range(len(weights) // 2)]
    _, (x_test, y_test) = datasets.load_mnist()
    return {"layers": layers, "stored": [text(picture) for picture in one_of_each(x_test, y_test).values()]}


def line_data() -> dict[str, Any]:
    """The rows of lesson 3 that its neuron learns from: rooms per home and price in 1000 dollars."""
    (rows, prices), _ = datasets.load_boston_housing()
    fitted = int(0.7 * len(rows))
    rooms = rows[:fitted, datasets.BOSTON_COLUMNS.index("RM")]
    return {"x": rooms.round(3).tolist(), "y": prices[:fitted].round(1).tolist()}


def kernel_data() -> dict[str, Any]:
    """Lesson 5's photograph in grey, 0 to 255."""
    grey = cv2.imread(str(fetch("images/fruits_256.png")), cv2.IMREAD_GRAYSCALE)
    height, width = grey.shape
    return {"grey": text(grey), "height": height, "width": width}


def knobs_data() -> dict[str, Any]:
    """Lesson 1's two features of all zeros and ones, as sums over pixels: whole numbers, so that no answer differs."""
    (pictures, digits), _ = datasets.load_mnist()
    chosen = pictures[digits < 2].astype(np.uint32)
    sides = chosen[:, :, [*range(6, 12), *range(16, 22)]].sum(axis=(1, 2))
    sums = {"middle": chosen[:, 12:16, 12:16].sum(axis=(1, 2)), "sides": sides}
    if sides.max() >= 1 << 16:
        raise ValueError("a sum of brightness needs more than 16 bits")
    return {
        "isOne": text((digits[digits < 2] == 1).astype(np.uint8)),
        **{name: text(values.astype(np.uint16)) for name, values in sums.items()},
    }


def walk_data() -> dict[str, Any]:
    """Lesson 2's map of two weights: its lower left corner, its size, the first start, and what is far away from it."""
    first = inspect.signature(landscapes.draw_walk).parameters["pointer"].default
    places = {"start": landscapes.start_at(first), "low": landscapes.MAP_LOW, "size": landscapes.MAP_SIZE}
    return {name: place.tolist() for name, place in places.items()} | {"far": landscapes.FAR}


def embedded_picture(path: Path) -> str:
    """A JPEG as an address that a page opened from a folder may read pixel by pixel; a file's it may not."""
    return f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def packed(array: np.ndarray) -> str:
    """The bytes of an array, compressed."""
    return base64.b64encode(zlib.compress(array.tobytes(), 9)).decode("ascii")


def masked_streets() -> list[segmentation.StreetPhoto]:
    return [photo for photo in segmentation.street_photos() if photo.mask_path]


def streets_data() -> dict[str, Any]:
    """What lesson 9's figures offer to choose from: photographs and classes, and the colours of all ids."""
    names = [one.name for one in segmentation.camvid_classes()]
    return {
        "photographs": [photo.name for photo in masked_streets()],
        "classes": {names[number]: number for number in segmentation.GROUPS},
        "colours": segmentation.colour_table().tolist(),
    }


def street_data() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each street photograph with its true mask and that of lesson 9's network; in another script its scores."""
    import tensorflow as tf  # here, because it takes seconds to start

    network = tf.saved_model.load(str(fetch_folder("models/hrnet_small")))
    for photo in masked_streets():
        picture = read_picture(photo.path)
        scores = np.asarray(network.predict(picture[np.newaxis].astype("float32") / 255))[0, ..., 1:]
        predicted = segmentation.group_table()[scores.argmax(axis=-1)]
        yield (
            f"street_{photo.name}",
            {
                "photograph": embedded_picture(photo.path),
                "true": packed(read_mask(photo.mask_path)),
                "predicted": packed(predicted),
                "height": picture.shape[0],
                "width": picture.shape[1],
            },
        )
        yield f"scores_{photo.name}", score_maps(scores)


def score_maps(scores: np.ndarray) -> dict[str, Any]:
    """Of some pixels the scores of the groups, which are all that the network knows, in 8 bits and map by map."""
    few = scores[::SCORE_STEP, ::SCORE_STEP, list(segmentation.GROUPS)]
    maps = np.round(255 * few).astype(np.uint8).transpose(2, 0, 1)
    return {"maps": packed(maps), "step": SCORE_STEP, "height": maps.shape[1], "width": maps.shape[2]}


def layers(network: keras.Model) -> list[dict[str, Any]]:
    """A network as the steps that networks.js can do, each with the numbers of those whose results it takes.

    Kernels have 16 bits, as in the course's files; what batch normalisation does is a scale and a shift.
    """
    numbers = {network.input.name: -1}  # the picture
    steps: list[dict[str, Any]] = []
    for layer in network.layers[1:]:  # after the input
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        sources = [numbers[tensor.name] for tensor in inputs]
        if step := layer_step(layer):
            steps.append(step | {"from": sources})
        numbers[layer.output.name] = len(steps) - 1 if step else sources[0]
    return steps


def layer_step(layer: keras.Layer) -> dict[str, Any] | None:
    """What one layer does in prediction; nothing for an input and for dropout.

    Raises:
        ValueError: a kind of layer that networks.js does not know.
    """
    kind = type(layer).__name__
    weights = layer.get_weights()
    settings = layer.get_config()
    if kind in ("InputLayer", "Dropout"):
        return None
    if kind in ("Add", "GlobalMaxPooling2D", "GlobalAveragePooling2D", "Softmax"):
        return {"kind": kind}
    if kind == "Rescaling":
        return {"kind": kind, "scale": settings["scale"], "offset": settings["offset"]}
    if kind == "ReLU":
        return {"kind": kind, "highest": settings["max_value"]}
    if kind == "BatchNormalization":
        gamma, beta, mean, variance = weights
        scale = gamma / np.sqrt(variance + settings["epsilon"])
        return {"kind": kind, "scale": text(scale), "shift": text(beta - mean * scale)}
    if kind == "MaxPooling2D" and settings["pool_size"] == settings["strides"]:
        return {"kind": kind, "size": settings["pool_size"][0]}
    if kind in ("Conv2D", "DepthwiseConv2D") and settings["padding"] == "same" and len(weights) == 1:
        shape = {"size": weights[0].shape[0], "stride": settings["strides"][0], "inputs": weights[0].shape[2]}
        return {"kind": kind, "kernel": text(weights[0].astype(np.float16)), **shape}
    if kind == "Dense" and settings["activation"] in ("linear", "softmax"):
        kernel, bias = weights
        halves = text(kernel.astype(np.float16))
        return {"kind": kind, "kernel": halves, "bias": text(bias), "softmax": settings["activation"] == "softmax"}
    raise ValueError(f"networks.js has no step for the layer {layer.name}, {kind}")


def objects_data() -> dict[str, Any]:
    """Lesson 6's network for ten kinds of things, and the course's photographs as it sees them."""
    photographs, labels, table = datasets.cifar10_photographs()
    small = [cv2.resize(photograph, (32, 32), interpolation=cv2.INTER_AREA) for photograph in photographs]
    return {
        "layers": layers(keras.models.load_model(fetch("models/cifar10_recipe.keras"))),
        "names": datasets.CIFAR10_CLASSES,
        "photographs": [
            {"title": title, "label": int(label), "pixels": packed(picture)}
            for title, label, picture in zip(table["title"], labels, small, strict=True)
        ],
    }


def imagenet_data() -> dict[str, Any]:
    """EfficientNet-Lite0 with the names of its classes, and those of lesson 7's photographs."""
    return {
        "layers": layers(keras.models.load_model(fetch("models/efficientnet_lite0.keras"))),
        "names": imagenet_class_names(),
        "photographs": imagenet_photographs(),
    }


def imagenet_photographs() -> list[str]:
    table = pd.read_csv(fetch("images/photos/labels.csv"))
    return sorted(table["file"].str.removesuffix(".jpg"))


def photograph_data() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each of lesson 7's photographs, by the name of its script."""
    for name in imagenet_photographs():
        yield f"photo_{name}", {"photograph": embedded_picture(fetch(f"images/photos/{name}.jpg"))}


DATA: dict[str, Callable[[], dict[str, Any]]] = {
    "digit": digit_data,
    "line": line_data,
    "kernel": kernel_data,
    "knobs": knobs_data,
    "walk": walk_data,
}
# Of larger figures: a page fetches these when the reader comes near them, or asks for them.
LATE_DATA: dict[str, Callable[[], dict[str, Any]]] = {
    "streets": streets_data,
    "objects": objects_data,
    "imagenet": imagenet_data,
}


def all_data() -> Iterator[tuple[str, dict[str, Any]]]:
    """The data of each script, by its name."""
    for name, data in (DATA | LATE_DATA).items():
        yield name, data()
    yield from street_data()
    yield from photograph_data()


def write(folder: Path) -> None:
    """The scripts: pad.js as in the notebooks, and the data of each figure in one of its own.

    Args:
        folder: is made where it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in all_data():
        script = f"(window.courseData ??= {{}}).{name} = {json.dumps(data)};\n"
        (folder / f"figure-{name}.js").write_text(script, encoding="utf-8")
    module = (paths.ROOT / "utils" / "pad.js").read_text(encoding="utf-8")
    # A page that is opened from a folder may not import a module.
    script = "(() => {\n" + module.replace("export default { render };", "window.coursePad = { render };") + "})();\n"
    (folder / "pad.js").write_text(script, encoding="utf-8")


def scripts(figures: set[str]) -> list[str]:
    """The scripts of a page with these figures, in the order in which they must load."""
    pad = ["pad.js"] if "digit" in figures else []
    data = [f"figure-{name}.js" for name in DATA if name in figures]
    own = [script for name in sorted(figures) for script in OWN_SCRIPTS.get(name, ())]
    return [*pad, *data, "figures.js", *dict.fromkeys(own)]
