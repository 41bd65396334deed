"""The rendered traffic signs: the folder layout, equal files for equal seeds, different faces for different classes."""

from __future__ import annotations

import csv
import functools
import itertools
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from tools.data import render_signs

TRACKS = {"Train": 2, "Valid": 1, "Test": 1}
CLASSES = (2, 14, 33)


@pytest.fixture(scope="module")
def contents():
    return list(render_signs.files(42, TRACKS, CLASSES))


def test_the_layout_is_the_archive_s(contents, tmp_path):
    render_signs.render(tmp_path, contents)
    tracks = {}
    for part in ("Train", "Valid"):
        assert {path.name for path in (tmp_path / part).iterdir()} == {str(number) for number in CLASSES}
        files = [path for path in (tmp_path / part).rglob("*") if path.is_file()]
        assert len(files) == len(CLASSES) * TRACKS[part] * render_signs.FRAMES[part]
        assert all(path.name.startswith(f"{int(path.parent.name):05}_") for path in files)
        tracks[part] = {path.name.rsplit("_", 1)[0] for path in files}
    assert not tracks["Train"] & tracks["Valid"]
    with (tmp_path / "Test.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(int(row["ClassId"]) for row in rows) == sorted(CLASSES)
    for row in rows:
        with Image.open(tmp_path / row["Path"]) as image:
            assert image.size == (int(row["Width"]), int(row["Height"]))
        assert 0 <= int(row["Roi.X1"]) < int(row["Roi.X2"]) <= int(row["Width"])
        assert 0 <= int(row["Roi.Y1"]) < int(row["Roi.Y2"]) <= int(row["Height"])


def test_the_zip_is_the_same_every_time_and_holds_the_same_files(contents, tmp_path, monkeypatch):
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    render_signs.render_zip(first, contents)
    again = functools.partial(render_signs.files, classes=CLASSES)
    monkeypatch.setattr(render_signs, "files", again)
    numbers = [word for part, count in TRACKS.items() for word in (f"--{part.lower()}-tracks", str(count))]
    monkeypatch.setattr(sys, "argv", ["render_signs", "--zip", str(second), *numbers])
    render_signs.main()
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {name: archive.read(name) for name in archive.namelist()} == dict(contents)


def test_a_command_without_a_target_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["render_signs"])
    with pytest.raises(SystemExit):
        render_signs.main()
    assert "name a folder, --zip or --sheet" in capsys.readouterr().err


def test_equal_seeds_give_equal_photographs():
    def first(seed: int) -> bytes:
        image, _ = next(render_signs.track(np.random.default_rng([seed, 14, 0]), 14, 1))
        return render_signs.jpeg(image)

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_no_two_faces_are_alike():
    faces = {
        number: np.asarray(render_signs.draw_face(number).reduce(4), float)[..., :3] for number in render_signs.SIGNS
    }
    assert sorted(faces) == list(range(43))
    for a, b in itertools.combinations(faces, 2):
        changed = np.abs(faces[a] - faces[b]).max(axis=-1) > 60
        assert changed.mean() > 0.005, (a, b)


def test_mirrored_signs_are_mirror_images():
    for left, right in ((19, 20), (34, 33), (37, 36), (39, 38)):
        a, b = (np.asarray(render_signs.draw_face(number).convert("RGB"), float) for number in (left, right))
        assert np.abs(a[:, ::-1] - b).mean() < 6, (left, right)
