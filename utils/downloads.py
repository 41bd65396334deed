"""Where every data file and model of the course comes from, and how it gets onto this machine, verified.

assets/registry.json lists each file once: either embedded in the repository (`"embedded": true`, its name is its path
below assets/) or to be downloaded (`"urls"`, in order of preference), always with hash and licence.

A download goes into NAME.part beside its place, is continued after an interruption, and takes its name only when its
hash is right. A lock lets many processes ask for one file at once. docs/DOWNLOADS.md lists what can go wrong and what
is then in the cache.
"""

from __future__ import annotations

import atexit
import contextlib
import difflib
import errno
import functools
import hashlib
import ipaddress
import json
import os
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import filelock
import platformdirs

from utils import paths
from utils.mode import mode
from utils.transfer import TransferError, receive, size_of

WAITS = (1, 3, 9)  # seconds before the second, third and fourth round of tries
CURE = "Check the connection, name a mirror in COURSE_MIRROR, or work in quick mode (COURSE_MODE=quick)."
# `git checkout -- assets` alone does nothing, because Git takes the converted files for unchanged.
CONVERSION_CURE = """Git for Windows does that by default. Restore all files with these three commands:
  git config core.autocrlf false
  git rm -r -q --cached assets
  git checkout HEAD -- assets"""
_seals: dict[Path, str] = {}  # what `is_verified` has found in this process


class DownloadError(RuntimeError):
    """A file is missing, damaged or cannot be had; the message says which, why, and what to do."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback: the message says all that there is to know."""
        return [f"DownloadError: {self}"]


@dataclass(frozen=True)
class Source:
    """One entry of the registry.

    Attributes:
        name: its key, a relative path with forward slashes.
        sha256: hash of the file's bytes as 64 hex digits, or None where the publisher states only `md5`.
        md5: MD5 as 32 hex digits, used where there is no SHA-256.
        size: bytes, or None where no source states it; for the progress bar and the room on the disk: the hash decides.
        licence: licence or status of the file.
        urls: where it can be downloaded, best first; empty for an embedded file.
        embedded: True if the file is part of the repository.
        members: for an archive that is unpacked, how many files are in it.
        lessons: numbers of the lessons whose full mode downloads it.
    """

    name: str
    licence: str
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    urls: Sequence[str] = ()
    embedded: bool = False
    members: int | None = None
    lessons: Sequence[int] = ()

    @property
    def algorithm(self) -> str:
        """Which hash is known of it, "sha256" or "md5"."""
        return "sha256" if self.sha256 else "md5"

    @property
    def digest(self) -> str:
        """That hash, in hex digits."""
        return self.sha256 or self.md5 or ""


@functools.cache
def registry() -> dict[str, Source]:
    """All known files by name, from assets/registry.json."""
    entries = json.loads((paths.ASSETS / "registry.json").read_text(encoding="utf-8"))
    return {name: Source(name=name, **entry) for name, entry in entries.items()}


def cache_dir() -> Path:
    """Folder of downloaded files: $COURSE_CACHE, or the user's cache directory."""
    return Path(os.environ.get("COURSE_CACHE") or platformdirs.user_cache_dir("deep-learning-course"))


def file_hash(path: Path, algorithm: str = "sha256") -> str:
    """The hash of a file's bytes, in hex digits."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def fetch(name: str) -> Path:
    """The path of a registered file whose hash has been verified, downloading it first where that is needed.

    An embedded file is never downloaded. In quick mode nothing is: asking for a file that is not embedded is an error.
    A file once verified is hashed again only when its size or its time of change differ (`make doctor` hashes all).

    Args:
        name: key in assets/registry.json, for example "data/mnist/train-images-idx3-ubyte.gz" or "mnist.npz".

    Returns:
        Absolute path of the file.

    Raises:
        KeyError: the name is not registered.
        DownloadError: the file is missing or damaged, or cannot be downloaded.
    """
    if name not in registry():
        similar = difflib.get_close_matches(name, registry(), 3)
        hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
        raise KeyError(f"{name!r} is not in assets/registry.json.{hint}")
    source = registry()[name]
    if source.embedded:
        return _verify_embedded(source)
    if mode() != "full":
        raise DownloadError(f"{name} would have to be downloaded, and quick mode never does. Set COURSE_MODE=full.")
    path = cache_dir() / name
    try:
        if not is_verified(path, source):
            path.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(f"{path}.lock"):
                if not is_verified(path, source):  # another process may have fetched it meanwhile
                    _download(source, path)
    except OSError as error:
        raise DownloadError(_unwritable(path, error)) from error
    return path


def _unwritable(path: Path, error: OSError) -> str:
    reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error
    return f"{path} cannot be written: {reason}.\nMake room, or name another folder in COURSE_CACHE."


def is_verified(path: Path, source: Source, *, again: bool = False) -> bool:
    """Whether the file is there with the right hash.

    The hash is remembered, with the file's size and time of change, in this process and beside the file.

    Args:
        path: the file.
        source: what it should be.
        again: hash it even if it seems unchanged since the last time.
    """
    if not path.exists():
        return False
    status = path.stat()
    seal = f"{source.algorithm}:{source.digest} {status.st_size} {status.st_mtime_ns}"
    record = path.with_name(path.name + ".verified")
    if not again:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if (_seals.get(path) or record.read_text(encoding="utf-8")) == seal:
                return True
    if file_hash(path, source.algorithm) != source.digest:
        return False
    _seals[path] = seal
    if not source.embedded:
        with contextlib.suppress(OSError):  # a shared cache may be read-only
            record.write_text(seal, encoding="utf-8")
    return True


def _verify_embedded(source: Source) -> Path:
    path = paths.ASSETS / source.name
    shown = f"assets/{source.name}"
    cure = f"Restore it with: git checkout -- {shown}\n(or download the repository again)."
    try:
        path.stat()  # raises where is_verified would only say no
        if is_verified(path, source):
            return path
        converted = _converted_line_ends(path, source)
    except OSError as error:
        raise DownloadError(f"{shown} is part of the course but cannot be read ({error.strerror}).\n{cure}") from error
    if converted:
        raise DownloadError(f"{shown} is damaged: {converted}.\n{CONVERSION_CURE}")
    raise DownloadError(f"{shown} is damaged: its SHA-256 is not the registered one.\n{cure}")


def _converted_line_ends(path: Path, source: Source) -> str:
    """What a conversion of line ends has done to a file, if undoing it gives the registered file; otherwise empty."""
    data = path.read_bytes()
    if hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest() != source.sha256:
        return ""
    count, first = data.count(b"\r\n"), data.index(b"\r\n")
    return f"{count:,} of its line ends were converted from LF to CR LF, the first at byte {first:,}"


def mirror_address() -> str:
    """COURSE_MIRROR without the slash at its end; empty if it is not set.

    A mirror on this machine or on the local network is asked directly, whatever proxy there is for the web.
    """
    address = os.environ.get("COURSE_MIRROR", "").rstrip("/")
    host = urlsplit(address).hostname or ""
    if _is_local(host):
        exceptions = {*(os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(","), host} - {""}
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(sorted(exceptions))
    return address


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_private
    except ValueError:  # another name
        return False


def candidate_urls(source: Source) -> list[str]:
    """The mirror's address alone where COURSE_MIRROR names one, otherwise the registered addresses."""
    mirror = mirror_address()
    return [f"{mirror}/{source.name}"] if mirror else list(source.urls)


def _download(source: Source, path: Path) -> None:
    """Fetch a file from the first address that has it; on failure neither it nor a part of wrong bytes is left."""
    part = path.with_name(path.name + ".part")
    _look_for_room(source, part)
    urls = candidate_urls(source)
    reasons: dict[str, str] = {}
    for wait in (0, *WAITS):
        time.sleep(wait)
        for url in list(urls):
            try:
                _receive_verified(url, part, source)
            except TransferError as error:
                reasons[url] = str(error)
                if not error.may_pass:
                    urls.remove(url)
            except OSError:
                part.unlink(missing_ok=True)  # a full disk is not to be kept full
                raise
            else:
                part.replace(path)
                is_verified(path, source)  # writes the record
                return
        if not urls:
            break
    raise _not_downloaded(source, path, reasons)


def _look_for_room(source: Source, part: Path) -> None:
    free = shutil.disk_usage(part.parent).free
    if source.size is not None and free < source.size - size_of(part):
        raise OSError(errno.ENOSPC, f"{source.size:,} bytes are needed and {free:,} are free")


def _receive_verified(url: str, part: Path, source: Source) -> None:
    """Fetch the whole of a file into `part`; if its hash is not the registered one, remove it again."""
    continued = part.exists()
    receive(url, part, name=source.name, size=source.size)
    if file_hash(part, source.algorithm) == source.digest:
        return
    with part.open("rb") as file:
        page = file.read(200).lstrip().lower().startswith((b"<!doctype html", b"<html"))
    part.unlink()
    reason = "sent a web page instead" if page else "its hash is not the registered one"
    raise TransferError(reason, may_pass=continued)  # the old part may have been of another file


def _not_downloaded(source: Source, path: Path, reasons: dict[str, str]) -> DownloadError:
    """The error that names each reason with the addresses that failed for it."""
    urls_of: dict[str, list[str]] = {}
    for url, reason in reasons.items():
        urls_of.setdefault(reason, []).append(url)
    lines = [f"{source.name} could not be downloaded to {path}:"]
    for reason, urls in urls_of.items():
        others = f" and {len(urls) - 1} more addresses" if len(urls) > 1 else ""
        lines.append(f"  {urls[0]}{others}: {reason}")
    return DownloadError("\n".join([*lines, CURE]))


def fetch_folder(name: str) -> Path:
    """The folder of an embedded model that consists of several files, each of them verified.

    Args:
        name: what the files' keys in assets/registry.json start with, for example "models/hrnet_small".

    Returns:
        Absolute path of the folder.

    Raises:
        KeyError: no registered file lies in such a folder.
        DownloadError: a file is missing or damaged.
    """
    names = [key for key in registry() if key.startswith(f"{name}/")]
    if not names:
        raise KeyError(f"No file in assets/registry.json is in a folder {name!r}.")
    for key in names:
        fetch(key)
    return paths.ASSETS / name


def make_folder(name: str, fill: Callable[[Path], None]) -> Path:
    """A folder of the cache that is made once, and is there either complete or not at all.

    Args:
        name: of the folder, below `cache_dir()`.
        fill: is called with an empty folder, which takes the name when it returns.

    Returns:
        Absolute path of the folder.

    Raises:
        DownloadError: the folder cannot be written, and it was asked for in COURSE_CACHE; else a temporary one does.
    """
    folder = cache_dir() / name
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{folder}.lock"):
            if folder.is_dir():  # another process has made it meanwhile
                return folder
            for rest in folder.parent.glob(f"{name}.unfinished-*"):  # of a process that was killed
                shutil.rmtree(rest, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix=f"{name}.unfinished-", dir=folder.parent) as place:
                filled = Path(place) / name
                filled.mkdir()
                fill(filled)
                filled.rename(folder)
    except OSError as error:
        try:
            return _make_temporary(name, fill)
        except OSError:
            raise DownloadError(_unwritable(folder, error)) from error
    return folder


@functools.cache
def _temporary_cache() -> Path:
    """A folder that stands for the cache in this process, where that cannot be written."""
    place = paths.temporary()
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    print(f"{cache_dir()} cannot be written: {place} stands in for it. COURSE_CACHE names another.", file=sys.stderr)
    return place


def _make_temporary(name: str, fill: Callable[[Path], None]) -> Path:
    """What `make_folder` makes, for this process only.

    Raises:
        OSError: COURSE_CACHE names the folder that cannot be written, or no other can be written either.
    """
    if os.environ.get("COURSE_CACHE"):
        raise OSError("the folder that was asked for")
    folder = _temporary_cache() / name
    if not folder.is_dir():
        unfinished = folder.with_name(f"{name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        fill(unfinished)
        unfinished.rename(folder)
    return folder


def unpack(name: str) -> Path:
    """The folder with the contents of a registered zip archive, unpacked once into the cache.

    Its name contains the start of the archive's hash, so that another archive gets another folder.

    Args:
        name: key in assets/registry.json.

    Raises:
        DownloadError: the archive cannot be had, has not the registered number of files, or the folder cannot be
            written.
    """
    archive = fetch(name)
    source = registry()[name]

    def extract(folder: Path) -> None:
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
        count = sum(path.is_file() for path in folder.rglob("*"))
        if source.members is not None and count != source.members:
            raise DownloadError(f"{archive.name} was not unpacked: it has {count:,} files, not {source.members:,}.")

    return make_folder(f"{archive.stem}-{source.digest[:12]}", extract)
