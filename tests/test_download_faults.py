"""What goes wrong on real networks and disks, made to happen by a local server: see docs/DOWNLOADS.md.

After every fault there is either the right file or one clear error, and never a wrong file in the cache.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from utils import downloads, paths, transfer
from utils.downloads import DownloadError, Source, fetch

CONTENT = random.Random(0).randbytes(300_000)
NAME = "folder/file.bin"
NOWHERE = "http://127.0.0.1:9/file.bin"


class Handler(BaseHTTPRequestHandler):
    """Answers the n-th request of its server by `server.answer(handler, n)`."""

    def do_GET(self) -> None:
        self.server.requests.append(dict(self.headers))
        with contextlib.suppress(OSError):  # the client has gone
            self.server.answer(self, len(self.server.requests))
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """An HTTP server on loopback."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, str]] = []
        self.answer: Callable[[BaseHTTPRequestHandler, int], None] = lambda handler, _: send(handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/file.bin"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_: object) -> None:
        pass

    def close(self) -> None:
        self.shutdown()
        self.server_close()


def send(
    handler: BaseHTTPRequestHandler,
    body: bytes = CONTENT,
    status: int = 200,
    *,
    stop: int | None = None,
    stall: float = 0,
    ranges: bool = False,
    **headers: str,
) -> None:
    """Answer with a body; stop after some bytes, then perhaps stall; serve ranges if told to."""
    start = 0
    asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    if ranges and asked:
        start, status = int(asked[1]), 206
        headers["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
    handler.send_response(status)
    for key, value in ({"Content_Length": str(len(body) - start)} | headers).items():
        handler.send_header(key.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body[start : len(body) if stop is None else max(start, stop)])
    handler.wfile.flush()
    time.sleep(stall)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def cache(tmp_path, monkeypatch, server):
    """Full mode with an empty cache, in a path with a space and an umlaut, and NAME registered at the server."""
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "caché of mine"))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    monkeypatch.setattr(downloads, "WAITS", (0, 0, 0))
    monkeypatch.setattr(transfer, "TIMEOUTS", (0.5, 0.5))
    register(monkeypatch, server.url)
    return tmp_path / "caché of mine"


def register(monkeypatch, *urls: str, **options) -> None:
    source = Source(name=NAME, licence="none", sha256=hashlib.sha256(CONTENT).hexdigest(), urls=urls, **options)
    monkeypatch.setattr(downloads, "registry", lambda: {NAME: source})


def healthy(server: Server, cache: Path) -> None:
    """Nothing wrong is in the cache, and the next run with a good server ends well."""
    path = cache / NAME
    assert not path.exists() or path.read_bytes() == CONTENT
    server.answer = lambda handler, _: send(handler, ranges=True)
    assert fetch(NAME).read_bytes() == CONTENT
    assert {file.name for file in path.parent.iterdir()} == {path.name + end for end in ("", ".lock", ".verified")}


LENGTH = len(CONTENT)
PAGE = b"<!DOCTYPE html><title>Sign in to the network</title>"
REFUSED = {  # what the server does: what the user reads
    "403": (lambda h, n: send(h, b"no", 403), "403 Forbidden"),
    "404": (lambda h, n: send(h, b"no", 404), "404 Not Found"),
    "busy for ever": (lambda h, n: send(h, b"busy", 503), "503 Service Unavailable"),
    "redirects in a loop": (lambda h, n: send(h, b"", 302, Location=h.path), "redirects"),
    "no answer": (lambda h, n: time.sleep(1), "the connection stalled"),
    "stalls at one byte for ever": (lambda h, n: send(h, stop=1000, stall=0.7), "the connection stalled"),
    "cut at one byte for ever": (lambda h, n: send(h, stop=1000), "the connection was cut"),
    "states too large a length": (lambda h, n: send(h, Content_Length=str(LENGTH + 5)), "the connection"),
    "states too small a length": (lambda h, n: send(h, Content_Length=str(LENGTH - 5)), "its hash is not"),
    "wrong bytes": (lambda h, n: send(h, CONTENT[::-1]), "its hash is not the registered one"),
    "a network's sign-in page": (lambda h, n: send(h, PAGE), "sent a web page instead"),
    "sends without end": (lambda h, n: send(h, CONTENT * 10), "sent more than"),
}
ARRIVES = {
    "busy twice": lambda h, n: send(h, b"busy", 500) if n <= 2 else send(h),
    "too many requests, then the file": lambda h, n: send(h, b"", 429) if n == 1 else send(h),
    "stalls again and again": lambda h, n: send(h, ranges=True, stop=60_000 * n, stall=0.7),
    "cut again and again": lambda h, n: send(h, ranges=True, stop=40_000 * n),
    "cut, and cannot continue": lambda h, n: send(h, stop=100_000 * n),
    "sends it compressed": lambda h, n: send(h, gzip.compress(CONTENT), Content_Encoding="gzip"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_one_error_that_says_why(server, cache, monkeypatch, kind):
    monkeypatch.setattr(transfer, "LIMIT", 5 * LENGTH)
    server.answer, words = REFUSED[kind]
    with pytest.raises(DownloadError, match=words) as caught:
        fetch(NAME)
    assert len(str(caught.value).splitlines()) == 3
    assert not (cache / NAME).exists()
    if words.startswith("40"):
        assert len(server.requests) == 1  # asking again would not help
    healthy(server, cache)


@pytest.mark.parametrize("kind", ARRIVES)
def test_the_file_arrives_all_the_same(server, cache, kind):
    server.answer = ARRIVES[kind]
    assert fetch(NAME).read_bytes() == CONTENT
    starts = [int(re.findall(r"\d+", request.get("Range", "0"))[0]) for request in server.requests]
    assert starts == sorted(starts)  # no request begins before the one before it
    healthy(server, cache)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("cut", [1, 32_768, 123_456, LENGTH - 1])
def test_connection_cut_at_some_byte(server, cache, cut, ranges):
    stops = {1: cut, 2: (cut + LENGTH) // 2}
    server.answer = lambda handler, n: send(handler, ranges=ranges, stop=stops.get(n))
    assert fetch(NAME).read_bytes() == CONTENT
    healthy(server, cache)


@pytest.mark.parametrize(
    ("url", "words"),
    [(NOWHERE, "the connection was refused"), ("http://no-such-host.invalid/x", "the name of the host is not known")],
)
def test_no_host(server, cache, monkeypatch, url, words):
    register(monkeypatch, url)
    with pytest.raises(DownloadError, match=f"{re.escape(url)}: {words}"):
        fetch(NAME)
    register(monkeypatch, server.url)
    healthy(server, cache)


def test_a_proxy_that_points_nowhere(server, cache, monkeypatch):
    for name, value in {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DownloadError, match="the proxy named in HTTP_PROXY or HTTPS_PROXY cannot be reached"):
        fetch(NAME)
    monkeypatch.delenv("HTTP_PROXY")
    healthy(server, cache)


def test_a_mirror_of_this_machine_is_asked_without_the_proxy(server, cache, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("COURSE_MIRROR", server.url.removesuffix("/file.bin") + "/")
    assert fetch(NAME).read_bytes() == CONTENT
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "127.0.0.1,example.org"
    monkeypatch.setenv("COURSE_MIRROR", "http://mirror.example")
    downloads.mirror_address()
    assert "mirror.example" not in os.environ["NO_PROXY"]


def test_the_next_address_continues_without_a_wait(server, cache, monkeypatch):
    other = Server()
    server.answer = lambda handler, _: send(handler, ranges=True, stop=100_000)
    other.answer = lambda handler, _: send(handler, ranges=True)
    waited = []
    monkeypatch.setattr(downloads, "WAITS", (7,))
    monkeypatch.setattr(downloads.time, "sleep", waited.append)
    register(monkeypatch, NOWHERE, server.url, other.url)
    try:
        assert fetch(NAME).read_bytes() == CONTENT
    finally:
        other.close()
    assert int(re.findall(r"\d+", other.requests[0]["Range"])[0]) > 0
    assert 7 not in waited


def test_addresses_that_fail_for_one_reason_take_one_line(server, cache, monkeypatch):
    register(monkeypatch, "http://127.0.0.1:9/a", f"{server.url}/missing", "http://127.0.0.1:9/b")
    server.answer = lambda handler, _: send(handler, b"no", 404)
    with pytest.raises(DownloadError) as caught:
        fetch(NAME)
    _, refused, missing, _ = str(caught.value).splitlines()
    assert refused == "  http://127.0.0.1:9/a and 1 more addresses: the connection was refused"
    assert missing.endswith("/missing: 404 Not Found")


@pytest.mark.parametrize("size", [1, LENGTH - 5, LENGTH + 5, None])
def test_a_wrong_registered_size_refuses_no_right_file(server, cache, monkeypatch, size):
    register(monkeypatch, server.url, size=size)
    assert fetch(NAME).read_bytes() == CONTENT
    downloads._seals.clear()  # as in a new process
    assert fetch(NAME).read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        (b"x" * 1000, lambda h, n: send(h, ranges=True)),  # of another file
        (CONTENT, lambda h, n: send(h, b"", 416)),  # killed between the last byte and the rename
        (CONTENT + b"more", lambda h, n: send(h, b"", 416) if n == 1 else send(h)),
    ],
)
def test_a_part_that_was_left(server, cache, part, answer):
    (cache / NAME).parent.mkdir(parents=True)
    (cache / (NAME + ".part")).write_bytes(part)
    server.answer = answer
    assert fetch(NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("record", [b"", b"sha256:12", b"\xff\xfe"])
def test_a_record_that_is_half_written(server, cache, record):
    path = fetch(NAME)
    downloads._seals.clear()  # as in a new process
    path.with_name(path.name + ".verified").write_bytes(record)
    assert fetch(NAME).read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_the_disk_is_full(server, cache):
    part = cache / (NAME + ".part")
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")  # the kernel answers every write with ENOSPC
    with pytest.raises(DownloadError, match=r"(?s)cannot be written: the disk is full.*COURSE_CACHE"):
        fetch(NAME)
    healthy(server, cache)  # and the part is gone: a full disk is not kept full


def test_too_little_room_is_noticed_before_the_download(server, cache, monkeypatch):
    register(monkeypatch, server.url, size=10**18)
    with pytest.raises(DownloadError, match=r"(?s)the disk is full.*COURSE_CACHE"):
        fetch(NAME)
    assert server.requests == []


def test_the_cache_is_a_file(server, cache):
    cache.write_text("in the way", encoding="utf-8")
    with pytest.raises(DownloadError, match=r"(?s)cannot be written.*COURSE_CACHE"):
        fetch(NAME)
    cache.unlink()
    healthy(server, cache)


# ------------------------------------------------------------------------------------------- several processes, signals
CHILD = """
import os, sys
sys.path.insert(0, {root!r})
from utils import downloads
source = downloads.Source(name={name!r}, licence="none", sha256={digest!r}, urls=({url!r},))
downloads.registry = lambda: {{{name!r}: source}}
{body}
"""
FETCH = f"downloads.fetch({NAME!r})"
THIRTY = f"""
children = []
for _ in range(30):
    pid = os.fork()
    if not pid:
        path = downloads.fetch({NAME!r})
        os._exit(0 if downloads.is_verified(path, source, again=True) else 1)
    children.append(pid)
sys.exit(sum(os.waitpid(pid, 0)[1] != 0 for pid in children))
"""


def child(server: Server, cache: Path, body: str = FETCH, content: bytes = CONTENT) -> subprocess.Popen:
    """Another process with the same registry and cache."""
    digest = hashlib.sha256(content).hexdigest()
    code = CHILD.format(root=str(paths.ROOT), name=NAME, digest=digest, url=server.url, body=body)
    environment = {**os.environ, "COURSE_MODE": "full", "COURSE_CACHE": str(cache), "CI": "1"}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)


def errors_of(process: subprocess.Popen) -> str:
    """Wait for a process: what it wrote to stderr, or an empty text if it succeeded."""
    _, errors = process.communicate(timeout=120)
    return errors if process.returncode else ""


def kill_when_stalled(server: Server, process: Callable[[], subprocess.Popen], stop: int | None) -> None:
    """Start a process, and kill it when the server has sent so many bytes (None: not even a status)."""
    reached = threading.Event()

    def stall(handler: BaseHTTPRequestHandler, _: int) -> None:
        if stop is not None:
            send(handler, stop=stop)
        time.sleep(0.2)  # the client writes what it has got
        reached.set()
        time.sleep(60)

    server.answer = stall
    started = process()
    assert reached.wait(60)
    started.send_signal(signal.SIGKILL)
    started.communicate()


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("stop", [None, 150_000, LENGTH - 1])
def test_killed_and_run_again(server, cache, stop):
    kill_when_stalled(server, lambda: child(server, cache), stop)
    assert not (cache / NAME).exists()
    healthy(server, cache)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_thirty_processes_at_once(server, cache):
    content = CONTENT * 70  # 21 MB
    server.answer = lambda handler, _: send(handler, content)
    assert errors_of(child(server, cache, THIRTY, content)) == ""
    assert len(server.requests) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become other users")
def test_users_share_a_cache(server):
    """A folder of their group: one is killed in the middle, another goes on, a third, who may only read, has it."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        cache = Path(place) / "shared"
        cache.mkdir()
        os.chown(cache, -1, 100)
        cache.chmod(0o2775)

        def user(group: int, number: int) -> subprocess.Popen:
            become = f"os.umask(0o002); os.setgroups([]); os.setgid({group}); os.setuid({number})"
            return child(server, cache, f"{become}; {FETCH}")

        kill_when_stalled(server, lambda: user(100, 65533), 150_000)
        server.answer = lambda handler, _: send(handler, ranges=True)
        assert errors_of(user(100, 65532)) == ""
        assert (cache / NAME).read_bytes() == CONTENT
        assert int(re.findall(r"\d+", server.requests[1]["Range"])[0]) > 0
        (cache / (NAME + ".verified")).unlink()  # as if copied by hand
        assert errors_of(user(65531, 65531)) == ""
        assert len(server.requests) == 2
        (cache / NAME).unlink()
        assert re.search("(?s)cannot be written.*COURSE_CACHE", errors_of(user(65531, 65531)))


def test_the_page_of_downloads_has_every_message():
    page = (paths.ROOT / "docs" / "DOWNLOADS.md").read_text(encoding="utf-8")
    assert [words for _, words in REFUSED.values() if words not in page] == []
