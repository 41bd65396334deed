"""The loaders of full mode on real pictures, written here in the forms in which the data sets are published.

Only where the pictures are: $COURSE_REAL_DATA, or ../shared/data beside the repository, with cifar10_train.zip,
gtsrb_40_per_class.zip and camvid_trainval.zip. Elsewhere these tests are skipped.
"""

from __future__ import annotations

import csv
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.train.hrnet import CLASSES, read_frames
from utils import datasets

FOLDER = Path(os.environ.get("COURSE_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def real(name: str) -> Path:
    if not (FOLDER / name).is_file():
        pytest.skip(f"no {name}; COURSE_REAL_DATA names the folder that has it")
    return FOLDER / name


def picture(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB"))


def test_cifar10(tmp_path, monkeypatch):
    """3,000 photographs in the published form come back with the same pixels and labels."""
    batches = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    with zipfile.ZipFile(real("cifar10_train.zip")) as archive:
        names = [f"cifar10_train/{kind}/{n:04}.jpg" for n in range(300) for kind in datasets.CIFAR10_CLASSES]
        x = np.stack([picture(archive, name) for name in names])
    y = np.arange(len(x)) % 10
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as archive:
        for number, name in enumerate(batches):
            own = slice(500 * number, 500 * (number + 1))
            planes = np.ascontiguousarray(x[own].transpose(0, 3, 1, 2)).reshape(500, 3072)
            data = pickle.dumps(
                {b"data": planes, b"labels": y[own].tolist(), b"batch_label": name.encode()}, protocol=2
            )
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    monkeypatch.setattr(datasets, "fetch", lambda name: tmp_path / name)
    (x_train, y_train), (x_test, y_test) = datasets.load_cifar10()
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), x)
    np.testing.assert_array_equal(np.concatenate([y_train, y_test])[:, 0], y)


def test_traffic_signs(tmp_path, monkeypatch):
    """GTSRB's real frames and tracks in archives of the official form: right classes and pixels, no shared track."""
    top = "dataset_traffic_signs_40_samples_per_class/"
    ppms: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(real("gtsrb_40_per_class.zip")) as archive:
        table = list(csv.DictReader(io.StringIO(archive.read(f"{top}Test.csv").decode())))[:500]
        for name in archive.namelist():
            part, *rest = name.removeprefix(top).split("/")
            if part in ("Train", "Valid") and name.endswith(".png"):
                path = f"GTSRB/Final_Training/Images/{int(rest[0]):05}/{Path(name).stem}.ppm"
                ppms[path] = picture(archive, name)
        tests = {row["Path"]: picture(archive, top + row["Path"]) for row in table}
    assert len(ppms) == 43 * 40

    def write(target: str, pictures: dict[str, np.ndarray]) -> None:
        with zipfile.ZipFile(tmp_path / target, "w") as archive:
            for name, pixels in pictures.items():
                buffer = io.BytesIO()
                Image.fromarray(pixels).save(buffer, format="PPM")
                archive.writestr(name, buffer.getvalue())

    write("GTSRB_Final_Training_Images.zip", ppms)
    write(
        "GTSRB_Final_Test_Images.zip",
        {f"GTSRB/Final_Test/Images/{Path(path).stem}.ppm": pixels for path, pixels in tests.items()},
    )
    columns = ("Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId")
    lines = [";".join([f"{Path(row['Path']).stem}.ppm", *(row[column] for column in columns)]) for row in table]
    with zipfile.ZipFile(tmp_path / "GTSRB_Final_Test_GT.zip", "w") as archive:
        archive.writestr("GT-final_test.csv", "\n".join([";".join(("Filename", *columns)), *lines]) + "\n")

    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "fetch", lambda name: tmp_path / name)
    folder = datasets.traffic_signs_folder()
    for class_id in range(43):
        tracks = {}
        for part in datasets.SIGNS_PER_CLASS:
            files = list((folder / part / str(class_id)).iterdir())
            tracks[part] = {path.stem.split("_")[1] for path in files}
            for path in files:
                name = f"GTSRB/Final_Training/Images/{class_id:05}/{path.stem.split('_', 1)[1]}.ppm"
                np.testing.assert_array_equal(np.asarray(Image.open(path)), ppms[name])
        assert tracks["Train"] and tracks["Valid"] and not tracks["Train"] & tracks["Valid"]
    with (folder / "Test.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{key: row[key] for key in rows[0]} for row in table]
    for row in rows:
        np.testing.assert_array_equal(np.asarray(Image.open(folder / row["Path"])), tests[row["Path"]])


def test_camvid():
    for part, count in (("train", 367), ("val", 101)):
        frames, masks = read_frames(real("camvid_trainval.zip"), part)
        assert (frames.shape, frames.dtype) == ((count, 360, 480, 3), np.uint8)
        assert masks.shape == (count, 360, 480)
        assert set(np.unique(masks)) == set(range(len(CLASSES) + 1))
