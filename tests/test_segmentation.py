"""Lesson 9's data: CamVid's table, the photographs and their masks, the embedded HRNet; and what full mode asks for."""

from __future__ import annotations

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import layers

from tools.train import hrnet, streets
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
    classes, ends = ["4 Building", "17 Road", "21 Sky", "30 Void"], ["score 0", "score 1"]
    assert [text.get_text() for text in plt.gcf().legends[0].get_texts()] == classes + ends
    segmentation.show_masks([[photo, scores]], ["a", "b"])
    assert [text.get_text() for text in plt.gcf().legends[0].get_texts()] == ends
    segmentation.show_masks([[photo, photo[..., :1]]], ["a", "grey"])
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


def test_street_trainings_are_those_of_the_lesson():
    runs = segmentation.street_trainings()
    assert set(runs["way"]) == set(streets.WAYS)
    assert runs.groupby(["way", "epochs"]).size().eq(len(streets.SEEDS)).all()
    assert sorted(set(runs["epochs"])) == list(streets.EPOCHS)
    assert runs[["accuracy", "mean IoU", "pole recall", "pole IoU"]].stack().between(0, 1).all()


def test_ways_around_the_coarsest_map():
    networks = {joined: streets.build(joined) for joined in ("encoder", "nothing", "itself")}
    around = {joined: segmentation.goes_around(network, (8, 12)) for joined, network in networks.items()}
    assert around == {"encoder": True, "nothing": False, "itself": False}
    counts = [network.count_params() for network in networks.values()]
    assert counts == [14_876, 11_996, 14_876]


@pytest.mark.parametrize("join", [lambda up, full: up + full, lambda up, full: layers.Multiply()([up, full])])
def test_a_way_around_by_any_operation(join):
    picture = keras.Input((32, 48, 1))
    full = layers.Conv2D(4, 3, padding="same")(picture)
    up = layers.Conv2DTranspose(4, 4, strides=4)(layers.MaxPooling2D(4)(full))
    assert segmentation.goes_around(keras.Model(picture, join(up, full)), (8, 12))
    assert segmentation.goes_around(keras.Model(picture, streets.build()(picture)), (8, 12)), "in a model in a model"
    blocks = [keras.Sequential([layer]) for layer in (layers.MaxPooling2D(4), layers.Conv2DTranspose(4, 4, strides=4))]
    assert not segmentation.goes_around(keras.Model(picture, blocks[1](blocks[0](full))), (8, 12))


def test_altered_changes_one_region_alone():
    picture = np.array([[[200, 50, 10], [100, 50, 30], [90, 90, 90]]], np.uint8)
    where = np.array([[True, True, False]])
    assert np.array_equal(segmentation.altered(picture, where), picture)
    lighter = segmentation.altered(picture, where, light=0.5)
    assert lighter.tolist() == [[[255, 75, 20], [175, 75, 40], [90, 90, 90]]]
    stronger = segmentation.altered(picture, np.s_[:, :2], contrast=2.0)
    assert stronger.tolist() == [[[250, 50, 0], [50, 50, 40], [90, 90, 90]]]
    grey = segmentation.altered(picture, where, colour=False)[0]
    assert np.ptp(grey[:2], axis=-1).tolist() == [0, 0]
    assert picture[0, 0].tolist() == [200, 50, 10], "the picture itself stays"


def test_exactly_asks_for_the_kind_of_number():
    is_right = segmentation.exactly([[17, 30]], np.integer)
    assert is_right(np.array([[17, 30]]))
    assert not is_right(np.array([[17.0, 30.0]]))
    assert not is_right(np.array([17, 30]))
    assert not is_right(None)


def test_at_night_is_dark_and_the_same_each_time():
    picture = np.full((20, 30, 3), 255, np.uint8)
    assert (segmentation.at_night(picture, noise=0) == 51).all()
    assert np.array_equal(segmentation.at_night(picture, dark=False, noise=0), picture)
    night = segmentation.at_night(picture)
    assert np.array_equal(night, segmentation.at_night(picture))
    assert 8 < night.std() < 12


def test_film_scores():
    film = segmentation.film_scores()
    assert film["share"].is_monotonic_decreasing
    assert film["share"].sum() == pytest.approx(1)
    assert film["IoU"].mean() == pytest.approx(0.720, abs=0.001)
    assert (film["IoU"] <= film["recall"]).all()
