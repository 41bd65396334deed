"""Full mode as a reader meets it: the error of a lesson without a network, HRNet through TensorFlow Hub, a class.

Hosts are servers on loopback; the files are small or embedded ones in their published forms.
"""

from __future__ import annotations

import contextlib
import gc
import gzip
import hashlib
import io
import json
import os
import pickle
import re
import shlex
import shutil
import signal
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
from PIL import Image

from tests.support import served
from tests.test_datasets import write_gtsrb_archives
from utils import downloads, paths, segmentation
from utils.downloads import DownloadError, registry

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
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    monkeypatch.setattr(downloads, "WAITS", ())
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)

    def no_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
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
    assert re.match(rf"DownloadError: \S+ could not be downloaded to {re.escape(str(tmp_path))}/", what)
    assert re.match(r"  https://\S+( and \d more addresses)?: the name of the host is not known", why)
    assert "COURSE_MIRROR" in cure and "COURSE_MODE=quick" in cure


LOADERS = {
    "load_boston_housing": r"boston_housing\.npz",
    ".load_mnist(": r"mnist\.npz",
    "load_fashion_mnist": "fashion_mnist_full/",
    "load_cifar10_or_stand_in": "cifar-10",
    "{}_weights_tf_dim_ordering_tf_kernels.h5": r"(vgg16|resnet50|inception_v3)_\w+_kernels\.h5",
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5": r"vgg16_\w+_notop\.h5",
    "traffic_signs_folder": "GTSRB_",
    " street_photos()": "CamVid/test/",
}


def test_the_registry_knows_which_lesson_downloads_what():
    """`make prefetch LESSONS=4` fetches what lesson 4 asks for: no more, no less."""
    downloaded = {name: source.lessons for name, source in registry().items() if not source.embedded}
    for lesson in range(1, 10):
        code = "\n".join(code_cells(lesson))
        patterns = [pattern for loader, pattern in LOADERS.items() if loader in code]
        asked = {name for name in downloaded if any(re.match(pattern, name) for pattern in patterns)}
        assert asked == {name for name, lessons in downloaded.items() if lesson in lessons}, lesson


# ----------------------------------------------------------------------------------------- HRNet through TensorFlow Hub
def tar_of(folder: Path, first: str = "saved_model.pb", mode: str = "w:gz") -> bytes:
    """A SavedModel as TensorFlow Hub's hosts send it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: (path.name != first, path)):
            archive.add(path, arcname=path.relative_to(folder).as_posix(), recursive=False)
    return buffer.getvalue()


@pytest.fixture
def hub_host():
    """A host that speaks TensorFlow Hub's protocol: (its address, what it answers, the paths asked for).

    A browser gets a page; `?tf-hub-format=compressed` redirects to the archive, as tfhub.dev does to Kaggle.
    """
    answer: dict[str, object] = {"body": b"", "length": None, "stall": 0.0, "status": 200}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == f"{HANDLE}?tf-hub-format=compressed":
                self.send_response(302)
                self.send_header("Location", "/storage/model.tar.gz?signature=abc")
                self.end_headers()
                return
            body = answer["body"] if self.path.startswith("/storage/") else b"<html>a page about the model</html>"
            self.send_response(answer["status"])
            self.send_header("Content-Length", str(answer["length"] or len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)
                self.wfile.flush()
                time.sleep(answer["stall"])

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}", answer, asked
    httpd.shutdown()
    httpd.server_close()
    gc.collect()


@pytest.fixture
def hub(hub_host, tmp_path, monkeypatch):
    """Full mode with TensorFlow Hub's cache empty, and the handle at that host."""
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache" / "tfhub"))
    monkeypatch.setenv("TFHUB_DOWNLOAD_PROGRESS", "")
    for name in ("COURSE_MIRROR", "COURSE_HRNET", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(segmentation, "HRNET_HANDLE", hub_host[0] + HANDLE)
    monkeypatch.setattr(segmentation, "TIMEOUTS", (0.5, 0.5))
    return hub_host


def embedded_hrnet() -> Path:
    return downloads.fetch_folder("models/hrnet_small")


def test_hrnet_comes_through_tensorflow_hub_once(hub, tmp_path):
    import tensorflow_hub

    _, answer, asked = hub
    answer["body"] = tar_of(embedded_hrnet())
    path = segmentation.hrnet_path()
    assert Path(path).parent == tmp_path / "cache" / "tfhub"
    assert asked == [f"{HANDLE}?tf-hub-format=compressed", "/storage/model.tar.gz?signature=abc"]
    image = np.random.default_rng(0).random((1, 40, 56, 3), "float32")
    fetched, embedded = tensorflow_hub.load(path), tensorflow_hub.load(str(embedded_hrnet()))
    assert np.array_equal(fetched.predict(image), embedded.predict(image))
    answer["status"] = 404
    assert segmentation.hrnet_path() == path  # it is in the cache
    assert len(asked) == 2


def test_hrnet_from_an_address_of_kaggle_s_form_or_a_folder(hub, monkeypatch, tmp_path):
    address, answer, _ = hub
    answer["body"] = tar_of(embedded_hrnet())
    monkeypatch.setattr(segmentation, "HRNET_HANDLE", "http://127.0.0.1:9/never-asked")
    monkeypatch.setenv("COURSE_HRNET", address + HANDLE)
    assert Path(segmentation.hrnet_path(), "saved_model.pb").is_file()
    monkeypatch.setenv("COURSE_HRNET", str(embedded_hrnet()))
    assert segmentation.hrnet_path() == str(embedded_hrnet())
    for wrong in (tmp_path, tmp_path / "nowhere"):
        monkeypatch.setenv("COURSE_HRNET", str(wrong))
        with pytest.raises(DownloadError, match=r"COURSE_HRNET") as caught:
            segmentation.hrnet_path()
        assert len(str(caught.value).splitlines()) == 3
    assert tmp_path.is_dir()  # a folder of the reader's own is left alone


def whole() -> bytes:
    return tar_of(embedded_hrnet())


def between_two_files() -> bytes:
    data = tar_of(embedded_hrnet(), mode="w")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return data[: archive.getmembers()[1].offset]  # saved_model.pb is whole, nothing follows


HUB_FAULTS = {
    "404": ({"body": whole, "status": 404}, "404"),
    "500": ({"body": whole, "status": 500}, "500"),
    "a web page": ({"body": lambda: b"<html>Sign in</html>"}, "valid module"),
    "cut in a file": ({"body": lambda: whole()[:3_000_000]}, ""),
    "cut between two files": ({"body": between_two_files}, "no whole SavedModel"),
    "stalls": ({"body": lambda: whole()[:1_000_000], "length": 9_000_000, "stall": 1.5}, "timed out"),
}


@pytest.mark.parametrize("kind", HUB_FAULTS)
def test_hrnet_cannot_be_had(hub, tmp_path, kind):
    """One error of three lines; nothing half in TensorFlow Hub's cache, and the next run is healthy."""
    address, answer, _ = hub
    fault, words = HUB_FAULTS[kind]
    answer |= fault | {"body": fault["body"]()}
    with pytest.raises(DownloadError) as caught:
        segmentation.hrnet_path()
    what, why, cure = str(caught.value).splitlines()
    assert "HRNetV2-W48" in what and str(tmp_path) in what
    assert address in why and words in why
    assert all(word in cure for word in ("COURSE_HRNET", "COURSE_MIRROR", "COURSE_MODE=quick"))
    assert socket.getdefaulttimeout() is None
    assert [path for path in (tmp_path / "cache" / "tfhub").iterdir() if path.is_dir()] == []
    answer |= {"body": whole(), "status": 200, "length": None, "stall": 0}
    assert Path(segmentation.hrnet_path(), "saved_model.pb").is_file()


def test_hrnet_without_a_network(hub, monkeypatch):
    monkeypatch.setattr(segmentation, "HRNET_HANDLE", "http://127.0.0.1:9" + HANDLE)
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9.*refused") as caught:
        segmentation.hrnet_path()
    assert len(str(caught.value).splitlines()) == 3


# -------------------------------------------------------------------------------------------------------- a whole class
def originals(folder: Path) -> dict[str, str]:
    """Small files in the published form of every download: where each lies, by name in the registry."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    write_gtsrb_archives(folder)
    table = np.loadtxt(paths.ASSETS / "data" / "boston_housing.csv", delimiter=",", skiprows=1)
    np.savez(folder / "boston_housing.npz", x=table[:, :-1], y=table[:, -1])
    pictures, digits = rng.integers(0, 256, (20, 28, 28), np.uint8), rng.integers(0, 10, 20).astype(np.uint8)
    np.savez(folder / "mnist.npz", x_train=pictures, y_train=digits, x_test=pictures, y_test=digits)
    for part in ("train", "t10k"):
        for kind, values in (("images-idx3", pictures), ("labels-idx1", digits)):
            header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + values.tobytes()))
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name in [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]:
            data = pickle.dumps(
                {b"data": rng.integers(0, 256, (4, 3072), np.uint8), b"labels": [1, 2, 3, 4]}, protocol=2
            )
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    for name in registry():
        if name.startswith("CamVid/"):
            Image.fromarray(rng.integers(0, 256, (36, 48, 3), np.uint8)).save(folder / Path(name).name)
        elif name.endswith(".h5"):
            (folder / name).write_bytes(rng.bytes(100_000))
    return {name: Path(name).name for name, source in registry().items() if not source.embedded}


def copy_of_the_course(folder: Path, originals: Path, address: str, places: dict[str, str]) -> Path:
    """The course with a registry whose downloads are those small files at that address."""
    entries = json.loads((paths.ASSETS / "registry.json").read_text(encoding="utf-8"))
    for name, place in places.items():
        data = (originals / place).read_bytes()
        entries[name] |= {"urls": [f"{address}/{place}"], "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    (folder / "assets").mkdir(parents=True)
    for path in paths.ASSETS.iterdir():
        if path.is_dir():
            (folder / "assets" / path.name).symlink_to(path)
    (folder / "assets" / "registry.json").write_text(json.dumps(entries), encoding="utf-8")
    for name in ("utils", "tools"):
        shutil.copytree(paths.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(paths.ROOT / "Makefile", folder)
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


@pytest.mark.skipif(shutil.which("make") is None or os.name == "nt", reason="no make")
def test_a_class_from_prefetch_to_the_students(tmp_path, hub_host):
    """make prefetch, make mirror, make serve-mirror; then, every host gone, a student's make prefetch and loaders."""
    hub_address, answer, _ = hub_host
    answer["body"] = tar_of(embedded_hrnet())
    places = originals(tmp_path / "hosts")
    with contextlib.ExitStack() as running:
        address = running.enter_context(served(tmp_path / "hosts"))
        course = copy_of_the_course(tmp_path / "the cöurse", tmp_path / "hosts", address, places)
        mirror = tmp_path / "mirror of a class"
        # The rule that installs the environment is told that its stamp is there; this environment is used.
        make = [
            "make",
            "--no-print-directory",
            "-o",
            "stamp",
            "STAMP=stamp",
            f"PY={shlex.quote(sys.executable)}",
            f"MIRROR={mirror}",
        ]
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "TFHUB_", "MAKE", "MFLAGS"))}
        clean |= {"PYTHONUNBUFFERED": "1", "CI": "1"}

        def run(*words: str, **variables: str) -> str:
            done = subprocess.run([*make, *words], cwd=course, env=clean | variables, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        teacher = {"COURSE_CACHE": str(tmp_path / "teacher"), "COURSE_HRNET": hub_address + HANDLE}
        assert "1 of 1 files are there" in run("prefetch", "LESSONS=3", **teacher)
        printed = run("mirror", **teacher)
        assert f"{len(places)} of {len(places)} files are there, with the right hashes." in printed
        listed, done = printed.split("To download")
        assert all(name in listed for name in places) and "HRNetV2-W48, about 300 MB" in listed
        lines = (mirror / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        assert {line.split("  ")[1] for line in lines} == {*places, "HRNet/camvid-hrnetv2-w48.tar.gz"}
        for line in lines:
            digest, name = line.split("  ")
            assert hashlib.sha256((mirror / name).read_bytes()).hexdigest() == digest
        # A damaged archive of HRNet is noticed by its line, and packed again from TensorFlow Hub's cache.
        archive = mirror / "HRNet" / "camvid-hrnetv2-w48.tar.gz"
        archive.write_bytes(b"damaged")
        run("mirror", **teacher)
        assert len(archive.read_bytes()) > 1_000_000

    answer["status"] = 503
    server = subprocess.Popen([*make, "serve-mirror", "PORT=0", "BIND=127.0.0.1"], cwd=course, env=clean, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
    try:
        variable, _, value = server.stdout.readline().strip().partition("=")
        assert variable == "COURSE_MIRROR" and value.startswith("http://127.0.0.1:")
        student = {"COURSE_CACHE": str(tmp_path / "student"), "COURSE_MIRROR": value}
        assert f"{len(places)} of {len(places)} files are there" in run("prefetch", **student)
        done = subprocess.run([sys.executable, "-c", STUDENT], cwd=course, capture_output=True, text=True,
                              env=clean | student | {"COURSE_MODE": "full"})  # fmt: skip
        assert done.stdout == "400000\n", done.stderr
    finally:
        os.killpg(server.pid, signal.SIGTERM)  # a run in the background ignores SIGINT, and so would make
        server.communicate(timeout=20)
