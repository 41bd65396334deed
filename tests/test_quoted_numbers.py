"""Numbers that a lesson's prose quotes from a training of ours: they are those of its result."""

from __future__ import annotations

import json

import nbformat

from course.lessons import lesson_files
from utils.downloads import fetch
from utils.segmentation import left_out_scores, street_trainings


def prose(lesson: int, cell: str) -> str:
    (path,) = lesson_files([str(lesson)])
    return next(c.source for c in nbformat.read(path, as_version=4).cells if c.id == cell)


def result(name: str) -> dict:
    return json.loads(fetch(f"data/{name}.json").read_text(encoding="utf-8"))


def test_frozen_features_on_photographs():
    ways, rules = result("gtsrb_ways"), result("signs_rules")
    text = prose(8, "pooled-after")
    for way in ("frozen", "from scratch"):
        assert f"{100 * ways[way]['test_accuracy']:.1f} %" in text
    with_places = [round(100 * share) for share in rules["photographs"]["test_accuracy"]["the base frozen"]]
    assert f"it reads {min(with_places)} to {max(with_places)} %" in text
    assert f"{rules['photographs']['train_images']:,} photographs" in text


def test_the_rules_of_fine_tuning():
    rules = result("signs_rules")
    on_photographs, on_rendered = (rules[kind]["effect"] for kind in ("photographs", "rendered signs"))
    text = prose(8, "rules-after")
    assert f"all at once costs about {-100 * on_photographs['all at once']['mean']:.1f} points" in text
    assert f"gained about {100 * on_photographs['normalisation learns']['mean']:.1f} points" in text
    assert f"ten times the rate {100 * on_photographs['ten times the rate']['mean']:.1f}," in text
    assert all(effect["low"] * effect["high"] > 0 for effect in on_photographs.values()), "beyond their intervals"
    apart = [way for way, effect in on_rendered.items() if effect["low"] * effect["high"] > 0]
    assert apart == ["ten times the rate", "the base frozen"], "only the rate, besides fine-tuning itself"
    frozen = sorted(round(-100 * effect["the base frozen"]["mean"]) for effect in (on_photographs, on_rendered))
    assert "worth {} to {} points".format(*frozen) in text


def test_a_drive_that_was_left_out():
    scores = left_out_scores()
    lost = scores.iloc[1] - scores.iloc[0]
    assert "thirteen points" in prose(9, "left-out-after") and round(100 * lost["mean"]) == 13
    assert set(lost.drop("mean").nlargest(3).index) == {"fence", "cyclist", "tree"}


def test_the_street_unets():
    runs = street_trainings()
    scores = runs.groupby(["way", "epochs"])[["pole recall", "pole IoU", "accuracy"]].median()
    found = runs.pivot(index=["epochs", "seed"], columns="way", values="pole recall")
    accuracy = runs.pivot(index=["epochs", "seed"], columns="way", values="accuracy")
    text = prose(9, "skips-note")
    plain, weighted = "U-Net, no weights", "U-Net, 1/√f"
    assert "hardly sees a pole" in text and found[plain].loc[12].max() < 0.1
    assert "nearly half" in text and 0.4 < scores.loc[(plain, 48), "pole recall"] < 0.5
    assert "weights find poles sooner, and more of them" in text and (found[weighted] > found[plain]).all()
    assert "about the same accuracy" in text and abs(accuracy[weighted] - accuracy[plain]).max() < 0.015
    assert "lowers the accuracy" in text and (accuracy["U-Net, 1/f"] < accuracy[plain]).all()
    assert "next to nothing in twelve epochs" in text and found["no skips, 1/√f"].loc[12].max() < 0.05
    assert "0.3 instead of 0.5" in text
    ious = [scores.loc[(way, 48), "pole IoU"] for way in ("no skips, 1/√f", "joined with itself, 1/√f", weighted)]
    assert [round(iou, 1) for iou in ious] == [0.3, 0.3, 0.5]
    assert "The control finds fewer, too" in text
    assert (found["joined with itself, 1/√f"] < found[weighted]).all()
    assert "14,876 parameters" in prose(9, "unet-note")
