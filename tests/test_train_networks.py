"""The trainings' own parts on tiny data: what they read, build, change and write."""

from __future__ import annotations

from dataclasses import asdict, replace

import keras
import nbformat
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers

from tests.training_data import camvid_zip, cifar10_zip, encoded, noise, signs_zip, write_zip
from tools.train import cifar10, common, hrnet, rules, score, signs, small, streets
from tools.train.cifar10 import Recipe
from utils import paths
from utils.datasets import CIFAR10_CLASSES

TINY = Recipe(epochs=2, stem=4, widths=(4, 4), pooled=(1,), batch_size=8, precision="float32")


def run(monkeypatch, module, *arguments: object) -> None:
    """A command, as it is typed."""
    monkeypatch.setattr("sys.argv", [module.__name__, *map(str, arguments)])
    module.main()


def result(target, name: str) -> dict:
    return common.read_json(target / "assets" / "data" / name)


# CIFAR-10


@pytest.mark.parametrize(("kind", "network"), [("dropout", "cifar10_lesson"), ("medium", "cifar10_recipe")])
def test_a_shipped_network_takes_pixels_and_its_confusions_are_counted(kind, network, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(cifar10.RECIPES, "medium", TINY)
    path, target = cifar10_zip(tmp_path), tmp_path / "run"
    run(monkeypatch, cifar10, kind, path, "--target", target, "--epochs", 1, "--precision", "float32")
    written = result(target, "cifar10_history.json")[kind]
    assert written["pictures"] == "JPEG copies (cifar.zip)" and written["data"].startswith("the 40 CIFAR-10")
    assert "epochs: 1" in written["trial"] and "in epoch 1" in capsys.readouterr().out
    assert set(written["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    counts = pd.read_csv(target / "assets" / "data" / f"{network}_confusion.csv", index_col="true")
    assert list(counts.index) == list(counts.columns) == list(CIFAR10_CLASSES)
    assert counts.to_numpy().sum() == 12  # 30 % of 40
    assert np.trace(counts) / 12 == pytest.approx(written["shipped_val_accuracy"], abs=1e-4)
    shipped = keras.models.load_model(target / "assets" / "models" / f"{network}.keras")
    images, labels, _ = cifar10.read_images(path)
    *_, x_valid, y_valid = cifar10.split_images(images, labels)
    answers = shipped.predict(x_valid, verbose=0)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(answers.argmax(axis=1) == y_valid) == pytest.approx(written["shipped_val_accuracy"], abs=1e-4)
    assert all(type(layer).__module__.startswith("keras.") for layer in shipped.layers)


def test_the_short_recipe_runs_alone_and_its_network_can_be_scored(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(cifar10.RECIPES, "short", TINY)
    path, target = cifar10_zip(tmp_path), tmp_path / "run"
    run(monkeypatch, cifar10, "short", path, "--target", target, "--precision", "float32", "--seeds", 42, 1)
    written = result(target, "cifar10_history.json")
    assert set(written) == {"short"} and "trial" not in written["short"]
    assert written["short"]["recipe"]["widths"] == [4, 4] and len(written["short"]["history"]["loss"]) == 2
    assert list(written["short"]["val_accuracy_by_seed"]) == ["42", "1"]
    capsys.readouterr()
    run(monkeypatch, score, "cifar10", path, "--weights", target / "short_42" / "trained.keras", "--validation")
    accuracy = written["short"]["history"]["val_accuracy"][-1]
    assert f"accuracy: {accuracy:.1%} ({round(12 * accuracy)} of 12 pictures" in capsys.readouterr().out


def test_augmented_images_are_mirrored_and_shifted_copies():
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)
    batches = cifar10.Augmented(images, np.eye(16, dtype="float32"), TINY)
    shown, answers = batches[0]
    assert shown.shape == (8, 32, 32, 3) and shown.dtype == np.uint8 and len(batches) == 2
    margin = TINY.shift
    for image, answer in zip(shown, answers, strict=True):
        padded = np.pad(images[answer.argmax()], ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
        places = [padded[i : i + 32, j : j + 32] for i in range(2 * margin + 1) for j in range(2 * margin + 1)]
        assert any(np.array_equal(image, place) or np.array_equal(image[:, ::-1], place) for place in places)


def test_the_hole_is_a_grey_square_that_the_border_may_cut():
    recipe = replace(TINY, hole=8, batch_size=64)
    images = np.zeros((64, 32, 32, 3), np.uint8)
    for image in cifar10.Augmented(images, np.eye(64, dtype="float32"), recipe)[0][0]:
        rows, columns = np.nonzero(image[..., 0] == 128)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width and 4 <= height <= 8 and 4 <= width <= 8  # filled, and half of it inside


# Traffic signs


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """Twelve pictures, which also stand in for the rendered signs, and a small network in place of Lite0."""
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, strides=4, name="block02_conv")(layers.Rescaling(1 / 255)(inputs))
    x = layers.Conv2D(4, 1, name="block12_expand_relu6")(layers.BatchNormalization(name="block03_bn")(x))
    keras.Model(inputs, x).save(tmp_path / "small.keras")
    path = signs_zip(tmp_path)
    monkeypatch.setattr(signs, "BACKBONE", tmp_path / "small.keras")
    monkeypatch.setattr("utils.signs.fetch", lambda name: tmp_path / "small.keras")
    monkeypatch.setattr(signs, "RENDERED", path)
    tiny = signs.Settings(size=24, epochs=1, batch_size=4)
    monkeypatch.setattr(signs, "SETTINGS", {"real": tiny, "rendered": tiny})
    ways = {name: replace(way, size=24, epochs=1, batch_size=4) for name, way in signs.WAYS.items()}
    monkeypatch.setattr(signs, "WAYS", ways)
    monkeypatch.setattr(signs, "make_augmentation", lambda seed: keras.Sequential([layers.Identity()]))
    return path


def test_labels_come_from_folders_and_from_the_table(photographs):
    images, labels = signs.read_part(photographs, "Train", 24)
    assert images.shape == (8, 24, 24, 3)
    assert sorted(labels) == [2] * 4 + [10] * 4
    assert list(signs.read_part(photographs, "Test", 24)[1]) == [7, 2]  # the table's order, not the names'
    assert set(signs.read_part(photographs, "Train", 24, limit=2)[1]) == {2, 10}


def test_contrast_makes_dark_and_bright_photographs_alike():
    image = np.random.default_rng(0).uniform(60, 180, (1, 24, 24, 3)).astype("float32")
    bright, dark = (np.asarray(signs.Contrast()(image * share)) for share in (1, 0.4))
    assert np.abs(bright - dark).max() < 12  # the images themselves differ by up to 108


@pytest.mark.weekly
def test_each_training_of_signs_gives_its_part_of_the_file(photographs, tmp_path, monkeypatch, capsys):
    for kind in ("real", "rendered"):
        run(monkeypatch, signs, kind, photographs, "--target", tmp_path / "run")
    written = result(tmp_path / "run", "gtsrb_history.json")
    part = written["rendered_to_real"]
    assert part["command"] == "python -m tools.train.signs rendered signs.zip"
    assert written["data"].endswith("2 photographs of the official test set")
    for one in (written, part):
        assert one["test_images"] == 2 and one["test_accuracy"] in (0, 0.5, 1) and len(one["recall"]) == signs.CLASSES
    capsys.readouterr()
    run(monkeypatch, score, "signs", photographs, "--weights", tmp_path / "run" / "real" / "trained.keras")
    assert f"accuracy: {written['test_accuracy']:.1%}" in capsys.readouterr().out


@pytest.mark.weekly
def test_three_ways_differ_in_where_they_begin_and_what_learns(photographs, tmp_path, monkeypatch):
    lite0 = {name: signs.build(settings).get_layer("lite0") for name, settings in signs.WAYS.items()}
    learning = {name: len(features.trainable_variables) for name, features in lite0.items()}
    assert learning["frozen"] == 0 < learning["fine-tuned"] < learning["from scratch"]
    weights = {name: features.get_layer("block12_expand_relu6").kernel.numpy() for name, features in lite0.items()}
    assert np.array_equal(weights["frozen"], weights["fine-tuned"])
    assert not np.array_equal(weights["from scratch"], weights["fine-tuned"])
    run(monkeypatch, signs, "ways", photographs, "--target", tmp_path / "run")
    assert list(result(tmp_path / "run", "gtsrb_ways.json")) == list(signs.WAYS)


def test_lesson_8_runs_up_to_its_fine_tuning_and_its_network_is_scored(photographs, tmp_path, monkeypatch):
    """A stand-in for the lesson, whose network says class 2 to everything; what follows must not run."""
    build = """import keras
model = keras.Sequential([keras.Input((24, 24, 3)), keras.layers.Flatten(), keras.layers.Dense(43)])
model.set_weights([0 * model.weights[0].numpy(), keras.ops.one_hot(2, 43)])"""
    sources = {"build": build, "fine-tune": "assert model", "after": "raise AssertionError"}
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in sources.items()]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "08_signs.ipynb")
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    run(monkeypatch, signs, "lesson", photographs, "--target", tmp_path / "run")
    part = result(tmp_path / "run", "gtsrb_history.json")["lesson_to_real"]
    assert (part["test_accuracy"], part["test_images"], part["recall"][2]) == (0.5, 2, 1)


def test_the_rules_of_fine_tuning_are_broken_one_at_a_time():
    kept = asdict(rules.LESSON)
    assert [[key for key in kept if asdict(broken)[key] != kept[key]] for broken in rules.BROKEN.values()] == [
        ["head_first"],
        ["normalisation_learns"],
        ["rate"],
        ["rate"],
    ]


@pytest.mark.parametrize("learns", [False, True])
def test_normalisation_learns_only_if_its_rule_is_broken(photographs, learns):
    lesson = replace(rules.LESSON, size=24, cut="block12_expand_relu6", fine_tuned=2, normalisation_learns=learns)
    train_set = signs.read_part(photographs, "Train", 24)
    keras.utils.set_random_seed(0)
    model = rules.train(train_set, replace(lesson, epochs=1, head_epochs=1, batch_size=4), 0, 43)
    before = keras.models.load_model(signs.BACKBONE)
    after = model.get_layer("base")
    same = [np.array_equal(a, b) for a, b in zip(before.get_weights(), after.get_weights(), strict=True)]
    assert same[:2] == [True, True]  # the first convolution is not among the last layers
    assert same[-2:] == [False, False]  # the last convolution is
    assert set(same[2:6]) == {not learns}


def test_the_effect_of_a_broken_rule_has_student_s_interval():
    found = rules.effect([0.70, 0.72, 0.74], [0.71, 0.71, 0.71])
    assert found == {"mean": 0.01, "low": pytest.approx(0.01 - 4.303 * 0.02 / 3**0.5, abs=1e-5), "high": 0.05969}


@pytest.mark.weekly
def test_rules_are_measured_on_both_kinds_of_sign_and_go_on(photographs, tmp_path, monkeypatch, capsys):
    tiny = replace(rules.LESSON, size=24, cut="block12_expand_relu6", fine_tuned=2, head_epochs=1, batch_size=4)
    monkeypatch.setattr(rules, "LESSON", tiny)
    monkeypatch.setattr(rules, "BROKEN", {"all at once": replace(tiny, head_first=False)})
    monkeypatch.setattr(rules, "FROZEN", {})
    monkeypatch.setattr(rules, "RATES", (1e-3, 1e-2))
    command = (monkeypatch, signs, "rules", photographs, "--seeds", 3, 4, "--epochs", 1, "--target", tmp_path / "run")
    run(*command)
    measured = result(tmp_path / "run", "signs_rules.json")
    assert measured["seeds"] == [3, 4] and "epochs: 1" in measured["trial"]
    assert list(measured["rates"]["valid_accuracy"]) == ["0.001", "0.01"] and measured["rates"]["valid_images"] == 4
    for kind in ("photographs", "rendered signs"):
        assert measured[kind]["test_images"] == 2
        kept, broken = measured[kind]["test_accuracy"].values()
        assert len(kept) == len(broken) == 2
        assert measured[kind]["effect"]["all at once"]["mean"] == pytest.approx(np.mean(broken) - np.mean(kept))
    monkeypatch.setattr(rules, "train", lambda *_: pytest.fail("it was measured before"))
    run(*command)
    with pytest.raises(SystemExit):
        run(monkeypatch, signs, "rules", photographs, "--seeds", 3)
    assert "two to five seeds" in capsys.readouterr().err


# The small HRNet


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return hrnet.build()


def test_the_hrnet_is_small_and_takes_frames_of_any_size(model):
    assert model.count_params() * 4 < 8_000_000
    for size in ((64, 96), (33, 47), (1, 1)):
        assert model(np.zeros((2, *size, 3), "float32")).shape == (2, *size, 11)


def test_the_loss_is_near_zero_for_right_answers_and_ignores_unlabelled_pixels():
    loss = hrnet.segmentation_loss(np.ones(11, "float32"))
    mask = np.random.default_rng(0).integers(0, 11, (1, 40, 40))
    right = 20 * np.eye(11, dtype="float32")[mask]
    wrong = np.roll(right, 1, axis=-1)
    assert float(loss(mask, right)) < 0.05
    assert float(loss(mask, wrong)) > 10
    half = mask.copy()
    half[:, :20] = hrnet.UNLABELLED
    mixed = np.where((half == hrnet.UNLABELLED)[..., None], wrong, right)
    assert float(loss(half, mixed)) < 0.05


def test_confusion_and_iou_by_hand():
    np.testing.assert_allclose(hrnet.intersection_over_union(np.array([[3, 1], [0, 4]])), [3 / 4, 4 / 5])
    masks = np.array([[[4, 4, 3], [11, 11, 4]]], np.uint8)

    def always_4(frames: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.eye(11)[4], (*frames.shape[:3], 11))

    counted = hrnet.confusion(always_4, np.zeros((1, 2, 3, 3), np.uint8), masks)
    assert (counted.sum(), counted[4, 4], counted[3, 4]) == (4, 3, 1)


def test_views_keep_frame_and_mask_together():
    """A frame whose red channel says its mask: after crop, resize and mirroring it still does."""
    mask = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 12, (9, 12)), 40, 0), 40, 1).astype(np.uint8)
    frame = np.repeat((mask * 20)[..., None], 3, axis=-1)
    for seed in range(4):
        tf.random.set_seed(seed)
        view, cut = hrnet.random_view(tf.constant(frame), tf.constant(mask))
        assert view.shape == (*hrnet.CROP, 3)
        same = np.abs(np.asarray(view)[..., 0] * 255 / 20 - np.asarray(cut)) < 0.5
        assert same.mean() > 0.9  # all but the borders between patches, where the frame is interpolated
        changed, kept = hrnet.random_camera(view, cut)
        assert 0 <= float(tf.reduce_min(changed)) <= float(tf.reduce_max(changed)) <= 1
        np.testing.assert_array_equal(kept, cut)


def test_some_crops_are_laid_around_thin_classes_and_dusk_keeps_the_range():
    mask = np.zeros((360, 480), np.uint8)
    mask[340:350, 470:472] = hrnet.THIN[0]
    frame = np.zeros((360, 480, 3), np.uint8)
    for seed in range(4):
        tf.random.set_seed(seed)
        view, cut = hrnet.random_view(tf.constant(frame), tf.constant(mask), thin=1.0, largest=2.5)
        assert (np.asarray(cut) == hrnet.THIN[0]).any()
        changed, kept = hrnet.random_weather(view + 0.5, cut)
        assert 0 <= float(tf.reduce_min(changed)) <= float(tf.reduce_max(changed)) <= 1
        np.testing.assert_array_equal(kept, cut)
    view, cut = hrnet.random_view(tf.constant(frame), tf.zeros_like(mask), thin=1.0)  # a frame without thin classes
    assert view.shape == (*hrnet.CROP, 3) and not np.asarray(cut).any()


def test_a_drive_can_be_left_out_of_the_training_and_is_scored_alone(model, tmp_path, monkeypatch, capsys):
    files = {}
    for number, name in enumerate(("train/images/A_1", "train/images/A_2", "train/images/B_1", "val/images/C_1")):
        files[f"camvid/{name}.png"] = encoded(noise(number, 36, 48, 3))
        files[f"camvid/{name}.png".replace("images", "labels")] = encoded(noise(number, 36, 48, top=12))
    path, target, seen = write_zip(tmp_path / "camvid.zip", files), tmp_path / "run", []

    def train(data, folder, recipe, limit, leave_out, start):
        seen.append(len(hrnet.read_frames(data[0], "train", limit, lambda name: hrnet.drive(name) != leave_out)[0]))
        return model, {"loss": [2.5], "seconds": [30.4]}, seen[0]

    monkeypatch.setattr(hrnet, "train", train)
    run(monkeypatch, hrnet, path, "--leave-out", "A", "--epochs", 1, "--target", target)
    written = result(target, "hrnet_drives.json")["A"]
    assert {name: part["frames"] for name, part in written["scores"].items()} == {
        "drive A, left out": 2,
        "validation frames": 1,
        "frames learned from": 1,
    }
    assert seen == [1] and "on drive A, left out" in capsys.readouterr().out
    assert written["command"].startswith("python -m tools.train.hrnet camvid.zip --leave-out A --epochs 1")
    assert not (target / "assets" / "models").exists()


def test_a_training_scores_and_exports_what_answers_as_the_hub_s_does(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(hrnet, "train", lambda *_: (model, {"loss": [2.5, 1.5], "seconds": [30.4, 30.2]}, 2))
    path, target = camvid_zip(tmp_path), tmp_path / "run"
    run(monkeypatch, hrnet, path, "--target", target)
    scores = result(target, "hrnet_scores.json")
    assert (scores["seconds"], scores["loss"], scores["seed"]) == (61, [2.5, 1.5], 42)
    assert scores["training_data"] == "2 frames an epoch, of camvid.zip"
    frames, masks = hrnet.read_frames(path, "val")
    assert np.sum(scores["confusion"]) == (masks < hrnet.UNLABELLED).sum()
    folder = target / "assets" / "models" / "hrnet_small"
    exported = tf.saved_model.load(str(folder))
    probabilities = np.asarray(exported.predict(frames / np.float32(255)))
    assert probabilities.shape == (2, 36, 48, 33)
    answers = np.asarray(model(frames / np.float32(255))).argmax(-1)
    assert (probabilities.argmax(-1) == np.add(hrnet.CAMVID_IDS, 1)[answers]).mean() > 0.999
    capsys.readouterr()
    run(monkeypatch, score, "hrnet", path, "--weights", folder)
    assert f"mean IoU {scores['mean_iou']:.3f}" in capsys.readouterr().out


def test_frames_of_another_split_and_unknown_ids_are_refused(tmp_path):
    with pytest.raises(SystemExit, match="no frames in test/images/"):
        hrnet.read_frames(camvid_zip(tmp_path), "test")
    with pytest.raises(SystemExit, match="ids from 0 to 11"):
        hrnet.read_frames(camvid_zip(tmp_path, ids=32), "val")


# Lessons 3 and 4


@pytest.mark.weekly
def test_a_line_fitted_to_standardised_rooms_is_close_to_least_squares(tmp_path, monkeypatch):
    run(monkeypatch, small, "line", "--seeds", 42, "--epochs", 40, "--target", tmp_path)
    line = result(tmp_path, "small_histories.json")["line"]
    best = line["least squares"]["fit"]
    assert best == pytest.approx(42.25, abs=0.01)
    assert best - 0.01 < line["standardised"][0]["fit"] < 1.01 * best
    assert line["rooms as they are"][0]["fit"] > 1.2 * best


# Lesson 9's drawn streets


@pytest.mark.weekly
def test_a_street_unet_is_trained_in_each_way(tmp_path, monkeypatch):
    monkeypatch.setattr(streets, "WAYS", {"U-Net, 1/√f": ("encoder", "root"), "no skips, 1/f": ("nothing", "inverse")})
    run(monkeypatch, streets, "--seeds", 42, 1, "--epochs", 1, "--target", tmp_path)
    written = result(tmp_path, "street_unets.json")
    assert written["trial"] == "shortened, epochs: 1"
    assert written["seeds"] == [42, 1]
    for lengths in written["ways"].values():
        assert list(lengths) == ["1"]
        assert [len(scores) for scores in lengths["1"].values()] == [2] * 4


@pytest.mark.parametrize("kind", ["none", "root", "inverse", "gentle"])
def test_class_weights_of_the_streets_are_1_on_average(kind):
    share = np.array([0.4, 0.3, 0.28, 0.02])
    assert (share * streets.class_weights(kind, share)).sum() == pytest.approx(1)
