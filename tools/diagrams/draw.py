"""Draw the course's diagrams: assets/diagrams/*.svg from the functions in tools/diagrams/.

python -m tools.diagrams.draw              draw all
python -m tools.diagrams.draw 03           those whose name begins with 03
python -m tools.diagrams.draw --png DIR    also as PNG, to look at them
python -m tools.diagrams.draw --check      draw to memory and compare with what is committed
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from tools.diagrams.drawing import save_svg
from utils import paths

FOLDER = paths.ASSETS / "diagrams"


def drawings() -> dict[str, Callable[[], Figure]]:
    """All drawings by file name without suffix, from the table DRAWINGS of each tools/diagrams/lessonNN.py."""
    found: dict[str, Callable[[], Figure]] = {}
    for module in sorted((paths.ROOT / "tools" / "diagrams").glob("lesson*.py")):
        found.update(importlib.import_module(f"tools.diagrams.{module.stem}").DRAWINGS)
    return found


def draw(name: str, target: Path) -> None:
    """Draw one diagram into a folder; the first line of its function's docstring becomes the SVG's title."""
    function = drawings()[name]
    save_svg(function(), target / f"{name}.svg", (function.__doc__ or name).strip().splitlines()[0])


def stale(names: list[str]) -> list[str]:
    """The names whose committed file is missing or differs from what the function draws now."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            draw(name, Path(folder))
        return [
            name
            for name in names
            if not (FOLDER / f"{name}.svg").is_file()
            or (FOLDER / f"{name}.svg").read_bytes() != (Path(folder) / f"{name}.svg").read_bytes()
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
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names:
        draw(name, FOLDER)
        if arguments.png:
            arguments.png.mkdir(parents=True, exist_ok=True)
            drawings()[name]().savefig(arguments.png / f"{name}.png", dpi=100)
    print(f"{len(names)} drawings in assets/diagrams/")


if __name__ == "__main__":
    main()
