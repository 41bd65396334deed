"""The faces of the traffic signs of GTSRB's 43 classes, drawn as pictures of RGBA pixels.

A face is a table of layers, one line of text each: colour, kind and path, as in "black 8r M 0 0 L 10 10". The unit is
a hundredth of half the sign's width, the origin its centre, y points down. Kinds: `fill`; `8` a line 8 wide; `8r` the
same with round ends; `8>` a line with an arrowhead. Path commands: M, L, Q, C and Z as in SVG; `O x y r` is a circle
and `A x y r from to` an arc, in degrees, clockwise from the right. The shapes follow the official signs of the German
road traffic regulations (official works, free of copyright); the drawing is ours and no font is needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from matplotlib.bezier import BezierSegment
from PIL import Image, ImageDraw  # OpenCV would draw other pixels than those of the registered data set

Pair = tuple[float, float]
Colour = tuple[int, int, int]

FACE, OVERSAMPLING = 192, 4  # pixels of a finished face; it is drawn four times as large
REACH = 1.04  # the face image covers -REACH..REACH, so that the rim keeps a transparent margin


class Kind(Enum):
    """How a path becomes paint; the value is what a table writes after a line's width."""

    FILL = "fill"
    LINE = ""
    ROUND = "r"
    ARROW = ">"


@dataclass(frozen=True)
class Layer:
    """One coat of paint: a path of commands with their numbers, filled, or drawn as a line of some width."""

    colour: str
    kind: Kind
    width: float
    path: tuple[tuple[str, tuple[float, ...]], ...]

    @classmethod
    def parse(cls, line: str) -> Layer:
        """The layer that a line of a table describes."""
        colour, kind, *words = line.split()
        starts = [i for i, word in enumerate(words) if word.isalpha()]
        path = tuple(
            (words[i], tuple(float(number) for number in words[i + 1 : end]))
            for i, end in zip(starts, [*starts[1:], len(words)], strict=True)
        )
        if kind == "fill":
            return cls(colour, Kind.FILL, 0, path)
        number = kind.rstrip("r>")
        return cls(colour, Kind(kind[len(number) :]), float(number), path)

    def moved(self, dx: float, dy: float, sx: float, sy: float, colour: str) -> Layer:
        """This layer scaled, shifted and, if asked for, in another colour; widths, radii and angles stay."""
        path = []
        for name, numbers in self.path:
            points = 1 if name in "OA" else len(numbers) // 2
            xy = np.reshape(numbers[: 2 * points], (-1, 2)) * (sx, sy) + (dx, dy)
            path.append((name, (*xy.ravel().tolist(), *numbers[2 * points :])))
        return replace(self, colour=colour or self.colour, path=tuple(path))


Layers = tuple[Layer, ...]


def layers(*lines: str) -> Layers:
    """A table of layers, back to front."""
    return tuple(Layer.parse(line) for line in lines)


def moved(table: Layers, dx: float = 0, dy: float = 0, sx: float = 1, sy: float = 1, colour: str = "") -> Layers:
    """The same layers scaled, shifted and, if asked for, in another colour."""
    return tuple(layer.moved(dx, dy, sx, sy, colour) for layer in table)


# ----------------------------------------------------------------------------------------------------------------------
# Tables: strokes of the numerals in a unit box, then shapes of the signs, then pictograms
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


def text(word: str, height: float, pitch: float, stroke: float, colour: str = "black") -> Layers:
    """A word in strokes, centred; `pitch` is the distance from letter to letter."""
    width = pitch - 1.45 * stroke
    result: Layers = ()
    for i, letter in enumerate(word):
        left = (i - (len(word) - 1) / 2) * pitch - width / 2
        glyph = layers(f"{colour} {stroke} {GLYPHS[letter]}")
        result += moved(glyph, left, (stroke - height) / 2, width, height - stroke)
    return result


def spot(radius: float, degrees: float, y: float, digits: int = 2) -> str:
    """A point by its distance and direction from (0, y), as a path writes it."""
    angle = math.radians(degrees)
    return f"{radius * math.cos(angle):.{digits}f} {radius * math.sin(angle) + y:.{digits}f}"


def polygon(corners: int, radius: float, start: float, y: float = 0) -> str:
    """The path of a regular polygon around (0, y)."""
    return "M " + " L ".join(spot(radius, start + 360 * i / corners, y) for i in range(corners)) + " Z"


def rounded(colour: str, radius: float, path: str) -> Layers:
    """A filled shape with round corners."""
    return layers(f"{colour} fill {path}", f"{colour} {2 * radius}r {path}")


def flake() -> Layers:
    """A snow crystal: six arms, each with a V across it."""
    arms = range(30, 390, 60)
    needles = [f"black 7 M 0 22 L {spot(34, arm, 22, 1)}" for arm in arms]
    turn = math.degrees(0.45)
    barbs = [
        f"black 5 M {spot(34, arm + side * turn, 22, 1)} L {spot(17, arm, 22, 1)}" for arm in arms for side in (-1, 1)
    ]
    return layers(*needles, *barbs)


# A triangle of width 200 has its centre of gravity 29 below the middle of its height.
SHAPES: dict[str, Layers] = {
    "ring": layers("white fill O 0 0 100", "red fill O 0 0 96", "white fill O 0 0 70"),
    "disc": layers("white fill O 0 0 100", "red fill O 0 0 96"),
    "end": layers("white fill O 0 0 100", "black 3 O 0 0 93"),
    "blue": layers("white fill O 0 0 100", "blue fill O 0 0 95"),
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
    "octagon": layers(f"white fill {polygon(8, 106, 22.5)}", f"red fill {polygon(8, 99, 22.5)}"),
}
SHAPES["yield"] = moved(SHAPES["warning"], sy=-1)
CAR = layers(  # seen from the front, 52 wide
    "black 5 M -20 -2 L -15 -18 L 15 -18 L 20 -2",
    "black fill M -26 -3 L 26 -3 L 26 12 L -26 12 Z",
    "black fill M -24 12 L -13 12 L -13 20 L -24 20 Z",
    "black fill M 24 12 L 13 12 L 13 20 L 24 20 Z",
)
TRUCK = layers(  # seen from behind
    "black fill M -24 -36 L 24 -36 L 24 14 L -24 14 Z",
    "black fill M -26 18 L 26 18 L 26 24 L -26 24 Z",
    "black fill M -24 24 L -13 24 L -13 34 L -24 34 Z",
    "black fill M 24 24 L 13 24 L 13 34 L 24 34 Z",
)
LORRY = layers(  # seen from the side
    "black fill M -18 -24 L 58 -24 L 58 11 L -18 11 Z",
    "black fill M -52 16 L -52 -2 L -42 -18 L -24 -18 L -24 16 Z",
    "white fill M -47 -3 L -39 -14 L -30 -14 L -30 -3 Z",
    "black fill M -52 14 L 58 14 L 58 19 L -52 19 Z",
    "black fill O -38 20 10",
    "black fill O 36 20 10",
)
WALKER = layers(
    "black fill O 1 -18 8",
    "black fill M -9 -8 L 10 -8 L 7 24 L -7 24 Z",
    "black 10r M -3 20 L -8 38 L -22 56",
    "black 10r M 3 20 L 10 38 L 19 56",
    "black 7r M -7 -4 L -18 8 L -15 20",
    "black 7r M 8 -4 L 18 8 L 23 16",
)
WORKER = layers(
    "black fill O 6 -20 8",
    "black 13r M 0 -7 L -14 18",
    "black 9r M -15 20 L -26 36 L -34 58",
    "black 9r M -13 20 L -4 38 L -8 58",
    "black 6r M 0 -7 L 12 10 L 20 14",
    "black 4r M -14 12 L 28 34",
    "black fill M 2 60 L 22 38 L 30 30 L 38 34 L 58 60 Z",
)
CHILDREN = layers(
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
BICYCLE = layers(
    "black 5 O -29 37 19",
    "black 5 O 29 37 19",
    "black 5 M -29 37 L -14 2 L 15 6 L 29 37 L 0 38 L 15 6 M 0 38 L -14 2",
    "black 5r M -26 -6 L -17 -9 L -14 2",
    "black 6r M 9 -5 L 23 -5",
    "black 5 M 15 6 L 14 -4",
)
DEER = layers(
    "black fill M -32 3 L -24 -6 L -16 -5 L -8 7 L 10 15 L 26 21 L 35 21 L 36 32 L 26 37 L 8 31 L -10 25 L -18 8 Z",
    "black 3r M -22 -5 L -29 -16 L -28 -25 M -19 -5 L -15 -16 L -9 -22",
    "black 4r M -9 22 L -24 24 L -29 34",
    "black 4r M -5 24 L -13 36 L -22 40",
    "black 5r M 32 32 L 38 45 L 52 59",
    "black 5r M 28 34 L 30 48 L 42 61",
)
SKIDDING = layers(
    "black fill M -34 2 L 22 17 L 19 31 L -37 16 Z",
    "black 5 M -24 6 L -18 -9 L 10 -2 L 14 16",
    "black fill M -36 13 L -24 16 L -26 26 L -38 23 Z",
    "black fill M 6 25 L 18 28 L 16 37 L 4 34 Z",
    "black 5 M -30 32 C -12 33 -38 42 -22 45 C -6 48 -32 54 -18 58",
    "black 5 M 8 41 C 24 42 -6 47 10 50 C 20 52 26 48 36 52",
)
FLAKE = flake()
BUMPS = layers("black fill M -44 57 Q -32 54 -26 42 Q -20 32 -12 42 Q -4 52 4 42 Q 16 28 26 42 Q 32 54 44 57 Z")
PRIORITY = layers(
    "black fill M 0 -22 L 18 4 L 13 6 L 13 38 L 18 58 L 7 58 L 0 50 L -7 58 L -18 58 L -13 38 L -13 6 L -18 4 Z",
    "black 9 M -30 18 L 30 18",
)
STRIPES = layers(*(f"black 5 M {d - 62} {d + 62} L {d + 62} {d - 62}" for d in (-14, -7, 0, 7, 14)))
RIGHT = layers("white 17> M -26 66 L -26 6 Q -26 -26 8 -26 L 66 -26")
BESIDE = layers("white 17> M -48 -38 L 56 44")
FORK = layers("white 17> M -14 70 L -14 -74", "white 15> M -14 44 Q -14 20 14 20 L 66 20")
CURVE = layers("black 15 M 18 57 L 18 36 Q 18 15 -6 12 L -26 10")

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
    17: ("disc", layers("white fill M -74 -17 L 74 -17 L 74 17 L -74 17 Z")),
    18: ("warning", layers("black fill M -10 -26 L 10 -26 L 6 36 L -6 36 Z", "black fill O 0 51 8")),
    19: ("warning", CURVE),
    20: ("warning", moved(CURVE, sx=-1)),
    21: ("warning", layers("black 14 M 14 57 L 14 17 Q 14 9 7 12 L -7 22 Q -14 26 -14 17 L -14 -17")),
    22: ("warning", BUMPS),
    23: ("warning", SKIDDING),
    24: ("warning", layers("black 8 M -17 60 L -17 -12", "black 8 M 24 60 L 24 34 Q 24 26 16 20 Q 8 15 8 6 L 8 -12")),
    25: ("warning", WORKER),
    26: ("warning", layers("red fill O 0 -13 12", "yellow fill O 0 18 12", "green fill O 0 49 12")),
    27: ("warning", WALKER),
    28: ("warning", CHILDREN),
    29: ("warning", BICYCLE),
    30: ("warning", FLAKE),
    31: ("warning", DEER),
    32: ("end", STRIPES),
    33: ("blue", RIGHT),
    34: ("blue", moved(RIGHT, sx=-1)),
    35: ("blue", layers("white 20> M 0 76 L 0 -72")),
    36: ("blue", FORK),
    37: ("blue", moved(FORK, sx=-1)),
    38: ("blue", BESIDE),
    39: ("blue", moved(BESIDE, sx=-1)),
    40: ("blue", layers(*(f"white 11> A 0 0 58 {start} {start - 84}" for start in (18, -102, 138)))),
    41: ("end", moved(CAR, -34, colour="grey") + moved(CAR, 34, colour="grey") + STRIPES),
    42: ("end", moved(TRUCK, -34, colour="grey") + moved(CAR, 34, 14, colour="grey") + STRIPES),
}


# ----------------------------------------------------------------------------------------------------------------------
# Drawing
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Style:
    """How one physical sign differs from the norm: its paint and the make of its pictogram."""

    colours: dict[str, Colour]
    scale: Pair = (1.0, 1.0)
    shift: Pair = (0.0, 0.0)
    weight: float = 1.0
    open_head: bool = True


NEW = Style(
    {
        "white": (236, 236, 232),
        "red": (172, 22, 28),
        "blue": (12, 76, 160),
        "yellow": (244, 172, 16),
        "black": (22, 22, 24),
        "grey": (118, 120, 120),
        "green": (20, 130, 96),
    }
)


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


def arc(x: float, y: float, radius: float, start: float, stop: float) -> np.ndarray:
    """Points along an arc, (N, 2); degrees, clockwise from the right."""
    angles = np.radians(np.linspace(start, stop, math.ceil(abs(stop - start) / 5) + 1))
    return np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)])


def outlines(layer: Layer) -> list[np.ndarray]:
    """A layer's path as (N, 2) points, one array for each of its parts; closed parts end where they start."""
    parts: list[np.ndarray] = []
    for name, numbers in layer.path:
        match name:
            case "O":
                parts.append(arc(*numbers, 0, 360))
            case "A":
                parts.append(arc(*numbers))
            case "M":
                parts.append(np.reshape(numbers, (-1, 2)))
            case "L":
                parts[-1] = np.vstack([parts[-1], np.reshape(numbers, (-1, 2))])
            case "Q" | "C":
                curve = BezierSegment(np.vstack([parts[-1][-1:], np.reshape(numbers, (-1, 2))]))
                parts[-1] = np.vstack([parts[-1], curve(np.linspace(0, 1, 15)[1:])])
            case "Z":
                parts[-1] = np.vstack([parts[-1], parts[-1][:1]])
            case _:
                raise ValueError(f"{name} is no command of a path")
    return parts


def arrow(points: np.ndarray, width: float, open_head: bool) -> tuple[np.ndarray, np.ndarray]:
    """The shaft, shortened, and the outline of the head at its end: a chevron or a solid triangle."""
    tip = points[-1]
    distances = np.linalg.norm(points - tip, axis=1)
    far = np.flatnonzero(distances > 1.5 * width)
    forward = tip - points[far[-1] if len(far) else 0]
    forward = forward / np.linalg.norm(forward)
    across = np.array([-forward[1], forward[0]])
    if open_head:
        back, half, thick = 2.35 * width, 2.1 * width, 0.85 * width
        side = math.hypot(back, half)
        notch = [(back + thick * half / side, half - thick * back / side), (thick * side / half, 0)]
    else:
        back, half, notch = 2.3 * width, 1.75 * width, []
    right = np.array([(0, 0), (back, half), *notch])
    head = np.vstack([right, right[::-1] * (1, -1)])
    shaft = np.vstack([points[:-1][distances[:-1] > width], tip - width * forward])
    return shaft, tip - head[:, :1] * forward + head[:, 1:] * across


def paint(pen: ImageDraw.ImageDraw, layer: Layer, style: Style, middle: float) -> None:
    """Draw a layer as the style's maker does: scaled around (0, middle), shifted, with lines of a certain weight."""
    unit = FACE * OVERSAMPLING / (200 * REACH)
    ink, width = style.colours[layer.colour], layer.width * style.weight

    def pixels(points: np.ndarray) -> list[Pair]:
        made = (points - (0, middle)) * style.scale + (0, middle) + style.shift
        return [(x, y) for x, y in (FACE * OVERSAMPLING / 2 + unit * made).tolist()]

    for part in outlines(layer):
        if layer.kind is Kind.FILL:
            pen.polygon(pixels(part), ink)
            continue
        shaft, head = arrow(part, width, style.open_head) if layer.kind is Kind.ARROW else (part, None)
        points = pixels(shaft)
        joined = points + points[1:2] if points[0] == points[-1] else points  # a closed line has a joint there, too
        pen.line(joined, ink, round(width * unit), joint="curve")
        if layer.kind is Kind.ROUND:
            for x, y in points:
                pen.circle((x, y), width * unit / 2, ink)
        if head is not None:
            pen.polygon(pixels(head), ink)


def draw_face(class_id: int, style: Style = NEW) -> Image.Image:
    """The front of a sign as an RGBA image, seen straight on; transparent around the sign."""
    image = Image.new("RGBA", (FACE * OVERSAMPLING, FACE * OVERSAMPLING))
    pen = ImageDraw.Draw(image)
    shape, pictogram = SIGNS[class_id]
    middle = 22 if shape == "warning" else 0
    # Pictograms are made a little differently from sign to sign, outlines are not.
    plain = replace(style, scale=NEW.scale, shift=NEW.shift, weight=NEW.weight)
    for table, make in ((SHAPES[shape], plain), (pictogram, style)):
        for layer in table:
            paint(pen, layer, make, middle)
    return image.reduce(OVERSAMPLING)
