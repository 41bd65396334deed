"""Running the lessons: what `course run` says and writes, and what the maintainers' `tools.execute` puts into them."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import run
from tools import execute
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


def test_a_failing_lesson_does_not_stop_the_others(folder, capsys):
    write_lesson("01_good", "print('✓ one')", "print('★ accuracy: 0.9')\nprint('✓ two')")
    write_lesson("02_bad", "1 + 1", "print('✓ before')\n1 / 0", "print('✓ never')")
    write_lesson("03_good", "print('✓ three')")
    assert run.run_lessons([]) == 1
    table = capsys.readouterr().out
    assert re.search(r"01_good +\d+\.\d +\d+ +2 +accuracy: 0\.9", table)
    assert re.search(r"02_bad +\d+\.\d +\d+ +1 +FAILED cell 3 \(.+\): ZeroDivisionError: division by zero", table)
    assert re.search(r"03_good +\d+\.\d +\d+ +1 ", table)
    assert "2 passed, 1 failed" in table
    assert "01_good  cell 1 of 3" in table
    pages = sorted(path.name for path in paths.BUILD.glob("0*"))
    assert pages == ["01_good.html", "02_bad.html", "03_good.html"]


def test_execute_writes_tidy_outputs_and_keeps_ids(folder):
    path = write_lesson("01_good", "import sys\nprint('a')\nsys.stdout.flush()\nprint('50%\\r100%')", "41 + 1")
    before = nbformat.read(path, as_version=4)
    before.metadata["vscode"] = {"user": "me"}
    before.cells[1].metadata = {"tags": ["exercise"], "alt": "a figure", "collapsed": True}
    nbformat.write(before, path)
    assert execute.main(["1"]) == 0
    after = nbformat.read(path, as_version=4)
    assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]
    assert set(after.metadata) == {"kernelspec", "language_info"}
    assert after.cells[1].metadata == {"tags": ["exercise"], "alt": "a figure"}
    assert [output.text for output in after.cells[1].outputs] == ["a\n100%\n"]
    assert [cell.execution_count for cell in after.cells[1:]] == [1, 2]
    first = path.read_bytes()
    assert execute.main([]) == 0
    assert path.read_bytes() == first


def test_execute_leaves_a_failing_notebook_alone(folder):
    path = write_lesson("01_bad", "print('new')\n1 / 0")
    before = path.read_bytes()
    assert execute.main([]) == 1
    assert path.read_bytes() == before


def test_outputs_of_full_mode_are_not_written(folder, monkeypatch):
    write_lesson("01_good", "1")
    monkeypatch.setenv("COURSE_MODE", "full")
    with pytest.raises(SystemExit, match="quick mode"):
        execute.main([])


@pytest.mark.parametrize("command", [run.run_lessons, execute.main])
def test_an_unknown_mode_is_one_clear_line(folder, monkeypatch, command):
    write_lesson("01_good", "1")
    monkeypatch.setenv("COURSE_MODE", "fast")
    with pytest.raises(SystemExit, match="COURSE_MODE is 'fast'"):
        command([])


def test_a_dying_kernel_is_reported(folder):
    path = write_lesson("01_dies", "import os\nos._exit(3)")
    _, result = asyncio.run(run.run_notebook(path, lambda *_: None))
    assert "kernel died" in result.error


def test_a_kernel_finds_the_course_first_and_warns_of_nothing(folder, monkeypatch, capfd):
    """Another `utils` on the path, and the scripts of the environment not on it, as when nothing was activated."""
    (folder / "other").mkdir()
    (folder / "other" / "utils.py").write_text("raise SystemExit('the wrong utils')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder / "other"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    path = write_lesson("01_x", "from utils import paths", "import shutil\nprint(shutil.which('course'))")
    notebook, result = asyncio.run(run.run_notebook(path, lambda *_: None))
    assert not result.error
    assert Path(run.output_lines(notebook)[0]).is_file()
    # ZeroMQ may find a socket closed while a kernel ends, and says so (libzmq issue 1307); the lesson is over by then.
    said = [line for line in capfd.readouterr().err.splitlines() if "signaler.cpp" not in line]
    assert said == []


def test_output_lines_join_streams():
    cell = new_code_cell("", outputs=[new_output("stream", text="✓ a"), new_output("stream", text="b\n✓ c\n")])
    assert run.output_lines(new_notebook(cells=[new_markdown_cell("x"), cell])) == ["✓ ab", "✓ c"]


def test_lessons_run_side_by_side_and_share_the_processor(folder, monkeypatch, capsys):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    meet = f"""import os, pathlib, time
folder = pathlib.Path({str(folder)!r})
(folder / str(os.getpid())).touch()
while len(list(folder.glob("[0-9]*"))) < 2:
    time.sleep(0.05)
print("★ threads:", os.environ["OMP_NUM_THREADS"])"""
    write_lesson("01_one", meet)
    write_lesson("02_two", meet)
    assert run.run_lessons([], at_once=2) == 0, "each waits for the other"
    said = capsys.readouterr().out
    assert said.count("threads: 2") == 2 and "2 passed, 0 failed" in said
    assert said.index("01_one     ") < said.index("02_two     ")


@pytest.mark.parametrize(
    ("cores", "free", "mode", "expected"),
    [(2, 16.0, "quick", 2), (16, 64.0, "quick", 4), (8, 3.5, "quick", 2), (8, 1.0, "quick", 1), (8, 64.0, "full", 1)],
)
def test_as_many_at_once_as_the_machine_bears(monkeypatch, cores, free, mode, expected):
    monkeypatch.setenv("COURSE_MODE", mode)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(run.limits, "free_memory", lambda: (free, free, ""))
    assert run.kernels_at_once(9) == expected
    assert run.kernels_at_once(1) == 1


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_ends_every_kernel(folder):
    for name in ("01_one", "02_two"):
        write_lesson(
            name, f"import os, pathlib, time\npathlib.Path({str(folder)!r}, str(os.getpid())).touch()\ntime.sleep(600)"
        )
    start = (
        "import signal, sys; from pathlib import Path; from course import cli; from utils import paths; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # a shell may have it ignored in the background
        f"paths.NOTEBOOKS = Path({str(paths.NOTEBOOKS)!r}); paths.BUILD = Path({str(paths.BUILD)!r}); "
        "sys.exit(cli.main(['run', '--at-once', '2']))"
    )
    process = subprocess.Popen([sys.executable, "-c", start], cwd=paths.ROOT, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        end = time.monotonic() + 120
        while len(kernels := list(folder.glob("[0-9]*"))) < 2:
            assert process.poll() is None and time.monotonic() < end, "the kernels do not start"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130 and said.endswith("Stopped.\n")
    assert not any(psutil.pid_exists(int(kernel.name)) for kernel in kernels)
