"""Lesson 9's data: CamVid's table, the photographs and their masks, the embedded HRNet; and what full mode asks for."""

from __future__ import annotations

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
