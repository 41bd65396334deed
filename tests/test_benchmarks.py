"""The benchmarks on tiny settings, what they count, and the page against the files that it comes from."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import keras
import nbformat
import numpy as np
import pytest
from keras import layers

from tools.bench import __main__ as everything
from tools.bench import cifar, common, lessons, limits, masks, mlp, page, pipelines, predict, scaling, signs
from tools.train import cifar10, small
from tools.train.cifar10 import Recipe
from utils import paths

TINY = Recipe(epochs=1, stem=4, widths=(4, 4), pooled=(1,), batch_size=8)


def positive(value) -> bool:
    """Whether every number in a result is above zero."""
    if isinstance(value, dict):
        return all(map(positive, value.values()))
    if isinstance(value, list):
        return all(map(positive, value))
    return isinstance(value, str) or value > 0


def test_sides_run_in_turns_after_one_round_to_warm_up():
    calls = []
    times = common.in_turns({name: lambda name=name: calls.append(name) for name in "ab"}, rounds=2)
    assert calls == list("ababab")
    assert {name: len(values) for name, values in times.items()} == {"a": 2, "b": 2}
    assert common.ratio([2.0, 9.0, 4.0], [1.0, 1.0, 1.0]) == {"median": 4.0, "least": 2.0, "largest": 9.0}


def test_operations_of_a_step_are_those_counted_by_hand():
    convolution = layers.Conv2D(8, 3, padding="same")
    model = keras.Sequential([keras.Input((6, 6, 4)), convolution, layers.Flatten(), layers.Dense(5)])
    x, y = np.zeros((2, 6, 6, 4), "float32"), np.eye(5, dtype="float32")[:2]
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    step = common.training_step(model, loss, keras.optimizers.SGD(), x, y)
    forward_convolution, forward_dense = 2 * 6 * 6 * 8 * (3 * 3 * 4), 2 * (6 * 6 * 8) * 5
    # Forward and the gradient of the weights; the images need no gradient, what enters the dense layer does.
    assert common.floating_point_operations(step) == 2 * (2 * forward_convolution + 3 * forward_dense)
    convolution.trainable = False
    step = common.training_step(model, loss, keras.optimizers.SGD(), x, y)
    assert common.floating_point_operations(step) == 2 * (forward_convolution + 2 * forward_dense)


def test_operations_of_a_depthwise_convolution():
    model = keras.Sequential([keras.Input((6, 6, 4)), layers.DepthwiseConv2D(3, padding="same"), layers.Flatten()])
    step = common.training_step(model, keras.losses.MeanSquaredError(), keras.optimizers.SGD(),
                                np.zeros((2, 6, 6, 4), "float32"), np.zeros((2, 144), "float32"))  # fmt: skip
    assert common.floating_point_operations(step) == 2 * (2 * 2 * 6 * 6 * 4 * 9)


def test_results_are_kept_beside_each_other(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results.json")
    common.record("one", "fast", {"ratio": common.ratio([2.0], [3.0])})
    common.record("two", "faster", {"n": 5})
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["one"]["ratio"]["median"] == 0.6667 and kept["two"]["n"] == 5
    assert {"cpu", "cores", "load", "tensorflow"} <= set(kept["one"]["machine"])
    assert "two (aim: faster)" in capsys.readouterr().out


@pytest.fixture(scope="module")
def digits():
    generator = np.random.default_rng(0)

    def part(n):
        return generator.random((n, 784), "float32"), generator.integers(0, 10, n).astype("int32")

    return {"train": part(200), "valid": part(20), "test": part(20)}


def test_mlp(digits):
    result = mlp.same_steps(digits, epochs=1, rounds=1)
    assert result["weights equal"] and positive(result["ratio"])
    result = mlp.to_equal_accuracy(digits, 1, 1, rounds=1)
    assert positive(result["ratio"]) and set(result["test accuracy"]) == {"older recipe", "ours"}


def test_cifar_epochs_and_the_epoch_that_reaches_the_target():
    times = cifar.epochs(0.001, 1, {"ours": TINY})
    assert set(times) == {"older recipe", "older recipe in bfloat16", "ours"} and positive(times)
    assert keras.config.dtype_policy().name == "float32"
    assert cifar.epochs_until([0.5, 0.79, 0.7, 0.8], 0.783) == 2
    assert cifar.epochs_until([0.5], 0.783) is None


def test_limits_and_scaling_and_pipelines():
    steps = {"lesson 4, MLP": lambda: limits.lesson_4(8), "lesson 6, CNN": lambda: limits.lesson_6(2, 0.25)}
    result = limits.measure(steps, 1, least=0.001, sizes=(16, 32))
    assert set(result) == {"matrix product", *steps} and positive(result)
    operations = {"depthwise": lambda: limits.operation(layers.DepthwiseConv2D(3), (1, 6, 6, 2)),
                  "normalisation": lambda: limits.operation(layers.BatchNormalization(), (1, 6, 6, 2))}  # fmt: skip
    result = limits.parts(operations, 1, least=0.001)
    assert positive(result) and "GFLOP/s" in result["depthwise"] and "GFLOP/s" not in result["normalisation"]
    whole = limits.operation(layers.Conv2D(4, 3, padding="same", use_bias=False), (1, 6, 6, 2))
    assert common.floating_point_operations(whole) == 3 * 2 * (6 * 6 * 4) * (3 * 3 * 2)  # forward and two backward
    assert positive(scaling.measure({"small": (2, 0.25)}, 1, least=0.001))
    assert positive(pipelines.lesson_6(1, count=256))


def test_the_profile_of_a_step_is_mostly_its_convolutions():
    model = keras.Sequential([keras.Input((64, 64, 32)), layers.Conv2D(64, 3), layers.GlobalAveragePooling2D()])
    x, y = np.zeros((8, 64, 64, 32), "float32"), np.zeros((8, 64), "float32")
    step = common.training_step(model, keras.losses.MeanSquaredError(), keras.optimizers.SGD(), x, y)
    shares = limits.profile(step, times=1)
    assert sum(shares.values()) == pytest.approx(1) and shares["convolutions"] > 0.5


def test_reading_files_yields_every_picture(tmp_path):
    pipelines.photographs(tmp_path, 6, size=20)
    assert sum(len(images) for images, _ in pipelines.decoding(tmp_path, 16)()) == 6


def test_predict_and_masks():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3)])
    assert positive(predict.measure(model, 8, 2, 1))
    assert positive(masks.colouring((12, 16), 1))
    assert positive(masks.frames(((32, 48),), 1))


def test_vgg16_is_extrapolated_by_batches():
    result = signs.vgg16(n_train=70, n_valid=33, steps=1, size=32, batch_size=32)
    step, batch = (result["seconds"][name]["median"] for name in ("training step", "validation batch"))
    assert result["seconds of an epoch"] == pytest.approx(3 * step + 2 * batch)
    assert result["seconds of 101 epochs"] == pytest.approx(101 * result["seconds of an epoch"])


def test_slowest_cells_over_all_lessons():
    def lesson(seconds):
        return {
            "mode": "quick",
            "seconds": sum(seconds),
            "cells": [{"id": f"{s}", "seconds": s, "first line": "x"} for s in seconds],
        }

    result = lessons.summary({"01_a": lesson([3, 9]), "02_b": lesson([5])})
    assert [(cell["lesson"], cell["seconds"]) for cell in result["slowest cells"]] == [("01", 9), ("02", 5), ("01", 3)]
    assert result["seconds"] == {"01_a": 12, "02_b": 5, "together": 17}


def test_an_unknown_benchmark_is_refused(monkeypatch):
    monkeypatch.setattr("sys.argv", ["benchmarks", "nonsense"])
    with pytest.raises(SystemExit, match="nonsense"):
        everything.main()
    monkeypatch.delenv("SIGNS", raising=False)
    monkeypatch.setattr("sys.argv", ["benchmarks", "signs"])
    with pytest.raises(SystemExit, match="SIGNS="):
        everything.main()


def test_the_page_is_what_the_files_say():
    assert page.PAGE.read_text(encoding="utf-8") == page.page(), "run python -m tools.bench.page"


def test_the_page_shows_the_numbers_of_the_files():
    text = page.PAGE.read_text(encoding="utf-8")
    scores = page.read("hrnet_scores.json")
    shown = dict(re.findall(r"^\| ([a-z]+) \| (\d\.\d{3}) \|$", text, flags=re.MULTILINE))
    assert shown == {name: f"{iou:.3f}" for name, iou in zip(scores["classes"], scores["iou"], strict=True)}
    assert f"**{scores['mean_iou']:.3f}**" in text
    runs = page.read("small_histories.json")["digits"]["runs"]
    assert len(runs) >= 5 and f"**{100 * np.mean([run['valid'] for run in runs]):.2f} %**" in text
    accuracies = page.read("cifar10_history.json")["dropout"]["history"]["val_accuracy"]
    assert f"| {100 * accuracies[-1]:.2f} % | {100 * max(accuracies):.2f} % | 78.63 % |" in text


def test_words_of_a_result():
    result = {"aim": "x", "ratio": {"median": 2.345, "least": 2.0, "largest": 12345.6}, "parts": {"a": 3, "b": [True]}}
    assert page.words(result) == "ratio: 2.35 (2 to 12,346); parts: a 3; b yes"
    nested = {"b": {"x": {"n": 1}, "y": 2.0}, "a": 1, "ratio": 3, "rounds": [9]}
    assert page.bullets(nested) == "- ratio: 3\n- b\n  - x: n 1\n  - y: 2\n- a: 1\n"


def test_the_overview_says_what_is_met(monkeypatch):
    spread = {"median": 2.5, "least": 1.0, "largest": 3.0}
    results = {"a": {"aim": "fast", "n": {"ratio": spread}}, "b": {"aim": "good", "share": 0.5}}
    answers = (page.Answer("a", "n/ratio", "times", 2), page.Answer("a", "n/ratio", "seconds", most=2),
               page.Answer("b", "share", "of all", 0.6, share=True), page.Answer("c", "x", "missing"))  # fmt: skip
    monkeypatch.setattr(page, "ANSWERS", answers)
    rows = page.overview(results).splitlines()[2:]
    assert rows == ["| A | fast | 2.5 (1 to 3) times | yes |", "| A | fast | 2.5 (1 to 3) seconds | no |",
                    "| B | good | 50.0 % of all | no |"]  # fmt: skip


def test_every_aim_is_answered_from_the_kept_results():
    results = json.loads((paths.ROOT / "benchmarks" / "results.json").read_text())
    assert {answer.result for answer in page.ANSWERS} <= set(results)
    assert len(page.overview(results).splitlines()) == 2 + len(page.ANSWERS)


def test_a_line_fitted_to_standardised_rooms_is_close_to_least_squares():
    result = small.line([42])
    best = result["least squares"]["fit"]
    assert best == pytest.approx(42.25, abs=0.01)
    assert best - 0.01 < result["standardised"][0]["fit"] < 1.01 * best
    assert result["rooms as they are"][0]["fit"] > 1.2 * best


def test_small_histories_keep_the_part_that_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(small, "TARGET", tmp_path / "small.json")
    monkeypatch.setattr(small, "digits", lambda seeds: {"runs": seeds})
    monkeypatch.setattr(small, "line", lambda seeds: {"lines": seeds})
    for what in ("digits", "line"):
        monkeypatch.setattr("sys.argv", ["small", what, "--seeds", "7"])
        small.main()
    kept = json.loads((tmp_path / "small.json").read_text())
    assert kept["digits"]["runs"] == [7] and kept["line"]["lines"] == [7]


def test_augmented_images_are_mirrored_and_shifted_copies():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (16, 32, 32, 3), np.uint8)
    one_hot = np.eye(16, dtype="float32")
    batches = cifar10.Augmented(images, one_hot, TINY)
    shown, answers = batches[0]
    assert shown.shape == (8, 32, 32, 3) and shown.dtype == np.uint8 and len(batches) == 2
    margin = TINY.shift
    for image, answer in zip(shown, answers, strict=True):
        padded = np.pad(images[answer.argmax()], ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
        places = [padded[i : i + 32, j : j + 32] for i in range(2 * margin + 1) for j in range(2 * margin + 1)]
        assert any(np.array_equal(image, place) or np.array_equal(image[:, ::-1], place) for place in places)
    before = batches.order.copy()
    batches.on_epoch_end()
    assert sorted(batches.order) == sorted(before) and not np.array_equal(batches.order, before)


def test_the_hole_is_a_grey_square_that_the_border_may_cut():
    images = np.zeros((64, 32, 32, 3), np.uint8)
    recipe = replace(TINY, hole=8, batch_size=64)
    shown = cifar10.Augmented(images, np.eye(64, dtype="float32"), recipe)[0][0]
    assert set(np.unique(shown)) == {0, 128}
    for image in shown:
        rows, columns = np.nonzero(image[..., 0])
        height, width = (np.ptp(places) + 1 for places in (rows, columns))
        assert len(rows) == height * width and 4 <= height <= 8 and 4 <= width <= 8  # filled, and half of it inside
    assert not np.array_equal(shown[0], shown[1])


def test_our_network_multiplies_less_than_the_lessons():
    def forward(model):
        layers_with_kernel = [layer for layer in model.layers if hasattr(layer, "kernel")]
        return sum(
            int(np.prod(layer.kernel.shape)) * int(np.prod(layer.output.shape[1:-1])) for layer in layers_with_kernel
        )

    ours = cifar10.build_ours(cifar10.RECIPES["short"])
    assert forward(ours) <= forward(cifar10.build(dropout=True))


def test_numbers_that_the_lessons_quote_are_on_the_page():
    """A paragraph that links to docs/RESULTS.md has no number with a decimal point that is not there."""
    quoted = {}
    for path in sorted((paths.NOTEBOOKS).glob("0*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for paragraph in cell.source.split("\n\n") if cell.cell_type == "markdown" else []:
                if "docs/RESULTS.md" in paragraph:
                    quoted.setdefault(path.name[:2], []).extend(re.findall(r"\d+\.\d+", paragraph))
    assert quoted.keys() == {"03", "04", "06", "08", "09"}
    shown = set(re.findall(r"\d+\.\d+", page.PAGE.read_text(encoding="utf-8")))
    assert all(numbers and set(numbers) <= shown for numbers in quoted.values()), quoted
