"""install.py: which Python it takes, what it says, and that it can be run again after anything; without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from utils import paths

# Stands for uv on the path: writes down how it was called, and fails as it is told.
FAKE_UV = """import os, sys
with open(os.environ["UV_LOG"], "a", encoding="utf-8") as log:
    print(*sys.argv[1:], file=log)
sys.exit(os.environ.get("UV_FAILS", "no") in sys.argv)
"""
LOCKS = ("requirements.lock", "requirements-test.lock", "requirements-maintain.lock")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What install.py needs of the course, in a folder whose name is not simple, and a uv that installs nothing."""
    course = tmp_path / "Kurs für alle 学"
    (course / "course").mkdir(parents=True)
    for name in ("install.py", "course/__init__.py", "course/install.py", *LOCKS):
        shutil.copy(paths.ROOT / name, course / name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "uv.py").write_text(FAKE_UV, encoding="utf-8")
    fake = tmp_path / "bin" / "uv"
    # Not Python's path in a first line with #!, which takes none that has a space.
    fake.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/uv.py" "$@"\n', encoding="utf-8")
    fake.chmod(0o755)
    return course


def install(folder: Path, *arguments: str, python: str = sys.executable, **environment: str):
    return subprocess.run(
        [python, "install.py", *arguments],
        cwd=folder,
        env={"PATH": f"{folder.parent / 'bin'}:/bin", "UV_LOG": str(folder.parent / "log"), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def calls(folder: Path) -> list[str]:
    """What uv was asked for since the last time."""
    log = folder.parent / "log"
    lines = log.read_text(encoding="utf-8").splitlines()
    log.unlink()
    return lines


@pytest.mark.slow
def test_it_installs_a_lock_says_what_to_type_and_can_be_run_again(folder):
    done = install(folder)
    assert done.returncode == 0, done.stderr
    packages, own = calls(folder)
    assert packages.endswith("--require-hashes -r requirements.lock") and f"{folder}/.venv/bin/python" in packages
    assert "--compile-bytecode" in packages  # or each kernel compiles TensorFlow anew where it may not write
    assert own.endswith("--no-deps --no-build-isolation -e .")
    assert "Making" in done.stdout and ".venv/bin/course lab" in done.stdout.split("Installed in")[1]
    assert [path.name for path in (folder / ".venv").glob("installed-*")] == ["installed-student"]
    (folder / ".venv" / "here").touch()
    again = install(folder, "--for", "maintain")
    assert "Updating" in again.stdout and (folder / ".venv" / "here").exists()
    assert calls(folder)[0].endswith("requirements-maintain.lock")
    assert len(list((folder / ".venv").glob("installed-*"))) == 3


@pytest.mark.slow
def test_after_a_failure_or_a_move_the_environment_is_made_anew(folder):
    failed = install(folder, UV_FAILS="--require-hashes")
    assert failed.returncode == 1
    message = failed.stderr.strip()
    assert "could not install requirements.lock" in message and "--pip" in message and "Traceback" not in message
    assert "Installed" not in failed.stdout
    assert list((folder / ".venv").glob("installed-*")) == []
    assert "Making" in install(folder).stdout
    moved = folder.rename(folder.with_name("moved"))
    assert "Making" in install(moved).stdout
    assert "Updating" in install(moved).stdout


def test_pip_where_it_is_asked_for(folder):
    """It has no index here: what fails is pip, and the message says so."""
    failed = install(folder, "--pip", PIP_NO_INDEX="1")
    assert failed.returncode == 1
    assert "pip could not install requirements.lock" in failed.stderr
    assert not (folder.parent / "log").exists()


def test_no_suitable_python_is_said_clearly(folder):
    done = install(folder, "--python", "/no/such/python")
    assert done.returncode == 1
    for words in ("3.10, 3.11, 3.12 or 3.13", "/no/such/python", "--python /path/to"):
        assert words in done.stderr
    assert not (folder / ".venv").exists()


def other_pythons() -> list[str]:
    """Pythons of this machine that the course cannot use, pyenv's among them."""
    found = [shutil.which(f"python{version}") for version in ("2.7", "3.6", "3.7", "3.8", "3.9", "3.14")]
    for version in ("2.7", "3.6", "3.7", "3.8", "3.9", "3.14"):
        found += map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return [path for path in found if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0]


@pytest.mark.parametrize("python", other_pythons())
def test_an_old_python_says_which_it_is(folder, python):
    done = subprocess.run(
        [python, "install.py"], cwd=folder, env={"PATH": "/none"}, capture_output=True, text=True, check=False
    )
    answer = subprocess.run([python, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    version = re.search(r"\d\.\d+\.\d+", answer.stdout)
    assert done.returncode == 1
    assert f"this is {version[0]}" in done.stderr and "3.10, 3.11, 3.12 or 3.13" in done.stderr
    named = subprocess.run(
        [sys.executable, "install.py", "--python", python], cwd=folder, capture_output=True, text=True, check=False
    )
    assert named.returncode == 1 and f"{python} is " in named.stderr
    for code in ("import utils", "import runpy; runpy.run_module('course', run_name='__main__')"):
        if version[0].startswith("3"):
            other = subprocess.run([python, "-c", code], cwd=paths.ROOT, capture_output=True, text=True, check=False)
            assert f"{version[0]}" in other.stderr and "needs Python 3.10" in other.stderr, other.stderr


def test_it_can_be_read_by_every_python():
    """No f-string, no annotation: those would be a SyntaxError before the first line is run."""
    import ast

    text = (paths.ROOT / "install.py").read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(text)))
    new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.AsyncFunctionDef, ast.Match, ast.Starred)
    assert [node.lineno for node in nodes if isinstance(node, new)] == []
    assert [node.lineno for node in nodes if isinstance(node, ast.FunctionDef) and node.returns] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_it_is_made_of_with_hashes(lock):
    def pins(text: str) -> set[tuple[str, str]]:
        return set(re.findall(r"^([a-z0-9-]+)==([\w.]+)", text, flags=re.MULTILINE))

    text = (paths.ROOT / lock).read_text(encoding="utf-8")
    for name in ("requirements.txt", lock.replace(".lock", ".txt")):
        assert pins((paths.ROOT / name).read_text(encoding="utf-8")) <= pins(text)
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\w)", text.strip()) if "==" in block)


def test_every_pin_says_where_it_is_used():
    for name in LOCKS:
        for line in (paths.ROOT / name.replace(".lock", ".txt")).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                assert re.search(r"# (used in: |the last )", line), f"say where it is used: {line}"


def test_a_students_environment_has_no_tools_of_ours():
    text = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8")
    for name in ("pytest", "nbval", "playwright", "ruff", "uv", "coverage", "axe-playwright-python"):
        assert not re.search(rf"^{name}==", text, flags=re.MULTILINE), name


def test_make_names_the_python_that_it_was_given(folder):
    if os.name != "posix" or not shutil.which("make"):
        pytest.skip("make is not installed")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, folder / name)
    done = subprocess.run(
        ["make", "doctor", "PYTHON=/no/such/python"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 and "/no/such/python" in done.stderr
