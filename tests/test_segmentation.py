"""Lesson 9's data: CamVid's table, the photographs and their masks, the embedded HRNet; and what full mode asks for."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tools.train import hrnet
from utils import downloads, paths, segmentation
from utils.pictures import read_mask, read_picture


def test_camvid_classes():
    classes = segmentation.camvid_classes()
    assert [c.id for c in classes] == list(range(32))
    assert [c.name for c in classes] == sorted((c.name for c in classes), key=str.lower)
    assert len({c.rgb for c in classes}) == 32
    assert classes[segmentation.VOID] == segmentation.CamVidClass(30, "Void", (0, 0, 0))
    assert (classes[17].name, classes[21].name, classes[21].rgb) == ("Road", "Sky", (128, 128, 128))


def test_street_photos_have_masks_of_their_size():
    photos = segmentation.street_photos()
    assert len(photos) >= 5
    known = {*hrnet.CAMVID_IDS, segmentation.VOID}
    for photo in photos:
        mask = read_mask(photo.mask_path)
        assert read_picture(photo.path).shape[:2] == mask.shape
        assert set(np.unique(mask)) <= known
        assert (mask != segmentation.VOID).mean() > 0.7


def test_full_mode_asks_for_four_frames_of_camvid(monkeypatch):
    monkeypatch.setenv("COURSE_MODE", "full")
    original = segmentation.fetch
    asked = []

    def fetch(name: str):
        asked.append(name)
        return original(name) if downloads.registry()[name].embedded else paths.ASSETS / name

    monkeypatch.setattr(segmentation, "fetch", fetch)
    photos = segmentation.street_photos()
    assert [photo.mask_path for photo in photos[:4]] == [None] * 4
    assert all(photo.mask_path for photo in photos[4:])
    assert all(downloads.registry()[name].urls for name in asked[:4])
    assert all(name.startswith("CamVid/test/") for name in asked[:4])


def test_hrnet_path_of_quick_mode():
    assert segmentation.hrnet_path() == str(paths.ASSETS / "models" / "hrnet_small")


def test_a_folder_that_is_not_registered():
    with pytest.raises(KeyError, match="models/none"):
        downloads.fetch_folder("models/none")


def test_group_table_joins_camvids_classes():
    table = segmentation.group_table()
    assert sorted(set(table.tolist())) == sorted([*segmentation.GROUPS, segmentation.VOID])
    assert all(table[group] == group for group in segmentation.GROUPS)
    assert (table[22], table[29], table[segmentation.VOID]) == (5, 26, segmentation.VOID)


def test_scores_of_masks():
    true = np.array([[0, 0, 2, 0, 0], [0, 0, 2, 0, 0], [1, 1, 2, 1, 1], [1, 1, 1, 1, segmentation.VOID]])
    predicted = np.where(true == segmentation.VOID, 1, true)
    predicted[0, 2], predicted[2, 2] = 0, 1
    matrix = segmentation.confusion_of_masks(true, predicted, 4)
    assert matrix.sum() == 19
    np.testing.assert_allclose(segmentation.iou_per_class(matrix), [8 / 9, 8 / 9, 1 / 3, np.nan])
    assert segmentation.mean_iou(matrix) == pytest.approx((8 / 9 + 8 / 9 + 1 / 3) / 3)
    assert segmentation.mean_iou(matrix, least=0.2) == pytest.approx(8 / 9)
    assert np.isnan(segmentation.mean_iou(np.zeros((2, 2))))
    assert segmentation.pixel_accuracy(matrix) == pytest.approx(17 / 19)
    parts = segmentation.regions(true, predicted, 1)
    assert [int(part.sum()) for part in parts.values()] == [8, 0, 1]
    with pytest.raises(ValueError, match="different shapes"):
        segmentation.confusion_of_masks(true, predicted[:1], 4)


def test_error_map():
    picture = segmentation.error_map(np.array([[1, 1, segmentation.VOID]]), np.array([[1, 2, 3]]))
    assert picture.tolist() == [[[255] * 3, [230, 159, 0], [190] * 3]]


def test_show_masks_has_a_legend_of_the_masks_classes():
    photo, mask, scores = np.zeros((4, 6, 3), np.uint8), np.array([[21, 17], [4, 30]]), np.zeros((4, 6))
    segmentation.show_masks([[photo, mask, scores]], ["a", "b", "c"])
    assert [ax.get_title() for ax in plt.gcf().axes] == ["a", "b", "c"]
    legend = plt.gcf().legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["4 Building", "17 Road", "21 Sky", "30 Void"]
    segmentation.show_masks([[photo]], ["a"])
    assert not plt.gcf().legends
    plt.close("all")


def test_draw_overlay_has_the_photograph_left_of_the_divider():
    photo, mask = np.full((8, 10, 3), 200, np.uint8), np.full((8, 10), 17, np.uint8)
    draw = segmentation.draw_overlay({"a": photo}, {"a": mask}, {"a": mask})
    figure = draw("a", pointer=(0.25, 0.5))
    shown = figure.axes[0].images[0].get_array()
    assert (shown[:, :5] == 200).all()
    assert (shown[:, 5:] != 200).any()
    assert figure.axes[1].get_title() == "Road: IoU 80 / 80 = 1.00"
    plt.close("all")


def test_drawn_streets():
    pictures, masks = segmentation.drawn_streets(5, seed=0)
    assert (pictures.shape, pictures.dtype, masks.shape, masks.dtype) == (
        (5, 32, 48, 1),
        np.float32,
        (5, 32, 48),
        np.uint8,
    )
    assert set(np.unique(masks)) == {0, 1, 2, 3}
    assert np.array_equal(segmentation.drawn_streets(5, seed=0)[1], masks)
    assert not np.array_equal(segmentation.drawn_streets(5, seed=1)[1], masks)
