"""Fetching: embedded files are verified, quick mode never downloads, full mode is verified and mirrored.

A local HTTP server stands for the hosts. The faults of real networks: tests/test_download_faults.py.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import served
from utils import datasets, downloads, paths
from utils.downloads import DownloadError, Source, fetch

CONTENT = b"some data\n" * 1000


@pytest.fixture
def server(tmp_path):
    """A folder served on loopback: (folder, address)."""
    folder = tmp_path / "served"
    folder.mkdir()
    with served(folder) as address:
        yield folder, f"{address}/"


@pytest.fixture
def full_mode(tmp_path, monkeypatch):
    """Full mode with a cache of its own, in a path with a space and an umlaut."""
    cache = tmp_path / "caché of mine"
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(cache))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    monkeypatch.setattr(downloads, "WAITS", (0, 0, 0))
    return cache


def register(monkeypatch, *sources: Source) -> None:
    monkeypatch.setattr(downloads, "registry", lambda: {source.name: source for source in sources})


def remote(*urls: str, name: str = "folder/file.bin", **options) -> Source:
    hashes = options or {"sha256": hashlib.sha256(CONTENT).hexdigest()}
    return Source(name=name, licence="none", urls=urls, **hashes)


@pytest.fixture
def assets_copy(tmp_path, monkeypatch):
    """A copy of one embedded file, which a test may damage."""
    copy = tmp_path / "assets"
    (copy / "data").mkdir(parents=True)
    shutil.copy(paths.ASSETS / "data" / "boston_housing.csv", copy / "data")
    downloads.registry()  # cached, so that the real one stays in use
    monkeypatch.setattr(paths, "ASSETS", copy)
    return copy / "data" / "boston_housing.csv"


def test_embedded_file(assets_copy):
    assert fetch("data/boston_housing.csv") == assets_copy


def test_missing_embedded_file_names_file_and_cure(assets_copy):
    assets_copy.unlink()
    with pytest.raises(DownloadError, match=r"(?s)assets/data/boston_housing\.csv.*No such file.*git checkout"):
        fetch("data/boston_housing.csv")


def test_one_wrong_byte_names_file_and_cure(assets_copy):
    data = bytearray(assets_copy.read_bytes())
    data[len(data) // 2] ^= 1
    assets_copy.write_bytes(data)
    with pytest.raises(DownloadError, match=r"(?s)boston_housing\.csv is damaged.*git checkout -- assets/data/"):
        datasets.load_boston_housing()


def test_converted_line_ends_are_named_and_can_be_cured(tmp_path, monkeypatch):
    """A clone by Git for Windows of a course without .gitattributes: the message's commands restore the file."""

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)

    origin, clone = tmp_path / "origin", tmp_path / "clone"
    shutil.copytree(paths.ASSETS / "data", origin / "assets" / "data", ignore=lambda *_: ["mnist", "fashion_mnist"])
    (origin / "notes.txt").write_text("of the student", encoding="utf-8")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        git("-C", str(origin), *words)
    git("clone", "-q", "-c", "core.autocrlf=true", str(origin), str(clone))
    (clone / "notes.txt").write_text("changed", encoding="utf-8")
    downloads.registry()  # cached, so that the real one stays in use
    monkeypatch.setattr(paths, "ASSETS", clone / "assets")
    with pytest.raises(DownloadError, match=r"507 of its line ends were converted.*the first at byte 62") as caught:
        fetch("data/boston_housing.csv")
    for line in str(caught.value).splitlines():
        if line.startswith("  git "):
            git("-C", str(clone), *line.split()[1:])
    fetch("data/boston_housing.csv")
    assert (clone / "notes.txt").read_text(encoding="utf-8") == "changed"


def test_unknown_name():
    with pytest.raises(KeyError, match="not in assets/registry"):
        fetch("no such file")
    with pytest.raises(KeyError, match=r"Did you mean mnist\.npz"):
        fetch("minst.npz")


def test_a_notebook_shows_the_message_and_no_traceback(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    result = shell.run_cell("from utils.downloads import fetch\nfetch('mnist.npz')")
    InteractiveShell.clear_instance()
    assert isinstance(result.error_in_exec, DownloadError)  # it is still an error, for the programs that run notebooks
    shown = capsys.readouterr().out
    assert "COURSE_MODE=full" in shown
    assert "Traceback" not in shown


def test_quick_mode_never_downloads(monkeypatch, server):
    folder, address = server
    (folder / "file.bin").write_bytes(CONTENT)
    register(monkeypatch, remote(address + "file.bin"))
    monkeypatch.setenv("COURSE_MODE", "quick")
    with pytest.raises(DownloadError, match="COURSE_MODE=full"):
        fetch("folder/file.bin")


def test_download_is_verified_and_cached(monkeypatch, server, full_mode):
    folder, address = server
    (folder / "file.bin").write_bytes(CONTENT)
    register(monkeypatch, remote(address + "file.bin"))
    path = fetch("folder/file.bin")
    assert path == full_mode / "folder" / "file.bin"
    assert path.read_bytes() == CONTENT
    (folder / "file.bin").unlink()  # the second time the host is not asked
    assert fetch("folder/file.bin").read_bytes() == CONTENT


def test_md5_where_there_is_no_sha256(monkeypatch, server, full_mode):
    folder, address = server
    (folder / "file.bin").write_bytes(CONTENT)
    register(monkeypatch, remote(address + "file.bin", md5=hashlib.md5(CONTENT).hexdigest()))
    assert fetch("folder/file.bin").read_bytes() == CONTENT


def test_wrong_bytes_leave_nothing_behind(monkeypatch, server, full_mode):
    folder, address = server
    (folder / "file.bin").write_bytes(b"<html>busy</html>")
    register(monkeypatch, remote(address + "file.bin"))
    with pytest.raises(DownloadError, match=r"(?s)file\.bin.*COURSE_MIRROR.*quick"):
        fetch("folder/file.bin")
    assert [path.name for path in full_mode.rglob("*") if path.is_file()] == ["file.bin.lock"]


def test_a_verified_file_is_not_hashed_again_until_it_changes(monkeypatch, server, full_mode):
    folder, address = server
    (folder / "file.bin").write_bytes(CONTENT)
    register(monkeypatch, remote(address + "file.bin"))
    path = fetch("folder/file.bin")
    status = path.stat()
    path.write_bytes(CONTENT[::-1])  # the same size, another time of change
    os.utime(path, ns=(1, 1))
    assert fetch("folder/file.bin").read_bytes() == CONTENT
    status = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # silently changed: only a full check sees it
    source = downloads.registry()["folder/file.bin"]
    for forget in (False, True):
        if forget:  # as in a new process: the record beside the file remains
            downloads._seals.clear()
        assert downloads.is_verified(path, source)
    assert not downloads.is_verified(path, source, again=True)


def test_a_progress_bar_shows_size_and_rate_and_is_quiet_in_ci(monkeypatch, server, full_mode, capsys):
    folder, address = server
    (folder / "file.bin").write_bytes(CONTENT)
    register(monkeypatch, remote(address + "file.bin"))
    for ci in ("", "1"):
        monkeypatch.setenv("CI", ci)
        fetch("folder/file.bin").unlink()
        shown = capsys.readouterr()
        assert shown.out == ""
        assert ("folder/file.bin" in shown.err and "/10.0k" in shown.err and "B/s" in shown.err) is (ci == "")


def test_next_address_is_tried(monkeypatch, server, full_mode):
    folder, address = server
    (folder / "second.bin").write_bytes(CONTENT)
    register(monkeypatch, remote(address + "first.bin", address + "second.bin"))
    assert fetch("folder/file.bin").read_bytes() == CONTENT


def test_mirror_replaces_every_host(monkeypatch, server, full_mode):
    folder, address = server
    (folder / "folder").mkdir()
    (folder / "folder" / "file.bin").write_bytes(CONTENT)
    register(monkeypatch, remote("http://127.0.0.1:9/never-asked"))
    monkeypatch.setenv("COURSE_MIRROR", address.rstrip("/"))
    assert fetch("folder/file.bin").read_bytes() == CONTENT


def test_dead_host_is_one_clear_error(monkeypatch, full_mode):
    register(monkeypatch, remote("http://127.0.0.1:9/file.bin"))
    with pytest.raises(DownloadError) as caught:
        fetch("folder/file.bin")
    message = str(caught.value)
    for word in ("http://127.0.0.1:9/file.bin", str(full_mode), "COURSE_MIRROR", "COURSE_MODE=quick"):
        assert word in message
    assert len(message.splitlines()) == 3


def test_the_cache_is_where_the_system_keeps_caches(monkeypatch):
    """The folder that earlier versions of the course took, so that nobody downloads again."""
    monkeypatch.delenv("COURSE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    places = {"linux": ".cache", "darwin": "Library/Caches"}
    if sys.platform in places:
        assert downloads.cache_dir() == Path.home() / places[sys.platform] / "deep-learning-course"


@pytest.mark.parametrize("members", [2, None, 3])
def test_an_archive_is_unpacked_once_and_whole(monkeypatch, server, full_mode, members):
    folder, address = server
    with zipfile.ZipFile(folder / "signs.zip", "w") as archive:
        archive.writestr("a/b.txt", "x")
        archive.writestr("c.txt", "y")
    data = (folder / "signs.zip").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    register(monkeypatch, remote(address + "signs.zip", name="signs.zip", sha256=digest, members=members))
    if members == 3:
        with pytest.raises(DownloadError, match=r"signs\.zip was not unpacked: it has 2 files, not 3"):
            downloads.unpack("signs.zip")
        assert [path for path in full_mode.iterdir() if path.is_dir()] == []
        return
    unpacked = downloads.unpack("signs.zip")
    assert {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*.txt")} == {"a/b.txt", "c.txt"}
    (unpacked / "c.txt").unlink()
    assert downloads.unpack("signs.zip") == unpacked
    assert not (unpacked / "c.txt").exists()
