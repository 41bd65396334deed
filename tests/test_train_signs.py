"""The script of the GTSRB run, on a zip of twelve pictures and a small network in place of Lite0."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import replace

import keras
import nbformat
import numpy as np
import pytest
from keras import layers
from PIL import Image

from tools.train import signs
from utils import paths


def png(rng) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (30, 34, 3), np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    rng, path = np.random.default_rng(0), tmp_path / "signs.zip"
    with zipfile.ZipFile(path, "w") as file:
        for part, count in (("Train", 4), ("Valid", 2)):
            for label in (2, 10):
                for number in range(count):
                    file.writestr(f"top/{part}/{label}/{number:05}_00000.png", png(rng))
        file.writestr("top/Test/00001.png", png(rng))
        file.writestr("top/Test/00000.png", png(rng))
        file.writestr("top/Test.csv", "Width,ClassId,Path\n34,7,Test/00001.png\n34,2,Test/00000.png\n")
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, strides=4, name="block02_conv")(layers.Rescaling(1 / 255)(inputs))
    x = layers.Conv2D(4, 1, name="block12_expand_relu6")(layers.BatchNormalization(name="block03_bn")(x))
    keras.Model(inputs, x).save(tmp_path / "small.keras")
    small = signs.Settings(size=24, epochs=2, batch_size=4)
    monkeypatch.setattr(signs, "SETTINGS", {"real": small, "rendered": small})
    ways = {name: replace(one, size=24, epochs=1, batch_size=4) for name, one in signs.WAYS.items()}
    monkeypatch.setattr(signs, "WAYS", ways)
    monkeypatch.setattr(signs, "WAYS_TARGET", tmp_path / "ways.json")
    monkeypatch.setattr(signs, "BACKBONE", tmp_path / "small.keras")
    monkeypatch.setattr(signs, "RENDERED", path)
    monkeypatch.setattr(signs, "TARGET", tmp_path / "history.json")
    return path


def run(monkeypatch, archive, kind: str) -> dict:
    monkeypatch.setattr(sys, "argv", ["train_signs", kind, str(archive), "--work", str(archive.parent / "work")])
    signs.main()
    return json.loads(signs.TARGET.read_text())


def test_labels_come_from_folders_and_from_the_table(archive):
    images, labels = signs.read_part(archive, "Train", 24)
    assert images.shape == (8, 24, 24, 3)
    assert sorted(labels) == [2] * 4 + [10] * 4
    assert list(signs.read_part(archive, "Test", 24)[1]) == [7, 2]  # the table's order, not the names'


def test_only_layers_behind_the_frozen_block_learn(archive):
    model = signs.build(signs.SETTINGS["real"])
    names = {variable.path.split("/")[-2] for variable in model.trainable_variables}
    assert "block02_conv" not in names
    assert {"block03_bn", "block12_expand_relu6"} <= names


def test_contrast_makes_dark_and_bright_photographs_alike():
    image = np.random.default_rng(0).uniform(60, 180, (1, 24, 24, 3)).astype("float32")
    contrast = signs.Contrast()
    bright, dark = (np.asarray(contrast(image * share)) for share in (1, 0.4))
    assert np.abs(bright - dark).max() < 12  # the images themselves differ by up to 108
    assert abs(bright[:, 4:-4, 4:-4].mean() - 127) < 2


def test_augmented_batches_keep_range_and_labels(archive):
    settings = signs.SETTINGS["real"]
    images, answers = next(iter(signs.batches(*signs.read_part(archive, "Train", 24), settings)))
    assert images.shape == (4, 24, 24, 3)
    assert 0 <= float(np.min(images)) < float(np.max(images)) <= 255
    assert set(np.argmax(answers, axis=1)) <= {2, 10}


def test_rendered_signs_get_their_part_of_the_file(archive, monkeypatch):
    monkeypatch.setattr(signs, "make_augmentation", lambda seed: keras.Sequential([layers.Identity()]))
    signs.TARGET.write_text('{"data": "kept"}')
    result = run(monkeypatch, archive, "rendered")
    assert result["data"] == "kept"
    part = result["rendered_to_real"]
    assert part["command"] == "python -m tools.train.signs rendered signs.zip --work FOLDER"
    assert set(part["history"]) == {"accuracy", "val_accuracy", "loss", "val_loss", "seconds"}
    assert part["test_images"] == 2
    assert part["test_accuracy"] in (0, 0.5, 1)
    assert len(part["recall"]) == signs.CLASSES
    monkeypatch.setattr(keras.Model, "fit", None)  # a finished training is scored, not trained, again
    assert run(monkeypatch, archive, "rendered") == result


def test_an_interrupted_training_goes_on_where_it_stopped(archive, monkeypatch):
    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(signs, "make_augmentation", lambda seed: keras.Sequential([layers.Identity()]))
    signs.TARGET.write_text('{"rendered_to_real": "kept"}')
    with monkeypatch.context() as patch:
        patch.setattr(signs.KeepHistory, "on_epoch_begin", interrupt, raising=False)
        with pytest.raises(KeyboardInterrupt):
            run(monkeypatch, archive, "real")
    kept = json.loads((archive.parent / "work" / "real" / "history.json").read_text())
    assert len(kept) == 1
    result = run(monkeypatch, archive, "real")
    assert result["rendered_to_real"] == "kept"
    assert result["history"]["loss"][0] == kept[0]["loss"]
    assert len(result["history"]["loss"]) == 2


def test_three_ways_differ_in_where_they_begin_and_what_learns(archive, monkeypatch):
    models = {name: signs.build(settings) for name, settings in signs.WAYS.items()}
    lite0 = {name: model.get_layer("lite0") for name, model in models.items()}
    learning = {name: len(features.trainable_variables) for name, features in lite0.items()}
    assert learning["frozen"] == 0 < learning["fine-tuned"] < learning["from scratch"]
    weights = {name: features.get_layer("block12_expand_relu6").kernel.numpy() for name, features in lite0.items()}
    assert np.array_equal(weights["frozen"], weights["fine-tuned"])
    assert not np.array_equal(weights["from scratch"], weights["fine-tuned"])
    run_ways = ["train_signs", "ways", str(archive), "--work", str(archive.parent / "work")]
    monkeypatch.setattr(sys, "argv", run_ways)
    signs.main()
    result = json.loads(signs.WAYS_TARGET.read_text())
    assert list(result) == list(signs.WAYS)
    assert all(0 <= one["test_accuracy"] <= 1 for one in result.values())


def test_the_lessons_own_network_answers_for_the_photographs(archive, tmp_path, monkeypatch):
    """A stand-in for lesson 8, whose network says class 1 to everything; its last cell must not run."""
    sources = {
        "settings": "import types, numpy as np\nsettings = types.SimpleNamespace(size=24)",
        "demo-one": "raise AssertionError",
        "fine-tune": "class Model:\n    def predict(self, x, **_):\n"
        "        return np.eye(43)[np.ones(len(x), int)]\nmodel = Model()",
        "after": "raise AssertionError",
    }
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in sources.items()]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / "08_signs.ipynb")
    monkeypatch.setattr(paths, "ASSETS", tmp_path / "assets")
    signs.TARGET.write_text('{"test_accuracy": 0.5, "rendered_to_real": "kept"}')
    monkeypatch.setattr(sys, "argv", ["train_signs", "lesson", str(archive)])
    signs.main()
    result = json.loads(signs.TARGET.read_text())
    labels = signs.read_part(archive, "Test", 24)[1]
    assert result["lesson_to_real"]["test_accuracy"] == round(float((labels == 1).mean()), 5)
    assert result["rendered_to_real"] == "kept" and result["test_accuracy"] == 0.5
    monkeypatch.setattr(sys, "argv", ["train_signs", "real", str(archive)])
    with pytest.raises(SystemExit):
        signs.main()
