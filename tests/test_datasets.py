from __future__ import annotations

import gzip
import io
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest

from utils import datasets, downloads
from utils.downloads import DownloadError
from utils.pictures import read_picture


def test_boston_housing_is_split_as_keras_does():
    (x_train, y_train), (x_test, y_test) = datasets.load_boston_housing()
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((404, 13), (404,), (102, 13), (102,))
    assert x_train.dtype == y_train.dtype == np.float64
    first = [1.23247, 0.0, 8.14, 0.0, 0.538, 6.142, 91.7, 3.9769, 4.0, 307.0, 21.0, 396.9, 18.72]
    assert x_train[0].tolist() == first
    assert y_train[0] == 15.2
    assert np.concatenate([y_train, y_test]).max() == 50
    assert (np.concatenate([y_train, y_test]) == 50).sum() == 16
    assert len(datasets.BOSTON_COLUMNS) == 13


def test_boston_housing_options():
    (x_train, _), (x_test, _) = datasets.load_boston_housing(test_split=0)
    assert (len(x_train), len(x_test)) == (506, 0)
    assert not np.array_equal(datasets.load_boston_housing(seed=1)[0][0], datasets.load_boston_housing(seed=2)[0][0])
    for bad in (-0.1, 1, 1.5):
        with pytest.raises(ValueError, match="test_split"):
            datasets.load_boston_housing(test_split=bad)


def test_boston_housing_as_a_table():
    table = datasets.boston_housing_table()
    assert table.shape == (506, 14)
    assert list(table.columns) == [*datasets.BOSTON_COLUMNS, "MEDV"]
    assert (table.dtypes == np.float64).all()
    assert table.iloc[0].to_dict() | {"CRIM": 0.00632, "RM": 6.575, "MEDV": 24.0} == table.iloc[0].to_dict()
    (x, y), _ = datasets.load_boston_housing(test_split=0)
    rows = np.column_stack([x, y])
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], table.to_numpy()[np.lexsort(table.to_numpy().T)])


def test_mnist():
    (x_train, y_train), (x_test, y_test) = datasets.load_mnist()
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == (
        (60000, 28, 28),
        (60000,),
        (10000, 28, 28),
        (10000,),
    )
    assert x_train.dtype == y_train.dtype == np.uint8
    assert (x_train.min(), x_train.max()) == (0, 255)
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert y_test[:3].tolist() == [7, 2, 1]
    assert np.bincount(y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    x_train[0, 0, 0] = 1  # writable, as Keras's arrays are


def test_fashion_mnist_subset_is_balanced():
    (x_train, y_train), (x_test, y_test) = datasets.load_fashion_mnist()
    assert x_train.shape == (10000, 28, 28)
    assert x_test.shape == (2000, 28, 28)
    assert np.bincount(y_train).tolist() == [1000] * 10
    assert np.bincount(y_test).tolist() == [200] * 10
    assert y_train[:9].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5]
    assert len(datasets.FASHION_MNIST_CLASSES) == 10


def test_full_mode_reads_keras_files(tmp_path, monkeypatch):
    """The npz files of full mode, made here from the embedded data, give the same arrays as quick mode."""
    quick = {"mnist": datasets.load_mnist(), "boston": datasets.load_boston_housing(test_split=0, seed=113)}
    (x_train, y_train), (x_test, y_test) = quick["mnist"]
    np.savez(tmp_path / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    table = datasets.boston_housing_table().to_numpy()
    np.savez(tmp_path / "boston_housing.npz", x=table[:, :-1], y=table[:, -1])
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setattr(datasets, "fetch", lambda name: tmp_path / name)
    np.testing.assert_array_equal(datasets.load_mnist()[1][0], x_test)
    np.testing.assert_array_equal(datasets.load_boston_housing(test_split=0)[0][0], quick["boston"][0][0])


def write_cifar10_archive(folder):
    """CIFAR-10's archive with four pictures in each part: what was written, by the name of the part."""
    rng = np.random.default_rng(0)
    written = {}
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name in [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]:
            batch = {b"data": rng.integers(0, 256, (4, 3072), np.uint8), b"labels": rng.integers(0, 10, 4).tolist()}
            written[name] = batch
            add_pickle(archive, name, batch)
    return written


def add_pickle(archive, name, batch):
    data = pickle.dumps(batch, protocol=2)
    member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def test_cifar10_reads_the_published_archive(tmp_path, monkeypatch):
    """An archive of the published form: planes of red, green and blue, labels as lists, names as bytes."""
    written = write_cifar10_archive(tmp_path)
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setattr(datasets, "fetch", lambda name: tmp_path / name)
    ((x_train, y_train), (x_test, y_test)), class_names = datasets.load_cifar10_or_stand_in()
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == (
        (20, 32, 32, 3),
        (20, 1),
        (4, 32, 32, 3),
        (4, 1),
    )
    assert x_train.dtype == y_train.dtype == np.uint8
    planes = written["data_batch_2"][b"data"][1].reshape(3, 32, 32)
    np.testing.assert_array_equal(x_train[5, :, :, 2], planes[2])
    assert y_test.ravel().tolist() == written["test_batch"][b"labels"]
    assert class_names == datasets.CIFAR10_CLASSES


def test_an_archive_that_would_run_code_is_refused(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return os.system, ("touch " + str(tmp_path / "evil"),)

    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        add_pickle(archive, "data_batch_1", {b"data": Evil()})
    monkeypatch.setattr(datasets, "fetch", lambda name: tmp_path / name)
    with pytest.raises(pickle.UnpicklingError, match="no place in a data file"):
        datasets.load_cifar10()
    assert not (tmp_path / "evil").exists()


def test_cifar10_needs_full_mode():
    with pytest.raises(DownloadError, match="quick mode never does"):
        datasets.load_cifar10()


def test_the_stand_in_for_cifar10_has_its_form():
    ((x_train, y_train), (x_test, y_test)), class_names = datasets.load_cifar10_or_stand_in()
    (grey, labels), _ = datasets.load_fashion_mnist()
    assert (x_train.shape, y_train.shape) == ((10000, 32, 32, 3), (10000, 1))
    assert (x_test.shape, y_test.shape) == ((2000, 32, 32, 3), (2000, 1))
    assert x_train.dtype == np.uint8
    for channel in range(3):
        np.testing.assert_array_equal(x_train[:, 2:-2, 2:-2, channel], grey)
    assert x_train[:, :2].max() == x_train[:, :, -2:].max() == 0
    np.testing.assert_array_equal(y_train.ravel(), labels)
    assert class_names == datasets.FASHION_MNIST_CLASSES


def idx(shape: tuple[int, ...], values: bytes) -> bytes:
    return gzip.compress(bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes() + values)


def write_idx(path, values):
    path.write_bytes(idx(values.shape, values.tobytes()))


@pytest.mark.parametrize("shape", [(2, 3), (7,), (0, 28, 28)])
def test_read_idx(tmp_path, shape):
    values = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    write_idx(tmp_path / "x.gz", values)
    read = datasets.read_idx(tmp_path / "x.gz")
    np.testing.assert_array_equal(read, values)
    assert read.shape == shape


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>not found</html>",
        idx((2, 3), bytes(range(6)))[:-9],
        gzip.compress(b"<html>not found</html>"),
        gzip.compress(b"\0\0"),
        gzip.compress(b"\0\0\x08\x03\0\0"),
        idx((2, 3), bytes(5)),
        idx((2, 3), bytes(7)),
    ],
    ids=range(8),  # the bytes hold the time, and two processes must collect the same names
)
def test_read_idx_names_a_damaged_file(tmp_path, data):
    path = tmp_path / "broken.gz"
    path.write_bytes(data)
    with pytest.raises(DownloadError, match=r"broken\.gz"):
        datasets.read_idx(path)


def test_traffic_signs_in_quick_mode(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    folder = datasets.traffic_signs_folder()
    assert len(datasets.TRAFFIC_SIGN_CLASSES) == 43 == len(set(datasets.TRAFFIC_SIGN_CLASSES))
    for part in ("Train", "Valid"):
        assert {path.name for path in (folder / part).iterdir()} == {str(number) for number in range(43)}
    table = pd.read_csv(folder / "Test.csv")
    assert set(table["Path"]) == {f"Test/{path.name}" for path in (folder / "Test").iterdir()}
    assert set(table["ClassId"]) == set(range(43))
    assert datasets.traffic_signs_folder() == folder
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [folder]


def write_gtsrb_archives(folder):
    """GTSRB's three archives, with 43 classes of three tracks of 20 small pictures, and 50 test pictures."""

    def ppm(value: int) -> bytes:
        return b"P6\n15 16\n255\n" + bytes([value, 0, 255]) * (15 * 16)  # red, green, blue

    with zipfile.ZipFile(folder / "GTSRB_Final_Training_Images.zip", "w") as archive:
        for class_id in range(43):
            place = f"GTSRB/Final_Training/Images/{class_id:05}"
            archive.writestr(f"{place}/GT-{class_id:05}.csv", "not read")
            for track in range(3):
                for frame in range(20):
                    archive.writestr(f"{place}/{track:05}_{frame:05}.ppm", ppm(class_id))
    with zipfile.ZipFile(folder / "GTSRB_Final_Test_Images.zip", "w") as archive:
        for number in range(50):
            archive.writestr(f"GTSRB/Final_Test/Images/{number:05}.ppm", ppm(number % 43))
    with zipfile.ZipFile(folder / "GTSRB_Final_Test_GT.zip", "w") as archive:
        table = "".join(f"{number:05}.ppm;15;16;1;2;13;14;{number % 43}\n" for number in range(50))
        columns = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"
        archive.writestr("GT-final_test.csv", columns + table)


def test_traffic_signs_in_full_mode(tmp_path, monkeypatch):
    (tmp_path / "archives").mkdir()
    write_gtsrb_archives(tmp_path / "archives")
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "fetch", lambda name: tmp_path / "archives" / name)
    folder = datasets.traffic_signs_folder()
    for class_id in range(43):
        tracks = {}
        for part, count in datasets.SIGNS_PER_CLASS.items():
            files = list((folder / part / str(class_id)).glob(f"{class_id:05}_*.png"))
            assert len(files) == count
            tracks[part] = {path.name.split("_")[1] for path in files}
        assert not tracks["Train"] & tracks["Valid"]
    sign = read_picture(folder / "Train" / "7" / "00007_00000_00000.png")
    assert sign.shape == (16, 15, 3)
    assert (sign == [7, 0, 255]).all()
    table = pd.read_csv(folder / "Test.csv")
    assert list(table.columns) == ["Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId", "Path"]
    assert len(table) == 50
    for row in table.itertuples():
        assert read_picture(folder / row.Path)[0, 0, 0] == row.ClassId


def test_a_broken_preparation_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))

    def fill(folder):
        (folder / "half").touch()
        raise OSError(28, "No space left on device")

    with pytest.raises(DownloadError, match=r"(?s)the disk is full.*COURSE_CACHE"):
        downloads.make_folder("signs", fill)
    assert [path.name for path in tmp_path.rglob("*")] == ["signs.lock"]
    assert downloads.make_folder("signs", lambda folder: (folder / "whole").touch()) == tmp_path / "signs"
    assert downloads.make_folder("signs", fill) == tmp_path / "signs"
