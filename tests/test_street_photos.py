"""The street photographs: a mask for each, as its outlines say; and the training frames made of other photographs."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from PIL import Image

from tools.data import street_photos
from tools.train import hrnet

PICTURES = street_photos.read_outlines(street_photos.OUTLINES.read_text(encoding="utf-8"))
with (street_photos.FOLDER / "photos.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
NAMES = [row["name"] for row in ROWS]
TRAINING_PICTURES = street_photos.read_outlines(street_photos.TRAINING_OUTLINES.read_text(encoding="utf-8"))
with street_photos.TRAINING.open(encoding="utf-8", newline="") as file:
    TRAINING_ROWS = list(csv.DictReader(file))


def test_the_table_names_every_picture_with_author_and_licence():
    files = {path.name for path in street_photos.FOLDER.glob("*.*g")}
    assert files == {f"{name}{ending}" for name in NAMES for ending in (".jpg", "_mask.png")}
    assert set(PICTURES) == set(NAMES)
    assert all(row[column] for row in ROWS for column in ("title", "author", "licence", "source"))


@pytest.mark.parametrize("name", NAMES)
def test_the_mask_is_what_the_outlines_say(name):
    with Image.open(street_photos.FOLDER / f"{name}_mask.png") as image:
        mask = np.asarray(image)
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, street_photos.draw_mask(PICTURES[name]))
    assert set(np.unique(mask)) <= set(street_photos.TRAINING_IDS)
    assert (mask == street_photos.VOID).mean() < 0.21


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_has_the_size_of_its_mask_and_is_small(name):
    path = street_photos.FOLDER / f"{name}.jpg"
    assert path.stat().st_size < 90_000
    with Image.open(path) as image:
        assert image.size == (PICTURES[name].width, PICTURES[name].height)
        assert image.mode == "RGB"


def test_a_polygon_holds_the_pixels_whose_centres_lie_in_it():
    square = street_photos.inside(np.array([[1, 1], [4, 1], [4, 3], [1, 3]]), 5, 6)
    expected = np.zeros((5, 6), bool)
    expected[1:3, 1:4] = True
    np.testing.assert_array_equal(square, expected)
    triangle = street_photos.inside(np.array([[0, 0], [100, 0], [0, 100]]), 100, 100)
    assert triangle.sum() == pytest.approx(5000, abs=60)


def test_later_polygons_cover_earlier_ones():
    text = "picture a 8 4  # comment\nSky 0,0 8,0 8,4 0,4\npicture b 8 5\n\nSky 0,0 8,0 8,3 0,3\nRoad 0,2 8,2 8,4 0,4\n"
    pictures = street_photos.read_outlines(text)
    assert (street_photos.draw_mask(pictures["a"]) == 21).all()
    mask = street_photos.draw_mask(pictures["b"])
    assert mask.shape == (5, 8)
    assert (mask[:2] == 21).all() and (mask[2:4] == 17).all() and (mask[4] == street_photos.VOID).all()


def test_outlines_name_only_classes_that_the_network_knows():
    """Another class would be drawn, and in a training mask be taken for the first one."""
    for picture in (*PICTURES.values(), *TRAINING_PICTURES.values()):
        assert {number for number, _ in picture.shapes} <= set(street_photos.TRAINING_IDS)
    assert [street_photos.IDS[name] for name in ("Sky", "Column/Pole", "Void")] == [21, 8, 30]


def test_training_photographs_have_outlines_authors_and_licences():
    names = [row["name"] for row in TRAINING_ROWS]
    assert len(names) == len(set(names)) >= 18
    assert set(TRAINING_PICTURES) == set(names)
    assert all(row[column] for row in TRAINING_ROWS for column in ("author", "licence", "source"))
    assert all(0 <= float(row["cut"]) <= 1 for row in TRAINING_ROWS)
    assert {(picture.width, picture.height) for picture in TRAINING_PICTURES.values()} == {street_photos.TRAINING_SIZE}


def test_no_photograph_is_both_for_training_and_embedded():
    assert not {row["source"] for row in ROWS} & {row["source"] for row in TRAINING_ROWS}
    assert not set(NAMES) & set(TRAINING_PICTURES)


@pytest.mark.parametrize("name", TRAINING_PICTURES)
def test_training_masks(name):
    mask = street_photos.training_mask(TRAINING_PICTURES[name])
    assert (mask.shape, mask.dtype) == ((360, 480), np.uint8)
    assert (mask <= hrnet.UNLABELLED).all()
    assert (mask != hrnet.UNLABELLED).mean() > 0.4
    assert {hrnet.CLASSES.index(label) for label in ("sky", "building")} <= set(np.unique(mask))


def test_pixels_at_a_border_are_unlabelled():
    picture = street_photos.read_outlines("picture a 10 12\nSky 0,0 10,0 10,6 0,6\nRoad 0,6 10,6 10,12 0,12\n")["a"]
    rows = street_photos.training_mask(picture)
    sky, road = (hrnet.CLASSES.index(label) for label in ("sky", "road"))
    assert rows[:, 0].tolist() == [sky] * 4 + [hrnet.UNLABELLED] * 4 + [road] * 4
    assert (rows == rows[:, :1]).all()


def stand_in(width: int, height: int) -> bytes:
    """A picture that is red at the left, blue at the right, and darker from top to bottom."""
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(50, 0, height))
    buffer = io.BytesIO()
    Image.fromarray(np.stack([200 - x, y, x], axis=-1).astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def test_cut_says_which_end_stays():
    for size, channel in (((200, 90), 2), ((60, 90), 1)):
        frames = [street_photos.training_frame(stand_in(*size), cut) for cut in (0, 0.5, 1)]
        assert {frame.shape for frame in frames} == {(360, 480, 3)}
        means = [frame[..., channel].mean() for frame in frames]
        assert means == sorted(means, reverse=channel == 1)
        assert abs(means[0] - means[2]) > 10


def test_training_zip_is_read_by_the_training(tmp_path):
    rows = [{"name": name, "source": source, "cut": "0.5"} for name, source in (("b", "second"), ("a", "first"))]
    text = "picture {} 480 360\nSky 0,0 480,0 480,180 0,180\n{} 0,180 480,180 480,360 0,360\n"
    pictures = street_photos.read_outlines(text.format("a", "Road") + text.format("b", "Tree"))
    sources = {"first": stand_in(64, 48), "second": stand_in(100, 48)}
    for name in ("one.zip", "two.zip"):
        street_photos.write_training(tmp_path / name, rows, pictures, sources.__getitem__)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    frames, masks = hrnet.read_frames(tmp_path / "one.zip", "train")
    assert (frames.shape, masks.shape) == ((2, 360, 480, 3), (2, 360, 480))
    assert frames.dtype == masks.dtype == np.uint8
    np.testing.assert_array_equal(frames[0], street_photos.training_frame(sources["first"], 0.5))
    np.testing.assert_array_equal(masks[1], street_photos.training_mask(pictures["b"]))
