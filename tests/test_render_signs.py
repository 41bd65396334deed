"""The rendered traffic signs: the archive's layout, equal files for equal seeds, different faces for all classes."""

from __future__ import annotations

import io
import itertools
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.support import exit_code
from tools.data import render_signs, sign_faces
from utils import paths

TRACKS = {"Train": 2, "Valid": 1, "Test": 1}
CLASSES = (2, 14, 33)


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    return dict(render_signs.files(42, TRACKS, CLASSES))


def test_the_layout_is_the_archive_s(contents):
    tracks = {}
    for part in ("Train", "Valid"):
        names = [name.split("/")[1:] for name in contents if name.startswith(f"{part}/")]
        assert {folder for folder, _ in names} == {str(number) for number in CLASSES}
        assert len(names) == len(CLASSES) * TRACKS[part] * render_signs.FRAMES[part]
        assert all(name.startswith(f"{int(folder):05}_") for folder, name in names)
        tracks[part] = {name.rsplit("_", 1)[0] for _, name in names}
    assert not tracks["Train"] & tracks["Valid"]
    table = pd.read_csv(io.BytesIO(contents["Test.csv"]))
    assert sorted(table["ClassId"]) == sorted(CLASSES)
    for row in table.rename(columns=lambda name: name.replace(".", "_")).itertuples():
        assert Image.open(io.BytesIO(contents[row.Path])).size == (row.Width, row.Height)
        assert 0 <= row.Roi_X1 < row.Roi_X2 <= row.Width
        assert 0 <= row.Roi_Y1 < row.Roi_Y2 <= row.Height


def test_photographs_are_those_of_the_embedded_archive(contents):
    """The first two training signs of a class do not depend on how many are drawn."""
    with zipfile.ZipFile(paths.ASSETS / "data" / "traffic_signs.zip") as archive:
        for name in (name for name in contents if name.startswith("Train/")):
            drawn, embedded = (
                np.asarray(Image.open(io.BytesIO(data)), float) for data in (contents[name], archive.read(name))
            )
            assert drawn.shape == embedded.shape
            assert np.abs(drawn - embedded).max() <= 8, name  # 0 here; another JPEG library may round differently


def test_the_zip_is_the_same_whatever_the_order_and_holds_the_files(contents, tmp_path):
    data = render_signs.archive(contents.items())
    assert data == render_signs.archive(reversed(contents.items()))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == sorted(contents)
        assert {name: archive.read(name) for name in archive.namelist()} == contents


def test_the_command_writes_a_zip(tmp_path, monkeypatch, capsys):
    numbers = [word for part in TRACKS for word in (f"--{part.lower()}-tracks", "0")]
    monkeypatch.setattr("sys.argv", ["render_signs", "--zip", str(tmp_path / "signs.zip"), *numbers])
    render_signs.main()
    assert zipfile.ZipFile(tmp_path / "signs.zip").namelist() == ["Test.csv"]
    assert exit_code(render_signs, monkeypatch) == 2
    assert "name a file: --zip or --sheet" in capsys.readouterr().err


def test_equal_seeds_give_equal_photographs():
    def first(seed: int) -> bytes:
        image, _ = next(render_signs.track(np.random.default_rng([seed, 14, 0]), 14, 1))
        return render_signs.jpeg(image)

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_no_two_faces_are_alike():
    faces = {number: np.asarray(sign_faces.draw_face(number).reduce(4), float)[..., :3] for number in sign_faces.SIGNS}
    assert sorted(faces) == list(range(43))
    for a, b in itertools.combinations(faces, 2):
        changed = np.abs(faces[a] - faces[b]).max(axis=-1) > 60
        assert changed.mean() > 0.005, (a, b)


def test_mirrored_signs_are_mirror_images():
    for left, right in ((19, 20), (34, 33), (37, 36), (39, 38)):
        a, b = (np.asarray(sign_faces.draw_face(number).convert("RGB"), float) for number in (left, right))
        assert np.abs(a[:, ::-1] - b).mean() < 6, (left, right)


def test_layers_are_read_moved_and_refused():
    line = sign_faces.Layer.parse("red 8r M 0 0 L 10 20 A 1 2 3 90 180")
    assert (line.colour, line.kind, line.width) == ("red", sign_faces.Kind.ROUND, 8)
    assert line.moved(1, 2, 2, -1, "blue").path == (("M", (1, 2)), ("L", (21, -18)), ("A", (3, 0, 3, 90, 180)))
    circle, *_ = sign_faces.outlines(sign_faces.Layer.parse("red fill O 1 2 3"))
    np.testing.assert_allclose(np.hypot(*(circle - (1, 2)).T), 3)
    with pytest.raises(ValueError, match="H is no command"):
        sign_faces.outlines(sign_faces.Layer.parse("red fill M 0 0 H 4"))
    with pytest.raises(ValueError, match="8x"):
        sign_faces.Layer.parse("red 8x M 0 0 L 1 1")
