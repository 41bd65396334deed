"""What is embedded is what the registry and SOURCES.md say; MNIST is the original; the drawings are up to date."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import inspect
import re
import subprocess
from pathlib import Path

import pytest

from tools.diagrams import draw
from utils import paths
from utils.downloads import registry

EMBEDDED = [source for source in registry().values() if source.embedded]

# The SHA-256 of the original, uncompressed files; their MD5 sums are those that loaders have quoted for years.
MNIST_ORIGINALS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


@pytest.mark.parametrize("source", EMBEDDED, ids=lambda source: source.name)
def test_embedded_file_is_as_registered(source):
    data = (paths.ASSETS / source.name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == source.sha256
    assert len(data) == source.size
    assert len(data) < 25_000_000


def test_sources_page_names_every_file_with_its_hash():
    page = (paths.ASSETS / "SOURCES.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"\| `((?:data|images|models|reveal)/[^`]+)` \| [\d,]+ \| `([0-9a-f]{64})` \|", page))
    assert rows == {source.name: source.sha256 for source in EMBEDDED}


def test_every_file_in_assets_is_registered():
    folders = [paths.ASSETS / name for name in ("data", "images", "models", "reveal")]
    files = {
        path.relative_to(paths.ASSETS).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file()
    }
    assert files == {source.name for source in EMBEDDED}


@pytest.mark.parametrize("name", MNIST_ORIGINALS)
def test_mnist_is_the_original(name):
    data = gzip.decompress((paths.ASSETS / "data" / "mnist" / f"{name}.gz").read_bytes())
    assert hashlib.sha256(data).hexdigest() == MNIST_ORIGINALS[name]


def test_every_registered_file_has_a_hash_and_a_licence():
    for source in registry().values():
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256 or "") or re.fullmatch(r"[0-9a-f]{32}", source.md5 or "")
        assert source.licence
        assert source.embedded or source.urls


def test_keras_states_the_same_hashes():
    for name in ("mnist", "boston_housing"):
        code = inspect.getsource(importlib.import_module(f"keras.src.datasets.{name}"))
        source = registry()[f"{name}.npz"]
        assert source.sha256 in code
        folder = re.search(r'"(https://[^"]+/)"', code).group(1)
        assert source.urls[0].startswith(folder)


def test_drawings_are_what_the_tools_draw():
    assert draw.stale(list(draw.drawings())) == []


def test_every_drawing_is_used_and_has_a_function():
    files = {path.stem for path in draw.FOLDER.glob("*.svg")}
    assert files == set(draw.drawings())
    notebooks = "".join(path.read_text(encoding="utf-8") for path in Path("notebooks").glob("*.ipynb"))
    assert [name for name in sorted(files) if f"{name}.svg" not in notebooks] == []


def test_repository_stays_small():
    listing = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=paths.ROOT, check=True)
    files = [paths.ROOT / name for name in listing.stdout.split("\0") if name]
    assert sum(path.stat().st_size for path in files if path.is_file()) < 80_000_000
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (paths.ROOT / "utils").glob("*.py"))
    assert lines < 1500
