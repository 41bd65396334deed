"""Where every data file and model of the course comes from, and how it gets onto this machine, verified.

assets/registry.json lists each file once: either embedded in the repository (`"embedded": true`, its name is its path
below assets/) or to be downloaded (`"urls"`, in order of preference), always with hash, size and licence.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from utils.mode import mode

with warnings.catch_warnings():
    # pooch imports tqdm, which in a notebook complains when there is no ipywidgets, and then works without.
    warnings.filterwarnings("ignore", message="IProgress not found")
    import pooch

ASSETS = Path(__file__).resolve().parent.parent / "assets"


class DownloadError(RuntimeError):
    """A file is missing, damaged or cannot be had; the message says which, why, and what to do."""


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
    """

    name: str
    licence: str
    sha256: str | None = None
    md5: str | None = None
    size: int | None = None
    urls: tuple[str, ...] = ()
    embedded: bool = False

    @property
    def known_hash(self) -> str:
        """The hash in pooch's notation, "algorithm:hexdigits"."""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}"


@functools.cache
def registry() -> dict[str, Source]:
    """All known files by name, from assets/registry.json."""
    entries = json.loads((ASSETS / "registry.json").read_text(encoding="utf-8"))
    return {
        name: Source(name=name, **{**entry, "urls": tuple(entry.get("urls", ()))}) for name, entry in entries.items()
    }


def cache_dir() -> Path:
    """Folder of downloaded files: $COURSE_CACHE, or the user's cache directory."""
    return Path(os.environ.get("COURSE_CACHE") or pooch.os_cache("deep-learning-course"))


def fetch(name: str) -> Path:
    """The path of a registered file whose hash has been verified, downloading it first where that is needed.

    An embedded file is never downloaded. In quick mode nothing is: asking for a file that is not embedded is an error.

    Args:
        name: key in assets/registry.json, for example "data/mnist/train-images-idx3-ubyte.gz" or "mnist.npz".

    Returns:
        Absolute path of the file.

    Raises:
        KeyError: the name is not registered.
        DownloadError: the file is missing or damaged, or cannot be downloaded.
    """
    if name not in registry():
        raise KeyError(f"{name!r} is not in assets/registry.json. Known names: {', '.join(sorted(registry()))}")
    source = registry()[name]
    if source.embedded:
        return _verify_embedded(source)
    if mode() != "full":
        raise DownloadError(f"{name} would have to be downloaded, and quick mode never does. Set COURSE_MODE=full.")
    return _download(source)


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
    return ASSETS / name


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
        with tempfile.TemporaryDirectory(prefix=f"{name}.", dir=folder.parent) as place:
            filled = Path(place) / name
            filled.mkdir()
            fill(filled)
            try:
                filled.rename(folder)
            except OSError:
                if not folder.is_dir():  # otherwise another process has just finished the same
                    raise
    except OSError as error:
        raise DownloadError(
            f"The folder {folder} cannot be written: {error}\nMake room, or name another place in COURSE_CACHE."
        ) from error
    return folder


def unzip(name: str) -> Path:
    """The folder with the contents of a registered zip file, unpacked once into the cache.

    Its name contains the start of the archive's hash, so that another archive gets another folder.

    Args:
        name: key in assets/registry.json.

    Raises:
        DownloadError: the archive cannot be had or read, or the folder cannot be written.
    """
    archive = fetch(name)

    def fill(folder: Path) -> None:
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)

    digest = registry()[name].known_hash.split(":")[1]
    return make_folder(f"{archive.stem}-{digest[:12]}", fill)


def _verify_embedded(source: Source) -> Path:
    path = ASSETS / source.name
    shown = path.relative_to(ASSETS.parent).as_posix()
    cure = f"Restore it with: git checkout -- {shown}\n(or download the repository again)."
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DownloadError(f"{shown} is part of the course but cannot be read ({error.strerror}).\n{cure}") from error
    if digest != source.sha256:
        raise DownloadError(f"{shown} is damaged: its SHA-256 is not the registered one.\n{cure}")
    return path


def _candidate_urls(source: Source) -> list[str]:
    """The mirror's address alone where COURSE_MIRROR names one, otherwise the registered addresses."""
    mirror = os.environ.get("COURSE_MIRROR")
    return [f"{mirror.rstrip('/')}/{source.name}"] if mirror else list(source.urls)


def _download(source: Source) -> Path:
    path = cache_dir() / source.name
    reasons = []
    for url in _candidate_urls(source):
        try:
            # pooch downloads to a temporary name, verifies the hash and renames; a verified file is not fetched again.
            downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=30)
            pooch.retrieve(url, source.known_hash, fname=path.name, path=path.parent, downloader=downloader)
            return path
        except (OSError, ValueError) as error:  # requests raises OSErrors; pooch a ValueError for a wrong hash
            reasons.append(f"  {url}: {error}")
    raise DownloadError(
        f"{source.name} could not be downloaded to {path}:\n"
        + "\n".join(reasons)
        + "\nCheck the connection, name a mirror in COURSE_MIRROR, or work in quick mode (COURSE_MODE=quick)."
    )
