"""The rendered traffic signs: the folder layout, equal files for equal seeds, different faces for different classes."""

from __future__ import annotations

import csv
import itertools

import numpy as np
import pytest
from PIL import Image

from tools import render_signs

TRACKS = {"Train": 1, "Valid": 1, "Test": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("signs")
    render_signs.render(place, 42, TRACKS)
    return place


def test_the_layout_is_the_archive_s(folder):
    tracks = {}
    for part in ("Train", "Valid"):
        assert {path.name for path in (folder / part).iterdir()} == {str(number) for number in range(43)}
        files = [path for path in (folder / part).rglob("*") if path.is_file()]
        assert len(files) == 43 * render_signs.FRAMES
        assert all(path.name.startswith(f"{int(path.parent.name):05}_") for path in files)
        tracks[part] = {path.name.rsplit("_", 1)[0] for path in files}
    assert not tracks["Train"] & tracks["Valid"]
    with (folder / "Test.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(int(row["ClassId"]) for row in rows) == list(range(43))
    for row in rows:
        with Image.open(folder / row["Path"]) as image:
            assert image.size == (int(row["Width"]), int(row["Height"]))
        assert 0 <= int(row["Roi.X1"]) < int(row["Roi.X2"]) <= int(row["Width"])
        assert 0 <= int(row["Roi.Y1"]) < int(row["Roi.Y2"]) <= int(row["Height"])


def test_equal_seeds_give_equal_photographs():
    def first(seed: int) -> bytes:
        image, _ = next(render_signs.track(np.random.default_rng([seed, 14, 0]), 14, 1))
        return render_signs.jpeg(image)

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_no_two_faces_are_alike():
    faces = {number: np.asarray(render_signs.draw_face(number), float)[..., :3] for number in render_signs.SIGNS}
    assert sorted(faces) == list(range(43))
    for a, b in itertools.combinations(faces, 2):
        changed = np.abs(faces[a] - faces[b]).max(axis=-1) > 60
        assert changed.mean() > 0.005, (a, b)


def test_mirrored_signs_are_mirror_images():
    for left, right in ((19, 20), (34, 33), (37, 36), (39, 38)):
        a, b = (np.asarray(render_signs.draw_face(number).convert("RGB"), float) for number in (left, right))
        assert np.abs(a[:, ::-1] - b).mean() < 6, (left, right)
