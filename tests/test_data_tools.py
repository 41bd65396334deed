"""Rebuilding what is embedded: the registry's writer, the recipes' helpers, and nothing replaced by mistake."""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.support import exit_code
from tools.data import build, packages, registry
from utils import paths
from utils.datasets import read_idx


@pytest.fixture
def assets(tmp_path, monkeypatch):
    """A folder of assets with one registered file."""
    monkeypatch.setattr(paths, "ASSETS", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_bytes(b"old")
    (tmp_path / "registry.json").write_text("{}", encoding="utf-8")
    registry.register("data/a.csv", licence="CC BY 4.0 (Jürgen)")
    return tmp_path


def test_a_file_is_registered_with_size_hash_and_licence(assets):
    sha256 = hashlib.sha256(b"old").hexdigest()
    entry = {"embedded": True, "size": 3, "sha256": sha256, "licence": "CC BY 4.0 (Jürgen)"}
    assert registry.read() == {"data/a.csv": entry}
    assert "Jürgen" in (assets / "registry.json").read_text(encoding="utf-8")
    with zipfile.ZipFile(assets / "b.zip", "w") as archive:
        archive.writestr("one", "1")
        archive.writestr("two", "2")
    registry.register("b.zip", licence="MIT")
    assert registry.read()["b.zip"]["members"] == 2


def test_the_writer_s_form_is_that_of_the_committed_registry():
    text = (paths.ASSETS / "registry.json").read_text(encoding="utf-8")
    assert json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n" == text


def test_a_change_that_is_meant_is_renewed(assets, monkeypatch, capsys):
    (assets / "data" / "a.csv").write_bytes(b"new one")
    assert exit_code(registry, monkeypatch) == "Not as registered: data/a.csv"
    monkeypatch.setattr("sys.argv", ["registry", "renew", "data/a.csv"])
    registry.main()
    assert registry.differences() == []
    assert registry.read()["data/a.csv"]["size"] == 7
    with pytest.raises(KeyError):
        registry.renew("data/unknown.csv")


def test_a_rebuilt_file_with_another_hash_replaces_nothing(assets, monkeypatch):
    monkeypatch.setattr(build, "RECIPES", {"x": lambda folder: {"data/a.csv": b"other"}})
    assert "Nothing was replaced" in exit_code(build, monkeypatch, "x")
    assert (assets / "data" / "a.csv").read_bytes() == b"old"
    monkeypatch.setattr("sys.argv", ["build", "x", "--accept"])
    build.main()
    assert (assets / "data" / "a.csv").read_bytes() == b"other"
    assert registry.differences() == []


def test_a_file_without_a_licence_is_not_built(assets):
    with pytest.raises(SystemExit, match=r"data/b\.csv is not in assets/registry\.json"):
        registry.store({"data/a.csv": b"old", "data/b.csv": b"new"}, accept=True)
    assert not (assets / "data" / "b.csv").exists()


def test_a_full_disk_leaves_the_old_file_and_no_other(assets, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        registry.store({"data/a.csv": b"old"})
    assert (assets / "data" / "a.csv").read_bytes() == b"old"
    assert [path.name for path in (assets / "data").iterdir()] == ["a.csv"]


def test_an_unknown_recipe_is_refused(monkeypatch, capsys):
    assert exit_code(build, monkeypatch, "nist") == 2
    assert "no recipe nist; there are: boston_housing, mnist" in capsys.readouterr().err


def test_a_package_client_that_is_missing_or_fails_is_named(tmp_path):
    with pytest.raises(SystemExit, match="needs the command 'no-such-client'"):
        packages.run("no-such-client", cwd=tmp_path)
    with pytest.raises(SystemExit, match=r"-c import x_y_z failed; why stands above"):
        packages.run(sys.executable, "-c", "import x_y_z", cwd=tmp_path)


def test_idx_files_are_read_as_written(tmp_path):
    for array in (np.arange(24, dtype="uint8").reshape(2, 3, 4), np.array([7, 9], "uint8")):
        (tmp_path / "x.gz").write_bytes(build.deflate(build.write_idx(array)))
        np.testing.assert_array_equal(read_idx(tmp_path / "x.gz"), array)
    assert build.deflate(b"x") == build.deflate(b"x")
    assert gzip.decompress(build.deflate(b"x")) == b"x"
