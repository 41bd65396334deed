"""What goes wrong on real networks and disks, made to happen by a local server: docs/DOWNLOADS.md lists it all.

After every fault there is either the right file or one clear error, and never a wrong file in the cache.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import threading
import time
import warnings
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import downloads, paths
from utils.downloads import DownloadError, Source, extract, fetch

CONTENT = random.Random(0).randbytes(300_000)
NAME = "folder/file.bin"


class Server:
    """An HTTP server on loopback that answers each request by `answer(handler, number_of_the_request)`."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []
        self.answer: Callable[[BaseHTTPRequestHandler, int], None] = lambda handler, _: send(handler, CONTENT)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(dict(self.headers))
                with contextlib.suppress(OSError):  # the client has gone
                    outer.answer(self, len(outer.requests))
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                pass

        self.httpd = Quiet(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}/file.bin"


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, *, stop: int | None = None, stall: float = 0,
         ranges: bool = False, **headers: str) -> None:  # fmt: skip
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
    server.httpd.shutdown()
    server.httpd.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch, server):
    """Full mode with an empty cache, in a path with a space and an umlaut, and NAME registered at the server."""
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "caché of mine"))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    monkeypatch.setattr(downloads, "WAITS", (0, 0, 0))
    monkeypatch.setattr(downloads, "TIMEOUTS", (0.5, 0.5))
    register(monkeypatch, server.url)
    return tmp_path / "caché of mine"


def register(monkeypatch, *urls: str, content: bytes = CONTENT, name: str = NAME, **options) -> None:
    source = Source(name=name, licence="none", sha256=hashlib.sha256(content).hexdigest(), urls=urls, **options)
    monkeypatch.setattr(downloads, "registry", lambda: {name: source})


def healthy(server: Server, cache: Path) -> None:
    """Nothing wrong is in the cache, and the next run with a good server ends well."""
    path = cache / NAME
    assert not path.exists() or path.read_bytes() == CONTENT
    server.answer = lambda handler, _: send(handler, CONTENT, ranges=True)
    assert fetch(NAME).read_bytes() == CONTENT
    assert {file.name for file in path.parent.iterdir()} == {path.name + end for end in ("", ".lock", ".verified")}


def refuses(server: Server, cache: Path, words: str) -> None:
    with pytest.raises(DownloadError, match=words) as caught:
        fetch(NAME)
    assert len(str(caught.value).splitlines()) == 3
    assert not (cache / NAME).exists()
    healthy(server, cache)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_the_host_says_no(server, cache, status):
    server.answer = lambda handler, _: send(handler, b"no", status)
    with pytest.raises(DownloadError):
        fetch(NAME)
    assert len(server.requests) == 1  # asking again would not help
    refuses(server, cache, str(status))


def test_500_twice_then_200(server, cache):
    server.answer = lambda handler, n: send(handler, b"busy", 500) if n <= 2 else send(handler, CONTENT)
    assert fetch(NAME).read_bytes() == CONTENT
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_host_stays_busy(server, cache, status):
    server.answer = lambda handler, _: send(handler, b"busy", status)
    refuses(server, cache, str(status))


def test_refused(server, cache, monkeypatch):
    register(monkeypatch, "http://127.0.0.1:9/file.bin")
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9/file\.bin: the connection was refused"):
        fetch(NAME)
    register(monkeypatch, server.url)
    healthy(server, cache)


def test_name_not_found(server, cache, monkeypatch):
    register(monkeypatch, "http://no-such-host.invalid/file.bin")
    with pytest.raises(DownloadError, match="name of the host is not known"):
        fetch(NAME)
    register(monkeypatch, server.url)
    healthy(server, cache)


def test_redirect_loop(server, cache):
    server.answer = lambda handler, _: send(handler, b"", 302, Location=server.url)
    refuses(server, cache, "redirects")


def test_stalls_before_the_body(server, cache):
    server.answer = lambda handler, _: time.sleep(1)
    refuses(server, cache, "stalled")


def test_stalls_in_the_body_and_is_continued(server, cache):
    server.answer = lambda handler, n: send(handler, CONTENT, ranges=True, stop=60_000 * n, stall=0.7)
    assert fetch(NAME).read_bytes() == CONTENT
    starts = [int(re.findall(r"\d+", request.get("Range", "0"))[0]) for request in server.requests]
    assert starts == sorted(set(starts))  # each request begins behind the one before
    assert 4 <= len(starts) <= 6


def test_stalls_in_the_body_for_ever(server, cache):
    server.answer = lambda handler, _: send(handler, CONTENT, stop=1000, stall=0.7)
    refuses(server, cache, "stalled")


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_connection_cut_at_a_random_byte(server, cache, seed, ranges):
    cut = random.Random(seed).randrange(len(CONTENT))
    stops = {1: cut, 2: (cut + len(CONTENT)) // 2}
    server.answer = lambda handler, n: send(handler, CONTENT, ranges=ranges, stop=stops.get(n))
    assert fetch(NAME).read_bytes() == CONTENT
    assert len(server.requests) == 3
    healthy(server, cache)


def test_connection_always_cut(server, cache):
    server.answer = lambda handler, _: send(handler, CONTENT, stop=1000)
    refuses(server, cache, "cut")


def test_content_length_too_large(server, cache):
    server.answer = lambda handler, _: send(handler, CONTENT, Content_Length=str(len(CONTENT) + 5))
    refuses(server, cache, "cut|stalled")


def test_content_length_too_small(server, cache):
    server.answer = lambda handler, _: send(handler, CONTENT, Content_Length=str(len(CONTENT) - 5))
    refuses(server, cache, "hash")


def test_right_length_wrong_bytes(server, cache):
    server.answer = lambda handler, _: send(handler, CONTENT[::-1])
    refuses(server, cache, "its hash is not the registered one")


def test_an_html_page_with_status_200(server, cache):
    server.answer = lambda handler, _: send(handler, b"<!DOCTYPE html><title>Sign in to the network</title>")
    refuses(server, cache, "sent a web page instead")


def test_gzip_encoded_body(server, cache):
    body = gzip.compress(CONTENT)
    server.answer = lambda handler, _: send(handler, body, Content_Encoding="gzip")
    assert fetch(NAME).read_bytes() == CONTENT
    healthy(server, cache)


def test_more_bytes_than_registered(server, cache, monkeypatch):
    register(monkeypatch, server.url, size=len(CONTENT))
    server.answer = lambda handler, _: send(handler, CONTENT * 40)
    refuses(server, cache, "more than")


def test_an_old_part_of_another_file(server, cache):
    part = cache / (NAME + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    server.answer = lambda handler, _: send(handler, CONTENT, ranges=True)
    assert fetch(NAME).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_part_that_is_already_whole(server, cache):
    part = cache / (NAME + ".part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    server.answer = lambda handler, _: send(handler, b"", 416)
    assert fetch(NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("record", [b"", b"sha256:12", b"\xff\xfe"])
def test_a_record_that_is_half_written(server, cache, record):
    path = fetch(NAME)
    downloads._seals.clear()  # as in a new process
    path.with_name(path.name + ".verified").write_bytes(record)
    assert fetch(NAME).read_bytes() == CONTENT
    assert len(server.requests) == 1
    healthy(server, cache)


def test_addresses_are_tried_in_turns(server, cache, monkeypatch):
    """A dead first address does not keep the second waiting, and a part of the one is continued at the other."""
    other = Server()
    server.answer = lambda handler, _: send(handler, CONTENT, ranges=True, stop=100_000)
    other.answer = lambda handler, _: send(handler, CONTENT, ranges=True)
    waited = []
    monkeypatch.setattr(downloads, "WAITS", (7,))
    monkeypatch.setattr(downloads.time, "sleep", waited.append)
    register(monkeypatch, "http://127.0.0.1:9/file.bin", server.url, other.url)
    try:
        assert fetch(NAME).read_bytes() == CONTENT
    finally:
        other.httpd.shutdown()
        other.httpd.server_close()
    assert len(server.requests) == len(other.requests) == 1
    assert int(re.findall(r"\d+", other.requests[0]["Range"])[0]) > 0
    assert 7 not in waited


def test_no_address_has_it(server, cache, monkeypatch):
    """Addresses that fail for one reason take one line together."""
    register(monkeypatch, "http://127.0.0.1:9/a", f"{server.url}/missing", "http://127.0.0.1:9/b")
    server.answer = lambda handler, _: send(handler, b"no", 404)
    with pytest.raises(DownloadError) as caught:
        fetch(NAME)
    _, refused, missing, _ = str(caught.value).splitlines()
    assert refused == "  http://127.0.0.1:9/a and 1 more addresses: the connection was refused"
    assert missing.endswith("/missing: 404 Not Found")
    register(monkeypatch, server.url)
    healthy(server, cache)


def test_the_next_address_has_it(server, cache, monkeypatch):
    register(monkeypatch, "http://127.0.0.1:9/file.bin", server.url)
    assert fetch(NAME).read_bytes() == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_the_disk_is_full(server, cache):
    part = cache / (NAME + ".part")
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")  # the kernel answers every write with ENOSPC
    with pytest.raises(DownloadError, match=r"(?s)cannot be written: the disk is full.*COURSE_CACHE"):
        fetch(NAME)
    healthy(server, cache)


def test_too_little_space_is_noticed_before_the_download(server, cache, monkeypatch):
    register(monkeypatch, server.url, size=10**18)
    with pytest.raises(DownloadError, match=r"(?s)the disk is full.*COURSE_CACHE"):
        fetch(NAME)
    assert server.requests == []
    register(monkeypatch, server.url)
    healthy(server, cache)


def test_the_cache_is_a_file(server, cache):
    cache.write_text("in the way")
    with pytest.raises(DownloadError, match=r"(?s)cannot be written.*COURSE_CACHE"):
        fetch(NAME)
    cache.unlink()
    healthy(server, cache)


def test_a_clock_that_jumps(server, cache, monkeypatch):
    path = fetch(NAME)
    for day in (0, 2**33):  # 1970 and 2242
        monkeypatch.setattr(time, "time", lambda day=day: float(day))
        os.utime(path, (day, day))
        assert fetch(NAME) == path
        path.unlink()
        assert fetch(NAME).read_bytes() == CONTENT


def test_a_proxy_that_points_nowhere(server, cache, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(DownloadError, match="proxy named in HTTP_PROXY"):
        fetch(NAME)
    monkeypatch.delenv("HTTP_PROXY")
    healthy(server, cache)


# ------------------------------------------------------------------------------------------- several processes, signals
CHILD = """
    import os, sys, time
    sys.path.insert(0, {root!r})
    from utils import downloads
    source = downloads.Source(name={name!r}, licence="none", sha256={digest!r}, urls=({url!r},))
    downloads.registry = lambda: {{{name!r}: source}}
    {body}
"""


def child(server: Server, cache: Path, body: str = "downloads.fetch({name!r})", content: bytes = CONTENT,
          before: tuple[str, ...] = (), **options):  # fmt: skip
    """Another process with the same registry and cache."""
    words = {
        "root": str(paths.paths.ROOT),
        "name": NAME,
        "digest": hashlib.sha256(content).hexdigest(),
        "url": server.url,
    }
    code = textwrap.dedent(CHILD).format(**words, body=textwrap.dedent(body).format(**words))
    environment = {**os.environ, "COURSE_MODE": "full", "COURSE_CACHE": str(cache), "CI": "1"}
    return subprocess.Popen(
        [*before, sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True, **options
    )


def errors_of(process: subprocess.Popen) -> str:
    """Wait for a process: what it wrote to stderr, or an empty text if it succeeded."""
    _, errors = process.communicate(timeout=120)
    return errors if process.returncode else ""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
@pytest.mark.parametrize("stop", [None, 0, 1, 150_000, len(CONTENT) - 1])
def test_killed_and_run_again(server, cache, stop):
    reached = threading.Event()

    def stall(handler: BaseHTTPRequestHandler, _: int) -> None:
        if stop is not None:
            send(handler, CONTENT, stop=stop)
        time.sleep(0.2)  # the client writes what it has got
        reached.set()
        time.sleep(60)

    server.answer = stall
    process = child(server, cache)
    assert reached.wait(60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (cache / NAME).exists()
    healthy(server, cache)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_thirty_processes_at_once(server, cache):
    content = CONTENT * 70  # 21 MB
    server.answer = lambda handler, _: send(handler, content)
    body = """
    children = []
    for _ in range(30):
        pid = os.fork()
        if not pid:
            path = downloads.fetch({name!r})
            os._exit(0 if downloads.is_verified(path, source, again=True) else 1)
        children.append(pid)
    sys.exit(sum(os.waitpid(pid, 0)[1] != 0 for pid in children))
    """
    assert errors_of(child(server, cache, body.replace("\n    ", "\n"), content)) == ""
    assert len(server.requests) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users")
def test_a_read_only_cache(server):
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        cache = Path(place) / "shared"
        assert errors_of(child(server, cache)) == ""
        (cache / (NAME + ".verified")).unlink()  # as if copied by hand
        for path in sorted(cache.rglob("*"), reverse=True):
            path.chmod(0o555 if path.is_dir() else 0o444)
        # As root, who may write everywhere, the child becomes another user once it has imported what it needs.
        body = ("os.setuid(65534); " if os.geteuid() == 0 else "") + "downloads.fetch({name!r})"
        assert errors_of(child(server, cache, body)) == ""
        assert len(server.requests) == 1
        (cache / "folder").chmod(0o755)
        (cache / NAME).unlink()
        (cache / "folder").chmod(0o555)
        assert re.search("(?s)cannot be written.*COURSE_CACHE", errors_of(child(server, cache, body)))
        (cache / "folder").chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become other users")
def test_two_users_share_a_cache(server):
    """A folder of their group: one is killed in the middle, the other goes on, a third, who may only read, has it."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        cache = Path(place) / "shared"
        cache.mkdir()
        os.chown(cache, -1, 100)
        cache.chmod(0o2775)
        reached = threading.Event()

        def stall(handler: BaseHTTPRequestHandler, number: int) -> None:
            send(handler, CONTENT, ranges=True, stop=150_000 if number == 1 else None)
            if number == 1:
                time.sleep(0.2)
                reached.set()
                time.sleep(60)

        server.answer = stall
        become = "os.umask(0o002); os.setgroups([]); os.setgid({}); os.setuid({}); downloads.fetch({{name!r}})"
        first = child(server, cache, become.format(100, 65533))
        assert reached.wait(60)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        assert errors_of(child(server, cache, become.format(100, 65532))) == ""
        assert (cache / NAME).read_bytes() == CONTENT
        assert int(re.findall(r"\d+", server.requests[1]["Range"])[0]) > 0
        assert errors_of(child(server, cache, become.format(65531, 65531))) == ""
        assert len(server.requests) == 2


def can_mount() -> bool:
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="no small disk can be mounted")
def test_a_small_disk(server, cache):
    """A disk of 200 KB in a mount namespace of the child's own: it fills up in the middle of the file."""
    cache.mkdir()
    body = """
    import pathlib
    cache = pathlib.Path(os.environ["COURSE_CACHE"])
    os.system('mount -t tmpfs -o size=200k none "$COURSE_CACHE"')
    try:
        downloads.fetch({name!r})
    except downloads.DownloadError as error:
        print(error, file=sys.stderr)
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["file.bin.lock"]
    sys.exit(9)
    """
    errors = errors_of(child(server, cache, body.replace("\n    ", "\n"), before=("unshare", "-m")))
    assert re.search("(?s)cannot be written: the disk is full.*COURSE_CACHE", errors)
    assert "Error:" not in errors
    healthy(server, cache)


# ------------------------------------------------------------------------------------------------------------- archives
def zip_bytes(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of duplicate names
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_bytes(*members: tuple[str, bytes, bytes]) -> bytes:
    """A tar archive of (name, kind, data or target of the link)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(data)
            else:
                info.linkname = data.decode()
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return info


BAD_ARCHIVES = {
    "zip with ..": (zip_bytes(("../evil", b"x")), "leads out"),
    "zip with .. inside": (zip_bytes(("a/../../evil", b"x")), "leads out"),
    "zip with an absolute path": (zip_bytes(("/tmp/evil", b"x")), "leads out"),
    "zip with a drive": (zip_bytes(("C:evil", b"x")), "leads out"),
    "zip with a backslash": (zip_bytes(("..\\evil", b"x")), "leads out"),
    "zip with a link": (zip_bytes((zip_link(), b"/etc/passwd")), "link or a device"),
    "zip with a name twice": (zip_bytes(("a", b"x"), ("a", b"y")), "two members"),
    "zip with names that clash": (zip_bytes(("Read.me", b"x"), ("read.ME", b"y")), "two members"),
    "zip that is a bomb": (zip_bytes(("zeros", bytes(3_000_000))), "would take"),
    "zip with a file too few": (zip_bytes(), "0 files, not 1"),
    "tar with ..": (tar_bytes(("../evil", tarfile.REGTYPE, b"x")), "leads out"),
    "tar with an absolute path": (tar_bytes(("/tmp/evil", tarfile.REGTYPE, b"x")), "leads out"),
    "tar with a link out": (tar_bytes(("link", tarfile.SYMTYPE, b"/etc")), "link or a device"),
    "tar with a hard link": (tar_bytes(("link", tarfile.LNKTYPE, b"/etc/passwd")), "link or a device"),
    "tar with a device": (tar_bytes(("device", tarfile.CHRTYPE, b"")), "link or a device"),
    "tar with a pipe": (tar_bytes(("pipe", tarfile.FIFOTYPE, b"")), "link or a device"),
    "tar with a name twice": (tar_bytes(("a", tarfile.REGTYPE, b"x"), ("A", tarfile.REGTYPE, b"y")), "two members"),
    "truncated zip": (zip_bytes(("file", CONTENT))[:200_000], "not a readable archive"),
    "truncated tar": (tar_bytes(("file", tarfile.REGTYPE, CONTENT))[:200_000], "not a readable archive"),
    "zip with a wrong byte": (zip_bytes(("file", b"x" * 500)).replace(b"file", b"fire", 1), "not a readable archive"),
    "no archive": (b"just text", "not a readable archive"),
}


@pytest.mark.parametrize("kind", BAD_ARCHIVES)
def test_an_archive_that_no_course_file_is(server, cache, monkeypatch, kind):
    """Its hash is right, so it is what the publisher made; it is not unpacked all the same."""
    data, words = BAD_ARCHIVES[kind]
    monkeypatch.setattr(downloads, "UNPACKED_LIMIT", 1_000_000)
    server.answer = lambda handler, _: send(handler, data)
    register(monkeypatch, server.url, content=data, name="archive.zip", members=1)
    with pytest.raises(DownloadError, match=words):
        downloads.unpack("archive.zip")
    assert [path for path in cache.iterdir() if path.is_dir()] == []
    assert not (cache.parent / "evil").exists()


@pytest.mark.parametrize(
    "data", [zip_bytes(("a/b.txt", b"x"), ("c.txt", b"y")),
             tar_bytes(("a/b.txt", tarfile.REGTYPE, b"x"), ("c.txt", tarfile.REGTYPE, b"y"))], ids=["zip", "tar"],
)  # fmt: skip
def test_a_good_archive(server, cache, monkeypatch, data):
    server.answer = lambda handler, _: send(handler, data)
    register(monkeypatch, server.url, content=data, name="archive.zip", members=2)
    folder = downloads.unpack("archive.zip")
    assert (folder / "a" / "b.txt").read_bytes() + (folder / "c.txt").read_bytes() == b"xy"
    assert downloads.unpack("archive.zip") == folder
    assert len(server.requests) == 1


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_unpacking_that_was_killed_leaves_nothing(server, cache, monkeypatch):
    data = zip_bytes(("a.txt", b"x"), ("b.txt", b"y"))
    server.answer = lambda handler, _: send(handler, data)
    body = """
    def half(archive, folder):
        archive.extract("a.txt", folder)
        print("reached", flush=True)
        time.sleep(60)
    downloads.zipfile.ZipFile.extractall = half
    downloads.unpack({name!r})
    """
    process = child(server, cache, body.replace("\n    ", "\n"), data, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "reached\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    register(monkeypatch, server.url, content=data)
    name = f"file-{hashlib.sha256(data).hexdigest()[:12]}"
    assert not (cache / name).exists()
    assert [path.name for path in cache.rglob("a.txt")] == ["a.txt"]  # the half that it left
    folder = downloads.unpack(NAME)
    assert folder == cache / name
    assert {path.name for path in folder.iterdir()} == {"a.txt", "b.txt"}
    assert {path for path in cache.iterdir() if path.is_dir()} == {folder, cache / "folder"}


PARTS = st.sampled_from(["..", ".", "", "a", "A", "b", "ä", "a\\b", "C:", "/", "x" * 40])
NAMES = st.lists(PARTS, min_size=1, max_size=4).filter("/".join)


@settings(max_examples=150, deadline=None)
@given(members=st.lists(st.tuples(NAMES, st.binary(max_size=50)), max_size=6), kind=st.sampled_from(["zip", "tar"]))
def test_the_unpacker_stays_in_its_folder(members, kind):
    """Whatever the names: all files inside the folder with their bytes, or a refusal, and nothing outside."""
    pairs = [("/".join(parts), data) for parts, data in members]
    with tempfile.TemporaryDirectory() as place:
        archive, folder = Path(place) / "archive", Path(place) / "box" / "inner"
        folder.mkdir(parents=True)
        tar = kind == "tar"
        archive.write_bytes(tar_bytes(*((n, tarfile.REGTYPE, d) for n, d in pairs)) if tar else zip_bytes(*pairs))
        try:
            extract(archive, folder)
        except (DownloadError, OSError):  # OSError: one name is a file and the folder of another
            pass
        else:
            written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
            expected = [data for name, data in pairs if tar or not name.endswith("/")]
            assert sorted(written) == sorted(expected)
        assert {path.name for path in Path(place).iterdir()} == {"archive", "box"}
        assert {path.name for path in (Path(place) / "box").iterdir()} == {"inner"}


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 399), st.integers(1, 255)), max_size=3))
def test_a_damaged_archive_is_refused_or_harmless(cut, flips):
    data = bytearray(zip_bytes(("a/file", CONTENT[:200]), ("b", b"y"))[: cut or None])
    for place, change in flips:
        if place < len(data):
            data[place] ^= change
    with tempfile.TemporaryDirectory() as place:
        archive, folder = Path(place) / "archive", Path(place) / "box"
        folder.mkdir()
        archive.write_bytes(data)
        with contextlib.suppress(DownloadError, OSError):
            extract(archive, folder)
        assert {path.name for path in Path(place).iterdir()} == {"archive", "box"}


def test_the_page_of_faults_is_complete():
    page = (paths.paths.ROOT / "docs" / "DOWNLOADS.md").read_text(encoding="utf-8")
    tests = set(re.findall(r"`(test_\w+)`", page))
    assert tests
    assert tests <= set(globals())
    assert {name for name in globals() if name.startswith("test_")} - tests == {"test_the_page_of_faults_is_complete"}
