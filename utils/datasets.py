"""The data sets of the lessons, with the same tuples, shapes and dtypes as Keras's own `load_data`.

In quick mode everything comes from files of the repository; in full mode from the sources that Keras uses, by hash.
"""

from __future__ import annotations

import csv
import gzip
import pickle
import tarfile
from pathlib import Path

import numpy as np

from utils.downloads import DownloadError, fetch
from utils.mode import mode

Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

BOSTON_COLUMNS = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")
MNIST_CLASSES = tuple("0123456789")
FASHION_MNIST_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load_boston_housing(test_split: float = 0.2, seed: int = 113) -> Split:
    """The 506 census tracts of the Boston housing data, shuffled and split exactly as Keras does it.

    Args:
        test_split: fraction of the rows that goes into the test set, in [0, 1).
        seed: seed of the shuffle.

    Returns:
        (x_train, y_train), (x_test, y_test): x is (N, 13) float64 with the columns BOSTON_COLUMNS; y is (N,) float64,
        the tract's median value of owner-occupied homes in 1000 dollars of the 1970s, capped at 50. By default N is 404
        and 102.

    Raises:
        ValueError: test_split is outside [0, 1).
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split is a fraction in [0, 1), got {test_split}")
    if mode() == "full":
        with np.load(fetch("boston_housing.npz"), allow_pickle=False) as archive:
            x, y = archive["x"], archive["y"]
    else:
        with fetch("data/boston_housing.csv").open(encoding="utf-8", newline="") as file:
            table = np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
        x, y = table[:, :-1], table[:, -1]
    # The legacy generator, because that is the one whose order Keras's split has had since its first release.
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    n_train = int(len(x) * (1 - test_split))
    return (x[:n_train], y[:n_train]), (x[n_train:], y[n_train:])


def load_mnist() -> Split:
    """MNIST: 60,000 training and 10,000 test images of handwritten digits, in both modes.

    Returns:
        (x_train, y_train), (x_test, y_test): x is (N, 28, 28) uint8 in 0..255, white ink on black; y is (N,) uint8, the
        digit.
    """
    if mode() == "full":
        with np.load(fetch("mnist.npz"), allow_pickle=False) as archive:
            return (archive["x_train"], archive["y_train"]), (archive["x_test"], archive["y_test"])
    return _load_idx_folder("data/mnist")


def load_fashion_mnist() -> Split:
    """Fashion-MNIST: 28x28 pictures of ten kinds of clothing, FASHION_MNIST_CLASSES.

    Quick mode has the first 1,000 training and 200 test images of each class in their original order, full mode all
    60,000 and 10,000.

    Returns:
        (x_train, y_train), (x_test, y_test): x is (N, 28, 28) uint8 in 0..255; y is (N,) uint8 in 0..9.
    """
    return _load_idx_folder("fashion_mnist_full" if mode() == "full" else "data/fashion_mnist")


def load_cifar10() -> Split:
    """CIFAR-10: 50,000 training and 10,000 test photographs of ten kinds of things, CIFAR10_CLASSES. Full mode only.

    Returns:
        (x_train, y_train), (x_test, y_test): x is (N, 32, 32, 3) uint8, RGB in 0..255; y is (N, 1) uint8 in 0..9.

    Raises:
        DownloadError: in quick mode, or if the archive cannot be had.
    """
    with tarfile.open(fetch("cifar-10-python.tar.gz")) as archive:
        # Unpickling is safe here: the archive's hash has been verified.
        def read(name: str) -> tuple[np.ndarray, np.ndarray]:
            batch = pickle.load(archive.extractfile(f"cifar-10-batches-py/{name}"), encoding="bytes")
            images = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            return np.ascontiguousarray(images), np.array(batch[b"labels"], np.uint8)[:, None]

        parts = [read(f"data_batch_{number}") for number in range(1, 6)]
        test = read("test_batch")
    return (np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])), test


def load_cifar10_or_stand_in() -> tuple[Split, tuple[str, ...]]:
    """CIFAR-10 in full mode; in quick mode the embedded part of Fashion-MNIST in CIFAR-10's form.

    The stand-in's pictures get a black border of two pixels and their grey value in all three channels.

    Returns:
        ((x_train, y_train), (x_test, y_test)), class_names: x is (N, 32, 32, 3) uint8 in 0..255; y is (N, 1) uint8 in
        0..9; N is 50,000 and 10,000 in full mode, 10,000 and 2,000 in quick mode; ten names.
    """
    if mode() == "full":
        return load_cifar10(), CIFAR10_CLASSES

    def convert(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        padded = np.pad(x, ((0, 0), (2, 2), (2, 2)))
        return np.repeat(padded[..., None], 3, axis=-1), y[:, None]

    train, test = load_fashion_mnist()
    return (convert(*train), convert(*test)), FASHION_MNIST_CLASSES


def _load_idx_folder(folder: str) -> Split:
    def read(name: str) -> np.ndarray:
        return read_idx(fetch(f"{folder}/{name}-ubyte.gz"))

    return (
        (read("train-images-idx3"), read("train-labels-idx1")),
        (read("t10k-images-idx3"), read("t10k-labels-idx1")),
    )


def read_idx(path: Path) -> np.ndarray:
    """Read a gzip-compressed idx file, the format MNIST was published in.

    The format: two zero bytes, a type code (8: unsigned byte), the rank, then one big-endian int32 per dimension, then
    the values in C order.

    Returns:
        A writable uint8 array of the shape that the file states.

    Raises:
        DownloadError: the file is not such a file, or ends early.
    """
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise DownloadError(f"{path.name} is not a readable gzip file: {error}") from error
    if len(data) < 4 or data[:3] != b"\x00\x00\x08" or len(data) < 4 + 4 * data[3]:
        raise DownloadError(f"{path.name} is not an idx file of unsigned bytes.")
    rank = data[3]
    shape = tuple(int(n) for n in np.frombuffer(data, ">i4", count=rank, offset=4))
    values = np.frombuffer(data, np.uint8, offset=4 + 4 * rank)
    if values.size != np.prod(shape, dtype=np.int64):
        raise DownloadError(f"{path.name} promises {shape} values but holds {values.size}.")
    return values.reshape(shape).copy()
