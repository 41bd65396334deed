"""Score a network on a folder or a zip of pictures.

    python -m tools.train.score lite0 FOLDER_OR_ZIP
    python -m tools.train.score lite2 FOLDER_OR_ZIP
    python -m tools.train.score hrnet camvid_trainval.zip --split val
    python -m tools.train.score signs gtsrb_40_per_class.zip --weights build/train/signs/real/trained.keras
    python -m tools.train.score cifar10 cifar10_train.zip --weights build/train/cifar10/short/trained.keras

lite0, lite2: a folder per class, named by its number (293), its WordNet id (n02130308) or its name (cheetah); or
pictures beside a table labels.csv with the columns file and class_index, such as assets/images/photos. hrnet: CamVid's
layout, see tools.train.hrnet. signs: Test.csv and the pictures that it names. cifar10: a folder per class.

lite0, lite2 and hrnet are shipped with the course; --weights names another network in their place: a .keras file, for
hrnet a SavedModel's folder. Of a CIFAR-10 network's own training pictures only the validation part is fair, which
`--validation` chooses.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from io import BytesIO
from pathlib import Path, PurePosixPath

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from tools.train import cifar10, hrnet, signs
from tools.train.data import Pictures, centre_square
from utils.confusion import confusion_matrix, recall_per_class, wilson_interval
from utils.datasets import CIFAR10_CLASSES, TRAFFIC_SIGN_CLASSES
from utils.downloads import fetch, fetch_folder

SIZES = {"lite0": 224, "lite2": 260}


def imagenet_labels(pictures: Pictures) -> dict[str, set[int]]:
    """The picture files and the ImageNet classes that each may rightly be given; two names stand for two classes each.

    Raises:
        SystemExit: a folder's name is no class, or there are no pictures.
    """
    table = next((name for name in pictures.names if PurePosixPath(name).name == "labels.csv"), None)
    if table:
        rows = pd.read_csv(BytesIO(pictures.content(table))).dropna(subset=["class_index"])
        top = table.removesuffix("labels.csv")
        return {top + name: {int(index)} for name, index in zip(rows["file"], rows["class_index"], strict=True)}
    known = defaultdict(set)
    for row in pd.read_csv(fetch("data/imagenet_classes.csv")).itertuples():
        for word in (str(row.index), row.wordnet_id, row.name.lower()):
            known[word].add(int(row.index))
    labels = {}
    for name in pictures.names:
        folder = PurePosixPath(name).parent.name.lower().replace("_", " ")
        if PurePosixPath(name).suffix.lower() in (".jpg", ".jpeg", ".png"):
            if folder not in known:
                sys.exit(f"{name}: its folder is no class of ImageNet (a number 0..999, a WordNet id or a name).")
            labels[name] = known[folder]
    if not labels:
        sys.exit(f"{pictures.path} holds no pictures in folders.")
    return labels


def score_lite(which: str, path: Path, weights: Path | None) -> None:
    """Print top-1 and top-5 accuracy on the central squares of the pictures."""
    pictures = Pictures(path)
    labels = imagenet_labels(pictures)
    model = keras.models.load_model(weights or fetch(f"models/efficientnet_{which}.keras"))
    images = np.stack([centre_square(pictures.picture(name), SIZES[which]) for name in labels])
    order = np.argsort(-model.predict(images, batch_size=32, verbose=0), axis=1)
    for top in (1, 5):
        right = [bool(set(row[:top]) & indices) for row, indices in zip(order, labels.values(), strict=True)]
        print(f"top-{top} accuracy: {share(sum(right), len(right))}")


def score_hrnet(path: Path, split: str, weights: Path | None) -> None:
    """Print IoU per class, mean IoU and pixel accuracy on whole frames."""
    frames, masks = hrnet.read_frames(path, split)
    loaded = tf.saved_model.load(str(weights or fetch_folder("models/hrnet_small")))
    channels = np.add(hrnet.CAMVID_IDS, 1)

    def predict(batch: np.ndarray) -> np.ndarray:
        return np.asarray(loaded.predict(batch))[..., channels]

    result = hrnet.scores(hrnet.confusion(predict, frames, masks))
    for name, iou in zip(result["classes"], result["iou"], strict=True):
        print(f"{name:11} {iou:.3f}")
    print(f"mean IoU {result['mean_iou']:.3f}, pixel accuracy {result['pixel_accuracy']:.3f} on {len(frames)} frames")


def score_signs(path: Path, weights: Path) -> None:
    """Print the accuracy on the test photographs, five views of each, and the recall of each class."""
    model = keras.models.load_model(weights)
    images, labels = signs.read_part(path, "Test", model.input_shape[1])
    print_classes(labels, signs.probabilities(model, images).argmax(axis=1), TRAFFIC_SIGN_CLASSES)


def score_cifar10(path: Path, weights: Path, validation: bool) -> None:
    """Print the accuracy and the recall of each class."""
    model = keras.models.load_model(weights)
    images, labels, _ = cifar10.read_images(path)
    if validation:
        _, _, images, labels = cifar10.split_images(images, labels)
    # Lesson 6's network takes numbers in [0, 1]; ours divides by itself.
    has_scaling = any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers)
    inputs = images if has_scaling else images.astype("float32") / 255
    print_classes(labels, model.predict(inputs, batch_size=500, verbose=0).argmax(axis=1), CIFAR10_CLASSES)


def print_classes(labels: np.ndarray, answers: np.ndarray, names: tuple[str, ...]) -> None:
    """The recall of each class, and the accuracy with its interval."""
    recall = recall_per_class(confusion_matrix(labels, answers, len(names)))
    table = pd.DataFrame({"pictures": np.bincount(labels, minlength=len(names)), "recall": recall}, index=names)
    print(table.round(3).to_string())
    print(f"accuracy: {share(int((labels == answers).sum()), len(labels))}")


def share(right: int, total: int) -> str:
    """A share in per cent with its 95 % interval."""
    low, high = wilson_interval(right, total)
    return f"{right / total:.1%} ({right:,} of {total:,} pictures; 95 % interval {low:.1%} to {high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=("lite0", "lite2", "hrnet", "signs", "cifar10"))
    parser.add_argument("data", type=Path, help="folder or zip")
    parser.add_argument("--weights", type=Path, help="another network than the shipped one")
    parser.add_argument("--split", default="val", help="of CamVid (%(default)s)")
    parser.add_argument("--validation", action="store_true", help="of CIFAR-10, the part that no training has seen")
    arguments = parser.parse_args()
    network, data, weights = arguments.network, arguments.data, arguments.weights
    if network in ("signs", "cifar10") and weights is None:
        parser.error(
            f"no {network} network is shipped: name one that `python -m tools.train.{network}` kept, --weights FILE"
        )
    if weights and not weights.exists():
        parser.error(f"there is no {weights}")
    if network in SIZES:
        score_lite(network, data, weights)
    elif network == "hrnet":
        score_hrnet(data, arguments.split, weights)
    elif network == "signs":
        score_signs(data, weights)
    else:
        score_cifar10(data, weights, arguments.validation)


if __name__ == "__main__":
    main()
