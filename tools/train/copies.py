"""What JPEG copies lose, measured on pictures whose originals we have; our CIFAR-10 images are such copies.

    python -m tools.train.copies cifar10_train.zip gtsrb_40_per_class.zip

The copies in the first zip say their quality; with it are copied the lesson's photographs, reduced to 32x32 pixels, and
the photographs of traffic signs in the second zip. Our recipe's network is trained on the traffic signs and on their
copies, over three seeds, and each time scored on test pictures of its own kind. The network that the course ships
reads the validation images of CIFAR-10, and copies of these copies: once on the same grid of 8x8 pixels, and
once on a grid that is moved by 3 pixels, which loses about as much as a first copy.
"""

from __future__ import annotations

import io
import statistics
import sys
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from PIL import Image  # OpenCV does not say how a JPEG file was compressed

from tools.train import cifar10, common, signs
from tools.train.data import Pictures, resized
from utils import datasets
from utils.downloads import fetch

SIDE, SEEDS, EPOCHS, BATCH_SIZE = 32, (42, 1, 2), 25, 32
MOVED = 3  # pixels


def quality(data: bytes) -> int | None:
    """The quality, 1..100, with which libjpeg writes the quantisation tables of a JPEG file; None if it has others."""
    tables = Image.open(io.BytesIO(data)).quantization
    for number in range(1, 101):
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=number)
        if Image.open(buffer).quantization == tables:
            return number
    return None


def copied(images: np.ndarray, number: int, moved: int = 0) -> np.ndarray:
    """JPEG copies of images, (N, H, W, 3) uint8 RGB, with colours at half the resolution.

    Args:
        images: the originals.
        number: libjpeg's quality.
        moved: pixels by which the grid of 8x8 pixels lies further to the left and top.
    """
    copies = []
    for image in np.roll(images, (moved, moved), axis=(1, 2)):
        buffer = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, number])[1]
        copies.append(cv2.imdecode(buffer, cv2.IMREAD_COLOR_RGB))
    return np.roll(np.stack(copies), (-moved, -moved), axis=(1, 2))


def pixel_error(images: np.ndarray, copies: np.ndarray) -> float:
    """The root of the mean squared difference of two arrays of images, in grey levels."""
    return round(float(np.sqrt(np.mean((images.astype(float) - copies) ** 2))), 2)


def train_on_signs(images: np.ndarray, labels: np.ndarray, seed: int, epochs: int) -> keras.Model:
    """Our recipe's network, trained without augmentation on (N, 32, 32, 3) uint8 images of the 43 signs; logits."""
    recipe = cifar10.Recipe(epochs, batch_size=BATCH_SIZE, precision="float32", seed=seed)
    keras.utils.set_random_seed(seed)
    body = cifar10.build_ours(recipe)
    model = keras.Model(body.inputs, keras.layers.Dense(signs.CLASSES)(body.layers[-2].output))
    cifar10.compile_ours(model, recipe, -(-len(labels) // BATCH_SIZE))
    one_hot = keras.utils.to_categorical(labels, signs.CLASSES)
    model.fit(images, one_hot, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
    return model


def on_signs(path: Path, number: int, epochs: int, limit: int | None) -> dict[str, Any]:
    """The test accuracies of a network trained and tested on photographs of signs, and of one on their copies."""
    parts = [signs.read_part(path, part, SIDE, limit) for part in ("Train", "Test")]
    kinds = {"originals": parts, "copies": [(copied(images, number), labels) for images, labels in parts]}
    result: dict[str, Any] = {"training images": len(parts[0][1]), "test images": len(parts[1][1]), "epochs": epochs}
    result["pixel error"] = pixel_error(parts[1][0], kinds["copies"][1][0])
    for kind, ((x_train, y_train), (x_test, y_test)) in kinds.items():
        result[kind] = []
        for seed in SEEDS:
            model = train_on_signs(x_train, y_train, seed, epochs)
            predicted = model.predict(x_test, batch_size=500, verbose=0).argmax(axis=1)
            result[kind].append(round(float((predicted == y_test).mean()), 5))
            print(f"signs, {kind}, seed {seed}: {result[kind][-1]:.2%}", flush=True)
    return result


def on_validation(path: Path, number: int, limit: int | None) -> dict[str, Any]:
    """The shipped network's accuracy on the validation images, and on copies of them."""
    images, labels, _ = cifar10.read_images(path)
    *_, images, labels = cifar10.split_images(images, labels, limit)
    model = keras.models.load_model(fetch("models/cifar10_recipe.keras"))
    kinds = {"as they are": images, "same grid": copied(images, number), "moved grid": copied(images, number, MOVED)}
    return {
        kind: {
            "pixel error": pixel_error(images, copies),
            "accuracy": round(float((model.predict(copies, batch_size=500, verbose=0).argmax(1) == labels).mean()), 5),
        }
        for kind, copies in kinds.items()
    }


def main() -> None:
    parser = common.command_line(__doc__, "copies")
    parser.add_argument("cifar10", type=Path, help="zip or folder of <class>/<n>.jpg")
    parser.add_argument("signs", type=Path, help="zip or folder of GTSRB, as tools.train.signs reads it")
    arguments = parser.parse_args()
    pictures = Pictures(arguments.cifar10)
    number = quality(next(pictures.content(name) for name in pictures.names if name.endswith((".jpg", ".jpeg"))))
    if number is None:
        sys.exit(f"{arguments.cifar10.name}: its pictures were not compressed with a quality of libjpeg.")
    photographs = np.stack([resized(image, SIDE) for image in datasets.cifar10_photographs()[0]])
    result = {
        "command": f"python -m tools.train.copies {arguments.cifar10.name} {arguments.signs.name}",
        "versions": common.versions(),
        "quality": number,
        "photographs": {
            "images": len(photographs),
            "pixel error": pixel_error(photographs, copied(photographs, number)),
        },
        "validation": on_validation(arguments.cifar10, number, arguments.limit),
        "signs": on_signs(arguments.signs, number, arguments.epochs or EPOCHS, arguments.limit),
        "seeds": list(SEEDS),
        **common.trial(arguments.epochs, arguments.limit),
    }
    originals, copies = (statistics.mean(result["signs"][kind]) for kind in ("originals", "copies"))
    sentence = f"Signs: {originals:.2%} with originals and {copies:.2%} with copies of quality {number}."
    common.finish(arguments.target, "cifar10_copies.json", result, sentence)


if __name__ == "__main__":
    main()
