"""The one writer of assets/registry.json: compare the embedded files with it, or take over a change that is meant.

python -m tools.data.registry                  compare every embedded file
python -m tools.data.registry renew NAME ...   take size and hash of these files, for example data/hrnet_scores.json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utils import paths


def read() -> dict[str, dict[str, Any]]:
    """The registry's entries by name, as they stand in the file."""
    return json.loads((paths.ASSETS / "registry.json").read_text(encoding="utf-8"))


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: it gets its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def register(name: str, licence: str) -> None:
    """Enter an embedded file, or give its entry another licence; size and hash are those of the file.

    Args:
        name: path below assets/, with forward slashes.
        licence: licence and author, as in "CC BY 4.0 (this course)".
    """
    entries = read()
    path = paths.ASSETS / name
    data = path.read_bytes()
    entry = {"embedded": True, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    if zipfile.is_zipfile(path) and path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            entry["members"] = len(archive.namelist())
    entries[name] = {**entry, "licence": licence}
    write_file(paths.ASSETS / "registry.json", (json.dumps(entries, indent=2, ensure_ascii=False) + "\n").encode())


def renew(name: str) -> None:
    """Take size and hash of an embedded file that was changed on purpose; KeyError if it has no entry."""
    register(name, read()[name]["licence"])


def store(files: Mapping[str, bytes], accept: bool = False) -> None:
    """Write rebuilt files below assets/, if they are as registered.

    Args:
        files: contents by name in the registry.
        accept: a difference is meant; the registry is renewed.

    Raises:
        SystemExit: a file is not registered, or differs and `accept` is False. Nothing was replaced then.
    """
    entries = read()
    for name, data in files.items():
        if name not in entries:
            sys.exit(f"{name} is not in assets/registry.json. Nothing was replaced; `register` enters a new file.")
        sha256, expected = hashlib.sha256(data).hexdigest(), entries[name]["sha256"]
        print(f"{name}  {len(data):,} bytes  sha256 {sha256}  {'as registered' if sha256 == expected else 'DIFFERS'}")
        if sha256 != expected and not accept:
            sys.exit(f"{name}: assets/registry.json says {expected}. Nothing was replaced; --accept would.")
    for name, data in files.items():
        write_file(paths.ASSETS / name, data)
        if accept:
            renew(name)


def differences() -> list[str]:
    """The embedded files that are missing or not as registered."""
    return [
        name
        for name, entry in read().items()
        if entry.get("embedded")
        and not (
            (paths.ASSETS / name).is_file()
            and hashlib.sha256((paths.ASSETS / name).read_bytes()).hexdigest() == entry["sha256"]
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("renew").add_argument("names", nargs="+", help="paths below assets/")
    arguments = parser.parse_args()
    if arguments.command == "renew":
        for name in arguments.names:
            renew(name)
    elif different := differences():
        sys.exit("Not as registered: " + ", ".join(different))
    else:
        print("Every embedded file is as assets/registry.json says.")


if __name__ == "__main__":
    main()
