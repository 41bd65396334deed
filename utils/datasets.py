"""The data sets of the lessons, with the same tuples, shapes and dtypes as Keras's own `load_data`.

In quick mode everything comes from files of the repository; in full mode from the sources that Keras uses, by hash.
"""

from __future__ import annotations

import codecs
import gzip
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from utils.downloads import DownloadError, fetch, make_folder, unpack
from utils.mode import mode
from utils.pictures import decode_picture, write_picture

Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

BOSTON_COLUMNS = ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT")
MNIST_CLASSES = tuple("0123456789")
FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAFFIC_SIGN_CLASSES = (
    "speed limit 20",
    "speed limit 30",
    "speed limit 50",
    "speed limit 60",
    "speed limit 70",
    "speed limit 80",
    "end of speed limit 80",
    "speed limit 100",
    "speed limit 120",
    "no overtaking",
    "no overtaking by lorries",
    "priority at next crossing",
    "priority road",
    "give way",
    "stop",
    "no vehicles",
    "no lorries",
    "no entry",
    "danger",
    "bend to the left",
    "bend to the right",
    "double bend",
    "uneven road",
    "slippery road",
    "road narrows on the right",
    "road works",
    "traffic signals",
    "pedestrians",
    "children",
    "cyclists",
    "snow or ice",
    "wild animals",
    "end of all limits",
    "turn right",
    "turn left",
    "straight on",
    "straight on or right",
    "straight on or left",
    "keep right",
    "keep left",
    "roundabout",
    "end of no overtaking",
    "end of no overtaking by lorries",
)
SIGNS_ARCHIVE = "data/traffic_signs.zip"  # the rendered signs of quick mode
SIGNS_PER_CLASS = {"Train": 28, "Valid": 12}  # photographs that full mode takes of each class of GTSRB's training part


def boston_housing_table() -> pd.DataFrame:
    """The Boston housing data as a table: 506 census tracts of the 1970s in their original order.

    Returns:
        506 rows of float64: the columns BOSTON_COLUMNS, then "MEDV", the tract's median value of owner-occupied homes
        in 1000 dollars, capped at 50.
    """
    if mode() == "full":
        with np.load(fetch("boston_housing.npz"), allow_pickle=False) as archive:
            return pd.DataFrame(archive["x"], columns=list(BOSTON_COLUMNS)).assign(MEDV=archive["y"])
    return pd.read_csv(fetch("data/boston_housing.csv"), dtype=float, float_precision="round_trip")


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
    table = boston_housing_table()
    x, y = table[list(BOSTON_COLUMNS)].to_numpy(), table["MEDV"].to_numpy()
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

        def read(name: str) -> tuple[np.ndarray, np.ndarray]:
            batch = _ArrayUnpickler(archive.extractfile(f"cifar-10-batches-py/{name}"), encoding="bytes").load()
            images = np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            return np.ascontiguousarray(images), np.array(batch[b"labels"], np.uint8)[:, None]

        parts = [read(f"data_batch_{number}") for number in range(1, 6)]
        test = read("test_batch")
    return (np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])), test


class _ArrayUnpickler(pickle.Unpickler):
    """Reads lists, dictionaries, numbers, bytes and NumPy arrays, and refuses what could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return np.ndarray.__new__  # what that function calls; its module has moved since CIFAR-10 was written
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}:
            return getattr(np if module == "numpy" else codecs, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a data file.")


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


def cifar10_photographs() -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Embedded colour photographs of CIFAR-10's ten classes, none of them from CIFAR-10, in both modes.

    Returns:
        The photographs, (N, 96, 96, 3) uint8 RGB in 0..255, two or more of each class; their labels, (N,) int64 in
        0..9, in the order of CIFAR10_CLASSES; and a table of N rows of text with the columns file (in the archive),
        class, title, author, licence, source (package and path), crop ("left top side" in pixels of the source; empty
        for a cut-out) and background (the colour behind a cut-out; empty for a photograph).

    Raises:
        DownloadError: the archive is missing or damaged.
    """
    with zipfile.ZipFile(fetch("data/cifar10_photographs.zip")) as archive:
        with archive.open("photographs.csv") as file:
            table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8")
        photographs = np.stack([decode_picture(archive.read(name), name) for name in table["file"]])
    labels = np.array([CIFAR10_CLASSES.index(name) for name in table["class"]], np.int64)
    return photographs, labels, table


def traffic_signs_folder() -> Path:
    """A folder of traffic signs of the 43 classes TRAFFIC_SIGN_CLASSES, in the layout that Keras reads.

    Quick mode unpacks the embedded rendered signs (tools/data/render_signs.py), full mode prepares the German Traffic
    Sign Recognition Benchmark (Stallkamp et al., 2011): of each class 28 photographs for training and 12 for
    validation, evenly spaced, no physical sign in both; and all 12,630 of the official test set. Either is done once,
    in the cache.

    Returns:
        The folder. Below it: Train/<0..42>/ and Valid/<0..42>/ with RGB pictures <class>_<track>_<frame>.jpg (.png in
        full mode; a track is one physical sign); Test/; and Test.csv with the columns Width, Height, Roi.X1, Roi.Y1,
        Roi.X2, Roi.Y2 (box of the sign in pixels), ClassId (0..42) and Path (relative to the folder).

    Raises:
        DownloadError: an archive cannot be had, or the folder cannot be written.
    """
    if mode() == "quick":
        return unpack(SIGNS_ARCHIVE)
    return make_folder("gtsrb-40-per-class", _prepare_gtsrb)


def _prepare_gtsrb(folder: Path) -> None:
    """Write GTSRB's photographs, PPM files in the official archives, as PNG files in the course's layout."""

    with zipfile.ZipFile(fetch("GTSRB_Final_Training_Images.zip")) as archive:
        for class_id in range(len(TRAFFIC_SIGN_CLASSES)):
            start = f"GTSRB/Final_Training/Images/{class_id:05}/"
            members = [name for name in archive.namelist() if name.startswith(start) and name.endswith(".ppm")]
            for part, names in split_tracks(members).items():
                for name in names:
                    png = f"{part}/{class_id}/{class_id:05}_{Path(name).stem}.png"
                    _convert_picture(archive, name, folder / png)
    with zipfile.ZipFile(fetch("GTSRB_Final_Test_GT.zip")) as archive, archive.open("GT-final_test.csv") as file:
        table = pd.read_csv(file, sep=";")
    names = table.pop("Filename")
    table["Path"] = "Test/" + names.str.replace(".ppm", ".png", regex=False)
    with zipfile.ZipFile(fetch("GTSRB_Final_Test_Images.zip")) as archive:
        for name, path in zip(names, table["Path"], strict=True):
            _convert_picture(archive, f"GTSRB/Final_Test/Images/{name}", folder / path)
    table.to_csv(folder / "Test.csv", index=False, encoding="utf-8")


def _convert_picture(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    """Write a picture of an archive as a file of the format that the target's name says."""
    target.parent.mkdir(parents=True, exist_ok=True)
    write_picture(target, decode_picture(archive.read(member), member))


def split_tracks(names: list[str]) -> dict[str, list[str]]:
    """Choose the training and validation pictures of one class, so that no track is in both.

    Args:
        names: file names that end in <track>_<frame>.<extension>.

    Returns:
        {"Train": 28 names, "Valid": 12 names}, each evenly spaced over its tracks; 30 % of the tracks are for
        validation, one at least.
    """
    tracks = sorted({Path(name).stem.split("_")[-2] for name in names})
    held_out = {tracks[i] for i in np.linspace(1, len(tracks) - 1, max(1, round(0.3 * len(tracks)))).astype(int)}
    chosen = {}
    for part, count in SIGNS_PER_CLASS.items():
        own = [n for n in sorted(names) if (Path(n).stem.split("_")[-2] in held_out) == (part == "Valid")]
        chosen[part] = [own[i] for i in np.linspace(0, len(own) - 1, count).astype(int)]
    return chosen


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
