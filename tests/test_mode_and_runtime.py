from __future__ import annotations

import os
import subprocess
import sys

import pytest

from utils.mode import mode, pick


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "quick"), ("", "quick"), ("quick", "quick"), (" Full ", "full")]
)
def test_mode(monkeypatch, value, expected):
    monkeypatch.delenv("COURSE_MODE", raising=False)
    if value is not None:
        monkeypatch.setenv("COURSE_MODE", value)
    assert mode() == expected
    assert pick(quick=1, full=2) == {"quick": 1, "full": 2}[expected]


def test_unknown_mode(monkeypatch):
    monkeypatch.setenv("COURSE_MODE", "fast")
    with pytest.raises(ValueError, match=r"'fast'.*'quick'.*'full'"):
        mode()


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


def test_start_says_mode_data_and_time_and_nothing_else():
    code = "from utils import runtime; import keras; runtime.start(4, 'T', data='D', time='S'); runtime.tf.constant(1)"
    done = run(code, COURSE_MODE="quick")
    assert done.stdout == "Lesson 4: T | quick mode, no network needed\nData: D\nTime: S\n"
    assert done.stderr == ""
    assert "full mode" in run(code, COURSE_MODE="full").stdout


def test_a_failing_import_is_not_silenced(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'a message of the library\\n')\nraise ImportError('no such symbol')\n"
    )
    done = run("from utils import runtime", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "a message of the library" in done.stderr
    assert "no such symbol" in done.stderr


def test_describe_device_names_something():
    done = run("from utils import runtime; print(runtime.describe_device())")
    assert done.stdout.startswith(("CPU, ", "GPU: "))
