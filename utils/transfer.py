"""One file over HTTP: continued from a part that is there, with a progress bar, each failure in a few words."""

from __future__ import annotations

import os
from pathlib import Path

import requests
from tqdm.auto import tqdm

TIMEOUTS = (10, 30)  # seconds to connect, and between two pieces of the file
LIMIT = 2_000_000_000  # bytes; the largest file of the course has 0.6 GB, so what is longer is something else
PIECE = 1 << 15  # bytes; what is less than this is lost when the line breaks


class TransferError(RuntimeError):
    """A try that failed; the message says in a few words why.

    Attributes:
        may_pass: whether the same request may succeed a little later.
    """

    def __init__(self, reason: str, *, may_pass: bool) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


def receive(url: str, part: Path, *, name: str, size: int | None = None) -> None:
    """Fetch a file into `part`, from where that ends if the server can begin there; go on as long as bytes arrive.

    Args:
        url: the file's address.
        part: where the bytes go; what it holds already is taken for the file's beginning.
        name: stands beside the progress bar.
        size: of the file in bytes, for the bar, where the server does not say it.

    Raises:
        TransferError: the file cannot be had now, or not at all; what came of it stays in `part`.
        OSError: `part` cannot be written.
    """
    while True:
        before = size_of(part)
        try:
            _request(url, part, name, size)
            return
        except requests.RequestException as error:
            if size_of(part) <= before:
                raise TransferError(_reason(error), may_pass=_may_pass(error)) from error


def size_of(path: Path) -> int:
    """A file's size in bytes; 0 if it is not there."""
    return path.stat().st_size if path.exists() else 0


def _request(url: str, part: Path, name: str, size: int | None) -> None:
    """Ask once for what `part` lacks, and write what comes."""
    start = size_of(part)
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUTS) as response:
        if start and response.status_code == 416:
            return  # there is no more than we have: the hash will tell whether that is the file
        response.raise_for_status()
        if not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            start = 0  # the server sends the whole file
        _write(response, part, start, _bar(response, start, name, size))


def _bar(response: requests.Response, start: int, name: str, size: int | None) -> tqdm:
    """A progress bar for the body, on stderr; silent where CI is set."""
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and "Content-Encoding" not in response.headers:  # else it is not the length of the file
        size = start + int(length)
    quiet = bool(os.environ.get("CI"))
    return tqdm(total=size, initial=start, unit="B", unit_scale=True, desc=name, leave=False, disable=quiet)


def _write(response: requests.Response, part: Path, start: int, bar: tqdm) -> None:
    """Append the body to the first `start` bytes of `part`."""
    with part.open("ab" if start else "wb") as file, bar:
        for piece in response.iter_content(PIECE):
            file.write(piece)
            bar.update(len(piece))
            if file.tell() > LIMIT:
                break
    if size_of(part) > LIMIT:
        part.unlink()
        raise TransferError(f"sent more than {LIMIT:,} bytes, which no file of the course has", may_pass=False)


def _may_pass(error: requests.RequestException) -> bool:
    """Whether the same request may succeed a little later."""
    if error.response is not None:
        return error.response.status_code in (408, 425, 429) or error.response.status_code >= 500
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)


def _reason(error: requests.RequestException) -> str:
    """A few words for what requests says in many."""
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
