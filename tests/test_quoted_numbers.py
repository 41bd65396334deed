"""Numbers that a lesson's prose quotes from a training of ours: they are those of its result."""

from __future__ import annotations

import json

import nbformat

from course.lessons import lesson_files
from utils.downloads import fetch
from utils.segmentation import left_out_scores
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
