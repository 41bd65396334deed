"""Numbers that a lesson's prose quotes from a training of ours: they are those of its result."""

from __future__ import annotations

import json

import nbformat

from course.lessons import lesson_files
from utils.downloads import fetch
from utils.segmentation import left_out_scores, street_trainings
from utils.signs import QUICK


def prose(lesson: int, cell: str) -> str:
    (path,) = lesson_files([str(lesson)])
    return next(c.source for c in nbformat.read(path, as_version=4).cells if c.id == cell)


def result(name: str) -> dict:
    return json.loads(fetch(f"data/{name}.json").read_text(encoding="utf-8"))


def test_the_rate_is_the_best_of_those_that_were_measured():
    rates = result("signs_rules")["rates"]["valid_accuracy"]
    assert max(rates, key=lambda rate: sum(rates[rate])) == f"{QUICK.learning_rate:g}"
    assert max(rates["0.03"]) < 0.05 and "as 0.03 did above" in prose(8, "rules-after")


def test_the_rules_of_fine_tuning():
    rules = result("signs_rules")
    on_photographs, on_rendered = (rules[kind]["effect"] for kind in ("photographs", "rendered signs"))
    text = prose(8, "rules-after")
    for way in ("a tenth of the rate", "normalisation learns"):
        for effects in (on_photographs, on_rendered):
            assert effects[way]["low"] < 0 < effects[way]["high"], "within the scatter"
    for kind in ("photographs", "rendered signs"):
        assert max(rules[kind]["test_accuracy"]["ten times the rate"]) < 0.05, "fails"
        assert max(rules[kind]["test_accuracy"]["all at once"]) < 0.4, "fails"
        assert rules[kind]["effect"]["the base frozen"]["high"] < 0, "thawing pays"
    frozen = sorted(round(-100 * effect["the base frozen"]["mean"]) for effect in (on_photographs, on_rendered))
    assert "costs {} to {} points".format(*frozen) in text
    kept = [100 * share for share in rules["rendered signs"]["test_accuracy"]["all three kept"]]
    assert f"from {min(kept):.1f} to {max(kept):.1f} %" in text


def test_rendered_signs_and_photographs_taught_in_the_same_way():
    rules, text = result("signs_rules"), prose(8, "real-after")
    assert f"reads {100 * result('gtsrb_history')['lesson_to_real']['test_accuracy']:.0f} % of them" in text
    kept = [round(100 * share) for share in rules["photographs"]["test_accuracy"]["all three kept"]]
    assert f"{rules['photographs']['train_images']:,} photographs, it reads {min(kept)} to {max(kept)} %" in text


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
