"""Trainings: the look at the data, going on after an interruption, the scratch folder, publishing, the results page."""

from __future__ import annotations

import re
import shutil

import keras
import nbformat
import numpy as np
import pytest

from tests.training_data import camvid_zip, cifar10_zip, encoded, noise, signs_zip, write_zip
from tools.data import registry
from tools.train import common, data, publish, results
from utils import paths

MAKE = {"CIFAR-10": cifar10_zip, "GTSRB": signs_zip, "CamVid": camvid_zip}


@pytest.mark.parametrize("kind", MAKE)
def test_a_zip_of_another_data_set_is_named_as_such(kind, tmp_path):
    for other, make in MAKE.items():
        path = make(tmp_path)
        if other == kind:
            assert data.open_data(path, kind).names
        else:
            with pytest.raises(SystemExit, match=f"{path.name} does not hold {kind}: this is the layout of {other}"):
                data.open_data(path, kind)


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SystemExit, match="neither a folder nor a zip"):
        data.Pictures(tmp_path / "missing.zip")
    with pytest.raises(SystemExit, match=r"its files are a\.txt .*Expected: camvid/train"):
        data.open_data(write_zip(tmp_path / "other.zip", {"a.txt": b""}), "CamVid")
    files = {"._hidden.png": b"", "broken.png": b"<html>", "empty.jpg": b"", "coloured.png": encoded(noise(0, 4, 4, 3))}
    pictures = data.Pictures(write_zip(tmp_path / "bad.zip", files))
    assert "._hidden.png" not in pictures.names
    for name in ("broken.png", "empty.jpg"):
        with pytest.raises(SystemExit, match=f"{name} is not a picture"):
            pictures.picture(name)
    with pytest.raises(SystemExit, match=r"coloured\.png is a coloured picture"):
        pictures.mask("coloured.png")


def test_a_folder_is_read_like_its_zip(tmp_path):
    path = signs_zip(tmp_path)
    shutil.unpack_archive(path, tmp_path / "folder")
    zipped, unpacked = data.Pictures(path), data.Pictures(tmp_path / "folder")
    assert zipped.names == unpacked.names
    picture = zipped.picture("top/Test/00000.png")
    assert (picture.shape, picture.dtype) == ((30, 34, 3), np.uint8)
    np.testing.assert_array_equal(picture, unpacked.picture("top/Test/00000.png"))


def test_pictures_are_rgb_and_squares_come_from_the_middle(tmp_path):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = (255, 0, 0)  # blue, as OpenCV writes it
    image = data.Pictures(write_zip(tmp_path / "a.zip", {"a.png": encoded(wide)})).picture("a.png")
    for size in (4, 20):
        assert (data.centre_square(image, size) == [0, 0, 255]).all()


def line() -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def fit(folder, epochs: int = 3, **more) -> tuple[keras.Model, dict]:
    x = np.arange(4, dtype="float32")[:, None]
    return common.train(line(), folder, {"epochs": epochs}, x=x, y=2 * x, epochs=epochs, shuffle=False, **more)


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


def test_an_interrupted_training_goes_on_and_ends_like_one_that_was_not(tmp_path, capsys):
    with pytest.raises(SystemExit, match="goes on from here"):
        fit(tmp_path / "cut", callbacks=[Interrupt()])
    assert len(common.read_json(tmp_path / "cut" / "history.json")) == 2
    model, history = fit(tmp_path / "cut")
    whole, whole_history = fit(tmp_path / "whole")
    assert history["loss"] == whole_history["loss"] and len(history["loss"]) == 3
    for kept, other in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, other)
    assert capsys.readouterr().out.count("epoch 3/3") == 2


def test_a_finished_training_is_not_run_again_and_other_settings_are_refused(tmp_path):
    model, history = fit(tmp_path)
    again, same = fit(tmp_path, callbacks=[Interrupt()])
    assert same == history
    np.testing.assert_array_equal(model.get_weights()[0], again.get_weights()[0])
    with pytest.raises(SystemExit, match="epochs 3, now 4"):
        fit(tmp_path, epochs=4)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A copy of what publishing may change, with a number in a page; the folder of a training's result."""
    root = tmp_path / "course"
    shutil.copytree(paths.ASSETS / "data", root / "assets" / "data", ignore=shutil.ignore_patterns("*mnist", "*.zip"))
    shutil.copy(paths.ASSETS / "registry.json", root / "assets")
    (root / "docs").mkdir()
    number = "an IoU of <!-- results:hrnet-iou -->old<!-- /results -->, ä"
    (root / "README.md").write_text(number, encoding="utf-8")
    monkeypatch.setattr(paths, "ROOT", root)
    monkeypatch.setattr(paths, "ASSETS", root / "assets")
    return root


def test_publishing_renews_file_registry_and_pages_together(course, tmp_path, capsys):
    before = results.read("hrnet_scores")
    common.finish(tmp_path / "run", "hrnet_scores.json", {"mean_iou": 0.123}, "Mean IoU 0.123.")
    assert "python -m tools.train.publish" in capsys.readouterr().out
    assert results.read("hrnet_scores") == before  # a training writes into its own folder only
    assert publish.publish(tmp_path / "run") == ["data/hrnet_scores.json"]
    assert results.read("hrnet_scores") == before | {"mean_iou": 0.123}
    assert "data/hrnet_scores.json" not in registry.differences()
    assert "| **mean** | **0.123** |" in (course / "docs" / "RESULTS.md").read_text(encoding="utf-8")
    readme = (course / "README.md").read_text(encoding="utf-8")
    assert readme == "an IoU of <!-- results:hrnet-iou -->0.123<!-- /results -->, ä"


def test_a_shortened_training_and_an_unknown_file_are_not_published(course, tmp_path):
    before = results.read("gtsrb_history")
    trial = {"rendered_to_real": before["rendered_to_real"] | {"test_accuracy": 0.1} | common.trial(1, 20)}
    common.finish(tmp_path / "trial", "gtsrb_history.json", trial, "10 %.")
    with pytest.raises(SystemExit, match="shortened"):
        publish.publish(tmp_path / "trial")
    common.finish(tmp_path / "unknown", "unknown.json", {}, "Nothing.")
    with pytest.raises(SystemExit, match=r"does not know data/unknown\.json"):
        publish.publish(tmp_path / "unknown")
    with pytest.raises(SystemExit, match="holds no result"):
        publish.publish(tmp_path / "empty")
    assert results.read("gtsrb_history") == before
    publish.publish(tmp_path / "trial", trial=True)
    assert results.read("gtsrb_history") == before | trial


def test_an_unknown_number_in_a_page_is_refused():
    assert results.filled("a <!-- results:x -->\n1\n<!-- /results --> b", {"x": "2"}).count("2") == 1
    with pytest.raises(SystemExit, match="no result 'y'"):
        results.filled("<!-- results:y -->1<!-- /results -->", {"x": "2"})


def test_the_results_are_what_the_files_say():
    written = (paths.ROOT / "docs" / "RESULTS.md").read_text(encoding="utf-8")
    assert written == results.page(), "run python -m tools.train.results"
    scores = results.read("hrnet_scores")
    shown = dict(re.findall(r"^\| ([a-z]+) \| (\d\.\d{3}) \|$", written, flags=re.MULTILINE))
    assert shown == {name: f"{iou:.3f}" for name, iou in zip(scores["classes"], scores["iou"], strict=True)}
    readme = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    assert results.filled(readme, results.numbers()) == readme, "run python -m tools.train.results"


def test_numbers_that_the_lessons_quote_are_among_the_results():
    """A paragraph that links to docs/RESULTS.md has no number with a decimal point that is not there."""
    quoted = {}
    for path in sorted(paths.NOTEBOOKS.glob("0*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for paragraph in cell.source.split("\n\n") if cell.cell_type == "markdown" else []:
                if "docs/RESULTS.md" in paragraph:
                    quoted.setdefault(path.name[:2], []).extend(re.findall(r"\d+\.\d+", paragraph))
    assert quoted
    shown = set(re.findall(r"\d+\.\d+", results.page()))
    assert all(set(numbers) <= shown for numbers in quoted.values()), quoted
