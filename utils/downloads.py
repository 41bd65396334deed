"""Where every data file and model of the course comes from, and how it gets onto this machine, verified.

assets/registry.json lists each file once: either embedded in the repository (`"embedded": true`, its name is its path
below assets/) or to be downloaded (`"urls"`, in order of preference), always with hash and licence.

A download goes into NAME.part beside its place, is continued after an interruption, and takes its name only when its
hash is right. A lock lets many processes ask for one file at once. docs/DOWNLOADS.md lists what can go wrong and what
is then in the cache.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import functools
import json
import os
import shutil
import stat
import tarfile
import tempfile
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import filelock
import pooch
import requests
from pooch.hashes import hash_matches
from tqdm.auto import tqdm

from utils import paths
from utils.mode import mode

TIMEOUTS = (10, 30)  # seconds to connect, and between two pieces of the file
WAITS = (1, 3, 9)  # seconds before the second, third and fourth try
CURE = "Check the connection, name a mirror in COURSE_MIRROR, or work in quick mode (COURSE_MODE=quick)."
UNPACKED_LIMIT = 5_000_000_000  # bytes; the largest archive of the course, GTSRB's training part, has 0.4 GB
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
        size: bytes, or None where no source states it.
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
    def known_hash(self) -> str:
        """The hash in pooch's notation, "algorithm:hexdigits"."""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}"


@functools.cache
def registry() -> dict[str, Source]:
    """All known files by name, from assets/registry.json."""
    entries = json.loads((paths.ASSETS / "registry.json").read_text(encoding="utf-8"))
    return {name: Source(name=name, **entry) for name, entry in entries.items()}


def cache_dir() -> Path:
    """Folder of downloaded files: $COURSE_CACHE, or the user's cache directory."""
    return Path(os.environ.get("COURSE_CACHE") or pooch.os_cache("deep-learning-course"))


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
    if source.size is not None and status.st_size != source.size:
        return False
    seal = f"{source.known_hash} {status.st_size} {status.st_mtime_ns}"
    record = path.with_name(path.name + ".verified")
    if not again:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if (_seals.get(path) or record.read_text(encoding="utf-8")) == seal:
                return True
    if not hash_matches(str(path), source.known_hash):
        return False
    _seals[path] = seal
    if not source.embedded:
        with contextlib.suppress(OSError):  # a shared cache may be read-only
            record.write_text(seal, encoding="utf-8")
    return True


def _verify_embedded(source: Source) -> Path:
    path = paths.ASSETS / source.name
    shown = path.relative_to(paths.ROOT).as_posix()
    cure = f"Restore it with: git checkout -- {shown}\n(or download the repository again)."
    try:
        path.stat()  # raises where is_verified would only say no
        if not is_verified(path, source):
            raise DownloadError(f"{shown} is damaged: its SHA-256 is not the registered one.\n{cure}")
    except OSError as error:
        raise DownloadError(f"{shown} is part of the course but cannot be read ({error.strerror}).\n{cure}") from error
    return path


def candidate_urls(source: Source) -> list[str]:
    """The mirror's address alone where COURSE_MIRROR names one, otherwise the registered addresses."""
    mirror = os.environ.get("COURSE_MIRROR")
    return [f"{mirror.rstrip('/')}/{source.name}"] if mirror else list(source.urls)


def _download(source: Source, path: Path) -> None:
    """Fetch a file from the first address that has it; on failure neither it nor a part of wrong bytes is left."""
    part = path.with_name(path.name + ".part")
    free = shutil.disk_usage(path.parent).free
    if source.size is not None and free < source.size - _size(part):
        raise OSError(errno.ENOSPC, f"{source.size:,} bytes are needed and {free:,} are free")
    urls, waits, reasons = candidate_urls(source), iter(WAITS), {}
    while True:
        before = _size(part)
        for url in list(urls):
            try:
                _transfer(url, part, source)
                part.replace(path)
                is_verified(path, source)  # writes the record
                return
            except requests.RequestException as error:
                reasons[url] = _reason(error)
                if not _may_pass(error):
                    urls.remove(url)
            except OSError:
                part.unlink(missing_ok=True)  # a full disk is not to be kept full
                raise
        if _size(part) > before:
            waits = iter(WAITS)  # the line is bad, but it goes on
        wait = next(waits, None)
        if wait is None or not urls:
            break
        time.sleep(wait)
    lines = []
    for reason in dict.fromkeys(reasons.values()):
        first, *others = [url for url in reasons if reasons[url] == reason]
        lines.append(f"  {first}{f' and {len(others)} more addresses' if others else ''}: {reason}\n")
    raise DownloadError(f"{source.name} could not be downloaded to {path}:\n{''.join(lines)}{CURE}")


class _WrongContentError(requests.RequestException):
    """What arrived is not the registered file."""


def _transfer(url: str, part: Path, source: Source) -> None:
    """Fetch the whole of a file, with the right hash, into `part`, from where it ends if the server can begin there."""
    start = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUTS) as response:
        if not (start and response.status_code == 416):  # there is no more than we have: the hash tells
            response.raise_for_status()
            resumed = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
            _write(response, part, source, start if resumed else 0)
    if hash_matches(str(part), source.known_hash):
        return
    with part.open("rb") as file:
        page = file.read(200).lstrip().lower().startswith((b"<!doctype html", b"<html"))
    part.unlink()
    if not start:
        raise _WrongContentError("sent a web page instead" if page else "its hash is not the registered one")
    _transfer(url, part, source)  # the old part may have been of another file: once more, from the start


def _write(response: requests.Response, part: Path, source: Source, start: int) -> None:
    """Append a body to the first `start` bytes of `part`, with a progress bar."""
    encoded = "Content-Encoding" in response.headers  # then the length is not that of the file
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() and not encoded else source.size
    bar = tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=source.name, leave=False,
               disable=bool(os.environ.get("CI")))  # fmt: skip
    with part.open("ab" if start else "wb") as file, bar:
        for chunk in response.iter_content(1 << 15):  # what is less than this is lost when the line breaks
            file.write(chunk)
            bar.update(len(chunk))
            if source.size is not None and file.tell() > source.size:
                break
    if source.size is not None and _size(part) > source.size:
        part.unlink()
        raise _WrongContentError(f"sent more than the {source.size:,} bytes of the file")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _may_pass(error: requests.RequestException) -> bool:
    """Whether the same request may succeed a little later."""
    if error.response is not None:
        return error.response.status_code in (408, 425, 429) or error.response.status_code >= 500
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)


def _reason(error: requests.RequestException) -> str:
    """One short line for what requests says in many."""
    if error.response is not None and error.response.status_code >= 400:
        return f"{error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy named in HTTP_PROXY or HTTPS_PROXY cannot be reached"
    if isinstance(error, requests.ConnectTimeout):
        return "no connection within the time limit"
    text = str(error)
    for sign, words in (
        ("NameResolutionError", "the name of the host is not known (no network?)"),
        ("refused", "the connection was refused"),
        ("timed out", "the connection stalled"),
        ("IncompleteRead", "the connection was cut"),
    ):
        if sign in text:
            return words
    return text


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
        DownloadError: the folder cannot be written.
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
        raise DownloadError(_unwritable(folder, error)) from error
    return folder


def unpack(name: str) -> Path:
    """The folder with the contents of a registered zip or tar archive, unpacked once into the cache.

    Its name contains the start of the archive's hash, so that another archive gets another folder.

    Args:
        name: key in assets/registry.json.

    Raises:
        DownloadError: the archive cannot be had or read, holds what no course file needs (links, devices, paths that
            lead out, two names for one file, too much data), or the folder cannot be written.
    """
    archive = fetch(name)
    source = registry()[name]
    digest = source.known_hash.split(":")[1]
    return make_folder(f"{archive.stem}-{digest[:12]}", functools.partial(extract, archive, members=source.members))


def extract(archive: Path, folder: Path, *, members: int | None = None) -> None:
    """Unpack a zip or tar archive into an empty folder, after looking at everything in it.

    Args:
        archive: the file.
        folder: an empty folder.
        members: how many files must be in it, if known.

    Raises:
        DownloadError: see `unpack`; the folder may then hold some of the files.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                plain = {0, stat.S_IFREG, stat.S_IFDIR}  # kinds of a Unix mode; 0: the archive states none
                kinds = [(i.filename, i.file_size, i.is_dir(), stat.S_IFMT(i.external_attr >> 16) in plain)
                         for i in file.infolist()]  # fmt: skip
                _look_at(archive.name, kinds, members)
                file.extractall(folder)
        else:
            with tarfile.open(archive) as file:
                kinds = [(m.name, m.size, m.isdir(), m.isfile() or m.isdir()) for m in file.getmembers()]
                _look_at(archive.name, kinds, members)
                for member in file.getmembers():
                    member.mode = 0o755 if member.isdir() else 0o644
                file.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, DownloadError):
            raise
        raise DownloadError(f"{archive.name} is not a readable archive: {error}") from error


def _look_at(archive: str, kinds: Iterable[tuple[str, int, bool, bool]], members: int | None) -> None:
    """Refuse an archive for its members: (name, size, is a folder, is a file or a folder)."""
    seen: set[str] = set()
    count = total = 0
    for name, size, is_folder, plain in kinds:
        path = PurePosixPath(name)
        if not plain:
            raise DownloadError(f"{archive} was not unpacked: {name!r} is a link or a device.")
        if path.is_absolute() or ".." in path.parts or any(c in name for c in "\\:\0"):
            raise DownloadError(f"{archive} was not unpacked: {name!r} leads out of its folder.")
        key = unicodedata.normalize("NFC", str(path)).casefold()
        if key in seen and not is_folder:
            raise DownloadError(f"{archive} was not unpacked: there are two members {name!r} (or in other capitals).")
        seen.add(key)
        count += not is_folder
        total += size
    if total > UNPACKED_LIMIT:
        raise DownloadError(f"{archive} was not unpacked: it would take {total:,} bytes.")
    if members is not None and count != members:
        raise DownloadError(f"{archive} was not unpacked: it has {count:,} files, not {members:,}.")
