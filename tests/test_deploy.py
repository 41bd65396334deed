"""deploy/ without a hub: its settings load and agree, its scripts run, and what it names is there.

tools/hub/class_of.py tries the same with JupyterHub and many students.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config.loader import PyFileConfigLoader

from course import work
from utils import paths

DEPLOY = paths.ROOT / "deploy"
POSIX = pytest.mark.skipif(os.name != "posix", reason="hubs run on Linux")
# Stands for JupyterHub's server: writes down how it was started.
FAKE_SERVER = """import json, os, sys
kept = ("COURSE_HOME", "JUPYTER_DATA_DIR", "IPYTHONDIR", "PYTHONPATH")
print("STARTED" + json.dumps([sys.argv[1:], os.getcwd(), {name: os.environ[name] for name in kept}]))
"""
# Stands for a program of the image: writes down its arguments, and fails where a file is missing that it is to read.
FAKE_PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
for word in "$@"; do case "$word" in *.lock|install.py) test -f "$word" || exit 1;; esac; done
case "$1" in install.py) mkdir -p .venv/bin && cp "$0" .venv/bin/python;; esac
"""


def settings(name: str) -> dict:
    """What a configuration of deploy/ sets, by class; traitlets reads it as JupyterHub does."""
    return PyFileConfigLoader(name, path=str(DEPLOY)).load_config()


def cell(name: str, text: str, kind: str = "markdown"):
    return new_markdown_cell(text, id=name) if kind == "markdown" else new_code_cell(text, id=name)


def put_lesson(folder: Path, *texts: str) -> None:
    cells = [cell(f"c{number}", text) for number, text in enumerate(texts)]
    nbformat.write(new_notebook(cells=cells), folder / "notebooks" / "01_small.ipynb")


def set_read_only(folder: Path, read_only: bool) -> None:
    subprocess.run(["chmod", "-R", "a-w" if read_only else "u+w", folder], check=True)


@pytest.fixture
def hub(tmp_path) -> Path:
    """A hub's course of one small lesson, and a package that stands for JupyterHub."""
    folder = tmp_path / "course"
    for name in ("course", "utils", "deploy"):
        shutil.copytree(paths.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("assets", "docs", "notebooks"):
        (folder / name).mkdir()
    put_lesson(folder, "a", "b")
    fake = tmp_path / "fake" / "jupyterhub" / "singleuser"
    fake.mkdir(parents=True)
    (fake.parent / "__init__.py").touch()
    (fake / "__init__.py").touch()
    (fake / "__main__.py").write_text(FAKE_SERVER, encoding="utf-8")
    set_read_only(folder, True)
    yield folder
    set_read_only(folder, False)


def start(folder: Path, home: Path) -> tuple[list[str], Path, dict[str, str]]:
    """Start a student's server by the script: its options, its folder, its variables.

    Root, who may write everything, gives up that right; the course's folder is read-only for everybody then.
    """
    unprivileged = ["setpriv", "--bounding-set", "-all"] if os.geteuid() == 0 else []
    if unprivileged and not shutil.which("setpriv"):
        pytest.skip("root cannot give up its rights without setpriv")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON", "COURSE"))}
    done = subprocess.run(
        [*unprivileged, sys.executable, folder / "deploy" / "start.py", "--as-the-hub-says"],
        cwd=folder,
        env={**kept, "HOME": str(home), "PYTHONPATH": str(folder.parent / "fake"), "TMPDIR": str(folder.parent)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert "STARTED" in done.stdout, done.stdout + done.stderr
    options, where, variables = json.loads(done.stdout.split("STARTED")[1])
    assert "--as-the-hub-says" in options and variables["PYTHONPATH"].startswith(str(folder))
    return options, Path(where), variables


@POSIX
def test_a_student_gets_a_copy_and_later_the_news(hub, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    before = sorted(hub.rglob("*"))
    options, where, variables = start(hub, home)
    assert where == home / "deep-learning-course" and f"--ServerApp.root_dir={where}" in options
    assert "--ServerApp.default_url=/lab/tree/work" in options and "--MappingKernelManager.cull_busy=False" in options
    assert (where / "assets").resolve() == hub / "assets" and sorted(hub.rglob("*")) == before
    assert not any(Path(variables[name]).is_relative_to(home) for name in ("JUPYTER_DATA_DIR", "IPYTHONDIR"))
    mine = where / "work" / "01_small.ipynb"
    notebook = nbformat.read(mine, as_version=4)
    notebook.cells[0].source = "mine"
    nbformat.write(notebook, mine)
    set_read_only(hub, False)
    put_lesson(hub, "a", "b, better")
    set_read_only(hub, True)
    options, where, _ = start(hub, home)
    assert "--ServerApp.default_url=/lab/tree/READ%20ME%20FIRST.txt" in options
    assert "1 changed" in (where / "READ ME FIRST.txt").read_text(encoding="utf-8")
    assert [cell.source for cell in nbformat.read(mine, as_version=4).cells] == ["mine", "b, better"]
    assert "--ServerApp.default_url=/lab/tree/work" in start(hub, home)[0]


@POSIX
def test_a_student_whose_home_cannot_be_written_gets_a_server_and_a_word(hub, tmp_path):
    (tmp_path / "file").touch()
    options, where, _ = start(hub, tmp_path / "file" / "home")
    assert f"--ServerApp.root_dir={where}" in options
    said = (where / "READ ME FIRST.txt").read_text(encoding="utf-8")
    assert "cannot be written" in said and "Hub Control Panel" in said
    assert (where / "notebooks" / "01_small.ipynb").exists()


def test_a_full_disk_leaves_no_half_file_and_says_what_to_do(tmp_path, monkeypatch, capsys):
    mine = tmp_path / "01.ipynb"
    work.put(mine, b"whole")

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(work.os, "fsync", refuse)
    with pytest.raises(OSError):
        work.put(mine, b"another")
    assert mine.read_bytes() == b"whole" and list(tmp_path.iterdir()) == [mine]
    monkeypatch.setattr(paths, "WORK", tmp_path / "work")
    assert work.update_all() == 1
    assert "Make room" in capsys.readouterr().err


def test_settings_load_and_agree():
    plain, shared = settings("jupyterhub_config.py"), settings("course_config.py")
    assert plain.Spawner == shared.Spawner and plain.JupyterHub.cleanup_servers is False
    python, script = map(Path, shared.Spawner.cmd)
    assert script == DEPLOY / "start.py" and python == paths.ROOT / ".venv" / "bin" / "python"
    values = yaml.safe_load((DEPLOY / "z2jh.yaml").read_text(encoding="utf-8"))
    student = values["singleuser"]
    assert [Path(word).name for word in student["cmd"]] == [python.name, script.name]
    environment = {name: text for name, text in shared.Spawner.environment.items() if name != "COURSE_CACHE"}
    assert student["extraEnv"] == environment
    assert (
        student["memory"]["limit"] == shared.Spawner.mem_limit and student["cpu"]["limit"] == shared.Spawner.cpu_limit
    )
    assert values["cull"]["enabled"] is False
    littlest = (DEPLOY / "tljh.sh").read_text(encoding="utf-8")
    assert f"limits.memory {shared.Spawner.mem_limit}" in littlest and "services.cull.enabled false" in littlest


def test_jupyterhub_knows_these_settings():
    """Where JupyterHub is installed, as in the image."""
    pytest.importorskip("jupyterhub")
    from jupyterhub import app, proxy, spawner

    known = {"JupyterHub": app.JupyterHub, "Spawner": spawner.Spawner, "Authenticator": app.Authenticator}
    known["ConfigurableHTTPProxy"] = proxy.ConfigurableHTTPProxy
    for name, values in settings("jupyterhub_config.py").items():
        if name in known:
            assert set(values) <= set(known[name].class_trait_names(config=True)), name


@pytest.mark.parametrize("name", sorted(path.name for path in DEPLOY.iterdir() if path.is_file()))
def test_what_deploy_names_exists(name):
    text = (DEPLOY / name).read_text(encoding="utf-8")
    named = set(re.findall(r"/srv/course/([\w./-]*\w)", text))
    named |= set(re.findall(r"\b((?:deploy|tools|tests|docs)/[\w./-]*\w)", text))
    assert [path for path in sorted(named) if not path.startswith(".venv") and not (paths.ROOT / path).exists()] == []


def test_each_file_says_what_was_run():
    for name in (
        "Dockerfile",
        "environment.sh",
        "jupyterhub_config.py",
        "course_config.py",
        "start.py",
        "tljh.sh",
        "z2jh.yaml",
    ):
        first = (DEPLOY / name).read_text(encoding="utf-8")[:1000]
        assert "un here" in first, name


@POSIX
@pytest.mark.parametrize("name", ["environment.sh", "tljh.sh"])
def test_a_shell_can_read(name):
    subprocess.run(["sh", "-n", DEPLOY / name], check=True)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's: each instruction's name and the rest of its line."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(" ", 1)) for line in joined.splitlines() if line]


@POSIX
@pytest.mark.parametrize("gpu", ["", "1"])
def test_the_images_steps_in_a_bare_folder(tmp_path, gpu):
    """Each COPY finds its files, which are not ignored; each RUN runs, with stand-ins for what downloads."""
    tree, programs, log = tmp_path / "srv" / "course", tmp_path / "bin", tmp_path / "log"
    programs.mkdir()
    tree.mkdir(parents=True)
    for name in ("python", "useradd"):
        (programs / name).write_text(FAKE_PROGRAM.format(log=log), encoding="utf-8")
    (programs / "course").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m course "$@"\n', encoding="utf-8")
    subprocess.run(["chmod", "+x", *programs.iterdir()], check=True)
    let_through = re.findall(r"^!(.+)", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    environment = {**os.environ, "GPU": gpu, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(tree)}
    for name, rest in instructions():
        if name == "COPY":
            *sources, target = rest.split()
            for source in [path for pattern in sources for path in paths.ROOT.glob(pattern)] or pytest.fail(rest):
                assert any(fnmatch(source.relative_to(paths.ROOT).parts[0], entry) for entry in let_through), source
                place = tree / target / source.name if target.endswith("/") else tree / target
                if source.is_dir():
                    shutil.copytree(source, place, dirs_exist_ok=True)
                else:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, place)
        elif name == "ENV":
            pairs = dict(pair.split("=", 1) for pair in rest.split() if "PATH" not in pair)
            environment |= {key: value.replace("/srv", str(tmp_path / "srv")) for key, value in pairs.items()}
        elif name == "RUN":
            subprocess.run(["sh", "-ec", rest], cwd=tree, env=environment, check=True)
        elif name == "CMD":
            assert json.loads(rest) == [f"/srv/course/{path}" for path in (".venv/bin/python", "deploy/start.py")]
    asked = log.read_text(encoding="utf-8")
    assert "install.py --pip" in asked and "deploy/hub.lock" in asked and ("deploy/gpu.lock" in asked) == bool(gpu)
    assert any((tmp_path / "srv" / "course-cache").glob("traffic_signs-*/Train"))


@pytest.mark.parametrize("name", ["hub", "gpu", "graders"])
def test_a_lock_fits_the_students(name):
    """Hashes for all that it adds, and no other version of what a student has."""

    def pins(path: Path) -> set[str]:
        lines = re.findall(r"^([a-z0-9-]+==[\w.]+)(?: ; (.*?))? \\$", path.read_text(encoding="utf-8"), re.MULTILINE)
        return {pin for pin, _ in lines}

    lock = DEPLOY / f"{name}.lock"
    asked = re.findall(
        r"^([a-z0-9-]+)(?:\[.*\])?(==[\w.]+)", (DEPLOY / f"{name}.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {pin + version for pin, version in asked} <= pins(lock)
    theirs = pins(paths.ROOT / "requirements.lock")
    names = {pin.split("==")[0] for pin in theirs}
    assert {pin for pin in pins(lock) if pin.split("==")[0] in names} <= theirs
    blocks = re.split(r"\n(?=\w)", lock.read_text(encoding="utf-8").strip())
    assert all("--hash=sha256:" in block for block in blocks if "==" in block)
