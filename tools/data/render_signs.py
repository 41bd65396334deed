"""Render photographs of German traffic signs: the 43 classes of GTSRB, drawn and "photographed" by this program.

    python -m tools.data.render_signs --zip assets/data/traffic_signs.zip
    python -m tools.data.render_signs FOLDER [--seed 42] [--train-tracks 18] [--valid-tracks 6] [--test-tracks 12]
                                 [--sheet SHEET.png]

The layout is that of the course's GTSRB archive: Train/<id>/, Valid/<id>/, Test/ and Test.csv (Width, Height, box of
the sign, ClassId, Path). Like GTSRB the data consist of tracks: frames of one physical sign while the camera comes
closer, so they share its face, dirt, surroundings and light. Training tracks have two frames, the others one. Files
are called <class>_<track>_<frame>.jpg, and no track is in two parts; the name of a test image says nothing. Equal seeds
give equal files, and the zip is equal to the last byte: sorted names, one date, nothing compressed again.

A face is a list of layers, each one line of text: colour, kind and path, as in "black 8r M 0 0 L 10 10". The unit is
a hundredth of half the sign's width, the origin its centre, y points down. Kinds: `fill`; `8` a line 8 wide; `8r` the
same with round ends; `8>` a line with an arrowhead. Path commands: M, L, Q, C and Z as in SVG; `O x y r` is a circle
and `A x y r from to` an arc, in degrees, clockwise from the right. The shapes follow the official signs of the German
road traffic regulations (official works, free of copyright); the drawing is ours and no font is needed.

The camera works on light, not on pixel values: exposure, shade and blur come before clipping and gamma, so an
over-exposed sign bleeds into its numerals as it does in GTSRB. Each track has a random generator of its own.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]
Box = tuple[int, int, int, int]
Colour = tuple[int, int, int]
Layers = tuple[str, ...]

FACE, OVERSAMPLING = 192, 4  # pixels of a finished face; it is drawn four times as large
REACH = 1.04  # the face image covers -REACH..REACH, so that the rim keeps a transparent margin
CANVAS, RADIUS = 176, 46  # pixels of a scene and of half a sign in it, before the camera reduces it
TRACKS = {"Train": 18, "Valid": 6, "Test": 12}  # signs for each class
FRAMES = {"Train": 2, "Valid": 1, "Test": 1}  # photographs of each sign
QUALITY = 92  # of the JPEG files

# ----------------------------------------------------------------------------------------------------------------------
# Faces: strokes of the numerals in a unit box, then shapes of the signs, then pictograms
# ----------------------------------------------------------------------------------------------------------------------

GLYPHS = {
    "0": "M 0 .3 C 0 -.1 1 -.1 1 .3 L 1 .7 C 1 1.1 0 1.1 0 .7 Z",
    "1": "M .1 .3 L .75 0 L .75 1",
    "2": "M 0 .28 C 0 -.09 1 -.09 1 .27 C 1 .5 .15 .72 0 1 L 1 1",
    "3": "M .02 .2 C .15 -.08 .95 -.09 .95 .25 C .95 .42 .75 .48 .4 .48 C .8 .48 1 .56 1 .74 C 1 1.09 .12 1.1 0 .78",
    "5": "M .92 0 L .14 0 L .08 .48 C .25 .28 1 .26 1 .68 C 1 1.1 .12 1.1 0 .8",
    "6": "M .74 0 L .1 .5 M 0 .68 C 0 .27 1 .27 1 .68 C 1 1.1 0 1.1 0 .68 Z",
    "7": "M 0 0 L 1 0 L .35 1",
    "8": "M .5 .46 C -.08 .46 -.08 0 .5 0 C 1.08 0 1.08 .46 .5 .46 C -.17 .46 -.17 1 .5 1 C 1.17 1 1.17 .46 .5 .46 Z",
    "S": "M 1 .22 C .9 -.1 .03 -.1 .03 .26 C .03 .52 1 .46 1 .75 C 1 1.1 .1 1.1 0 .78",
    "T": "M 0 0 L 1 0 M .5 0 L .5 1",
    "O": "M 0 .3 C 0 -.1 1 -.1 1 .3 L 1 .7 C 1 1.1 0 1.1 0 .7 Z",
    "P": "M 0 1 L 0 0 L .5 0 C 1.15 0 1.15 .54 .5 .54 L 0 .54",
}


def commands(path: str) -> Iterator[tuple[str, list[float]]]:
    """Split "M 0 0 L 1 1" into ("M", [0, 0]) and ("L", [1, 1])."""
    name, numbers = "", []
    for word in path.split():
        if word.isalpha():
            if name:
                yield name, numbers
            name, numbers = word, []
        else:
            numbers.append(float(word))
    yield name, numbers


def moved(layers: Layers, dx: float = 0, dy: float = 0, sx: float = 1, sy: float = 1, colour: str = "") -> Layers:
    """The same layers scaled, shifted and, if asked for, in another colour (line widths and radii stay)."""
    result = []
    for layer in layers:
        old, kind, path = layer.split(" ", 2)
        words = []
        for name, values in commands(path):
            pairs = 1 if name in "OA" else len(values) // 2
            scaled = [v * sy + dy if i % 2 else v * sx + dx for i, v in enumerate(values[: 2 * pairs])]
            words += [name, *(f"{v:.6g}" for v in scaled + values[2 * pairs :])]
        result.append(" ".join([colour or old, kind, *words]))
    return tuple(result)


def text(word: str, height: float, pitch: float, stroke: float, colour: str = "black") -> Layers:
    """A word in strokes, centred; `pitch` is the distance from letter to letter."""
    width, layers = pitch - 1.45 * stroke, ()
    for i, letter in enumerate(word):
        left = (i - (len(word) - 1) / 2) * pitch - width / 2
        glyph = (f"{colour} {stroke} {GLYPHS[letter]}",)
        layers += moved(glyph, left, (stroke - height) / 2, width, height - stroke)
    return layers


def polygon(corners: int, radius: float, start: float, y: float = 0) -> str:
    """The path of a regular polygon around (0, y)."""
    angles = [math.radians(start + 360 * i / corners) for i in range(corners)]
    points = [f"{radius * math.cos(a):.2f} {radius * math.sin(a) + y:.2f}" for a in angles]
    return "M " + " L ".join(points) + " Z"


def rounded(colour: str, radius: float, path: str) -> Layers:
    """A filled shape with round corners."""
    return f"{colour} fill {path}", f"{colour} {2 * radius}r {path}"


# A triangle of width 200 has its centre of gravity 29 below the middle of its height.
SHAPES: dict[str, Layers] = {
    "ring": ("white fill O 0 0 100", "red fill O 0 0 96", "white fill O 0 0 70"),
    "disc": ("white fill O 0 0 100", "red fill O 0 0 96"),
    "end": ("white fill O 0 0 100", "black 3 O 0 0 93"),
    "blue": ("white fill O 0 0 100", "blue fill O 0 0 95"),
    "warning": (
        *rounded("white", 9, polygon(3, 98, -90, 29)),
        *rounded("red", 8, polygon(3, 94, -90, 29)),
        *rounded("white", 2, polygon(3, 68, -90, 29)),
    ),
    "diamond": (
        *rounded("white", 10, polygon(4, 88, 0)),
        *rounded("black", 3, polygon(4, 59, 0)),
        *rounded("yellow", 3, polygon(4, 55, 0)),
    ),
    "octagon": (f"white fill {polygon(8, 106, 22.5)}", f"red fill {polygon(8, 99, 22.5)}"),
}
SHAPES["yield"] = moved(SHAPES["warning"], sy=-1)
CAR: Layers = (  # seen from the front, 52 wide
    "black 5 M -20 -2 L -15 -18 L 15 -18 L 20 -2",
    "black fill M -26 -3 L 26 -3 L 26 12 L -26 12 Z",
    "black fill M -24 12 L -13 12 L -13 20 L -24 20 Z",
    "black fill M 24 12 L 13 12 L 13 20 L 24 20 Z",
)
TRUCK: Layers = (  # seen from behind
    "black fill M -24 -36 L 24 -36 L 24 14 L -24 14 Z",
    "black fill M -26 18 L 26 18 L 26 24 L -26 24 Z",
    "black fill M -24 24 L -13 24 L -13 34 L -24 34 Z",
    "black fill M 24 24 L 13 24 L 13 34 L 24 34 Z",
)
LORRY: Layers = (  # seen from the side
    "black fill M -18 -24 L 58 -24 L 58 11 L -18 11 Z",
    "black fill M -52 16 L -52 -2 L -42 -18 L -24 -18 L -24 16 Z",
    "white fill M -47 -3 L -39 -14 L -30 -14 L -30 -3 Z",
    "black fill M -52 14 L 58 14 L 58 19 L -52 19 Z",
    "black fill O -38 20 10",
    "black fill O 36 20 10",
)
WALKER: Layers = (
    "black fill O 1 -18 8",
    "black fill M -9 -8 L 10 -8 L 7 24 L -7 24 Z",
    "black 10r M -3 20 L -8 38 L -22 56",
    "black 10r M 3 20 L 10 38 L 19 56",
    "black 7r M -7 -4 L -18 8 L -15 20",
    "black 7r M 8 -4 L 18 8 L 23 16",
)
WORKER: Layers = (
    "black fill O 6 -20 8",
    "black 13r M 0 -7 L -14 18",
    "black 9r M -15 20 L -26 36 L -34 58",
    "black 9r M -13 20 L -4 38 L -8 58",
    "black 6r M 0 -7 L 12 10 L 20 14",
    "black 4r M -14 12 L 28 34",
    "black fill M 2 60 L 22 38 L 30 30 L 38 34 L 58 60 Z",
)
CHILDREN: Layers = (
    "black fill O 14 -9 7.5",
    "black 12r M 14 4 L 14 20",
    "black 8r M 16 23 L 25 36 L 33 50",
    "black 8r M 12 23 L 6 38 L 0 54",
    "black 6r M -5 10 L 14 3 L 33 12",
    "black fill O -23 3 6.5",
    "black fill M -29 11 L -17 11 L -12 33 L -32 33 Z",
    "black 6r M -17 33 L -14 44 L -18 54",
    "black 6r M -26 33 L -33 42 L -43 44",
    "black 5r M -9 12 L -20 14 L -40 19",
)
BICYCLE: Layers = (
    "black 5 O -29 37 19",
    "black 5 O 29 37 19",
    "black 5 M -29 37 L -14 2 L 15 6 L 29 37 L 0 38 L 15 6 M 0 38 L -14 2",
    "black 5r M -26 -6 L -17 -9 L -14 2",
    "black 6r M 9 -5 L 23 -5",
    "black 5 M 15 6 L 14 -4",
)
DEER: Layers = (
    "black fill M -32 3 L -24 -6 L -16 -5 L -8 7 L 10 15 L 26 21 L 35 21 L 36 32 L 26 37 L 8 31 L -10 25 L -18 8 Z",
    "black 3r M -22 -5 L -29 -16 L -28 -25 M -19 -5 L -15 -16 L -9 -22",
    "black 4r M -9 22 L -24 24 L -29 34",
    "black 4r M -5 24 L -13 36 L -22 40",
    "black 5r M 32 32 L 38 45 L 52 59",
    "black 5r M 28 34 L 30 48 L 42 61",
)
SKIDDING: Layers = (
    "black fill M -34 2 L 22 17 L 19 31 L -37 16 Z",
    "black 5 M -24 6 L -18 -9 L 10 -2 L 14 16",
    "black fill M -36 13 L -24 16 L -26 26 L -38 23 Z",
    "black fill M 6 25 L 18 28 L 16 37 L 4 34 Z",
    "black 5 M -30 32 C -12 33 -38 42 -22 45 C -6 48 -32 54 -18 58",
    "black 5 M 8 41 C 24 42 -6 47 10 50 C 20 52 26 48 36 52",
)
FLAKE: Layers = tuple(
    f"black {width} M {0.0:.1f} 22 L {r * math.cos(a):.1f} {22 + r * math.sin(a):.1f}"
    for a in (math.radians(30 + 60 * i) for i in range(6))
    for width, r in ((7, 34),)
) + tuple(
    f"black 5 M {34 * math.cos(a + d):.1f} {22 + 34 * math.sin(a + d):.1f} L {17 * math.cos(a):.1f} "
    f"{22 + 17 * math.sin(a):.1f}"
    for a in (math.radians(30 + 60 * i) for i in range(6))
    for d in (-0.45, 0.45)
)
BUMPS: Layers = ("black fill M -44 57 Q -32 54 -26 42 Q -20 32 -12 42 Q -4 52 4 42 Q 16 28 26 42 Q 32 54 44 57 Z",)
PRIORITY: Layers = (
    "black fill M 0 -22 L 18 4 L 13 6 L 13 38 L 18 58 L 7 58 L 0 50 L -7 58 L -18 58 L -13 38 L -13 6 L -18 4 Z",
    "black 9 M -30 18 L 30 18",
)
STRIPES: Layers = tuple(f"black 5 M {d - 62} {d + 62} L {d + 62} {d - 62}" for d in (-14, -7, 0, 7, 14))
RIGHT: Layers = ("white 17> M -26 66 L -26 6 Q -26 -26 8 -26 L 66 -26",)
BESIDE: Layers = ("white 17> M -48 -38 L 56 44",)
FORK: Layers = ("white 17> M -14 70 L -14 -74", "white 15> M -14 44 Q -14 20 14 20 L 66 20")
CURVE: Layers = ("black 15 M 18 57 L 18 36 Q 18 15 -6 12 L -26 10",)

# Class id: shape and pictogram. The order and the ids are GTSRB's.
SIGNS: dict[int, tuple[str, Layers]] = {
    0: ("ring", text("20", 80, 53, 13)),
    1: ("ring", text("30", 80, 53, 13)),
    2: ("ring", text("50", 80, 53, 13)),
    3: ("ring", text("60", 80, 53, 13)),
    4: ("ring", text("70", 80, 53, 13)),
    5: ("ring", text("80", 80, 53, 13)),
    6: ("end", text("80", 84, 56, 13, "grey") + STRIPES),
    7: ("ring", text("100", 76, 37, 11)),
    8: ("ring", text("120", 76, 37, 11)),
    9: ("ring", moved(CAR, -34, colour="red") + moved(CAR, 34)),
    10: ("ring", moved(TRUCK, -34, colour="red") + moved(CAR, 34, 14)),
    11: ("warning", PRIORITY),
    12: ("diamond", ()),
    13: ("yield", ()),
    14: ("octagon", text("STOP", 66, 39, 11, "white")),
    15: ("ring", ()),
    16: ("ring", LORRY),
    17: ("disc", ("white fill M -74 -17 L 74 -17 L 74 17 L -74 17 Z",)),
    18: ("warning", ("black fill M -10 -26 L 10 -26 L 6 36 L -6 36 Z", "black fill O 0 51 8")),
    19: ("warning", CURVE),
    20: ("warning", moved(CURVE, sx=-1)),
    21: ("warning", ("black 14 M 14 57 L 14 17 Q 14 9 7 12 L -7 22 Q -14 26 -14 17 L -14 -17",)),
    22: ("warning", BUMPS),
    23: ("warning", SKIDDING),
    24: ("warning", ("black 8 M -17 60 L -17 -12", "black 8 M 24 60 L 24 34 Q 24 26 16 20 Q 8 15 8 6 L 8 -12")),
    25: ("warning", WORKER),
    26: ("warning", ("red fill O 0 -13 12", "yellow fill O 0 18 12", "green fill O 0 49 12")),
    27: ("warning", WALKER),
    28: ("warning", CHILDREN),
    29: ("warning", BICYCLE),
    30: ("warning", FLAKE),
    31: ("warning", DEER),
    32: ("end", STRIPES),
    33: ("blue", RIGHT),
    34: ("blue", moved(RIGHT, sx=-1)),
    35: ("blue", ("white 20> M 0 76 L 0 -72",)),
    36: ("blue", FORK),
    37: ("blue", moved(FORK, sx=-1)),
    38: ("blue", BESIDE),
    39: ("blue", moved(BESIDE, sx=-1)),
    40: ("blue", tuple(f"white 11> A 0 0 58 {start} {start - 84}" for start in (18, -102, 138))),
    41: ("end", moved(CAR, -34, colour="grey") + moved(CAR, 34, colour="grey") + STRIPES),
    42: ("end", moved(TRUCK, -34, colour="grey") + moved(CAR, 34, 14, colour="grey") + STRIPES),
}


def bezier(points: list[Point]) -> list[Point]:
    """Points along a quadratic or cubic Bézier curve, without its start (de Casteljau's construction)."""
    t = np.linspace(0, 1, 15)[1:, None]
    lines = [np.broadcast_to(np.array(p), (14, 2)) for p in points]
    while len(lines) > 1:
        lines = [a + t * (b - a) for a, b in pairwise(lines)]
    return [(float(x), float(y)) for x, y in lines[0]]


def arc(x: float, y: float, radius: float, start: float, stop: float) -> list[Point]:
    """Points along an arc; degrees, clockwise from the right."""
    steps = math.ceil(abs(stop - start) / 5)
    angles = [math.radians(start + (stop - start) * i / steps) for i in range(steps + 1)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]


def flatten(path: str) -> list[list[Point]]:
    """A path as lists of points, one list for each of its parts; closed parts end where they start."""
    parts: list[list[Point]] = []
    for name, values in commands(path):
        points = list(zip(values[::2], values[1::2], strict=False))
        if name == "M":
            parts.append(points)
        elif name == "L":
            parts[-1] += points
        elif name in "QC":
            parts[-1] += bezier([parts[-1][-1], *points])
        elif name == "Z":
            parts[-1].append(parts[-1][0])
        elif name == "O":
            parts.append(arc(*values, 0, 360))
        else:
            parts.append(arc(*values))
    return parts


def arrowhead(points: list[Point], width: float, open_head: bool) -> tuple[list[Point], list[Point]]:
    """The shaft, shortened, and the outline of the head at its end: a chevron or a solid triangle."""
    x1, y1 = points[-1]
    x0, y0 = next(p for p in reversed(points) if math.dist(p, points[-1]) > 1.5 * width or p is points[0])
    length = math.hypot(x1 - x0, y1 - y0)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    back, half, thick = (2.35 * width, 2.1 * width, 0.85 * width) if open_head else (2.3 * width, 1.75 * width, 0)
    side = math.hypot(back, half)
    local = [(0, 0), (back, half)]
    if open_head:
        local += [(back + thick * half / side, half - thick * back / side), (thick * side / half, 0)]
    local += [(a, -b) for a, b in local[::-1]]
    cut = points[-1][0] - ux * width, points[-1][1] - uy * width
    shaft = [p for p in points[:-1] if (p[0] - x1) ** 2 + (p[1] - y1) ** 2 > width**2] + [cut]
    return shaft, [(x1 - ux * a - uy * b, y1 - uy * a + ux * b) for a, b in local]


@dataclass(frozen=True)
class Style:
    """How one physical sign differs from the norm: its paint and the make of its pictogram."""

    colours: dict[str, Colour]
    scale: Point = (1.0, 1.0)
    shift: Point = (0.0, 0.0)
    weight: float = 1.0
    open_head: bool = True


NEW = Style(
    {
        "white": (236, 236, 232), "red": (172, 22, 28), "blue": (12, 76, 160), "yellow": (244, 172, 16),
        "black": (22, 22, 24), "grey": (118, 120, 120), "green": (20, 130, 96),
    }
)  # fmt: skip


def aged(rng: np.random.Generator) -> Style:
    """A sign that stood outside for some years: faded, yellowed or greyed; pictograms of slightly varying make."""
    fade, tint = rng.beta(1.2, 5) * 0.55, rng.normal(1, 0.025, 3)
    grey = np.array([150, 148, 142])
    colours = {}
    for name, value in NEW.colours.items():
        share = fade / 4 if name == "black" else fade
        mixed = (np.array(value) * (1 - share) + grey * share) * tint * rng.normal(1, 0.06) + rng.normal(0, 4, 3)
        colours[name] = tuple(int(v) for v in np.clip(mixed, 5, 250))
    scale = rng.normal(1, 0.05)
    return Style(
        colours,
        (scale * rng.normal(1, 0.03), scale * rng.normal(1, 0.03)),
        (rng.normal(0, 1.2), rng.normal(0, 1.2)),
        float(np.clip(rng.normal(1, 0.1), 0.75, 1.3)),
        bool(rng.random() < 0.65),
    )


def made(points: list[Point], style: Style, middle: float) -> list[Point]:
    """Points as a maker of signs drew them: scaled around (0, middle), then shifted."""
    (sx, sy), (dx, dy) = style.scale, style.shift
    return [(x * sx + dx, (y - middle) * sy + middle + dy) for x, y in points]


def draw_face(class_id: int, style: Style = NEW) -> Image.Image:
    """The front of a sign as an RGBA image, seen straight on; transparent around the sign."""
    size = FACE * OVERSAMPLING
    image = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(image)
    unit = size / (200 * REACH)
    shape, pictogram = SIGNS[class_id]
    middle = 22 if shape == "warning" else 0
    for layer in SHAPES[shape] + pictogram:
        colour, kind, path = layer.split(" ", 2)
        make = style if layer in pictogram else NEW  # pictograms differ from sign to sign, outlines do not
        ink = style.colours[colour]
        width = 0 if kind == "fill" else float(kind.rstrip("r>")) * make.weight
        for part in flatten(path):
            shaft, head = arrowhead(part, width, style.open_head) if kind.endswith(">") else (part, [])
            points, tip = (
                [(size / 2 + unit * x, size / 2 + unit * y) for x, y in made(piece, make, middle)]
                for piece in (shaft, head)
            )
            if kind == "fill":
                draw.polygon(points, ink)
                continue
            closed = points[0] == points[-1]
            draw.line(points + points[1:2] * closed, ink, round(width * unit), joint="curve")
            if kind.endswith("r"):
                r = width * unit / 2
                for x, y in points:
                    draw.ellipse((x - r, y - r, x + r, y + r), ink)
            if tip:
                draw.polygon(tip, ink)
    return image.reduce(OVERSAMPLING)


# ----------------------------------------------------------------------------------------------------------------------
# Surroundings: light (linear RGB) on a canvas, where 1 is a white sheet in the same light as the sign
# ----------------------------------------------------------------------------------------------------------------------


def to_linear(rgb: np.ndarray) -> np.ndarray:
    """Pixel values 0..255 to light 0..1 (the curve of sRGB, simplified)."""
    return (np.asarray(rgb, np.float64) / 255) ** 2.2


def clouds(rng: np.random.Generator, coarse: int, octaves: int = 4, fall: float = 0.6) -> np.ndarray:
    """Smooth noise with mean 0 and deviation 1: random grids, each twice as fine as the last, added up."""
    total = np.zeros((CANVAS, CANVAS))
    for octave in range(octaves):
        cells = min(coarse * 2**octave, CANVAS)
        grid = Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32))
        total += fall**octave * np.asarray(grid.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC))
    return (total - total.mean()) / total.std()


def tinted(rng: np.random.Generator, light: np.ndarray, colour: Point | tuple[float, ...], spread: float) -> np.ndarray:
    """A brightness map painted in a colour that varies a little from place to place."""
    hue = np.stack([clouds(rng, 6, 3) for _ in range(3)], axis=-1) * spread
    return light[..., None] * np.array(colour) * np.exp(hue)


def sky(rng: np.random.Generator) -> np.ndarray:
    """Bright, smooth, blue or white."""
    blue = np.array([0.62, 0.8, 1.15]) * rng.uniform(0, 1) ** 0.7
    colour = np.maximum(blue, 0) + (1 - blue.max() / 1.2) * np.array([0.97, 0.99, 1.02])
    light = np.exp(0.12 * clouds(rng, 2, 3) + np.linspace(-0.15, 0.15, CANVAS)[:, None])
    return tinted(rng, light, tuple(colour), 0.02)


def foliage(rng: np.random.Generator) -> np.ndarray:
    """Leaves or bare branches: high contrast down to single pixels, with the sky shining through in places."""
    colour = ((0.16, 0.2, 0.08), (0.28, 0.2, 0.08), (0.15, 0.13, 0.11), (0.1, 0.14, 0.09))[rng.integers(4)]
    light = np.exp(rng.uniform(0.7, 1.8) * clouds(rng, int(rng.integers(5, 24)), 5, rng.uniform(0.6, 1)))
    leaves = tinted(rng, light, colour, 0.15)
    gaps = clouds(rng, int(rng.integers(4, 30)), 4, 0.8) + 0.6 * clouds(rng, 2, 2) > rng.uniform(0.6, 2.6)
    return np.where(gaps[..., None], rng.uniform(0.5, 3) * np.array([0.9, 0.97, 1.05]), leaves)


def building(rng: np.random.Generator) -> np.ndarray:
    """A wall with windows, beams and shade edges, all upright or level."""
    wall = rng.choice([(0.6, 0.57, 0.5), (0.5, 0.28, 0.18), (0.35, 0.35, 0.36), (0.75, 0.66, 0.4), (0.9, 0.9, 0.88)])
    image = tinted(rng, np.exp(0.12 * clouds(rng, 8)), tuple(wall), 0.04)
    for _ in range(int(rng.integers(2, 12))):
        x, y = rng.integers(-30, CANVAS, 2)
        w, h = (rng.gamma(2, 18, 2) * rng.choice([(1, 1), (6, 0.3), (0.3, 6)])).astype(int) + 3
        image[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = rng.uniform(0.02, 1) * rng.uniform(0.6, 1, 3)
    return image


def plain(rng: np.random.Generator) -> np.ndarray:
    """A far, unsharp something: road, dusk, a dark wood."""
    return tinted(
        rng,
        np.exp(rng.uniform(0.2, 0.8) * clouds(rng, int(rng.integers(2, 8)), 3)),
        tuple(rng.uniform(0.1, 0.4, 3)),
        0.12,
    )


GROUNDS: tuple[Callable[[np.random.Generator], np.ndarray], ...] = (sky, foliage, foliage, building, plain)


def surroundings(rng: np.random.Generator) -> np.ndarray:
    """One kind of ground, or two that meet along an uneven edge."""
    first = GROUNDS[rng.integers(len(GROUNDS))](rng)
    if rng.random() < 0.5:
        return first
    second = GROUNDS[rng.integers(len(GROUNDS))](rng)
    y, x = np.mgrid[-1 : 1 : CANVAS * 1j, -1 : 1 : CANVAS * 1j]
    angle = rng.choice([0, 0.5, 0.5]) * math.pi + rng.normal(0, 0.25)
    edge = x * math.cos(angle) + y * math.sin(angle) + rng.uniform(0, 0.25) * clouds(rng, 5)
    return np.where((edge > rng.uniform(-0.5, 0.5))[..., None], first, second)


# ----------------------------------------------------------------------------------------------------------------------
# Scene and camera
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scene:
    """What the frames of a track share. Light is linear, 1 is what makes the sensor's full scale."""

    face: Image.Image
    dirt: np.ndarray  # (CANVAS, CANVAS), factor on the light of the sign
    back: np.ndarray  # (CANVAS, CANVAS, 3), light behind the sign
    shade: np.ndarray  # (CANVAS, CANVAS), factor on the light of the sign
    neighbours: tuple[tuple[Image.Image, float, float], ...]  # other signs on the pole: face, offset, gain
    pole: tuple[float, float, bool]  # half its width, its brightness, whether it rises above the sign
    white: np.ndarray  # RGB of white paint as exposed
    pose: np.ndarray  # how it is turned, as seen by the camera: roll, yaw and pitch in radians


def warp(face: Image.Image, pose: np.ndarray, offset: Point = (0, 0)) -> np.ndarray:
    """A face on the canvas, in perspective, as (CANVAS, CANVAS, 4) floats 0..1."""
    (cr, cy, cp), (sr, sy, sp) = np.cos(pose), np.sin(pose)
    rotation = (
        np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    )
    plane = np.column_stack([rotation[:, :2], rotation[:, :2] @ np.array(offset) + np.array([0, 0, 7.0])])
    lens = np.array([[7.0 * RADIUS, 0, CANVAS / 2], [0, 7.0 * RADIUS, CANVAS / 2], [0, 0, 1]])
    pixels = np.array([[2 * REACH / FACE, 0, -REACH], [0, 2 * REACH / FACE, -REACH], [0, 0, 1]])
    inverse = np.linalg.inv(lens @ plane @ pixels)
    coefficients = (inverse / inverse[2, 2]).ravel()[:8]
    warped = face.transform(
        (CANVAS, CANVAS), Image.Transform.PERSPECTIVE, tuple(coefficients), Image.Resampling.BICUBIC
    )
    return np.asarray(warped, np.float64) / 255


def shade(rng: np.random.Generator) -> np.ndarray:
    """A shadow's edge across the sign, or dapples below a tree, or (mostly) even light with a slight slope."""
    y, x = np.mgrid[-1 : 1 : CANVAS * 1j, -1 : 1 : CANVAS * 1j]
    angle = rng.uniform(0, 2 * math.pi)
    across = x * math.cos(angle) + y * math.sin(angle)
    light = 1 + rng.normal(0, 0.15) * across
    kind = rng.random()
    if kind < 0.1:
        light = light * np.where(across > rng.uniform(-0.4, 0.4), 1, rng.uniform(0.15, 0.6))
    elif kind < 0.2:
        dapple = 1 / (1 + np.exp(-6 * (clouds(rng, int(rng.integers(4, 10)), 3) - rng.normal(0, 0.7))))
        light = light * (rng.uniform(0.2, 0.6) * (1 - dapple) + dapple)
    return np.maximum(light, 0.05)


def make_scene(rng: np.random.Generator, class_id: int) -> Scene:
    """Draw one physical sign, where it stands and the light it stands in."""
    log_white = float(np.clip(rng.normal(math.log(0.26), 1.6), math.log(0.01), math.log(4)))
    log_back = rng.normal(math.log(0.06) + 0.5 * (log_white - math.log(0.3)), 1.6)
    warmth, green = rng.normal(-0.05, 0.15), rng.normal(0, 0.04)
    cast = np.exp(np.array([warmth, green, -warmth]))
    back = surroundings(rng)
    back = back * (math.exp(log_back) / back.mean()) * np.exp(np.array([1, 0, -1]) * rng.normal(0, 0.12))
    neighbours = []
    for side in (-1, 1):
        if rng.random() < 0.22:
            other = draw_face(int(rng.integers(43)), aged(rng))
            neighbours.append((other, side * rng.uniform(1.85, 2.1), math.exp(rng.normal(0, 0.2))))
    dirt = np.exp(-np.abs(clouds(rng, 6, 5, 0.7)) * rng.exponential(0.06) + 0.03 * clouds(rng, 3))
    return Scene(
        face=draw_face(class_id, aged(rng)),
        dirt=dirt,
        back=back,
        shade=shade(rng),
        neighbours=tuple(neighbours),
        pole=(rng.uniform(0.05, 0.13), rng.uniform(0.1, 0.6), bool(rng.random() < 0.6)),
        white=math.exp(log_white) * cast,
        pose=rng.normal(0, [0.06, 0.3, 0.1]),
    )


def compose(scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The light that reaches the camera, (CANVAS, CANVAS, 3), and where the sign is, (CANVAS, CANVAS)."""
    shift = rng.integers(-20, 21, 2)
    light = np.roll(scene.back, tuple(shift), (0, 1))
    half, grey, above = scene.pole
    x = (np.arange(CANVAS) - CANVAS / 2) / RADIUS
    pole = np.abs(x) < half
    rows = slice(0 if above else CANVAS // 2, CANVAS)
    light[rows, pole] = grey * scene.white * (1 - 0.7 * (x[pole] / half) ** 2)[:, None]
    for other, offset, gain in scene.neighbours:
        rgba = warp(other, scene.pose, (0, offset))
        light += rgba[..., 3:] * (to_linear(255 * rgba[..., :3]) * gain * scene.white - light)
    rgba = warp(scene.face, scene.pose)
    paint = to_linear(255 * rgba[..., :3]) / to_linear(np.array(NEW.colours["white"]))
    sign = paint * scene.white * (scene.dirt * scene.shade)[..., None]
    return light + rgba[..., 3:] * (sign - light), rgba[..., 3]


def blur(light: np.ndarray, sigma: float, motion: Point) -> np.ndarray:
    """Defocus and camera motion, both as factors on the image's frequencies; lengths in pixels."""
    fy, fx = np.fft.fftfreq(CANVAS)[:, None], np.fft.rfftfreq(CANVAS)[None, :]
    factor = np.exp(-2 * (math.pi * sigma) ** 2 * (fx**2 + fy**2)) * np.sinc(fx * motion[0] + fy * motion[1])
    return np.fft.irfft2(np.fft.rfft2(light, axes=(0, 1)) * factor[..., None], (CANVAS, CANVAS), axes=(0, 1))


def box_mean(image: np.ndarray) -> np.ndarray:
    """The mean over 3x3 pixels."""
    height, width, _ = image.shape
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    return sum(padded[i : i + height, j : j + width] for i in range(3) for j in range(3)) / 9


def sensor(rng: np.random.Generator, light: np.ndarray, noise: float, sharpening: float) -> np.ndarray:
    """Noise, the colour filter over the pixels and its interpolation (the reason for GTSRB's coloured specks)."""
    height, width, _ = light.shape
    noisy = light + rng.normal(size=light.shape) * noise * np.sqrt(np.maximum(light, 0) + 0.003)
    y, x = np.mgrid[:height, :width]
    channel = np.where((y + x) % 2 == 0, 1, np.where(y % 2 == 0, 0, 2))  # G on a chessboard, R and B between
    result = np.empty_like(light)
    for c in range(3):
        mask = (channel == c).astype(float)
        known, weight = (np.pad(a, 1, mode="edge") for a in (noisy[..., c] * mask, mask))
        near = [(i, j, (2 - abs(i - 1)) * (2 - abs(j - 1))) for i in range(3) for j in range(3)]
        sums = [sum(f * a[i : i + height, j : j + width] for i, j, f in near) for a in (known, weight)]
        result[..., c] = sums[0] / sums[1]
    return result + sharpening * (result - box_mean(result))


def photograph(scene: Scene, rng: np.random.Generator, size: float) -> tuple[Image.Image, Box]:
    """One frame in which the sign is about `size` pixels wide, and the box of the sign in it."""
    light, alpha = compose(scene, rng)
    ys, xs = np.nonzero(alpha > 0.5)
    box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], float)
    scale = (2 * RADIUS) / size  # canvas pixels for one of the photograph's
    # GTSRB cuts out the sign with a margin of 10 % and at least 5 pixels; the boxes were drawn by hand.
    margin = max(5.0, 0.1 * size) * scale
    crop = box + np.array([-1, -1, 1, 1]) * margin + rng.normal(0, 0.025 * size, 4) * scale
    crop = np.clip(crop, 2, CANVAS - 2)
    angle, length = rng.uniform(0, math.pi), min(rng.exponential(1.0), 7) * scale
    light = blur(light, rng.uniform(0.15, 0.75) * scale, (length * math.cos(angle), length * math.sin(angle)))
    width, height = (max(16, round(float(crop[i + 2] - crop[i]) / scale)) for i in (0, 1))
    planes = [Image.fromarray(light[..., c].astype(np.float32)) for c in range(3)]
    small = [p.resize((width, height), Image.Resampling.BOX, box=tuple(crop)) for p in planes]
    image = sensor(
        rng,
        np.stack([np.asarray(p) for p in small], axis=-1),
        math.exp(rng.normal(math.log(0.008), 0.6)),
        rng.uniform(0.2, 1.8),
    )
    image = np.clip(image + rng.uniform(0.0003, 0.003), 0, 1)  # stray light in the lens lifts the blacks
    pixels = Image.fromarray(np.round(255 * image ** (1 / 2.2)).astype(np.uint8))
    roi = (box - np.tile(crop[:2], 2)) / scale
    limits = (width - 1, height - 1) * 2
    return pixels, tuple(int(np.clip(round(float(v)), 0, limit)) for v, limit in zip(roi, limits, strict=True))


def track(rng: np.random.Generator, class_id: int, frames: int) -> Iterator[tuple[Image.Image, Box]]:
    """Frames of one sign while the camera comes closer: they differ in size, blur, noise and slightly in pose."""
    scene = make_scene(rng, class_id)
    size = math.exp(rng.normal(math.log(33), 0.4))
    for _ in range(frames):
        turn = scene.pose + rng.normal(0, 0.025, 3)
        drift = math.exp(rng.normal(0, 0.12))
        frame = replace(scene, pose=turn, white=scene.white * drift, back=scene.back * drift)
        yield photograph(frame, rng, float(np.clip(size, 15, 110)))
        size *= rng.uniform(1.12, 1.5)


# ----------------------------------------------------------------------------------------------------------------------
# Data set and contact sheets
# ----------------------------------------------------------------------------------------------------------------------


def jpeg(image: Image.Image) -> bytes:
    """The image as a JPEG file of high quality, without reduced colour resolution."""
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return buffer.getvalue()


def files(seed: int, tracks: dict[str, int], classes: Iterable[int] = SIGNS) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of the data set; for each class the training signs come first."""
    tests: list[tuple[int, Image.Image, Box]] = []
    for class_id in classes:
        parts = [part for part in FRAMES for _ in range(tracks[part])]
        for number, part in enumerate(parts):
            frames = track(np.random.default_rng([seed, class_id, number]), class_id, FRAMES[part])
            for frame, (image, box) in enumerate(frames):
                if part == "Test":
                    tests.append((class_id, image, box))
                else:
                    yield f"{part}/{class_id}/{class_id:05}_{number:05}_{frame:05}.jpg", jpeg(image)
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId", "Path"])
    for i, k in enumerate(np.random.default_rng(seed).permutation(len(tests))):
        class_id, image, box = tests[k]
        yield f"Test/{i:05}.jpg", jpeg(image)
        rows.writerow([*image.size, *box, class_id, f"Test/{i:05}.jpg"])
    yield "Test.csv", table.getvalue().encode()


def render(folder: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Write the data set into a folder."""
    for name, content in contents:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def render_zip(path: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Write the data set into a zip archive that depends on nothing but the contents."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in sorted(contents):
            member = zipfile.ZipInfo(name)  # stored, dated 1 January 1980
            member.create_system, member.external_attr = 3, 0o644 << 16
            archive.writestr(member, content)


def sheet(images: list[list[Image.Image]], tile: int) -> Image.Image:
    """A contact sheet with one row of equal tiles for each list."""
    result = Image.new("RGB", (tile * max(len(row) for row in images), tile * len(images)), "white")
    for y, row in enumerate(images):
        for x, image in enumerate(row):
            small = image.convert("RGB").resize((tile - 2, tile - 2), Image.Resampling.BICUBIC)
            result.paste(small, (x * tile, y * tile))
    return result


def contact_sheet(seed: int, count: int = 7) -> Image.Image:
    """For each class its face as new and frames of its first tracks; two classes in a row."""
    rows: list[list[Image.Image]] = []
    for class_id in SIGNS:
        ground = Image.new("RGBA", (FACE, FACE), (120, 128, 136, 255))
        row = [Image.alpha_composite(ground, draw_face(class_id))]
        for number in range(count):
            *_, (image, _) = track(np.random.default_rng([seed, class_id, number]), class_id, FRAMES["Train"])
            row.append(image)
        if class_id % 2:
            rows[-1] += row
        else:
            rows.append(row)
    return sheet(rows, 90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where the data set goes, as files")
    parser.add_argument("--zip", type=Path, help="where it goes, as one archive")
    parser.add_argument("--seed", type=int, default=42)
    for part, count in TRACKS.items():
        parser.add_argument(f"--{part.lower()}-tracks", type=int, default=count, help=f"signs a class ({count})")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of all classes here as well")
    arguments = parser.parse_args()
    tracks = {part: getattr(arguments, f"{part.lower()}_tracks") for part in TRACKS}
    if not (arguments.folder or arguments.zip or arguments.sheet):
        parser.error("name a folder, --zip or --sheet")
    if arguments.folder:
        render(arguments.folder, files(arguments.seed, tracks))
    if arguments.zip:
        render_zip(arguments.zip, files(arguments.seed, tracks))
        print(f"{arguments.zip}: {arguments.zip.stat().st_size:,} bytes")
    if arguments.sheet:
        contact_sheet(arguments.seed).save(arguments.sheet)


if __name__ == "__main__":
    main()
