"""The maintainers' tools and the two commands of the quick start, short of running whole lessons."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import lab, run
from tests.support import exit_code
from utils import paths


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of lessons, and one for pages."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(paths, "BUILD", tmp_path / "build")
    monkeypatch.delenv("COURSE_MODE", raising=False)
    paths.NOTEBOOKS.mkdir()
    return tmp_path


def write_lesson(name: str, *sources: str) -> Path:
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), *(new_code_cell(source) for source in sources)])
    path = paths.NOTEBOOKS / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def test_a_failing_lesson_does_not_stop_the_others(folder, monkeypatch, capsys):
    write_lesson("01_good", "print('✓ one')", "print('★ accuracy: 0.9')\nprint('✓ two')")
    write_lesson("02_bad", "1 + 1", "print('✓ before')\n1 / 0", "print('✓ never')")
    write_lesson("03_good", "print('✓ three')")
    assert exit_code(run, monkeypatch, "run") == 1
    table = capsys.readouterr().out
    assert re.search(r"01_good +\d+\.\d +\d+ +2 +accuracy: 0\.9", table)
    assert re.search(r"02_bad +\d+\.\d +\d+ +1 +FAILED cell 3 \(.+\): ZeroDivisionError: division by zero", table)
    assert re.search(r"03_good +\d+\.\d +\d+ +1 ", table)
    assert "2 passed, 1 failed" in table
    assert "01_good  cell 1 of 3" in table
    pages = sorted(path.name for path in paths.BUILD.glob("0*"))
    assert pages == ["01_good.html", "02_bad.html", "03_good.html"]


def test_execute_writes_tidy_outputs_and_keeps_ids(folder, monkeypatch):
    path = write_lesson("01_good", "import sys\nprint('a')\nsys.stdout.flush()\nprint('50%\\r100%')", "41 + 1")
    before = nbformat.read(path, as_version=4)
    before.metadata["vscode"] = {"user": "me"}
    before.cells[1].metadata = {"tags": ["exercise"], "alt": "a figure", "collapsed": True}
    nbformat.write(before, path)
    assert exit_code(run, monkeypatch, "execute", "1") == 0
    after = nbformat.read(path, as_version=4)
    assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]
    assert set(after.metadata) == {"kernelspec", "language_info"}
    assert after.cells[1].metadata == {"tags": ["exercise"], "alt": "a figure"}
    assert [output.text for output in after.cells[1].outputs] == ["a\n100%\n"]
    assert [cell.execution_count for cell in after.cells[1:]] == [1, 2]
    first = path.read_bytes()
    assert exit_code(run, monkeypatch, "execute") == 0
    assert path.read_bytes() == first


def test_execute_leaves_a_failing_notebook_alone(folder, monkeypatch):
    path = write_lesson("01_bad", "print('new')\n1 / 0")
    before = path.read_bytes()
    assert exit_code(run, monkeypatch, "execute") == 1
    assert path.read_bytes() == before


def test_execute_refuses_full_mode(folder, monkeypatch):
    write_lesson("01_good", "1")
    monkeypatch.setenv("COURSE_MODE", "full")
    assert "quick mode" in exit_code(run, monkeypatch, "execute")


def test_an_unknown_mode_is_one_clear_line(folder, monkeypatch):
    write_lesson("01_good", "1")
    monkeypatch.setenv("COURSE_MODE", "fast")
    assert "COURSE_MODE is 'fast'" in exit_code(run, monkeypatch, "run")
    monkeypatch.setenv("COURSE_MODE", "")  # empty means quick
    assert exit_code(run, monkeypatch, "execute") == 0


def test_unknown_lesson(folder, monkeypatch):
    write_lesson("01_good", "1")
    assert "There is no lesson '7'; there are: 01" in exit_code(run, monkeypatch, "run", "7")


def test_a_dying_kernel_is_reported(folder):
    path = write_lesson("01_dies", "import os\nos._exit(3)")
    _, result = run.run_notebook(path, lambda *_: None)
    assert "kernel died" in result.error


def test_output_lines_join_streams():
    cell = new_code_cell("", outputs=[new_output("stream", text="✓ a"), new_output("stream", text="b\n✓ c\n")])
    assert run.output_lines(new_notebook(cells=[new_markdown_cell("x"), cell])) == ["✓ ab", "✓ c"]


def setup(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["sh", str(paths.ROOT / "tools" / "setup.sh"), str(tmp_path / "venv")],
        capture_output=True,
        text=True,
        cwd=paths.ROOT,
        env={"HOME": str(tmp_path), **environment},
        check=False,
    )


def test_no_suitable_python_is_said_clearly(tmp_path):
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "python3"
    fake.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.18 && exit 0\nexit 1\n')
    fake.chmod(0o755)
    sh = shutil.which("sh")
    done = subprocess.run(
        [sh, str(paths.ROOT / "tools" / "setup.sh"), str(tmp_path / "venv")],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path / "bin")},
        check=False,
    )
    assert done.returncode == 1
    for words in ("3.10, 3.11, 3.12 or 3.13", "Python 3.8.18", "PYTHON=/path/to"):
        assert words in done.stderr
    assert not (tmp_path / "venv").exists()


def test_the_python_that_was_asked_for_is_not_replaced_by_another(tmp_path):
    done = setup(tmp_path, PATH=os.environ["PATH"], PYTHON="/no/such/python")
    assert done.returncode == 1
    assert "/no/such/python" in done.stderr


def test_make_alone_lists_every_target():
    # Without what an outer make hands down: it would make the inner one print the folders it enters.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    listing = subprocess.run(
        ["make"], capture_output=True, text=True, cwd=paths.ROOT, env=environment, check=True
    ).stdout
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"\.PHONY: (.*)", makefile).group(1).split()
    assert [line.split()[0] for line in listing.splitlines()[1:]] == targets


def test_lock_holds_every_direct_dependency():
    def pins(text: str) -> set[tuple[str, str]]:
        return set(re.findall(r"^([a-z0-9-]+)==([\w.]+)", text, flags=re.MULTILINE))

    direct = (paths.ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert pins(direct) <= pins((paths.ROOT / "requirements.lock").read_text(encoding="utf-8"))
    for line in direct.splitlines():
        if line and not line.startswith("#"):
            assert re.search(r"# (used in: |the last )", line), f"say where it is used: {line}"


def test_lab_opens_the_lesson_that_was_asked_for(monkeypatch):
    monkeypatch.delenv("LAB_OPTIONS", raising=False)
    assert lab.command(None)[-1].endswith("01_getting_started_with_neural_networks.ipynb")
    assert Path(lab.command("2")[-1]).name.startswith("02_")
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    assert "--allow-root" not in lab.command(None)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in lab.command(None)


@pytest.mark.parametrize("place", ["notebooks", "work"])
def test_lab_serves_the_lessons(tmp_path, place):
    """A real JupyterLab on loopback opens the first lesson, or the student's copy, and serves a picture of it."""
    course = tmp_path / "course"
    for name in ("notebooks", "tools", "utils", "assets/diagrams"):
        shutil.copytree(paths.ROOT / name, course / name)
    if place == "work":
        subprocess.run([sys.executable, "-m", "course.work"], cwd=course, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--no-browser --ip=127.0.0.1 --port={port} --IdentityProvider.token=t --ServerApp.port_retries=0"
    environment = {**os.environ, "LAB_OPTIONS": options, "HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    lesson = lab.page(None).name
    log = (tmp_path / "log").open("wb")
    server = subprocess.Popen([sys.executable, "-m", "course.lab"], cwd=course, env=environment, stdout=log, stderr=log)
    try:
        contents = json.loads(get(f"http://127.0.0.1:{port}/api/contents/{place}/{lesson}?token=t", server))
        assert contents["type"] == "notebook"
        picture = re.search(r"\.\./(assets/diagrams/[\w-]+\.svg)", json.dumps(contents)).group(1)
        assert b"<svg" in get(f"http://127.0.0.1:{port}/files/{picture}?token=t", server)
        assert b"JupyterLab" in get(f"http://127.0.0.1:{port}/lab/tree/{place}/{lesson}?token=t", server)
        assert f"{place}/" in (tmp_path / "log").read_text().splitlines()[0]
    finally:
        server.terminate()
        server.wait(20)
        log.close()


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
