"""The table of the photographs of lesson 7."""

from __future__ import annotations

import csv

from utils import paths

FOLDER = paths.ASSETS / "images" / "photos"


def test_the_labels_belong_to_the_photographs():
    with (FOLDER / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {path.name for path in FOLDER.glob("*.jpg")}
    assert {row["kind"] for row in rows} == {"clear", "other", "outside"}
    for row in rows:
        assert (row["class_index"] == "") == (row["kind"] == "outside"), row["file"]
        assert row["title"] and row["author"] and row["licence"], row["file"]
    assert sum(row["kind"] == "clear" for row in rows) >= 8
