"""The street photographs: a mask for each, as its outlines say; and the training frames made of other photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

from tools.data import street_photos
from tools.train import hrnet

PHOTOS = pd.read_csv(street_photos.FOLDER / "photos.csv")
TRAINING = pd.read_csv(street_photos.HERE / "training_photos.csv")
OUTLINES = street_photos.outlines(street_photos.HERE / "street_masks.csv")
TRAINING_OUTLINES = street_photos.outlines(street_photos.HERE / "training_masks.csv")


def shapes(*rows: tuple[str, str]) -> pd.DataFrame:
    """Outlines of one picture: class and corners."""
    return pd.DataFrame(rows, columns=["class", "corners"])


def test_tables_name_every_picture_with_author_and_licence():
    files = {path.name for path in street_photos.FOLDER.glob("*.*g")}
    assert files == {f"{name}{ending}" for name in PHOTOS["name"] for ending in (".jpg", "_mask.png")}
    assert set(OUTLINES) == set(PHOTOS["name"])
    assert set(TRAINING_OUTLINES) == set(TRAINING["name"])
    for table in (PHOTOS, TRAINING):
        assert table["name"].is_unique
        assert table[["author", "licence", "source"]].notna().all(axis=None)
    assert TRAINING["cut"].between(0, 1).all()


def test_no_photograph_is_both_for_training_and_embedded():
    assert not set(PHOTOS["source"]) & set(TRAINING["source"])
    assert not set(PHOTOS["name"]) & set(TRAINING["name"])


def test_masks_are_what_the_outlines_say_and_fit_their_pictures():
    drawn = street_photos.masks()
    for name in PHOTOS["name"]:
        mask, photo = (cv2.imread(str(street_photos.FOLDER / f"{name}{end}"), -1) for end in ("_mask.png", ".jpg"))
        assert (mask.dtype, mask.shape) == (np.uint8, photo.shape[:2])
        data = np.frombuffer(drawn[f"images/street/{name}_mask.png"], np.uint8)
        np.testing.assert_array_equal(mask, cv2.imdecode(data, -1))
        assert (mask == street_photos.VOID).mean() < 0.21


def test_outlines_name_only_classes_that_the_network_knows():
    """Another class would be drawn, and in a training mask be taken for the first one."""
    names = {name for table in (*OUTLINES.values(), *TRAINING_OUTLINES.values()) for name in table["class"]}
    assert {street_photos.IDS[name] for name in names} <= set(street_photos.TRAINING_IDS)
    assert [street_photos.IDS[name] for name in ("Sky", "Column/Pole", "Void")] == [21, 8, 30]


def test_a_polygon_holds_the_pixels_whose_centres_lie_in_it():
    square = street_photos.inside(np.array([[1, 1], [4, 1], [4, 3], [1, 3]]), 6, 5)
    expected = np.zeros((5, 6), bool)
    expected[1:3, 1:4] = True
    np.testing.assert_array_equal(square, expected)
    triangle = street_photos.inside(np.array([[0, 0], [100, 0], [0, 100]]), 100, 100)
    assert triangle.sum() == pytest.approx(5000, abs=60)


def test_neighbours_share_no_pixel_and_leave_none():
    """Whichever side gets a centre that lies on the common edge."""
    left = street_photos.inside(np.array([[0, 0], [10, 0], [0, 10]]), 10, 10)
    right = street_photos.inside(np.array([[10, 0], [10, 10], [0, 10]]), 10, 10)
    assert (left ^ right).all()


def test_later_polygons_cover_earlier_ones():
    mask = street_photos.draw_mask(shapes(("Sky", "0 0 8 0 8 3 0 3"), ("Road", "0 2 8 2 8 4 0 4")), 8, 5)
    assert mask[:, 0].tolist() == [21, 21, 17, 17, street_photos.VOID]
    assert (mask == mask[:, :1]).all()


@pytest.mark.parametrize("name", TRAINING_OUTLINES)
def test_training_masks(name):
    mask = street_photos.training_mask(TRAINING_OUTLINES[name])
    assert (mask.shape, mask.dtype) == ((360, 480), np.uint8)
    assert (mask <= hrnet.UNLABELLED).all()
    assert (mask != hrnet.UNLABELLED).mean() > 0.4
    assert {hrnet.CLASSES.index(label) for label in ("sky", "building")} <= set(np.unique(mask))


def test_pixels_at_a_border_are_unlabelled():
    rows = street_photos.training_mask(
        shapes(("Sky", "0 0 480 0 480 180 0 180"), ("Road", "0 180 480 180 480 360 0 360"))
    )
    sky, road = (hrnet.CLASSES.index(label) for label in ("sky", "road"))
    assert rows[:, 0].tolist() == [sky] * 178 + [hrnet.UNLABELLED] * 4 + [road] * 178
    assert (rows == rows[:, :1]).all()


def stand_in(width: int, height: int) -> bytes:
    """A picture that is red at the left, blue at the right, and darker from top to bottom."""
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(50, 0, height))
    return street_photos.png(np.stack([200 - x, y, x], axis=-1).astype(np.uint8))


def test_cut_says_which_end_stays():
    for size, channel in (((200, 90), 2), ((60, 90), 1)):
        frames = [street_photos.training_frame(stand_in(*size), cut) for cut in (0, 0.5, 1)]
        assert {frame.shape for frame in frames} == {(360, 480, 3)}
        means = [frame[..., channel].mean() for frame in frames]
        assert means == sorted(means, reverse=channel == 1)
        assert abs(means[0] - means[2]) > 10


def test_training_zip_is_read_by_the_training(tmp_path):
    photos = pd.DataFrame({"name": ["pisa", "arles"], "source": ["second", "first"], "cut": 0.5})
    sources = {"first": stand_in(64, 48), "second": stand_in(100, 48)}
    for name in ("one.zip", "two.zip"):
        street_photos.training(tmp_path / name, photos, sources.__getitem__)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    frames, masks = hrnet.read_frames(tmp_path / "one.zip", "train")
    assert (frames.shape, masks.shape) == ((2, 360, 480, 3), (2, 360, 480))
    assert frames.dtype == masks.dtype == np.uint8
    np.testing.assert_array_equal(frames[0], street_photos.training_frame(sources["first"], 0.5))
    np.testing.assert_array_equal(masks[1], street_photos.training_mask(TRAINING_OUTLINES["pisa"]))
