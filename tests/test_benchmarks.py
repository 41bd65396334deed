"""The benchmarks on tiny settings, what they keep, and the page against the kept results."""

from __future__ import annotations

import json
import subprocess

import keras
import numpy as np
import pytest
from keras import layers

from tools.bench import __main__ as everything
from tools.bench import cifar, common, lessons, mlp, page, predict, signs
from tools.train.cifar10 import Recipe
from utils import paths

TINY = Recipe(epochs=1, stem=4, widths=(4, 4), pooled=(1,), batch_size=8)


def positive(value: object) -> bool:
    """Whether every number in a result is above zero."""
    if isinstance(value, dict | list):
        return all(map(positive, value.values() if isinstance(value, dict) else value))
    return value > 0


def test_sides_run_in_turns_after_one_round_to_warm_up():
    calls = []
    times = common.in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert calls == list("ababab")
    assert {name: len(values) for name, values in times.items()} == {"a": 2, "b": 2}
    assert common.ratio([2.0, 9.0, 4.0], [1.0, 1.0, 1.0]) == {"median": 4.0, "least": 2.0, "largest": 9.0}


def test_results_are_kept_beside_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results.json")
    common.record("one", {"ratio": common.ratio([2.0], [3.0])})
    common.record("two", {"n": 5})
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert kept["one"]["ratio"]["median"] == 0.6667 and kept["two"]["n"] == 5
    assert {"machine", "tensorflow", "load"} <= set(kept["one"])


def test_mlp():
    generator = np.random.default_rng(0)
    parts = {
        name: (generator.random((n, 784), "float32"), generator.integers(0, 10, n).astype("int32"))
        for name, n in (("train", 200), ("valid", 20), ("test", 20))
    }
    assert positive(mlp.same_steps(parts, epochs=1, rounds=1))
    result = mlp.to_equal_accuracy(parts, 1, 1, rounds=1)
    assert positive(result["ratio"]) and set(result["test accuracy"]) == {mlp.LESSON, "ours"}


def test_cifar_epochs_and_the_epoch_that_reaches_the_target(monkeypatch):
    monkeypatch.setattr(cifar, "BATCH_SIZE", TINY.batch_size)
    times = cifar.epochs(0.001, 1, {"ours": TINY})
    assert set(times) == {cifar.LESSON, cifar.LESSON_16, "ours"} and positive(times)
    assert keras.config.dtype_policy().name == "float32"
    assert cifar.epochs_until([0.5, 0.79, 0.7, 0.8], 0.783) == 2
    assert cifar.epochs_until([0.5], 0.783) is None


def test_predict():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3)])
    assert positive(predict.classify(model, 8, 2, 1))
    assert positive(predict.segment(((32, 48),), 1))


def test_an_epoch_of_vgg16_is_counted_in_batches(monkeypatch):
    times = {"step": [2.0, 2.0], "batch": [1.0, 3.0]}
    monkeypatch.setattr(common, "in_turns", lambda sides, rounds: times)
    assert signs.vgg16_epoch(n_train=70, n_valid=33, rounds=2, size=32) == 3 * 2 + 2 * 2


def test_slowest_cells_over_all_lessons(monkeypatch):
    def lesson(*seconds: float) -> dict:
        return {"mode": "quick", "seconds": sum(seconds), "cells": [{"id": f"{s}", "seconds": s} for s in seconds]}

    names = sorted(path.stem for path in paths.NOTEBOOKS.glob("0*.ipynb"))
    timings = {name: lesson(1) for name in names} | {names[0]: lesson(3, 9), names[1]: lesson(5)}
    result = lessons.summary(timings)
    slowest = [(cell["lesson"], cell["seconds"]) for cell in result["slowest cells"]]
    assert slowest[:3] == [("01", 9), ("02", 5), ("01", 3)] and result["together"] == 24
    for wrong in (timings | {names[0]: lesson(3) | {"mode": "full"}}, {names[0]: lesson(1)}):
        with pytest.raises(SystemExit, match="course run"):
            lessons.summary(wrong)


def test_benchmarks_that_cannot_be_run_say_what_they_need(tmp_path, monkeypatch, capsys):
    ran = []

    def note(command: list[str]) -> subprocess.CompletedProcess:
        ran.append(command[-1])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", note)
    monkeypatch.setattr(page, "main", lambda: None)
    monkeypatch.setattr(paths, "BUILD", tmp_path)
    monkeypatch.delenv("SIGNS", raising=False)
    for name, message in (("nonsense", "no benchmark nonsense"), ("signs", "SIGNS="), ("lessons", "course run")):
        with pytest.raises(SystemExit, match=message):
            everything.main([name])
    everything.main([])
    assert ran == ["tools.bench.mlp", "tools.bench.cifar", "tools.bench.predict"]
    assert capsys.readouterr().out.count("Left out: ") == 2


def test_the_page_is_what_the_results_say():
    results = json.loads(common.RESULTS.read_text(encoding="utf-8"))
    written = (paths.ROOT / "docs" / "BENCHMARKS.md").read_text(encoding="utf-8")
    assert written == page.page(results), "run python -m tools.bench.page"
    results["lesson 4, to equal accuracy"]["ratio"]["median"] = 98.76
    assert "98.8 (" in page.page(results)
