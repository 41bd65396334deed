"""The diagrams of lesson 9: five tasks, U-Net and HRNet, argmax over channels, lookup table, IoU."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon, Rectangle

from tools.diagrams.drawing import INK, SOFT, arrow, bars, box, card, circle, polygon, rectangle, text
from utils.plotting import PALETTE
from utils.segmentation import camvid_classes

WORDS = {
    "09_opener": {
        "photo": "photograph",
        "network": "network",
        "mask": "mask: one class\nnumber per pixel",
        "overlay": "laid over the\nphotograph",
        "legend": {
            "sky": "21 Sky",
            "building": "4 Building",
            "tree": "26 Tree",
            "road": "17 Road",
            "pavement": "19 Sidewalk",
            "pole": "8 Column/Pole",
            "car": "5 Car",
            "person": "16 Pedestrian",
        },
    },
    "09_tasks": {
        "names": (
            "classification",
            "detection",
            "semantic\nsegmentation",
            "instance\nsegmentation",
            "panoptic\nsegmentation",
        ),
        "answers": (
            "street",
            "a box and a class\nfor every object",
            "a class for\nevery pixel",
            "a mask and a class\nfor every object",
            "both",
        ),
    },
    "09_unet": {
        "encoder": "encoder",
        "decoder": "decoder",
        "input": "picture",
        "output": "one score\nper class\nand pixel",
        "pool": "pooling",
        "up": "transposed\nconvolution",
        "skip": "skip connection",
        "sizes": ("full size", "1/2", "1/4"),
        "channels": "{n} channels",
        "last": "1 × 1\nconvolution",
    },
    "09_hrnet": {
        "strides": ("stride 4\n32 channels", "stride 8\n64 channels", "stride 16\n96 channels"),
        "input": "picture",
        "stem": "stem:\nthe first\nblocks of\nlesson 7's\nnetwork",
        "exchange": "exchange",
        "join": "join and\nenlarge",
        "detail": "detail path, stride 2",
        "output": "scores\nper class\nand pixel",
    },
    "09_argmax": {
        "maps": "32 score maps",
        "pixel": "one pixel",
        "names": ("4 Building", "17 Road", "19 Sidewalk", "26 Tree"),
        "scores": "four of its 32 scores",
        "argmax": "argmax",
        "mask": "mask",
    },
    "09_lut": {
        "mask": "mask\n(2, 3)",
        "table": "colour_table\n(32, 3)",
        "picture": "colour_table[mask]\n(2, 3, 3)",
        "id": "id",
        "rgb": "red, green, blue",
    },
    "09_iou": {
        "true": "true region T: 9",
        "predicted": "predicted region P: 9",
        "both": "intersection: 6",
        "either": "union: 12",
        "iou": "IoU = 6 / 12 = 0.50",
        "dice": "Dice = 2 · 6 / (9 + 9) = 0.67",
    },
}
PHOTO = {
    "sky": "#C5DCEE",
    "building": "#BE9475",
    "tree": "#6E9C5C",
    "pavement": "#D3CCBE",
    "road": "#92928F",
    "car": "#B8443A",
    "left": "#35557F",
    "right": "#D8A23C",
    "pole": "#4A4A48",
    "windows": "#EEF2F4",
    "wheels": "#333333",
}
IDS = {"sky": 21, "building": 4, "tree": 26, "pavement": 19, "road": 17, "car": 5, "left": 16, "right": 16, "pole": 8}
IDS |= {"windows": IDS["building"], "wheels": IDS["car"]}


@cache
def _class_colours() -> dict[str, str]:
    """Each part of the scene in the colour of its CamVid class."""
    classes = camvid_classes()
    return {part: "#{:02x}{:02x}{:02x}".format(*classes[number].rgb) for part, number in IDS.items()}


def _mix(first: str, second: str, weight: float) -> tuple[float, ...]:
    a, b = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) / 255 for c in (first, second))
    return tuple((1 - weight) * a + weight * b)


def _person(ax: Axes, x: float, y: float, s: float, fill: object, edge: str) -> None:
    line = {"facecolor": fill, "edgecolor": edge, "linewidth": 0.6}
    legs = [(x - 1.3 * s, y), (x - 0.8 * s, y + 4 * s), (x + 0.8 * s, y + 4 * s), (x + 1.3 * s, y), (x, y + 2.6 * s)]
    ax.add_patch(Polygon([(px, py) for px, py in legs], closed=True, **line))
    ax.add_patch(Rectangle((x - 1.1 * s, y + 3.4 * s), 2.2 * s, 3.8 * s, **line))
    ax.add_patch(Circle((x, y + 8.3 * s), 1.1 * s, **line))


def _scene(ax: Axes, x: float, y: float, width: float, fills: Mapping[str, object], *, photo: bool = False) -> float:
    """A street scene, 40 by 28 units scaled to a width, each part in its own fill. Its height."""
    s = width / 40
    edge = "none" if not photo else "#55555566"

    def shape(part: str, *corners: tuple[float, float]) -> None:
        polygon(ax, [(x + s * a, y + s * b) for a, b in corners], fills[part], line=0.6, edge=edge)

    shape("sky", (0, 10), (40, 10), (40, 28), (0, 28))
    shape("building", (0, 9), (11, 9), (11, 22), (5.5, 26.5), (0, 22))
    shape("building", (31, 9), (40, 9), (40, 19), (31, 19))
    shape("tree", (25.6, 9), (27.4, 9), (27.4, 14), (25.6, 14))
    circle(ax, x + 26.5 * s, y + 16.5 * s, 4.2 * s, fill=fills["tree"], line=0.6, edge=edge)
    shape("pavement", (0, 0), (40, 0), (40, 10), (0, 10))
    shape("road", (8, 0), (40, 0), (40, 3), (24, 10), (18, 10))
    if photo:
        for a, b in ((2, 13), (6.5, 13), (2, 18), (6.5, 18), (33, 13), (36.5, 13)):
            rectangle(ax, x + s * a, y + s * b, 2.2 * s, 2.8 * s, fills["windows"], edge=edge)
    car = [(20, 4), (32, 4), (32, 7), (29.6, 7), (28, 9.6), (23.4, 9.6), (21.8, 7), (20, 7)]
    shape("car", *car)
    for a in (22.8, 29.2):
        circle(ax, x + s * a, y + 4 * s, 1.5 * s, fill=fills["wheels"], line=1, edge="none")
    shape("pole", (13.6, 4), (14.4, 4), (14.4, 24), (13.6, 24))
    _person(ax, x + 4.6 * s, y + 1.6 * s, 0.95 * s, fills["left"], edge)
    _person(ax, x + 6.9 * s, y + 1.2 * s, 1.0 * s, fills["right"], edge)
    rectangle(ax, x, y, width, 28 * s)
    return 28 * s


def opener() -> Figure:
    """A street scene, the network, the mask in one colour per class, and the mask laid over the scene."""
    words = WORDS["09_opener"]
    figure, ax = card(98, 37)
    classes = _class_colours()
    _scene(ax, 2, 13.5, 22, PHOTO, photo=True)
    arrow(ax, (24.8, 21), (28.6, 21))
    box(ax, 29.2, 16.5, 11, 9, words["network"], fill="orange", size=12.5, weight="bold")
    arrow(ax, (40.8, 21), (44.6, 21))
    _scene(ax, 45.4, 13.5, 22, classes)
    arrow(ax, (68.2, 21), (72.2, 21))
    _scene(ax, 73, 13.5, 22, {part: _mix(PHOTO[part], classes[part], 0.5) for part in PHOTO}, photo=True)
    text(ax, 13, 32.4, words["photo"], size=12)
    text(ax, 56.4, 33, words["mask"], size=12)
    text(ax, 84, 33, words["overlay"], size=12)
    for place, (part, name) in enumerate(words["legend"].items()):
        x, y = 4 + 24 * (place % 4), 7.4 - 4.4 * (place // 4)
        rectangle(ax, x, y - 1.1, 3.2, 2.2, classes["left" if part == "person" else part], edge="none")
        text(ax, x + 4.2, y, name, size=11.5, ha="left")
    return figure


def tasks() -> Figure:
    """The same scene five times: a word, boxes, class colours, object masks, and both together."""
    words = WORDS["09_tasks"]
    figure, ax = card(100, 32)
    classes = _class_colours()
    pale = {part: _mix(PHOTO[part], "#FFFFFF", 0.55) for part in PHOTO}
    nothing = dict.fromkeys(PHOTO, "#E9E9E6")
    objects = {"car": PALETTE["blue"], "wheels": PALETTE["blue"], "left": PALETTE["red"], "right": PALETTE["orange"]}
    fills = (PHOTO, pale, classes, {**nothing, **objects}, {**classes, **objects})
    width = 18.2
    for place, (name, answer, fill) in enumerate(zip(words["names"], words["answers"], fills, strict=True)):
        x = 1.5 + 19.7 * place
        _scene(ax, x, 10, width, fill, photo=place < 2)
        text(ax, x + width / 2, 27.6, name, size=12, weight="bold")
        if place == 0:
            box(ax, x + 4, 2.6, width - 8, 4.6, answer, fill="blue", size=12)
        else:
            text(ax, x + width / 2, 5, answer, size=11)
    s, x = width / 40, 1.5 + 19.7
    frames = ((19.4, 2, 13.2, 8.4, "blue"), (2.7, 1.2, 3.7, 10.8, "red"), (5.3, 0.8, 3.6, 10.8, "orange"))
    for a, b, w, h, colour in frames:
        edge = PALETTE[colour]
        rectangle(ax, x + a * s, 10 + b * s, w * s, h * s, line=2, edge=edge)
    return figure


def _block(ax: Axes, x: float, y: float, width: float, height: float, fill: str) -> None:
    rectangle(ax, x, y - height / 2, width, height, fill, line=1.2)


def unet() -> Figure:
    """U-Net: down by pooling, up by transposed convolutions, with skip connections between maps of the same size."""
    words = WORDS["09_unet"]
    figure, ax = card(98, 50)
    rows, heights, widths = (36.5, 22.5, 9), (14, 9, 6), (4, 6, 9)
    left, right = (15, 22, 0), (73, 65, 0)
    channels = (8, 16, 32)
    text(ax, 20, 47.6, words["encoder"], size=13, weight="bold")
    text(ax, 76, 47.6, words["decoder"], size=13, weight="bold")
    text(ax, 6, 36.5, words["input"], size=12)
    arrow(ax, (9.8, 36.5), (14.4, 36.5))
    for level in (0, 1):
        _block(ax, left[level], rows[level], widths[level], heights[level], "blue")
        _block(ax, right[level], rows[level], widths[level], heights[level], "orange")
        start = left[level] + widths[level] + 0.8
        arrow(ax, (start, rows[level]), (right[level] - 0.8, rows[level]), colour=PALETTE["green"], width=2.2)
        text(ax, 46.5, rows[level] + 2, words["skip"], size=11.5, colour=PALETTE["green"])
        note = words["sizes"][level] + ", " + words["channels"].format(n=channels[level])
        text(ax, 46.5, rows[level] - 2.2, note, size=11)
    _block(ax, 42, rows[2], widths[2], heights[2], "purple")
    text(ax, 46.5, 3.4, words["sizes"][2] + ", " + words["channels"].format(n=channels[2]), size=11)
    arrow(ax, (17.4, 28.8), (21.3, 23.4))
    arrow(ax, (26.8, 17.6), (41.2, 9.6))
    arrow(ax, (52, 9.6), (66.2, 17.6))
    arrow(ax, (71.6, 23.4), (75.2, 28.8))
    text(ax, 16.8, 26, words["pool"], size=11, ha="right")
    text(ax, 30.6, 11, words["pool"], size=11, ha="right")
    text(ax, 62, 10.4, words["up"], size=11, ha="left")
    text(ax, 75.4, 24.4, words["up"], size=11, ha="left")
    arrow(ax, (78, 36.5), (86.6, 36.5))
    text(ax, 82, 40, words["last"], size=10.5)
    text(ax, 92.2, 36.5, words["output"], size=11.5)
    return figure


def hrnet() -> Figure:
    """Our small HRNet: a stem, then three branches of different size side by side, which exchange their maps twice."""
    words = WORDS["09_hrnet"]
    figure, ax = card(108, 45)
    levels, heights, colours = (30, 18.5, 8.5), (7, 4.6, 3), ("blue", "green", "purple")
    text(ax, 4.4, 19, words["input"], size=11.5)
    arrow(ax, (8.4, 19), (11.2, 19))
    box(ax, 11.8, 5.6, 10.4, 28.4, words["stem"], fill="grey", size=11)
    columns = (29, 46, 63)
    for column, x in enumerate(columns):
        for level in range(3):
            _block(ax, x, levels[level], 8, heights[level], colours[level])
            if column == 0:
                arrow(ax, (22.6, levels[level]), (x - 0.5, levels[level]))
                continue
            for source in range(3):
                same = source == level
                arrow(
                    ax,
                    (columns[column - 1] + 8.4, levels[source]),
                    (x - 0.5, levels[level]),
                    colour=INK if same else PALETTE["orange"],
                    width=1.6 if same else 1.3,
                )
        if column:
            text(ax, x - 4.4, 35.6, words["exchange"], size=11.5, colour=PALETTE["red"])
    for note, y in zip(words["strides"], (23.7, 13.2, 4.2), strict=True):
        text(ax, columns[-1] + 4, y, note, size=10.5)
    for level in range(3):
        arrow(ax, (71.6, levels[level]), (83.4, (30, 27.6, 25.4)[level]))
    box(ax, 84, 23.4, 9.4, 13, words["join"], fill="orange", size=11)
    arrow(ax, (17, 34.4), (88.7, 36.9), bend=-0.1, colour=PALETTE["green"], width=1.8)
    text(ax, 36, 41.8, words["detail"], size=10.5, colour=PALETTE["green"])
    arrow(ax, (93.8, 30), (98, 30))
    text(ax, 102.8, 30, words["output"], size=11)
    return figure


def argmax() -> Figure:
    """One pixel through the 32 score maps; the largest score decides the class number in the mask."""
    words = WORDS["09_argmax"]
    figure, ax = card(95, 34)
    for sheet in range(6, -1, -1):
        x, y = 4 + 1.7 * sheet, 6 + 1.7 * sheet
        fill = SOFT["blue" if sheet else "white"]
        rectangle(ax, x, y, 18, 13, fill)
        rectangle(ax, x + 10, y + 3, 2, 2, PALETTE["orange"], line=0.8)
    text(ax, 19, 31.8, words["maps"], size=12, weight="bold")
    text(ax, 15, 3, words["pixel"], size=11.5)
    arrow(ax, (15, 4.2), (15, 8.4))
    arrow(ax, (34, 17), (40, 17))
    text(ax, 58, 31.8, words["scores"], size=12, weight="bold")
    bars(ax, 52.6, 7, 20, (0.03, 0.86, 0.09, 0.02), words["names"], length=14, best=1, size=11)
    text(ax, 67.2, 19.5, "0.86", size=11)
    text(ax, 55, 3.6, "⋮", size=13)
    arrow(ax, (71, 15.4), (77.4, 15.4))
    text(ax, 74.4, 12.6, words["argmax"], size=11.5, style="italic")
    text(ax, 86, 31.8, words["mask"], size=12, weight="bold")
    ids = ((4, 4, 21), (4, 17, 17), (17, 17, 17))
    for row, line in enumerate(ids):
        for column, number in enumerate(line):
            best = (row, column) == (1, 1)
            fill = PALETTE["orange"] if best else "white"
            x, y = 78.6 + 5 * column, 19.5 - 5 * row
            rectangle(ax, x, y, 5, 5, fill)
            text(ax, x + 2.5, y + 2.5, str(number), size=12, weight="bold" if best else "normal")
    return figure


def lut() -> Figure:
    """Each id of a mask is replaced by its row of the lookup table."""
    words = WORDS["09_lut"]
    figure, ax = card(95, 36)
    classes = camvid_classes()
    ids = ((21, 21, 4), (17, 17, 8))
    text(ax, 14, 31.6, words["mask"], size=12, weight="bold")
    text(ax, 48.6, 31.6, words["table"], size=12, weight="bold")
    text(ax, 82.4, 31.6, words["picture"], size=12, weight="bold")
    for row, line in enumerate(ids):
        for column, number in enumerate(line):
            colour = np.divide(classes[number].rgb, 255)
            for x, fill in ((5.0, "white"), (73.4, colour)):
                corner = (x + 6 * column, 15 - 6 * row)
                rectangle(ax, *corner, 6, 6, fill)
            text(ax, 8 + 6 * column, 18 - 6 * row, str(number), size=13)
    arrow(ax, (24.4, 15), (31.4, 15))
    arrow(ax, (65.6, 15), (72.4, 15))
    text(ax, 36.6, 26, words["id"], size=11.5)
    text(ax, 53, 26, words["rgb"], size=11.5)
    for place, number in enumerate((None, 4, None, 8, None, 17, None, 21, None)):
        y = 23.2 - 2.55 * place
        if number is None:
            text(ax, 36.6, y, "⋮", size=11)
            continue
        rectangle(ax, 40.4, y - 1.1, 3.4, 2.2, np.divide(classes[number].rgb, 255), edge="none")
        text(ax, 36.6, y, str(number), size=12, weight="bold")
        text(ax, 53.6, y, ", ".join(map(str, classes[number].rgb)), size=12)
    return figure


def iou() -> Figure:
    """Two overlapping regions on a grid: intersection 6, union 12, so IoU 0.50 and Dice 0.67."""
    words = WORDS["09_iou"]
    figure, ax = card(100, 37)
    true = {(row, column) for row in range(3) for column in range(3)}
    predicted = {(row, column + 1) for row, column in true}
    either = dict.fromkeys(true | predicted, "orange")
    both = dict.fromkeys(true & predicted, "purple")
    regions = {**dict.fromkeys(true, "blue"), **dict.fromkeys(predicted, "red"), **both}
    panels = ((regions, None), (both, "both"), (either, "either"))
    cell = 4.6
    for place, (fills, word) in enumerate(panels):
        x0 = 4 + 32 * place
        for row in range(5):
            for column in range(6):
                fill = fills.get((row - 1, column - 1), "white")
                rectangle(
                    ax, x0 + cell * column, 29 - cell * row - cell + 4, cell, cell, fill, line=0.6, edge=PALETTE["grey"]
                )
        for first, colour in ((0, "blue"), (1, "red")):
            corner = (x0 + cell * (1 + first), 33 - 4 * cell)
            rectangle(ax, *corner, 3 * cell, 3 * cell, line=2.4, edge=PALETTE[colour])
        middle = x0 + 3 * cell
        if word is None:
            text(ax, middle, 7.4, words["true"], size=12, colour=PALETTE["blue"])
            text(ax, middle, 4.4, words["predicted"], size=12, colour=PALETTE["red"])
        else:
            text(ax, middle, 7.4, words[word], size=12, weight="bold")
    text(ax, 65.8, 4.4, words["iou"], size=12)  # between the two halves, which it takes both
    text(ax, 65.8, 1.8, words["dice"], size=12)
    return figure
