"""What two runs of a lesson are compared by: the text and the figures among a cell's outputs, as the cell's tags say.

Every figure is compared. One that is the same on every machine must be drawn alike, pixel for pixel. One that depends
on a training (tag `figure-varies`), or that stands among text that nobody compares (`nbval-ignore-output`), must have
its ink at about the same places. In a plot that holds for each colour: rounding moves a curve a little; a swapped or
empty plot, or a curve that is missing, moves most of it. In a figure of pictures other pictures may stand, but as many.
"""

from __future__ import annotations

import base64

import cv2
import numpy as np
from nbformat import NotebookNode

TEXT_IGNORED = "nbval-ignore-output"
FIGURE_VARIES = "figure-varies"
FIGURE_KINDS = ("image/png", "image/jpeg")

# Root mean square difference of two figures, of 255. The same versions of Matplotlib and NumPy give 0; this leaves room
# for the rounding of another processor and is far below what one moved curve makes.
TIGHT = 1.0
# Share of the ink that has no counterpart nearby. In a plot, colour by colour: other processors, other numbers of
# threads and other versions moved up to 19 %; of two plots of a training at least 42 %, a curve that is missing 100 %.
PLOT = 0.3
# In a figure of pictures, whatever their colours, since after another training other pictures may stand there: other
# processors moved up to 0.4 %, a picture that is missing among ten 2 to 8 %.
PICTURES = 0.02
WHITE = 250  # of 255: darker than that is ink
MOSTLY_WHITE = 0.85  # share of a figure that is white if it is a plot; of the lessons' plots 90 %, of the others 76 %
NEARBY = 0.03  # of the figure's longer side
RARE = 0.001  # of the figure's area: a colour with less ink than that is left out
SAME_SIZE = 0.05  # of the size: the margins are cut to the labels, whose widths vary
COLOURS = 14


def figures(outputs: list[NotebookNode]) -> list[np.ndarray]:
    """The figures among a cell's outputs, each (H, W, 3) uint8 in OpenCV's order BGR, on white."""
    data = [output.get("data", {}) for output in outputs]
    return [decoded(bundle[kind]) for bundle in data for kind in FIGURE_KINDS if kind in bundle]


def decoded(text: str) -> np.ndarray:
    """A picture in base64 as (H, W, 3) uint8 BGR; what is transparent shows white.

    Raises:
        ValueError: it is no picture.
    """
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise ValueError("an output says that it is a picture, and is none")
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if picture.shape[2] == 3:
        return picture
    alpha = picture[..., 3:] / 255
    return np.rint(picture[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def tight_problem(a: np.ndarray, b: np.ndarray) -> str:
    """In what the second figure is not the first one, pixel for pixel; empty if in nothing."""
    if a.shape != b.shape:
        return f"has {b.shape[1]} x {b.shape[0]} pixels instead of {a.shape[1]} x {a.shape[0]}"
    difference = float(np.sqrt(np.mean((a.astype(float) - b) ** 2)))
    return f"differs by {difference:.2f} of 255" if difference > TIGHT else ""


def loose_problem(a: np.ndarray, b: np.ndarray, most: float = PLOT) -> str:
    """In what the second figure is not the first one but for a training's noise; empty if in nothing.

    Args:
        most: in a plot, the share of a colour's ink that may stand elsewhere.
    """
    if max(abs(n - m) / max(n, m) for n, m in zip(a.shape[:2], b.shape[:2], strict=True)) > SAME_SIZE:
        return f"has {b.shape[1]} x {b.shape[0]} pixels instead of {a.shape[1]} x {a.shape[0]}"
    size = np.maximum(a.shape[:2], b.shape[:2])
    a, b = on_white(a, size), on_white(b, size)
    inked = [picture.min(axis=2) < WHITE for picture in (a, b)]
    if max(inked[0].mean(), inked[1].mean()) > 1 - MOSTLY_WHITE:
        elsewhere = displaced(*inked)
        return f"fills other places: {elsewhere:.0%} of its ink" if elsewhere > PICTURES else ""
    one, other = colours(a), colours(b)
    elsewhere = max(displaced(one == colour, other == colour) for colour in range(1, COLOURS))
    return f"has {elsewhere:.0%} of the ink of one colour at other places" if elsewhere > most else ""


def displaced(one: np.ndarray, other: np.ndarray) -> float:
    """Of two figures' ink, (H, W) bool, the share that has none of the other's nearby; 0 if there is hardly any ink."""
    both = one.sum() + other.sum()
    if both < 2 * RARE * one.size:
        return 0.0
    reach = 2 * int(NEARBY * max(one.shape)) + 1
    near = [cv2.dilate(ink.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0 for ink in (one, other)]
    return float(((one & ~near[1]).sum() + (other & ~near[0]).sum()) / both)


def on_white(picture: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The picture at the upper left of a white one of this height and width."""
    height, width = size - picture.shape[:2]
    return cv2.copyMakeBorder(picture, 0, int(height), 0, int(width), cv2.BORDER_CONSTANT, value=(255, 255, 255))


def colours(picture: np.ndarray) -> np.ndarray:
    """The colour of each pixel, (H, W) int below COLOURS: 0 pale, 1 dark, from 2 on one of twelve ranges of hue."""
    hue, saturation, value = np.moveaxis(cv2.cvtColor(picture, cv2.COLOR_BGR2HSV).astype(int), -1, 0)
    # OpenCV's hues are 0 to 179. Ranges from 2 on, so that the palette's orange and vermilion fall into two of them.
    ranges = 2 + (hue - 2) % 180 // 15
    return np.where((saturation > 90) & (value > 60), ranges, value < 160)


def figure_problem(tags: list[str], before: list[NotebookNode], after: list[NotebookNode], most: float = PLOT) -> str:
    """In what the figures of two runs of a cell differ, by the measure that its tags choose; empty if in nothing."""
    old, new = figures(before), figures(after)
    if len(old) != len(new):
        return f"{len(new)} figures instead of {len(old)}"
    loose = bool({TEXT_IGNORED, FIGURE_VARIES} & set(tags))
    for number, pair in enumerate(zip(old, new, strict=True), start=1):
        problem = loose_problem(*pair, most) if loose else tight_problem(*pair)
        if problem:
            return f"figure {number} {problem}"
    return ""


def words(outputs: list[NotebookNode]) -> list[tuple[str, str]]:
    """The text among outputs, by kind; what went to stderr and pictures left out."""
    found = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stdout":
            found.append(("stdout", output.text))
        for kind, data in sorted(output.get("data", {}).items()):  # as in a file
            if not kind.startswith("image/"):
                found.append((kind, "".join(data)))
    return found


def text_problem(tags: list[str], before: list[NotebookNode], after: list[NotebookNode]) -> str:
    """In what the text of two runs of a cell differs; empty if in nothing, or if the cell's text is not compared."""
    old, new = words(before), words(after)
    if TEXT_IGNORED in tags or old == new:
        return ""
    changed = next((pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]), (old[-1:], new[-1:]))
    return f"text: {str(changed[0])[:200]} … then {str(changed[1])[:200]}"
