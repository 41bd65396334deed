"""Fill a cache ahead of a lesson, or a folder that a whole class can download from, and serve it.

A mirror has the layout of a cache, and lesson 9's HRNetV2-W48 as an archive in the form that TensorFlow Hub reads. What
is there already is verified and not fetched again.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import tarfile
from collections.abc import Iterable, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from pathlib import Path

import requests

from course.lessons import lesson_files
from utils.datasets import SIGNS_ARCHIVE
from utils.downloads import (
    DownloadError,
    Source,
    cache_dir,
    candidate_urls,
    fetch,
    file_hash,
    is_verified,
    registry,
    unpack,
)
from utils.segmentation import HRNET_ARCHIVE, hrnet_path
from utils.transfer import TIMEOUTS

MANIFEST = "SHA256SUMS"
HRNET_LESSON = 9
SIGNS_LESSON = 8


def needed(lessons: list[int]) -> list[Source]:
    """The downloads of these lessons, or of all if none is named."""
    sources = [source for source in registry().values() if not source.embedded]
    return [source for source in sources if not lessons or set(lessons) & set(source.lessons)]


def size_of(source: Source) -> int | None:
    """Bytes of a download: from the registry, or what its host says; None if neither does."""
    for url in candidate_urls(source):
        if source.size is not None:
            return source.size
        try:
            answer = requests.head(url, timeout=TIMEOUTS, allow_redirects=True, headers={"Accept-Encoding": "identity"})
            if answer.ok:
                return int(answer.headers["Content-Length"])
        except (requests.RequestException, KeyError, ValueError):
            continue
    return None


def fetch_all(sources: list[Source]) -> int:
    """Say what is missing and how large it is, fetch it, and count the files that could not be had."""
    missing = [source for source in sources if not is_verified(cache_dir() / source.name, source)]
    print(f"{len(sources)} files for {cache_dir()}; {len(sources) - len(missing)} are there already.")
    sizes = [(source, size_of(source)) for source in missing]
    for source, size in sizes:
        print(f"  {f'{size / 1e6:,.1f} MB' if size else 'size unknown':>14}  {source.name}")
    total = sum(size or 0 for _, size in sizes)
    place = next(path for path in (cache_dir(), *cache_dir().parents) if path.exists())
    free = shutil.disk_usage(place).free
    print(f"To download: {total / 1e6:,.1f} MB, and {free / 1e6:,.0f} MB are free.", flush=True)
    if total > free:
        print("That does not fit: make room, or name another folder.", file=sys.stderr)
        return len(missing)
    failures = 0
    for source in missing:
        try:
            fetch(source.name)
            print(f"  {source.name}", flush=True)
        except DownloadError as error:
            failures += 1
            print(error, file=sys.stderr)
    print(f"{len(sources) - failures} of {len(sources)} files are there, with the right hashes.")
    return failures


def fetch_hrnet(mirror: Path | None = None) -> int:
    """Let TensorFlow Hub fetch HRNetV2-W48, and pack it into a mirror if one is named; 1 if it could not be had.

    Its publisher states no hash: that of the archive stands in the mirror's list, and is compared with it.
    """
    try:
        if mirror is None:
            hrnet_path()
        elif line_of(mirror, HRNET_ARCHIVE) not in recorded(mirror):
            folder, archive = hrnet_path(), mirror / HRNET_ARCHIVE
            archive.parent.mkdir(parents=True, exist_ok=True)
            unfinished = archive.with_name(archive.name + ".part")
            with tarfile.open(unfinished, "w:gz") as file:
                file.add(folder, arcname=".")
            unfinished.replace(archive)
    except DownloadError as error:
        print(error, file=sys.stderr)
        return 1
    print("HRNetV2-W48 is there.")
    return 0


def line_of(folder: Path, name: str) -> str:
    """A file's line in the list of a mirror, in the form that `sha256sum --check` reads; empty if it is not there."""
    path = folder / name
    return f"{file_hash(path)}  {name}" if path.exists() else ""


def recorded(folder: Path) -> set[str]:
    """The lines that the list of a mirror has."""
    path = folder / MANIFEST
    return set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()


def write_manifest(folder: Path) -> None:
    """List the files of a mirror that are there."""
    lines = (line_of(folder, name) for name in [*(source.name for source in needed([])), HRNET_ARCHIVE])
    (folder / MANIFEST).write_text("".join(f"{line}\n" for line in lines if line), encoding="utf-8")


class MirrorHandler(SimpleHTTPRequestHandler):
    """Serves files, from the middle too: a student whose connection was cut goes on where it was."""

    def send_head(self) -> BufferedReader | None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if not (asked and path.is_file()):
            return super().send_head()
        start, size = int(asked[1]), path.stat().st_size
        if start >= size:
            self.send_error(416)
            return None
        self.send_response(206)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        file = path.open("rb")
        file.seek(start)
        return file


class MirrorServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a whole class presses the key at once


def addresses() -> Iterable[str]:
    """This machine's addresses on its networks, as far as it knows them."""
    import psutil

    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            if entry.family == socket.AF_INET and not entry.address.startswith("127."):
                yield entry.address


def serve(folder: Path, host: str, port: int) -> int:
    """Serve a mirror until Ctrl-C, and say which address the students set: 1 if the folder is no mirror."""
    if not (folder / MANIFEST).is_file():
        print(f'{folder} has no {MANIFEST}: fill it first, with `course mirror "{folder}"`.', file=sys.stderr)
        return 1
    try:
        server = MirrorServer((host, port), partial(MirrorHandler, directory=str(folder)))
    except (OSError, OverflowError) as error:
        print(f"Port {port} of {host} cannot be served: {error}. Name another: --port, --bind.", file=sys.stderr)
        return 1
    with server:
        port = server.server_address[1]
        for address in list(addresses()) if host == "0.0.0.0" else [host]:
            print(f"COURSE_MIRROR=http://{address}:{port}", flush=True)
        print("Ctrl-C ends it.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


def announce_hrnet() -> None:
    print("Besides the files below: HRNetV2-W48, about 300 MB, through TensorFlow Hub.")


def prefetch(lessons: Sequence[str], *, quick: bool = False) -> int:
    """Fill the cache with what these lessons need, or all: 1 if something could not be had.

    Args:
        lessons: their numbers.
        quick: only what quick mode unpacks there, so that many can share a cache that is read-only.
    """
    numbers = [int(path.name[:2]) for path in lesson_files(lessons)]
    if SIGNS_LESSON in numbers:
        try:
            print(f"Unpacked: {unpack(SIGNS_ARCHIVE)}")
        except DownloadError as error:
            print(error, file=sys.stderr)
            return 1
    if quick:
        return 0
    os.environ["COURSE_MODE"] = "full"
    if HRNET_LESSON in numbers:
        announce_hrnet()
    failures = fetch_all(needed(numbers))
    if HRNET_LESSON in numbers:
        failures += fetch_hrnet()
    return int(failures > 0)


def fill(folder: Path) -> int:
    """Fetch all that full mode downloads into a folder, and list the hashes: 1 if something could not be had."""
    folder = folder.resolve()
    announce_hrnet()
    os.environ["COURSE_MODE"] = "full"
    os.environ.setdefault("TFHUB_CACHE_DIR", str(cache_dir() / "tfhub"))  # not into the mirror, which has an archive
    os.environ["COURSE_CACHE"] = str(folder)
    failures = fetch_all(needed([])) + fetch_hrnet(folder)
    if folder.is_dir():
        write_manifest(folder)
        print(f"Wrote {folder / MANIFEST}.")
    return int(failures > 0)
