"""Full mode as a reader meets it: the error of a lesson without a network, HRNet through TensorFlow Hub, a class.

Hosts are servers on loopback; the files are small or embedded ones in their published forms.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.support import served
from tests.test_datasets import write_cifar10_archive, write_gtsrb_archives, write_idx
from utils import datasets, downloads, paths, segmentation
from utils.downloads import DownloadError, registry
from utils.pictures import write_picture

# TensorFlow Hub leaves its sockets to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
HANDLE = "/google/HRNet/camvid-hrnetv2-w48/1"


def code_cells(lesson: int) -> list[str]:
    notebook = nbformat.read(next(paths.NOTEBOOKS.glob(f"{lesson:02}_*.ipynb")), as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


# ------------------------------------------------------------------------------------------------- without a network
@pytest.mark.parametrize("lesson", [1, 3, 4, 6, 7, 8, 9])
def test_a_lesson_without_a_network_shows_three_lines(lesson, tmp_path, monkeypatch, capsys):
    """The cells run up to the first that downloads: it shows one error of three lines and no traceback."""

    def no_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    monkeypatch.setattr(downloads, "WAITS", ())
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    for name in ("COURSE_MIRROR", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(paths.NOTEBOOKS)
    shell = InteractiveShell.instance()
    try:
        for cell in code_cells(lesson):
            capsys.readouterr()
            result = shell.run_cell(cell)
            if not result.success:
                break
    finally:
        InteractiveShell.clear_instance()
    assert isinstance(result.error_in_exec, DownloadError)
    what, why, cure = capsys.readouterr().out.strip().splitlines()
    place = re.escape(str(tmp_path))
    assert re.match(rf"DownloadError: \S+ could not be (downloaded to|loaded into) {place}/", what)
    unknown = r"the name of the host is not known|Temporary failure in name resolution"  # TensorFlow Hub's words
    assert re.match(rf"  https://\S+( and \d more addresses)?: .*({unknown})", why)
    assert "COURSE_MIRROR" in cure and "COURSE_MODE=quick" in cure


LOADERS = {
    "load_boston_housing": r"boston_housing\.npz",
    ".load_mnist(": r"mnist\.npz",
    "load_fashion_mnist": "fashion_mnist_full/",
    "load_cifar10_or_stand_in": "cifar-10",
    "apps.vgg16.preprocess_input": r"(vgg16|resnet50|inception_v3)_\w+_kernels\.h5",
    "FULL_VGG16": r"vgg16_\w+_notop\.h5",
    "traffic_signs_folder": "GTSRB_",
    "segmentation.street_photos()": "CamVid/test/",
}


def test_the_registry_knows_which_lesson_downloads_what():
    """`course prefetch 4` fetches what lesson 4 asks for: no more, no less."""
    downloaded = {name: source.lessons for name, source in registry().items() if not source.embedded}
    for lesson in range(1, 10):
        code = "\n".join(code_cells(lesson))
        patterns = [pattern for loader, pattern in LOADERS.items() if loader in code]
        asked = {name for name in downloaded if any(re.match(pattern, name) for pattern in patterns)}
        assert asked == {name for name, lessons in downloaded.items() if lesson in lessons}, lesson


# ----------------------------------------------------------------------------------------- HRNet through TensorFlow Hub
def tar_of_hrnet(mode: str = "w:gz") -> bytes:
    """The embedded HRNet as TensorFlow Hub's hosts send a SavedModel, saved_model.pb first."""
    folder = downloads.fetch_folder("models/hrnet_small")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: (path.name != "saved_model.pb", path)):
            archive.add(path, arcname=path.relative_to(folder).as_posix(), recursive=False)
    return buffer.getvalue()


def cut_between_two_files() -> bytes:
    data = tar_of_hrnet(mode="w")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return data[: archive.getmembers()[1].offset]  # saved_model.pb is whole, nothing follows


class HubHandler(BaseHTTPRequestHandler):
    """Speaks TensorFlow Hub's protocol: a browser gets a page, `?tf-hub-format=compressed` leads to the archive."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == f"{HANDLE}?tf-hub-format=compressed":
            self.send_response(302)
            self.send_header("Location", "/storage/model.tar.gz?signature=abc")
            self.end_headers()
            return
        stored = self.path.startswith("/storage/")
        body = self.server.body if stored else b"<html>a page about the model</html>"
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body) + self.server.missing))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
            self.wfile.flush()
            if self.server.missing:
                time.sleep(1.5)

    def log_message(self, *_: object) -> None:
        pass


class HubHost(ThreadingHTTPServer):
    """A host on loopback that sends HRNet, or what a test puts in its place."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}{HANDLE}"
        self.asked: list[str] = []
        self.send(tar_of_hrnet())
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def send(self, body: bytes, status: int = 200, missing: int = 0) -> None:
        """Answer with this from now on; `missing` bytes are promised and never come."""
        self.body, self.status, self.missing = body, status, missing


@pytest.fixture
def host():
    host = HubHost()
    yield host
    host.shutdown()
    host.server_close()
    gc.collect()


@pytest.fixture
def hub(host, tmp_path, monkeypatch):
    """Full mode with TensorFlow Hub's cache empty, and HRNet at that host."""
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache" / "tfhub"))
    monkeypatch.setenv("TFHUB_DOWNLOAD_PROGRESS", "")
    for name in ("COURSE_MIRROR", "COURSE_HRNET", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(segmentation, "HRNET_HANDLE", host.url)
    monkeypatch.setattr(segmentation, "TIMEOUTS", (0.5, 0.5))
    return host


def test_hrnet_comes_through_tensorflow_hub_once(hub, tmp_path):
    import tensorflow_hub

    path = segmentation.hrnet_path()
    assert Path(path).parent == tmp_path / "cache" / "tfhub"
    assert hub.asked == [f"{HANDLE}?tf-hub-format=compressed", "/storage/model.tar.gz?signature=abc"]
    image = np.random.default_rng(0).random((1, 40, 56, 3), "float32")
    fetched, embedded = (tensorflow_hub.load(str(folder)) for folder in (path, paths.ASSETS / "models" / "hrnet_small"))
    assert np.array_equal(fetched.predict(image), embedded.predict(image))
    hub.send(b"", status=404)
    assert segmentation.hrnet_path() == path  # it is in the cache
    assert len(hub.asked) == 2


def test_hrnet_from_a_named_address_or_folder(hub, monkeypatch, tmp_path):
    monkeypatch.setattr(segmentation, "HRNET_HANDLE", "http://127.0.0.1:9/never-asked")
    monkeypatch.setenv("COURSE_HRNET", hub.url)
    assert Path(segmentation.hrnet_path(), "saved_model.pb").is_file()
    folder = str(paths.ASSETS / "models" / "hrnet_small")
    monkeypatch.setenv("COURSE_HRNET", folder)
    assert segmentation.hrnet_path() == folder
    monkeypatch.setenv("COURSE_HRNET", str(tmp_path))
    with pytest.raises(DownloadError, match="COURSE_HRNET"):
        segmentation.hrnet_path()
    assert tmp_path.is_dir()  # a folder of the reader's own is left alone


@pytest.mark.parametrize(
    ("body", "fault", "words"),
    [
        (tar_of_hrnet, {"status": 404}, "404"),
        (lambda: b"<html>Sign in</html>", {}, "valid module"),
        (lambda: tar_of_hrnet()[:3_000_000], {}, ""),
        (cut_between_two_files, {}, "no whole SavedModel"),
        (lambda: tar_of_hrnet()[:1_000_000], {"missing": 8_000_000}, "timed out"),
    ],
    ids=["404", "a web page", "cut in a file", "cut between two files", "stalls"],
)
def test_hrnet_cannot_be_had(hub, tmp_path, body, fault, words):
    """One error of three lines; nothing half in TensorFlow Hub's cache, and the next run is healthy."""
    hub.send(body(), **fault)
    with pytest.raises(DownloadError) as caught:
        segmentation.hrnet_path()
    what, why, cure = str(caught.value).splitlines()
    assert "HRNetV2-W48" in what and str(tmp_path) in what
    assert hub.url in why and words in why
    assert all(word in cure for word in ("COURSE_HRNET", "COURSE_MIRROR", "COURSE_MODE=quick"))
    assert socket.getdefaulttimeout() is None
    assert [path for path in (tmp_path / "cache" / "tfhub").iterdir() if path.is_dir()] == []
    hub.send(tar_of_hrnet())
    assert Path(segmentation.hrnet_path(), "saved_model.pb").is_file()


# -------------------------------------------------------------------------------------------------------- a whole class
def write_originals(folder: Path) -> list[str]:
    """Small files in the published form of every download, under their names in the registry."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    write_gtsrb_archives(folder)
    write_cifar10_archive(folder)
    table = datasets.boston_housing_table().to_numpy()
    np.savez(folder / "boston_housing.npz", x=table[:, :-1], y=table[:, -1])
    pictures, digits = rng.integers(0, 256, (20, 28, 28), np.uint8), rng.integers(0, 10, 20).astype(np.uint8)
    np.savez(folder / "mnist.npz", x_train=pictures, y_train=digits, x_test=pictures, y_test=digits)
    names = [name for name, source in registry().items() if not source.embedded]
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith("CamVid/"):
            write_picture(path, rng.integers(0, 256, (36, 48, 3), np.uint8))
        elif name.endswith(".h5"):
            path.write_bytes(rng.bytes(100_000))
        elif name.endswith("-ubyte.gz"):
            write_idx(path, pictures if "images" in name else digits)
    return names


def copy_of_the_course(folder: Path, originals: Path, address: str, names: list[str]) -> Path:
    """The course with a registry whose downloads are those small files at that address."""
    entries = json.loads((paths.ASSETS / "registry.json").read_text(encoding="utf-8"))
    for name in names:
        data = (originals / name).read_bytes()
        entries[name] |= {"urls": [f"{address}/{name}"], "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    (folder / "assets").mkdir(parents=True)
    for path in paths.ASSETS.iterdir():
        if path.is_dir():
            (folder / "assets" / path.name).symlink_to(path)
    (folder / "assets" / "registry.json").write_text(json.dumps(entries), encoding="utf-8")
    (folder / "notebooks").symlink_to(paths.NOTEBOOKS)
    for name in ("utils", "course"):
        shutil.copytree(paths.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


STUDENT = """
import numpy as np, tensorflow_hub as hub
from utils import datasets, segmentation
from utils.downloads import fetch, registry
assert datasets.load_boston_housing()[0][0].shape == (404, 13)
assert datasets.load_mnist()[0][0].shape == datasets.load_fashion_mnist()[1][0].shape == (20, 28, 28)
assert datasets.load_cifar10()[0][0].shape == (20, 32, 32, 3)
assert len(list((datasets.traffic_signs_folder() / "Train").rglob("*.png"))) == 43 * 28
assert len(segmentation.street_photos()) == 4 + 15
model = hub.load(segmentation.hrnet_path())
assert model.predict(np.zeros((1, 32, 32, 3), "float32")).shape == (1, 32, 32, 33)
print(sum(fetch(name).stat().st_size for name in registry() if name.endswith(".h5")))
"""


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_class_from_prefetch_to_the_students(tmp_path, host):
    """course prefetch, mirror, serve-mirror; then, every host gone, a student's loaders."""
    names = write_originals(tmp_path / "hosts")
    mirror = tmp_path / "mirror of a class"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COURSE_", "TFHUB_"))}
    clean |= {"PYTHONUNBUFFERED": "1", "CI": "1"}
    command = [sys.executable, "-m", "course"]
    with served(tmp_path / "hosts") as address:
        course = copy_of_the_course(tmp_path / "the cöurse", tmp_path / "hosts", address, names)

        def run(*words: str, **variables: str) -> str:
            done = subprocess.run(
                [*command, *words], cwd=course, env=clean | variables, capture_output=True, encoding="utf-8"
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        teacher = {"COURSE_CACHE": str(tmp_path / "teacher"), "COURSE_HRNET": host.url}
        assert "1 of 1 files are there" in run("prefetch", "3", **teacher)
        printed = run("mirror", str(mirror), **teacher)
        assert f"{len(names)} of {len(names)} files are there, with the right hashes." in printed
        announced = printed.split("To download")[0]
        assert all(name in announced for name in names) and "HRNetV2-W48, about 300 MB" in announced
        hashes = {}
        for line in (mirror / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
            digest, name = line.split("  ")
            hashes[name] = digest
        assert hashes.keys() == {*names, segmentation.HRNET_ARCHIVE}
        assert all(downloads.file_hash(mirror / name) == digest for name, digest in hashes.items())

    host.send(b"", status=503)
    server = subprocess.Popen(
        [*command, "serve-mirror", str(mirror), "--port", "0", "--bind", "127.0.0.1"],
        cwd=course,
        env=clean,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        variable, _, value = server.stdout.readline().strip().partition("=")
        assert variable == "COURSE_MIRROR" and value.startswith("http://127.0.0.1:")
        student = {"COURSE_CACHE": str(tmp_path / "student"), "COURSE_MIRROR": value, "COURSE_MODE": "full"}
        command = [sys.executable, "-c", STUDENT]
        assert run(**student) == "400000\n"
    finally:
        server.terminate()
        server.communicate(timeout=20)
