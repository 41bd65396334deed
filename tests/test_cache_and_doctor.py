"""Prefetch, mirror and doctor."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from functools import partial
from types import SimpleNamespace

import pytest
import requests

from course import doctor, kernels, mirror
from tests.support import served
from utils import downloads, limits, paths
from utils.downloads import DownloadError, Source, fetch, registry


@pytest.fixture
def serve():
    """Serve a folder on loopback: a function from folder to address."""
    with contextlib.ExitStack() as running:
        yield lambda folder: running.enter_context(served(folder))


@pytest.fixture
def files(tmp_path, monkeypatch, serve):
    """Two files of lessons 6 and 8 at a host, registered; full mode with an empty cache."""
    host = tmp_path / "host"
    (host / "deep").mkdir(parents=True)
    contents = {"six.bin": b"six" * 1000, "deep/eight.bin": b"eight" * 1000}
    for name, data in contents.items():
        (host / name).write_bytes(data)
    address = serve(host)
    sources = {
        name: Source(
            name=name,
            licence="none",
            sha256=hashlib.sha256(data).hexdigest(),
            urls=(f"{address}/{name}",),
            lessons=(6 if name == "six.bin" else 8,),
        )
        for name, data in contents.items()
    }
    for module in (downloads, mirror, doctor):
        monkeypatch.setattr(module, "registry", lambda: sources)
    model = tmp_path / "model"
    model.mkdir()
    (model / "saved_model.pb").write_bytes(b"model")
    monkeypatch.setattr(mirror, "hrnet_path", lambda: str(model))
    monkeypatch.setattr(downloads, "WAITS", ())
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "tfhub"))
    monkeypatch.setenv("COURSE_MODE", "full")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    return host


def test_every_download_belongs_to_a_lesson():
    for source in registry().values():
        assert bool(source.lessons) is not source.embedded
        assert set(source.lessons) <= set(range(1, 10))


def test_prefetch_of_one_lesson(files, tmp_path, monkeypatch, capsys):
    unpacked = []
    monkeypatch.setattr(mirror, "unpack", unpacked.append)  # the registry of this test has no signs
    assert mirror.prefetch(["8"], quick=True) == 0 and not (tmp_path / "cache" / "deep").exists()
    assert mirror.prefetch(["8"]) == 0
    assert "1 of 1 files are there" in capsys.readouterr().out
    assert unpacked == [mirror.SIGNS_ARCHIVE] * 2
    assert (tmp_path / "cache" / "deep" / "eight.bin").exists()
    assert not (tmp_path / "cache" / "six.bin").exists()


def test_a_mirror_serves_a_class(files, tmp_path, monkeypatch, serve, capsys):
    folder = tmp_path / "mirror"
    assert mirror.fill(folder) == 0
    out = capsys.readouterr().out
    assert "To download: 0.0 MB" in out
    assert "0.0 MB  six.bin" in out
    lines = (folder / mirror.MANIFEST).read_text(encoding="utf-8").splitlines()
    assert [line.split("  ")[1] for line in lines] == ["six.bin", "deep/eight.bin", mirror.HRNET_ARCHIVE]
    assert lines[0].startswith(hashlib.sha256(b"six" * 1000).hexdigest())
    for path in (files / "six.bin", files / "deep" / "eight.bin"):
        path.unlink()  # the host is gone
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "student"))
    monkeypatch.setenv("COURSE_MIRROR", serve(folder))
    assert fetch("deep/eight.bin").read_bytes() == b"eight" * 1000
    assert mirror.fill(folder) == 0  # again: nothing to do
    assert "2 are there already" in capsys.readouterr().out


def test_a_mirror_that_lacks_a_file(files, tmp_path, monkeypatch, capsys):
    (files / "six.bin").unlink()
    assert mirror.fill(tmp_path / "mirror") == 1
    captured = capsys.readouterr()
    assert "1 of 2 files are there" in captured.out
    assert "six.bin could not be downloaded" in captured.err
    assert "size unknown" in captured.out


def test_a_mirror_without_hrnet(files, tmp_path, monkeypatch, capsys):
    def refused():
        raise DownloadError("HRNetV2-W48 could not be loaded")

    monkeypatch.setattr(mirror, "hrnet_path", refused)
    assert mirror.fill(tmp_path / "mirror") == 1
    captured = capsys.readouterr()
    assert "2 of 2 files are there" in captured.out
    assert "HRNetV2-W48 could not be loaded" in captured.err
    assert not (tmp_path / "mirror" / mirror.HRNET_ARCHIVE).exists()
    assert mirror.prefetch(["9"]) == 1
    assert mirror.prefetch(["6"]) == 0  # which needs none


def test_the_served_mirror_continues_a_download(tmp_path):
    """What Python's own server cannot: it begins where a student's part ends."""
    data = bytes(range(256)) * 100
    (tmp_path / "file.bin").write_bytes(data)
    httpd = mirror.MirrorServer(("127.0.0.1", 0), partial(mirror.MirrorHandler, directory=str(tmp_path)))
    threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{httpd.server_address[1]}/file.bin"
    try:
        answer = requests.get(address, headers={"Range": "bytes=1000-"}, timeout=10)
        assert (answer.status_code, answer.headers["Content-Range"]) == (206, "bytes 1000-25599/25600")
        assert answer.content == data[1000:]
        assert requests.get(address, headers={"Range": "bytes=25600-"}, timeout=10).status_code == 416
        assert requests.get(address, timeout=10).content == data
        assert requests.get(f"{address}.none", headers={"Range": "bytes=5-"}, timeout=10).status_code == 404
    finally:
        httpd.shutdown()
        httpd.server_close()


def test_a_folder_that_is_no_mirror_is_not_served(tmp_path, capsys):
    assert mirror.serve(tmp_path, "127.0.0.1", 0) == 1
    assert "course mirror" in capsys.readouterr().err


def test_a_mirror_larger_than_the_disk(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(mirror, "size_of", lambda source: 10**18)
    assert mirror.fill(tmp_path / "mirror") == 1
    assert "does not fit" in capsys.readouterr().err


def findings(*checks) -> list[tuple[bool, str]]:
    return [finding for check in checks for finding in check()]


def test_a_healthy_machine():
    assert findings(doctor.python_version, doctor.packages, doctor.assets) != []
    assert all(well for well, _ in findings(doctor.python_version, doctor.packages, doctor.assets))


def test_a_wrong_version_is_named(monkeypatch):
    original = doctor.metadata.version
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "1.0" if name == "numpy" else original(name))
    ((well, text),) = doctor.packages()
    assert not well
    assert "numpy is 1.0" in text
    assert "python install.py" in text


def test_a_cache_that_a_hub_shares_is_no_problem(tmp_path, monkeypatch):
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    assert all(well for well, _ in doctor.cache())
    assert any("for reading only" in text for _, text in doctor.cache())


def test_a_damaged_file_in_the_cache_is_found(files):
    path = fetch("six.bin")
    status = path.stat()
    path.write_bytes(b"SIX" * 1000)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (False, "damaged in the cache: six.bin. Delete it there; the next run fetches it again.") in doctor.cache()


def problems(check) -> list[str]:
    return [text for well, text in check() if not well]


def test_folders_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for name, check in (("COURSE_CACHE", doctor.cache), ("JUPYTER_DATA_DIR", doctor.folders)):
        monkeypatch.setattr(paths, "existing", lambda folder: folder)
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e12))
        monkeypatch.setenv(name, str(tmp_path / "file" / "folder"))
        (text,) = problems(check)
        assert name in text and "cannot be written" in text


def test_a_disk_too_small_is_a_problem_of_the_mode_that_needs_it(files, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))
    for name, problems in (("quick", []), ("full", ["full"])):
        monkeypatch.setenv("COURSE_MODE", name)
        short = [text for well, text in doctor.cache() if not well]
        assert [text.split(" mode needs")[0].split("; ")[1] for text in short] == problems
        assert all("COURSE_CACHE" in text for text in short)


def test_a_mirror_that_does_not_answer(files, monkeypatch, serve, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", "http://127.0.0.1:9")
    ((well, text),) = doctor.mirror()
    assert not well
    assert "cannot be reached" in text
    monkeypatch.setenv("COURSE_MIRROR", serve(files))
    assert [well for well, _ in doctor.mirror()] == [True]


def test_a_check_that_breaks_is_a_finding(monkeypatch):
    def broken():
        raise ImportError("no module named x")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (broken,))
    assert list(doctor.examine()) == [(False, "broken: ImportError: no module named x")]
    assert doctor.report() == 1


def test_another_utils_on_the_path_is_found(tmp_path, monkeypatch):
    assert problems(doctor.own_packages) == []
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (text,) = problems(doctor.own_packages)
    assert str(tmp_path / "utils") in text and "course lab" in text


def test_a_kernel_of_another_environment_is_found(tmp_path, monkeypatch):
    assert problems(doctor.kernel) == []
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {"argv": ["/other/bin/python", "-m", "ipykernel"], "display_name": "x", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (text,) = problems(doctor.kernel)
    assert "/other/bin/python" in text and str(folder) in text


def test_a_proxy_that_catches_this_machine(monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    (text,) = problems(doctor.proxy)
    assert "http://proxy:3128" in text and "NO_PROXY" in text
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    assert problems(doctor.proxy) == []


GROUPS = {
    "version 2": ("0::/user/me", "user/memory.max", "user/memory.current", "inactive_file", "user/memory.stat"),
    "version 1": (
        "5:cpu:/\n4:memory:/user/me",
        "memory/user/memory.limit_in_bytes",
        "memory/user/memory.usage_in_bytes",
        "total_inactive_file",
        "memory/user/memory.stat",
    ),
}


@pytest.mark.parametrize("version", GROUPS)
def test_the_memory_of_a_container(tmp_path, monkeypatch, version):
    """A group above ours has a limit of 3 GiB, of which 2 are in use, half a GiB of it for files."""
    monkeypatch.delenv("MEM_LIMIT", raising=False)
    group, limit, used, key, stat = GROUPS[version]
    for name, text in {
        "proc/self/cgroup": group,
        f"sys/fs/cgroup/{limit}": str(3 * 2**30),
        f"sys/fs/cgroup/{used}": str(2 * 2**30),
        f"sys/fs/cgroup/{stat}": f"anon 5\n{key} {2**29}\n",
        f"sys/fs/cgroup/{limit.replace('user/', 'user/me/')}": "max" if version == "version 2" else str(2**63 - 4096),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    machine = SimpleNamespace(available=8 * 2**30, total=16 * 2**30)
    monkeypatch.setattr(limits.psutil, "virtual_memory", lambda: machine)
    assert limits.free_memory(tmp_path) == (1.5, 3, "a control group")
    monkeypatch.setenv("MEM_LIMIT", str(2**30))
    assert limits.free_memory(tmp_path) == (1, 1, "MEM_LIMIT")
    monkeypatch.setenv("MEM_LIMIT", "")
    assert limits.free_memory(tmp_path / "none") == (8, 16, "")
    monkeypatch.setattr(doctor, "NEEDS", {1: 1000, 4: 2000, 5: 2500})
    monkeypatch.setattr(doctor, "free_memory", lambda: (1.5, 3, "a control group"))
    (text,) = problems(doctor.memory)
    assert "1.5 of 3.0 GiB" in text and "a control group" in text and "Too little for lesson 4, 5." in text


def test_what_a_lesson_needs_is_said_before_the_kernel_dies(monkeypatch, capfd):
    from utils import runtime

    assert list(limits.NEEDS) == list(range(1, 10))
    monkeypatch.setattr(limits, "free_memory", lambda: (0.2, 1.0, "a control group"))
    monkeypatch.setitem(limits.NEEDS, 5, 2550)
    runtime.start(5, "T", data="D", time="S")
    said = capfd.readouterr()
    assert said.out.count("\n") == 3
    assert "Lesson 5 needs about 2.5 GiB" in said.err and "1.0 GiB to all together" in said.err
    assert "Shut Down All Kernels" in said.err
    monkeypatch.setattr(limits, "free_memory", lambda: (3.0, 8.0, ""))
    runtime.start(5, "T", data="D", time="S")
    assert capfd.readouterr().err == ""


def test_a_processor_without_avx(tmp_path, monkeypatch):
    (tmp_path / "proc").mkdir()
    for flags, lacks in (("fpu sse2", True), ("fpu sse2 avx avx2", False)):
        (tmp_path / "proc/cpuinfo").write_text(f"model name\t: x\nflags\t\t: {flags}\n", encoding="utf-8")
        assert limits.lacks_avx(tmp_path) is lacks
    assert limits.lacks_avx(tmp_path / "none") is False
    monkeypatch.setattr(doctor, "lacks_avx", lambda: True)
    assert "AVX" in problems(doctor.processor)[0] and list(doctor.training()) == []


@pytest.mark.slow
def test_the_cell_that_lesson_1_and_the_readme_give(monkeypatch, capfd):
    """It is run in the lessons' folder, as `course lab` starts a kernel; it has the exit code of `course doctor`."""
    from IPython.core.interactiveshell import InteractiveShell

    cell = "!course doctor"
    for page in (next(paths.NOTEBOOKS.glob("01_*.ipynb")), paths.ROOT / "README.md"):
        assert cell in page.read_text(encoding="utf-8")
    monkeypatch.chdir(paths.NOTEBOOKS)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for name, value in kernels.environment().items():
        monkeypatch.setenv(name, value)
    shell = InteractiveShell.instance()
    try:
        assert shell.run_cell(cell).success
        code = shell.user_ns["_exit_code"]
    finally:
        InteractiveShell.clear_instance()
    shown = capfd.readouterr().out
    assert "a small training step works" in shown
    assert ("PROBLEM" in shown) == bool(code)
