"""Scoring what is shipped: labels by number, WordNet id, name or table."""

from __future__ import annotations

import shutil

import pytest

from tests.training_data import encoded, noise, write_zip
from tools.train import score
from tools.train.data import Pictures
from utils import paths

PHOTOS = paths.ASSETS / "images" / "photos"


def test_a_class_is_named_by_number_id_or_name_and_crane_is_two(tmp_path):
    names = ("top/293/a.png", "n02130308/b.jpg", "Cheetah/c.png", "red_fox/d.png", "crane/e.png")
    pictures = Pictures(write_zip(tmp_path / "a.zip", dict.fromkeys(names, b"") | {"README": b""}))
    labels = score.imagenet_labels(pictures)
    assert [labels[name] for name in names] == [{293}, {293}, {293}, {277}, {134, 517}]
    with pytest.raises(SystemExit, match="no class of ImageNet"):
        score.imagenet_labels(Pictures(write_zip(tmp_path / "b.zip", {"unicorn/a.png": b""})))
    with pytest.raises(SystemExit, match="no pictures in folders"):
        score.imagenet_labels(Pictures(write_zip(tmp_path / "c.zip", {"README": b""})))


def test_photographs_without_a_class_do_not_count():
    labels = score.imagenet_labels(Pictures(PHOTOS))
    assert labels["cheetah.jpg"] == {293} and "astronaut.jpg" not in labels


def test_lite0_knows_a_folder_of_cheetahs(tmp_path, monkeypatch, capsys):
    (tmp_path / "photos" / "cheetah").mkdir(parents=True)
    shutil.copy(PHOTOS / "cheetah.jpg", tmp_path / "photos" / "cheetah")
    (tmp_path / "photos" / "cheetah" / "noise.png").write_bytes(encoded(noise(0, 40, 50, 3)))
    monkeypatch.setattr("sys.argv", ["score", "lite0", str(tmp_path / "photos")])
    score.main()
    assert "top-1 accuracy: 50.0% (1 of 2 pictures" in capsys.readouterr().out


def test_what_is_not_shipped_asks_for_weights(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["score", "signs", "data.zip"])
    with pytest.raises(SystemExit):
        score.main()
    assert "no signs network is shipped" in capsys.readouterr().err
