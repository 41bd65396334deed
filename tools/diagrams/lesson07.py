"""The diagrams of lesson 7: ImageNet, the four steps, index and rank, preprocessing, top-5, embeddings."""

from __future__ import annotations

from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from tools.diagrams.drawing import INK, arrow, box, card, photograph, picture, rectangle, stroke, text
from utils.downloads import fetch
from utils.plotting import PALETTE

WORDS = {
    "07_opener": {
        "photo": "a photograph",
        "network": "pre-trained\nnetwork",
        "network_note": "its weights are\nalready trained",
        "steps": ("load", "preprocess", "predict", "decode"),
        "probabilities": "1,000 probabilities",
        "classes": ("lesser panda", "giant panda", "barracouta"),
        "indices": (387, 388, 389),
        "answer": "class 388:\ngiant panda",
    },
    "07_imagenet": {
        "all": "ImageNet, since 2009",
        "all_note": "about 22,000 categories\nover 14 million photographs",
        "part": "the challenge (ILSVRC),\n2010 to 2017",
        "part_note": "1,000 classes\n1.2 million training photographs",
        "trained": "trains",
        "network": "network",
        "answer": "answers with one\nof 1,000 classes:\n0 tench\n…\n999 toilet tissue",
    },
    "07_four_steps": {
        "steps": ("1  load", "2  preprocess", "3  predict", "4  decode"),
        "notes": (
            "read the file,\nunpack it",
            "resize,\nmake a batch,\nscale, unless the\nnetwork does it",
            "apply the\nnetwork",
            "find the\nlargest, look\nup its name",
        ),
        "things": ("file", "photo", "batch", "probabilities", "answer"),
        "shapes": ("bytes", "(320, 481, 3)\nuint8", "(1, 224, 224, 3)\nfloat32", "(1, 1000)", "388,\ngiant panda"),
    },
    "07_rank_index": {
        "index": "index",
        "probability": "probability",
        "rank": "rank",
        "sorted": "np.argsort(…)[::-1]",
        "index_note": "which class it is",
        "rank_note": "only the place in the answer",
    },
    "07_pipes": {
        "pixel": "one RGB pixel\n(255, 200, 200)",
        "networks": ("VGG16, ResNet50", "InceptionV3", "EfficientNet-Lite"),
        "steps": (("to blue, green, red", "− (103.94, 116.78, 123.68)"), ("÷ 127.5", "− 1"), ("− 127", "÷ 128")),
        "results": ("(96.06, 83.22, 131.32)", "(1.00, 0.57, 0.57)", "(1.00, 0.57, 0.57)"),
        "where": ("before the network", "before the network", "inside, first layer"),
    },
    "07_top5": {
        "rows": (
            ("lesser panda", "red fox", "polecat", "patas", "papillon"),
            ("Egyptian cat", "tiger cat", "tabby", "lynx", "window screen"),
            ("kit fox", "Arctic fox", "meerkat", "red fox", "weasel"),
        ),
        "right": (0, 2, None),
        "top1": "top-1",
        "top5": "top-5",
        "marks": {True: "✓", False: "✗"},
        "result": "top-1: 1 of 3          top-5: 2 of 3",
        "truth": "right class: {name}",
        "names": ("lesser panda", "tabby", "goose"),
        "made_up": "(the answers of EfficientNet-Lite0 to the crops of section 4)",
    },
    "07_embedding": {
        "photo": "(1, 224, 224, 3)",
        "base": "base",
        "base_note": "convolutions,\nglobal average pooling",
        "embedding": "embedding\n1,280 numbers",
        "head": "head",
        "head_note": "Dense\n+ softmax",
        "probabilities": "1,000\nprobabilities",
        "similar": "similar pictures: similar directions",
        "near": "small angle,\nlarge cosine",
        "far": "large angle,\nsmall cosine",
    },
}


def _bar(ax: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    rectangle(ax, x, y, width, height, colour, edge="none")


def opener() -> Figure:
    """A photograph goes through load, preprocess, predict and decode and becomes class 388, giant panda."""
    words = WORDS["07_opener"]
    figure, ax = card(95, 36)
    picture(ax, 3, 9, 18, 18, photograph("giant_panda", 120))
    text(ax, 12, 30.6, words["photo"], size=12)
    arrow(ax, (22, 18), (36, 18))
    text(ax, 29, 22.4, words["steps"][0], size=12, style="italic")
    text(ax, 29, 14.6, words["steps"][1], size=12, style="italic")
    box(ax, 37, 9, 17, 18, fill="blue")
    text(ax, 45.5, 21.4, words["network"], size=13, weight="bold")
    text(ax, 45.5, 13.4, words["network_note"], size=12)
    arrow(ax, (55, 18), (61, 18))
    text(ax, 58, 20.8, words["steps"][2], size=12, style="italic")
    text(ax, 69.5, 30.6, words["probabilities"], size=12)
    heights = (0.15, 12.0, 0.15)
    stroke(ax, [63.5, 63.5], [6, 28], INK, 1.2)
    for place, (name, index, length) in enumerate(zip(words["classes"], words["indices"], heights, strict=True)):
        middle = 24 - 6.4 * place
        best = index == 388
        _bar(ax, 63.5, middle - 1.1, length, 2.2, PALETTE["orange"] if best else PALETTE["blue"])
        text(ax, 64, middle + 2.6, f"{index} {name}", size=10.5, ha="left", weight="bold" if best else "normal")
    text(ax, 66, 6.8, "⋮", size=13)
    arrow(ax, (76.6, 17.6), (81.8, 17.6))
    text(ax, 79.4, 14.2, words["steps"][3], size=12, style="italic")
    box(ax, 83, 12.6, 11, 10, words["answer"], fill="orange", size=10.5)
    return figure


def imagenet() -> Figure:
    """ImageNet with about 22,000 categories contains the challenge's 1,000 classes, with which a network is trained."""
    words = WORDS["07_imagenet"]
    figure, ax = card(95, 36)
    box(ax, 2, 3, 44, 30, fill="grey")
    text(ax, 24, 29.6, words["all"], size=13, weight="bold")
    text(ax, 24, 24.6, words["all_note"], size=12)
    box(ax, 7, 5.4, 34, 14.6, fill="blue")
    text(ax, 24, 15.6, words["part"], size=12.5, weight="bold")
    text(ax, 24, 9.4, words["part_note"], size=12)
    arrow(ax, (41.6, 12.7), (54.4, 12.7))
    text(ax, 50.2, 15.2, words["trained"], size=12, style="italic")
    box(ax, 55, 8.2, 12, 9, words["network"], fill="orange", size=13)
    arrow(ax, (67.6, 12.7), (72, 12.7))
    text(ax, 83.4, 12.7, words["answer"], size=11)
    return figure


def four_steps() -> Figure:
    """File, photo, batch, probabilities, answer: what goes through the steps load, preprocess, predict and decode."""
    words = WORDS["07_four_steps"]
    figure, ax = card(95, 40)
    fills = ("grey", "green", "blue", "orange")
    for place, (step, note, fill) in enumerate(zip(words["steps"], words["notes"], fills, strict=True)):
        x = 9.5 + 19.4 * place
        box(ax, x, 21.5, 14.6, 15.5, fill=fill)
        text(ax, x + 7.3, 34, step, size=12, weight="bold")
        text(ax, x + 7.3, 27, note, size=11)
    for place, (thing, shape) in enumerate(zip(words["things"], words["shapes"], strict=True)):
        x = 7.2 + 19.4 * place - (0.6 if place == 0 else 0)
        arrow(ax, (x - 2.4 if place else 4, 29.2), (x + 2.0, 29.2))
        x = 6 if place == 0 else x - 0.2
        text(ax, x, 16.8, thing, size=12, weight="bold")
        text(ax, x, 12 if "\n" in shape else 13.4, shape, size=10.5)
    picture(ax, 22.4, 2.4, 8, 5.4, np.asarray(Image.open(fetch("images/photos/giant_panda.jpg")).resize((96, 64))))
    picture(ax, 42.9, 2.2, 5.8, 5.8, _photo_squashed())
    return figure


@cache
def _photo_squashed() -> np.ndarray:
    return np.asarray(Image.open(fetch("images/photos/giant_panda.jpg")).convert("RGB").resize((64, 64)))


def rank_index() -> Figure:
    """Five probabilities at the indices 0 to 4, sorted: rank 0 is index 2, rank 1 is index 1."""
    words = WORDS["07_rank_index"]
    figure, ax = card(95, 34)
    values = (0.05, 0.2, 0.6, 0.1, 0.05)
    order = (2, 1, 3)
    text(ax, 8, 24.4, words["index"], size=12, weight="bold", colour=PALETTE["blue"])
    text(ax, 8, 18.5, words["probability"], size=12)
    for index, value in enumerate(values):
        x = 16 + 6.4 * index
        text(ax, x + 2.8, 24.4, str(index), size=13, weight="bold", colour=PALETTE["blue"])
        box(ax, x, 15.8, 5.6, 5.4, f"{value:g}", fill="orange" if index == 2 else "grey")
    text(ax, 31.6, 31.4, words["index_note"], size=12, style="italic", colour=PALETTE["blue"])
    arrow(ax, (31.6, 29.6), (31.6, 26.8), colour=PALETTE["blue"], width=1.2)
    arrow(ax, (49, 18.5), (61, 18.5))
    text(ax, 55, 21.4, words["sorted"], size=10.5)
    text(ax, 67, 29, words["rank"], size=12, weight="bold", colour=PALETTE["red"])
    text(ax, 77, 29, words["index"], size=12, weight="bold", colour=PALETTE["blue"])
    text(ax, 87, 29, words["probability"], size=12)
    for rank, index in enumerate(order):
        y = 22.4 - 5.6 * rank
        text(ax, 67, y, str(rank), size=13, weight="bold", colour=PALETTE["red"])
        text(ax, 77, y, str(index), size=13, weight="bold", colour=PALETTE["blue"])
        box(ax, 84.2, y - 2.3, 5.6, 4.6, f"{values[index]:g}", fill="orange" if rank == 0 else "grey")
    text(ax, 76, 4, words["rank_note"], size=12, style="italic", colour=PALETTE["red"])
    arrow(ax, (67, 5.8), (67, 8.6), colour=PALETTE["red"], width=1.2)
    return figure


def pipes() -> Figure:
    """One RGB pixel through three kinds of preprocessing: BGR minus mean, minus one to one, and inside the model."""
    words = WORDS["07_pipes"]
    figure, ax = card(95, 38)
    rectangle(ax, 4, 20.6, 8, 8, (1, 200 / 255, 200 / 255), line=1.2)
    text(ax, 8, 15.6, words["pixel"], size=10.5)
    fills = ("red", "green", "blue")
    for place, (network, steps, result, where, fill) in enumerate(
        zip(words["networks"], words["steps"], words["results"], words["where"], fills, strict=True)
    ):
        y = 26 - 11.4 * place
        arrow(ax, (13.6, 26.2 - 1.6 * place), (18.4, y + 3.2), width=1.3)
        box(ax, 20, y, 17, 6.4, steps[0], fill=fill, size=11)
        arrow(ax, (37.6, y + 3.2), (40.6, y + 3.2))
        box(ax, 41, y, 22.5, 6.4, steps[1], fill=fill, size=11)
        arrow(ax, (64, y + 3.2), (67, y + 3.2))
        text(ax, 78.5, y + 4.6, result, size=12.5, weight="bold")
        text(ax, 78.5, y + 1.4, network, size=11.5)
        text(ax, 41.5, y + 8.5, where, size=11, style="italic")
    rectangle(ax, 18.8, 2.0, 46, 8.4, line=1.4, edge=PALETTE["blue"], linestyle="--")
    return figure


def top5() -> Figure:
    """Three photographs with their five best classes: right at rank 0, at rank 2, and not among the five."""
    words = WORDS["07_top5"]
    figure, ax = card(95, 42)
    photos = ("red_panda", "tabby_cat", "gosling")
    for place, (photo, rows, right) in enumerate(zip(photos, words["rows"], words["right"], strict=True)):
        x = 3 + 31 * place
        picture(ax, x, 24.6, 11.5, 11.5, photograph(photo, 72))
        text(ax, x, 38.6, words["truth"].format(name=words["names"][place]), size=11.5, ha="left", weight="bold")
        for rank, name in enumerate(rows):
            y = 34 - 4.5 * rank
            fill = "orange" if rank == right else "white"
            box(ax, x + 13, y - 1.9, 15, 3.8, name, fill=fill, size=10.5)
        for column, limit in enumerate((1, 5)):
            counted = right is not None and right < limit
            label = words["top1"] if limit == 1 else words["top5"]
            colour = PALETTE["blue"] if counted else PALETTE["red"]
            text(
                ax,
                x + 7 + 13 * column,
                9.6,
                f"{label} {words['marks'][counted]}",
                size=12.5,
                colour=colour,
                weight="bold",
            )
    text(ax, 47.5, 5.6, words["result"], size=13)
    text(ax, 47.5, 2.2, words["made_up"], size=10, style="italic")
    return figure


def embedding() -> Figure:
    """The network cut before its head: base, embedding of 1,280 numbers, head; similar pictures point the same way."""
    words = WORDS["07_embedding"]
    figure, ax = card(95, 46)
    picture(ax, 3, 28, 12, 12, photograph("castle", 72))
    text(ax, 9, 25.6, words["photo"], size=10.5)
    arrow(ax, (16, 34), (20, 34))
    box(ax, 21, 27, 23, 14, fill="blue")
    text(ax, 32.5, 37.2, words["base"], size=13, weight="bold")
    text(ax, 32.5, 31.8, words["base_note"], size=11)
    arrow(ax, (45, 34), (48.4, 34))
    shades = np.random.default_rng(3).gamma(0.5, 1, 12)
    for place, shade in enumerate(np.clip(shades / 2, 0, 1)):
        level = tuple(1 - shade * (1 - np.array((0, 0x72, 0xB2)) / 255))
        rectangle(ax, 50, 40 - 1.1 * place, 3, 1.1, level, line=0.5)
    text(ax, 51.5, 24.4, words["embedding"], size=11.5, weight="bold")
    arrow(ax, (54.6, 34), (60, 34))
    box(ax, 61, 27, 14, 14, fill="orange")
    text(ax, 68, 37.2, words["head"], size=13, weight="bold")
    text(ax, 68, 31.6, words["head_note"], size=11)
    arrow(ax, (76, 34), (80, 34))
    text(ax, 87, 34, words["probabilities"], size=11.5)
    text(ax, 51.5, 17.6, words["similar"], size=11.5, style="italic")
    for left, names, colour, note, slope in (
        (12, ("castle", "cathedral"), "blue", "near", (0.98, 0.80)),
        (57, ("castle", "fire_engine"), "red", "far", (0.98, 0.08)),
    ):
        start = np.array((left + 6.5, 3.0))
        for angle in slope:
            end = start + 9.5 * np.array((np.cos(angle), np.sin(angle)))
            arrow(ax, tuple(start), tuple(end), colour=PALETTE[colour])
        picture(ax, left + 14, 8.4, 6.4, 6.4, photograph(names[0], 48))
        picture(ax, left + 18.6, 1.2, 6.4, 6.4, photograph(names[1], 48))
        text(ax, left - 1.2, 8, words[note], size=11, colour=PALETTE[colour])
    return figure
