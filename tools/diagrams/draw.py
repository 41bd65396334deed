"""Draw the course's diagrams: assets/diagrams/*.svg from the functions in tools/diagrams/.

python -m tools.diagrams.draw              draw all
python -m tools.diagrams.draw 03           those whose name begins with 03
python -m tools.diagrams.draw --png DIR    also as PNG, to look at them
python -m tools.diagrams.draw --check      draw to memory and compare with what is committed, as pictures
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_type_hints

import cv2
import matplotlib as mpl
import numpy as np
import resvg_py
from matplotlib.figure import Figure

from tools.data.registry import write_file
from tools.diagrams.drawing import svg
from utils import paths

FOLDER = paths.ASSETS / "diagrams"
# Of 255. Words moved by a tenth of a point make 13 and more, one changed digit 20 and more.
TOLERANCE = 8.0


def drawings() -> dict[str, Callable[[], Figure]]:
    """All drawings by file name without suffix, NN_<name>: the functions of lessonNN.py that return a Figure."""
    found: dict[str, Callable[[], Figure]] = {}
    for path in sorted(Path(__file__).parent.glob("lesson*.py")):
        module = importlib.import_module(f"tools.diagrams.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if get_type_hints(function).get("return") is Figure:
                found[f"{path.stem.removeprefix('lesson')}_{name}"] = function
    return found


def draw(name: str) -> str:
    """One drawing as SVG; the first line of its function's docstring becomes the title."""
    function = drawings()[name]
    with mpl.rc_context():
        mpl.rcdefaults()  # the same drawing, whatever style its caller has set
        return svg(function(), name, (function.__doc__ or name).strip().splitlines()[0])


def png(drawing: str) -> bytes:
    """An SVG as a PNG file at 96 dpi. Drawings hold their words as outlines, so no font is looked for."""
    return bytes(resvg_py.svg_to_bytes(svg_string=drawing, dpi=96, skip_system_fonts=True))


def difference(first: str, second: str) -> float:
    """How far two SVGs are apart as pictures: 0..255, infinite if their sizes differ.

    It is the largest difference after a blur over some pixels, so that a digit in a large drawing counts as much as
    in a small one, and the smoothing of an edge does not.
    """
    if first == second:
        return 0.0
    a, b = (cv2.imdecode(np.frombuffer(png(text), np.uint8), cv2.IMREAD_COLOR) for text in (first, second))
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(cv2.GaussianBlur(a.astype(np.float32) - b, (0, 0), 2)).max())


def stale(names: Iterable[str]) -> list[str]:
    """The names whose committed file is missing or is another picture than the function draws now."""
    return [
        name
        for name in names
        if not (FOLDER / f"{name}.svg").is_file()
        or difference((FOLDER / f"{name}.svg").read_text(encoding="utf-8"), draw(name)) > TOLERANCE
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefix", nargs="?", default="", help="only drawings whose name begins so, for example 03")
    parser.add_argument("--png", type=Path, help="folder for PNG copies")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    names = [name for name in drawings() if name.startswith(arguments.prefix)]
    if not names:
        sys.exit(f"No drawing begins with {arguments.prefix!r}.")
    if arguments.check:
        if old := stale(names):
            sys.exit("Not what the tools draw now: " + ", ".join(old) + "\nRun: python -m tools.diagrams.draw")
        print(f"{len(names)} drawings are as the tools draw them.")
        return
    for name in names:
        drawing = draw(name)
        write_file(FOLDER / f"{name}.svg", drawing.encode())
        if arguments.png:
            write_file(arguments.png / f"{name}.png", png(drawing))
    print(f"{len(names)} drawings in assets/diagrams/")


if __name__ == "__main__":
    main()
