"""The diagrams of lesson 8: a new head, four options, folders, tracks, mirrors, freezing, two phases."""

from __future__ import annotations

import io
import zipfile
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from tools.data.sign_faces import draw_face
from tools.diagrams.drawing import CARD, INK, arrow, box, card, photograph, picture, rectangle, stroke, text
from utils import paths
from utils.plotting import PALETTE

WORDS = {
    "08_opener": {
        "before": "before: trained on ImageNet",
        "photos": "1.2 million photographs",
        "base": "base",
        "base_note": "edges, textures, parts",
        "old_head": "head",
        "old_note": "1,000 classes",
        "off": "is taken off",
        "kept": "is kept",
        "now": "now: your task",
        "sign": "36 pictures a class",
        "new_head": "new head",
        "new_note": "43 classes",
        "answer": "17: no entry",
    },
    "08_options": {
        "columns": ("", "base", "head", "trains", "needs"),
        "names": ("1  as it is", "2  from scratch", "3  feature\n    extraction", "4  fine-tuning"),
        "heads": ("1,000\nclasses", "43\nclasses", "43\nclasses", "43\nclasses"),
        "trains": ("nothing", "everything", "the head", "head and\nlast layers"),
        "needs": (
            "your classes must be\namong the 1,000",
            "most pictures,\nmost computing",
            "few pictures,\nseconds to minutes",
            "some pictures,\nsome computing",
        ),
        "legend": ("pre-trained, frozen", "pre-trained, trains on", "starts random, trains"),
    },
    "08_folders": {
        "folders": (
            ("Train", "0", "00000_00000_00000.jpg"),
            ("", "1", "00001_00000_00000.jpg"),
            ("", "2", "00002_00000_00000.jpg"),
        ),
        "rest": "…",
        "last": ("42", "00042_00000_00000.jpg"),
        "test": "Test",
        "test_file": "00000.jpg  00001.jpg  …",
        "table": "Test.csv",
        "table_note": "one row for each test picture: …, ClassId, Path",
        "name_note": "the folder's name is the label",
        "title": "sorted as text",
        "folder": "folder",
        "place": "class number",
        "by_text": ("0", "1", "10", "11", "12", "…", "19", "2", "20"),
        "places": ("0", "1", "2", "3", "4", "…", "11", "12", "13"),
    },
    "08_tracks": {
        "track": "track {number}",
        "frames": ("frame 1", "frame 2"),
        "random": "random split",
        "by_track": "split by track",
        "training": "training",
        "validation": "validation",
        "leak": "the same sign on both sides:\nit has been seen",
        "clean": "no sign on both sides:\nit is new",
    },
    "08_flips": {
        "columns": ("becomes another class", "becomes no sign at all", "stays what it is"),
        "mirror": "mirror",
        "names": {
            33: "turn right",
            34: "turn left",
            38: "keep right",
            39: "keep left",
            19: "bend to\nthe left",
            20: "bend to\nthe right",
            14: "stop",
            2: "speed\nlimit 50",
            40: "roundabout",
            12: "priority\nroad",
            17: "no entry",
            13: "give way",
        },
        "none": "✗",
    },
    "08_freeze": {
        "frozen": "frozen: 10 layers, 1,735,488 parameters",
        "trains": "the last 8 layers: 12,979,200 parameters",
        "blocks": ("block 1", "block 2", "block 3", "block 4", "block 5"),
        "conv": "conv",
        "pool": "pool",
        "input": "224 × 224 × 3",
        "head": "new head",
        "dense": ("Dense\n128", "Dense\n43"),
        "dense_counts": ("3,211,392", "5,547"),
        "sum": "6 convolutions + 2 poolings = 8 layers",
    },
    "08_two_phases": {
        "time": "time",
        "phases": ("phase 1: the head alone", "phase 2: last layers and head"),
        "first": "first layers",
        "last": "last layers",
        "head": "head",
        "rates": (
            "features computed once\nlearning rate falls to 0",
            "augmented pictures\na measured rate falls to 0",
        ),
        "loss": "loss (schematic)",
        "start": "ln 43",
        "frozen": "frozen",
        "trains": "trains",
        "unfreeze": "unfreeze,\nset the rate,\ncompile",
        "bn": "batch normalisation: frozen in both phases (section 9 tests it)",
    },
}
FROZEN, TUNED, NEW = "#D9D9D4", "#BFE0D4", "#F6D48F"  # grey, green, orange


@cache
def _face(class_id: int, side: int) -> np.ndarray:
    """The sign as new, on the card's colour."""
    face = draw_face(class_id).resize((side, side), Image.Resampling.LANCZOS)
    ground = Image.new("RGBA", face.size, CARD)
    flat = Image.alpha_composite(ground, face).convert("RGB").quantize(24)  # few colours make a small file
    return np.asarray(flat.convert("RGB"))


@cache
def _sign(name: str, side: int = 64) -> np.ndarray:
    """A rendered photograph of the course's data, by its name in the archive."""
    with zipfile.ZipFile(paths.ASSETS / "data" / "traffic_signs.zip") as archive:
        image = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC))


def _block(ax: Axes, x: float, y: float, width: float, height: float, colour: str, hatch: str = "") -> None:
    rectangle(ax, x, y, width, height, colour, line=1.1, hatch=hatch)


def opener() -> Figure:
    """The base that learned from 1.2 million photographs is kept; its head is taken off and a new one put on."""
    words = WORDS["08_opener"]
    figure, ax = card(95, 45)
    text(ax, 3, 42, words["before"], size=12.5, weight="bold", ha="left")
    for place, name in enumerate(("tabby_cat", "castle", "fire_engine")):
        picture(ax, 3 + 7.4 * place, 29.6, 6.8, 6.8, photograph(name, 56))
    text(ax, 13.8, 27, words["photos"], size=11)
    arrow(ax, (26.6, 33), (32, 33))
    for x in range(6):
        _block(ax, 33 + 3.4 * x, 28.4, 3.4, 9.2, FROZEN)
    text(ax, 43.2, 39.6, words["base"], size=12.5, weight="bold")
    arrow(ax, (53.8, 33), (59, 33))
    box(ax, 60, 29, 11, 8, fill="grey", words=words["old_head"], size=12)
    stroke(ax, [59.4, 71.6], [28.4, 37.6], "red", 2)
    text(ax, 81.4, 34.4, words["old_note"], size=11.5)
    text(ax, 81.4, 31, words["off"], size=11.5, colour=PALETTE["red"])
    arrow(ax, (43.2, 27.6), (43.2, 18.4), width=2.2, colour=PALETTE["blue"])
    text(ax, 48.4, 23.6, words["kept"], size=12, colour=PALETTE["blue"])
    text(ax, 3, 19, words["now"], size=12.5, weight="bold", ha="left")
    picture(ax, 8.2, 5.4, 10.4, 10.4, _sign("Train/17/00017_00000_00001.jpg", 104))
    text(ax, 13.4, 3, words["sign"], size=11)
    arrow(ax, (19.6, 10.6), (32, 10.6))
    for x in range(6):
        _block(ax, 33 + 3.4 * x, 6, 3.4, 9.2, FROZEN if x < 3 else TUNED)
    text(ax, 43.2, 3.4, words["base_note"], size=11)
    arrow(ax, (53.8, 10.6), (59, 10.6))
    box(ax, 60, 6.6, 11, 8, fill=NEW, words=words["new_head"], size=12)
    text(ax, 65.5, 3.4, words["new_note"], size=11)
    arrow(ax, (71.6, 10.6), (76.4, 10.6))
    picture(ax, 80.4, 9.2, 9, 9, _face(17, 90), frame=False)
    text(ax, 85, 6.4, words["answer"], size=12, weight="bold")
    return figure


def options() -> Figure:
    """The four options: which part of base and head is pre-trained, which trains, and what each needs."""
    words = WORDS["08_options"]
    figure, ax = card(95, 54)
    for x, name in zip((0, 32.6, 50.6, 64, 83), words["columns"], strict=True):
        text(ax, x, 51, name, size=12, weight="bold")
    rows = ((FROZEN,) * 7, (NEW,) * 7, (FROZEN,) * 6 + (NEW,), (FROZEN,) * 3 + (TUNED,) * 3 + (NEW,))
    for place, colours in enumerate(rows):
        y = 39.4 - 10.4 * place
        text(ax, 2, y + 4, words["names"][place], size=12.5, weight="bold", ha="left")
        for x, colour in enumerate(colours[:6]):
            _block(ax, 22 + 3.6 * x, y, 3.6, 8, colour, "//" if colour == NEW else "")
        _block(ax, 46.1, y, 9, 8, colours[6], "//" if colours[6] == NEW else "")
        rectangle(ax, 47, y + 1.3, 7.2, 5.4, colours[6], edge="none")
        text(ax, 50.6, y + 4, words["heads"][place], size=10.5)
        text(ax, 64, y + 4, words["trains"][place], size=11.5)
        text(ax, 83, y + 4, words["needs"][place], size=11)
        if place:
            stroke(ax, [2, 93], [y + 9.2, y + 9.2], "grey", 0.6)
    for x, colour, name in zip((4, 34, 65), (FROZEN, TUNED, NEW), words["legend"], strict=True):
        _block(ax, x, 2, 3.4, 3, colour, "//" if colour == NEW else "")
        text(ax, x + 4.6, 3.5, name, size=11, ha="left")
    return figure


def folders() -> Figure:
    """One folder per class, and the order of the folders when their names are sorted as text."""
    words = WORDS["08_folders"]
    figure, ax = card(95, 46)
    text(ax, 3, 42, words["folders"][0][0] + "/", size=12.5, ha="left", weight="bold")
    names = [row[1:] for row in words["folders"]] + [(words["rest"], ""), words["last"]]
    for place, (name, file) in enumerate(names):
        y = 37.6 - 4.6 * place
        stroke(ax, [4.4, 4.4, 7], [y + (3 if place == 0 else 4.6), y, y], INK, 1)
        text(ax, 8, y, name + ("/" if file else ""), size=12, ha="left", weight="bold", colour=PALETTE["blue"])
        text(ax, 14.5, y, file, size=11, ha="left")
        if file and place < 3:
            picture(ax, 35.6, y - 1.9, 3.8, 3.8, _sign(f"Train/{name}/{file}", 40))
    text(ax, 8, 15, words["name_note"], size=11, ha="left", style="italic", colour=PALETTE["blue"])
    text(ax, 3, 10, words["test"] + "/", size=12.5, ha="left", weight="bold")
    text(ax, 14.5, 10, words["test_file"], size=11, ha="left")
    text(ax, 3, 5.4, words["table"], size=12.5, ha="left", weight="bold")
    text(ax, 14.5, 5.4, words["table_note"], size=11, ha="left")
    text(ax, 74, 42, words["title"], size=12.5, weight="bold")
    text(ax, 62, 37.6, words["folder"], size=11.5, colour=PALETTE["blue"])
    text(ax, 86, 37.6, words["place"], size=11.5)
    for place, (name, number) in enumerate(zip(words["by_text"], words["places"], strict=True)):
        y = 33.6 - 2.95 * place
        good = name == number
        colour = INK if name == "…" else PALETTE["blue"] if good else PALETTE["red"]
        text(ax, 62, y, name, size=11.5, colour=colour, weight="bold")
        text(ax, 86, y, number, size=11.5, colour=colour, weight="bold")
        if name != "…":
            arrow(ax, (66, y), (82, y), colour=colour, width=1.1)
    return figure


def tracks() -> Figure:
    """Frames of three tracks in a random split, which tears tracks apart, and in a split by track, which does not."""
    words = WORDS["08_tracks"]
    figure, ax = card(95, 54)
    tints = ("blue", "orange", "purple")
    for place, number in enumerate((3, 7, 16)):
        x = 8 + 28.4 * place
        box(ax, x - 1.4, 35.6, 25, 16, fill=tints[place])
        text(ax, x + 11.1, 49.4, words["track"].format(number=place + 1), size=12, weight="bold")
        for frame in (0, 1):
            name = f"Train/25/00025_{number:05}_{frame:05}.jpg"
            picture(ax, x + 2.3 + 9.8 * frame, 39, 8, 8, _sign(name, 40))
            text(ax, x + 6.3 + 9.8 * frame, 37.2, words["frames"][frame], size=10.5)
    halves = (
        (words["random"], ((0, 0), (1, 1), (2, 0), (2, 1)), ((0, 1), (1, 0)), "red", words["leak"]),
        (words["by_track"], ((0, 0), (0, 1), (2, 0), (2, 1)), ((1, 0), (1, 1)), "blue", words["clean"]),
    )
    for x, (name, left, right, colour, note) in zip((3, 51), halves, strict=True):
        text(ax, x + 20.5, 31.6, name, size=12.5, weight="bold")
        for start, parts, title in ((x, left, words["training"]), (x + 25, right, words["validation"])):
            width = 11.6 * len(parts) / 2
            box(ax, start, 9.4, width + 0.8, 19.6, fill="white")
            text(ax, start + width / 2 + 0.4, 27, title, size=11)
            for place, (track, frame) in enumerate(parts):
                corner = (start + 1.2 + 11.4 * (place // 2), 18.2 - 8.0 * (place % 2))
                words_on_tile = f"{words['track'].format(number=track + 1)}\n{words['frames'][frame]}"
                edge = PALETTE["red"] if colour == "red" and track < 2 else INK
                box(ax, *corner, 10, 7, words_on_tile, fill=tints[track], size=10.5, edge=edge)
        text(ax, x + 20.5, 5.4, note, size=11.5, colour=PALETTE[colour])
    return figure


def flips() -> Figure:
    """Signs and their mirror images: another class, no sign at all, or the same sign."""
    words = WORDS["08_flips"]
    figure, ax = card(95, 50)
    groups = (((33, 34), (38, 39), (19, 20)), ((14, None), (2, None), (40, None)), ((12, 12), (17, 17), (13, 13)))
    colours = ("red", "red", "blue")
    for column, (pairs, colour) in enumerate(zip(groups, colours, strict=True)):
        x = 2.5 + 31.2 * column
        text(ax, x + 13.8, 47, words["columns"][column], size=12.5, weight="bold", colour=PALETTE[colour])
        for row, (before, after) in enumerate(pairs):
            y = 34 - 15 * row
            picture(ax, x + 1.7, y + 0.5, 8.4, 8.4, _face(before, 84), frame=False)
            arrow(ax, (x + 11.6, y + 4.7), (x + 16, y + 4.7), width=1.3)
            picture(ax, x + 17.5, y + 0.5, 8.4, 8.4, _face(before, 84)[:, ::-1], frame=False)
            text(ax, x + 5.9, y - 1.9, words["names"][before], size=10.5, linespacing=0.95)
            name = words["none"] if after is None else words["names"][after]
            text(
                ax,
                x + 21.7,
                y - 1.9,
                name,
                size=14 if after is None else 10.5,
                linespacing=0.95,
                colour=PALETTE[colour],
            )
    for x in (32.4, 63.6):
        stroke(ax, [x, x], [2, 48], "grey", 0.8)
    return figure


def freeze() -> Figure:
    """VGG16's 18 base layers in five blocks, the last eight of them trainable, and the new head."""
    words = WORDS["08_freeze"]
    figure, ax = card(95, 42)
    x, index = 6.4, 0
    text(ax, 2.9, 22.4, words["input"], size=11, rotation=90)
    spans = []
    for name, convolutions in zip(words["blocks"], (2, 2, 3, 3, 3), strict=True):
        start = x
        for layer in (*(words["conv"],) * convolutions, words["pool"]):
            colour = TUNED if index >= 10 else FROZEN
            pool = layer == words["pool"]
            _block(ax, x, 17.4 if pool else 15, 3.4, 10.2 if pool else 15, colour)
            text(ax, x + 1.7, 22.5, layer, size=10.5, rotation=90)
            x, index = x + 3.7, index + 1
        text(ax, (start + x - 0.3) / 2, 32, name, size=11)
        spans.append((start, x - 0.3))
        x += 0.8
    for place, (name, count) in enumerate(zip(words["dense"], words["dense_counts"], strict=True)):
        left = x + 1.6 + 7.8 * place
        _block(ax, left, 17.4, 6.6, 10.2, NEW)
        text(ax, left + 3.3, 22.5, name, size=10.5)
        text(ax, left + 3.3, 15.6 - 0.4, count, size=10.5)
    text(ax, x + 8.8, 32, words["head"], size=11)
    for (left, right), name, y, colour in (
        ((spans[0][0], spans[2][1]), words["frozen"], 10.6, PALETTE["grey"]),
        ((spans[3][0], spans[4][1]), words["trains"], 10.6, PALETTE["green"]),
    ):
        stroke(ax, [left, left, right, right], [y + 2.2, y + 1, y + 1, y + 2.2], colour, 1.8)
        text(ax, (left + right) / 2, y - 1.6, name, size=11)
    text(ax, (spans[3][0] + spans[4][1]) / 2, 5, words["sum"], size=11, weight="bold")
    text(ax, 47.5, 38, "VGG16", size=13, weight="bold")
    return figure


def two_phases() -> Figure:
    """Phase 1 trains the head on computed features, phase 2 the last layers too, while the validation loss falls."""
    words = WORDS["08_two_phases"]
    figure, ax = card(95, 56)
    colours = ((FROZEN, FROZEN, NEW), (FROZEN, TUNED, NEW))
    parts = (words["first"], words["last"], words["head"])
    for left, name, fills, rates in zip((13, 56), words["phases"], colours, words["rates"], strict=True):
        text(ax, left + 18, 53, name, size=12.5, weight="bold")
        for place, (part, colour) in enumerate(zip(parts, fills, strict=True)):
            width = (13, 13, 9)[place]
            x = left + (0, 13.6, 27.2)[place]
            _block(ax, x, 39.6, width, 8.6, colour)
            text(ax, x + width / 2, 45.2, part, size=11)
            text(
                ax,
                x + width / 2,
                41.8,
                words["frozen"] if colour == FROZEN else words["trains"],
                size=10.5,
                style="italic",
            )
        text(ax, left + 18, 35.4, rates, size=11)
    arrow(ax, (9, 7), (93, 7))
    text(ax, 90, 4.4, words["time"], size=11.5)
    arrow(ax, (9, 7), (9, 31.6))
    text(ax, 5.4, 19, words["loss"], size=11.5, rotation=90)
    one, two = np.linspace(0, 1, 60), np.linspace(0, 1, 60)
    start, middle, end = 28.0, 18.6, 10.6
    stroke(ax, 10 + 39 * one, middle + (start - middle) * np.exp(-4.5 * one), "orange", 2.6)
    stroke(ax, 54 + 34 * two, end + (middle - end) * np.exp(-4.5 * two), "green", 2.6)
    ax.plot([9, 9.8], [start, start], color=INK)
    text(ax, 14.6, 29.8, words["start"], size=11)
    stroke(ax, [51.4, 51.4], [7, 33], "grey", 1.2, linestyle="--")
    text(ax, 51.6, 22.8, words["unfreeze"], size=10.5, bbox={"facecolor": CARD, "edgecolor": "none", "pad": 1.5})
    text(ax, 50, 1.8, words["bn"], size=11, style="italic")
    return figure
