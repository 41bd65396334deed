"""A clone as Git for Windows makes it by default, with line ends converted wherever git may: the course still runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from utils import paths


def git(*arguments: str, folder: Path = paths.ROOT) -> str:
    # Without the variables that a hook or a rebase sets: they name another repository.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    answer = subprocess.run(
        ["git", *arguments], cwd=folder, env=plain, capture_output=True, encoding="utf-8", check=True
    )
    return answer.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """The last commit, cloned with converted line ends into a folder whose name is not simple."""
    if not shutil.which("git") or not (paths.ROOT / ".git").exists():
        pytest.skip("not a git repository")
    folder = tmp_path_factory.mktemp("clone") / "Kurs für alle 学"
    git("-c", "core.autocrlf=true", "clone", "--quiet", str(paths.ROOT), str(folder))
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "COURSE_MODE": "quick"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def test_no_file_is_converted(clone):
    lines = [line for line in git("ls-files", "--eol", folder=clone).splitlines() if "w/crlf" in line]
    assert lines == []
    assert git("status", "--porcelain", folder=clone) == ""


def test_the_embedded_files_have_their_hashes(clone):
    asked = "from course import doctor; ((well, text),) = doctor.assets(); print(text); raise SystemExit(not well)"
    said = run(clone, "-c", asked)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.slow
def test_a_lesson_runs(clone):
    said = run(clone, "-m", "course", "run", "1")
    assert said.returncode == 0 and "1 passed, 0 failed" in said.stdout, said.stdout + said.stderr
