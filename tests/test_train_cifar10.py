"""The script of the full CIFAR-10 run, on a zip of forty pictures."""

from __future__ import annotations

import io
import json
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from tools.train import cifar10
from utils.datasets import CIFAR10_CLASSES


@pytest.fixture
def archive(tmp_path):
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as file:
        for name in CIFAR10_CLASSES:
            for number in range(4):
                buffer = io.BytesIO()
                Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(buffer, format="JPEG")
                file.writestr(f"cifar10_train/{name}/{number:04}.jpg", buffer.getvalue())
    return tmp_path / "images.zip"


def run(monkeypatch, archive, work, epochs: int, *options: str) -> dict:
    monkeypatch.setattr(cifar10, "EPOCHS", epochs)
    for name in ("TARGET", "OURS"):
        monkeypatch.setattr(cifar10, name, archive.parent / "history.json")
    monkeypatch.setattr(sys, "argv", ["train_cifar10", str(archive), "--work", str(work), *options])
    cifar10.main()
    return json.loads((archive.parent / "history.json").read_text())


def test_a_run_writes_history_and_confusion(archive, tmp_path, monkeypatch):
    result = run(monkeypatch, archive, tmp_path / "work", epochs=2)
    assert result["class_names"] == list(CIFAR10_CLASSES)
    for variant in ("dropout", "baseline"):
        assert {len(values) for values in result[variant]["history"].values()} == {2}
        assert set(result[variant]["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
        assert np.sum(result[variant]["confusion_on_validation"]) == 12  # 30 % of 40


def test_an_interrupted_run_goes_on_where_it_stopped(archive, tmp_path, monkeypatch):
    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cifar10.KeepHistory, "on_epoch_begin", interrupt, raising=False)
        with pytest.raises(KeyboardInterrupt):
            run(monkeypatch, archive, tmp_path / "work", epochs=2)
    kept = json.loads((tmp_path / "work" / "dropout" / "history.json").read_text())
    assert len(kept) == 1
    history = run(monkeypatch, archive, tmp_path / "work", epochs=2)["dropout"]["history"]
    assert history["loss"][0] == kept[0]["loss"]
    assert len(history["loss"]) == 2


def test_our_recipe_writes_its_settings_and_history(archive, tmp_path, monkeypatch):
    tiny = cifar10.Recipe(epochs=2, stem=4, widths=(4, 4), pooled=(1,), batch_size=8)
    monkeypatch.setattr(cifar10, "RECIPES", {"short": tiny})
    result = run(monkeypatch, archive, tmp_path / "work", 1, "--recipe", "ours", "--precision", "float32")
    assert result["short"]["recipe"]["widths"] == [4, 4] and result["short"]["recipe"]["precision"] == "float32"
    assert {len(values) for values in result["short"]["history"].values()} == {2}
    assert all(seconds > 0 for seconds in result["short"]["history"]["seconds"])
