"""Put the result of a training into the course.

    python -m tools.train.publish build/train/hrnet

Moves what lies in the folder's assets/ into the course's; entries of a JSON file replace those of the same names. Then
the hashes and sizes in assets/registry.json, docs/RESULTS.md, and the numbers that stand between comments in README.md
(see tools.train.results) are written anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.data import registry
from tools.train import results
from tools.train.common import read_json, write_json
from utils import paths


def is_trial(value: object) -> bool:
    """Whether a result, or a part of it, came from a shortened training."""
    return isinstance(value, dict) and ("trial" in value or any(map(is_trial, value.values())))


def publish(folder: Path, trial: bool = False) -> list[str]:
    """Move a training's result into assets/ and renew what depends on it.

    Args:
        folder: the training's target.
        trial: also a result of a shortened training.

    Returns:
        The names of the files, below assets/.

    Raises:
        SystemExit: there is no result, it is a trial's, or the registry does not know a file.
    """
    source = folder / "assets"
    files = sorted(path for path in source.rglob("*") if path.is_file())
    if not files:
        sys.exit(f"{folder} holds no result: no file in {source}.")
    names = [path.relative_to(source).as_posix() for path in files]
    unknown = set(names) - registry.read().keys()
    if unknown:
        sys.exit(f"assets/registry.json does not know {', '.join(sorted(unknown))}: add entries with licences first.")
    new = {path: read_json(path) for path in files if path.suffix == ".json"}
    if any(map(is_trial, new.values())) and not trial:
        sys.exit(f"{folder} holds the result of a shortened training; --trial publishes it all the same.")
    for path, name in zip(files, names, strict=True):
        if path in new:
            kept = read_json(paths.ASSETS / name, {})
            kept.pop("trial", None)
            write_json(paths.ASSETS / name, kept | new[path])
        else:
            registry.write_file(paths.ASSETS / name, path.read_bytes())
        registry.renew(name)
    results.write()
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what a training was given as --target")
    parser.add_argument("--trial", action="store_true", help="publish even the result of a shortened training")
    arguments = parser.parse_args()
    names = publish(arguments.folder, arguments.trial)
    print(f"Published {', '.join(names)}.")
    print("Renewed: the registry, docs/RESULTS.md, the numbers in README.md and assets/SOURCES.md.")


if __name__ == "__main__":
    main()
