"""What is embedded is what the registry and SOURCES.md say, MNIST is the original, and a clone stays small."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import subprocess
import zipfile
from fnmatch import fnmatch

import pandas as pd
import pytest

from tools.data import compact, registry
from utils import paths

EMBEDDED = {name: entry for name, entry in registry.read().items() if entry.get("embedded")}
SOURCES = (paths.ASSETS / "SOURCES.md").read_text(encoding="utf-8")

# The SHA-256 of the original, uncompressed files; their MD5 sums are those that loaders have quoted for years.
MNIST_ORIGINALS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def test_embedded_files_are_as_registered():
    assert registry.differences() == []
    sizes = {name: (paths.ASSETS / name).stat().st_size for name in EMBEDDED}
    assert sizes == {name: entry["size"] for name, entry in EMBEDDED.items()}


def test_every_file_in_assets_is_registered():
    files = {path.relative_to(paths.ASSETS).as_posix() for path in paths.ASSETS.rglob("*") if path.is_file()}
    pages = {"SOURCES.md", "registry.json"}
    assert {name for name in files - pages if not fnmatch(name, "diagrams/*.svg")} == set(EMBEDDED)


def test_every_registered_file_has_a_hash_and_a_licence():
    for name, entry in registry.read().items():
        assert re.fullmatch(r"[0-9a-f]{64}", entry.get("sha256", "")) or re.fullmatch(r"[0-9a-f]{32}", entry["md5"])
        assert entry["licence"], name
        assert entry.get("embedded") or (entry["urls"] and entry["lessons"]), name


def test_the_page_of_sources_names_every_file():
    patterns = re.findall(r"`((?:data|images|models|reveal)/[^`]+)`", SOURCES)
    assert [name for name in EMBEDDED if not any(fnmatch(name, pattern) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not (list(paths.ASSETS.glob(pattern)))] == []


def test_authors_and_licences_are_those_of_the_registry():
    rows = re.findall(r"^\| `(images/[^`]+)` \| (.+) \| (.+) \|$", SOURCES, flags=re.MULTILINE)
    assert len(rows) > 60
    for pattern, author, licence in rows:
        stated = {entry["licence"] for name, entry in EMBEDDED.items() if fnmatch(name, pattern)}
        ours = author == "this course" and all(text.startswith("CC BY 4.0 (") for text in stated)
        assert ours or stated == {f"{licence} ({author})"}, pattern


def test_authors_of_training_photographs_stand_on_the_page():
    for row in pd.read_csv(paths.ROOT / "tools" / "data" / "training_photos.csv").itertuples():
        assert f"| {row.name} | {row.author} | {row.licence} | File:" in SOURCES


@pytest.mark.parametrize("name", MNIST_ORIGINALS)
def test_mnist_is_the_original(name):
    data = gzip.decompress((paths.ASSETS / "data" / "mnist" / f"{name}.gz").read_bytes())
    assert hashlib.sha256(data).hexdigest() == MNIST_ORIGINALS[name]


def test_a_clone_stays_small():
    listing = subprocess.run(["git", "ls-files", "-z"], capture_output=True, cwd=paths.ROOT, check=True)
    files = [paths.ROOT / name for name in listing.stdout.decode().split("\0") if name]
    sizes = {path: path.stat().st_size for path in files if path.is_file()}
    assert sum(sizes.values()) < 90_000_000
    assert max(sizes.values()) < 25_000_000
    assert max(size for path, size in sizes.items() if path.suffix == ".ipynb") < 3_000_000


def test_shipped_networks_can_be_read_by_the_keras_of_python_3_10():
    shipped = sorted((paths.ASSETS / "models").glob("*.keras"))
    assert len(shipped) == 5
    for path in shipped:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
        assert compact.without(config, compact.OMITTED) == config, path.name
