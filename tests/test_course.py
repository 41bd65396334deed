"""The command `course`: from any folder, without make, on a terminal with another alphabet."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from course import lab
from tools import browser
from utils import paths

COMMAND = Path(sysconfig.get_path("scripts")) / "course"
COMMANDS = (
    *("lab", "work", "progress", "grade", "export", "run"),
    *("slides", "site", "doctor", "prefetch", "mirror", "serve-mirror"),
)


def course(*arguments: str, cwd: Path = paths.ROOT, **environment: str) -> subprocess.CompletedProcess:
    """Run the installed command."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def copy_course(folder: Path, *more: str) -> Path:
    """A copy of the course's code and lessons: the folder."""
    for name in ("notebooks", "course", "utils", *more):
        shutil.copytree(paths.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def in_copy(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the command of a copy."""
    return subprocess.run(
        [sys.executable, "-m", "course", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


def test_help_says_what_to_type_first_and_where_things_are(tmp_path):
    said = course("--help", cwd=tmp_path, PATH="/nowhere")
    assert said.returncode == 0
    for words in ("Type this first:\n  course work", *(f"\n    {name}" for name in COMMANDS), str(paths.ROOT)):
        assert words in said.stdout
    assert course(cwd=tmp_path).stdout == said.stdout


def test_help_imports_nothing_heavy():
    asked = "import sys; from course import cli; cli.parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], cwd=paths.ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "nbformat", "tensorflow", "requests", "utils"} & set(loaded.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lap"], "invalid choice: 'lap'"),
        (["run", "12"], "There is no lesson '12'; there are: 01, 02"),
        (["lab", "0"], "There is no lesson '0'"),
        (["progress", "four"], "There is no lesson 'four'"),
        (["prefetch", "10"], "There is no lesson '10'"),
        (["serve-mirror", "no-such-folder"], "fill it first"),
    ],
)
def test_a_mistake_is_answered_in_one_line(tmp_path, arguments, words):
    said = course(*arguments, cwd=tmp_path)
    assert said.returncode != 0
    assert words in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_without_its_folder_it_says_so(tmp_path):
    """As after `pip install` of a wheel: the code without the lessons."""
    shutil.copytree(paths.ROOT / "course", tmp_path / "course")
    said = in_copy(tmp_path, "work")
    assert said.returncode == 1
    assert b"python install.py" in said.stderr and b"Traceback" not in said.stderr


def test_a_full_disk_is_one_line(tmp_path):
    folder = copy_course(tmp_path / "course")
    (folder / "work").write_text("a file in the way", encoding="utf-8")
    said = in_copy(folder, "work")
    assert said.returncode == 1
    assert said.stderr.startswith(b"course work: ") and said.stderr.count(b"\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(not str(paths.ROOT).isascii(), reason="TensorFlow itself needs a locale that can spell its path")
def test_another_alphabet_and_no_default_encoding(tmp_path):
    """Signs in the path that the terminal cannot show; no file is opened with the encoding that the system prefers."""
    folder = copy_course(tmp_path / "Übung 深度 学习")
    (folder / "assets").symlink_to(paths.ASSETS)
    shutil.copy(paths.ROOT / "requirements.lock", folder)
    plain = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONWARNDEFAULTENCODING": "1",
        "PYTHONWARNINGS": "always::EncodingWarning",
    }
    shown = {}
    for arguments in (["work"], ["progress"], ["--help"], ["slides", "1"], ["doctor"]):
        said = in_copy(folder, *arguments, **plain)
        assert said.returncode == 0 or arguments == ["doctor"]
        assert said.stdout.isascii()
        errors = said.stderr.decode("ascii")
        assert "Traceback" not in errors
        assert [line for line in errors.splitlines() if "EncodingWarning" in line and "/course/" in line] == []
        shown[arguments[0]] = said.stdout.decode("ascii")
    assert re.match(r"(o )+ 01_", shown["progress"].splitlines()[1])
    assert "UnicodeEncodeError" not in shown["doctor"] and "ok       all" in shown["doctor"]


def test_lab_opens_the_lesson_that_was_asked_for(monkeypatch):
    monkeypatch.delenv("LAB_OPTIONS", raising=False)
    assert lab.command(None)[-1].endswith("01_getting_started_with_neural_networks.ipynb")
    assert Path(lab.command("2")[-1]).name.startswith("02_")
    for user, allowed in ((1000, False), (0, True)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user, raising=False)
        assert ("--allow-root" in lab.command(None)) is allowed


def test_make_alone_lists_every_target():
    # Without what an outer make hands down: it would make the inner one print the folders it enters.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    listing = subprocess.run(
        ["make"], capture_output=True, text=True, cwd=paths.ROOT, env=environment, check=True
    ).stdout
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"\.PHONY: (.*)", makefile).group(1).split()
    assert [line.split()[0] for line in listing.splitlines()[1:]] == targets


@pytest.mark.slow
@pytest.mark.parametrize(("place", "home"), [("notebooks", ""), ("work", ""), ("work", "home")])
def test_lab_serves_the_lessons(tmp_path, place, home):
    """A real JupyterLab on loopback opens the first lesson, or the student's copy, and serves a picture of it.

    Where the copy lies outside the course (`home`), the picture is behind a link.
    """
    folder = copy_course(tmp_path / "course", "assets/diagrams", *(["docs"] if home else []))
    elsewhere = {"COURSE_HOME": str(tmp_path / home)} if home else {}
    if place == "work":
        assert in_copy(folder, "work", **elsewhere).returncode == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--no-browser --ip=127.0.0.1 --port={port} --IdentityProvider.token=t --ServerApp.port_retries=0"
    own = {"LAB_OPTIONS": options, "HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    environment = {**os.environ, **own, **elsewhere}
    lesson = lab.page(None).name
    log = tmp_path / "log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "course", "lab"], cwd=folder, env=environment, stdout=file, stderr=file
        )
    try:
        contents = json.loads(get(f"http://127.0.0.1:{port}/api/contents/{place}/{lesson}?token=t", server))
        assert contents["type"] == "notebook"
        picture = re.search(r"\.\./(assets/diagrams/[\w-]+\.svg)", json.dumps(contents)).group(1)
        assert b"<svg" in get(f"http://127.0.0.1:{port}/files/{picture}?token=t", server)
        assert b"JupyterLab" in get(f"http://127.0.0.1:{port}/lab/tree/{place}/{lesson}?token=t", server)
        assert f"{place}/" in log.read_text(encoding="utf-8").splitlines()[0]
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.browser
def test_a_lesson_that_is_opened_and_saved_is_not_modified(tmp_path, chromium):
    folder = browser.copy_course(tmp_path / "course", outputs=True)
    lesson = next((folder / "notebooks").glob("03_*.ipynb"))
    before = lesson.read_bytes()
    with browser.lab(folder, 3) as address, browser.opened(chromium, address) as (page, _):
        page.wait_for_timeout(2000)  # what JupyterLab changes it changes once the kernel is there
        assert page.locator(".jp-mod-dirty").count() == 0
        page.get_by_role("menuitem", name="File", exact=True).click()
        with page.expect_response(lambda answer: answer.request.method == "PUT" and "contents" in answer.url):
            page.locator(".lm-Menu-itemLabel", has_text="Save Notebook").first.click()
        page.wait_for_timeout(1000)
        assert page.locator(".jp-mod-dirty").count() == 0
    assert lesson.read_bytes() == before
    log = (folder / "jupyter" / "server.log").read_text(encoding="utf-8")
    assert "Kernel started" in log
    # But for its end, by a signal, it tells of nothing unusual.
    unusual = [line for line in log.splitlines() if re.match(r"\[[WEC] ", line) and "received signal" not in line]
    assert unusual == []


def get(url: str, server: subprocess.Popen) -> bytes:
    """The answer, waiting for the server to be up; its end is an error."""
    for _ in range(600):
        assert server.poll() is None, "JupyterLab stopped"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {url}")
