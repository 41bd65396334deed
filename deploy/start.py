"""Starts a student's server on a hub: brings the student's copy up to date, then becomes JupyterHub's server.

One script for every hub. Run by the Python of the course's environment, with JupyterHub in it (deploy/hub.lock):

    /srv/course/.venv/bin/python /srv/course/deploy/start.py [OPTION OF jupyterhub-singleuser ...]

COURSE_HOME   the student's folder, by default deep-learning-course in the home: work/ and links into the course
COURSE_IDLE   seconds after which an idle kernel ends, and then a server without kernels; by default an hour

Run here: by tools/hub/class_of.py, with JupyterHub, for many students at once; see docs/CLASSROOM.md.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

COURSE = Path(__file__).resolve().parent.parent
# Databases that networks' file systems cannot lock, and nobody misses: signatures, Jupyter's index of files, history.
DATABASES = ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
NEWS = "READ ME FIRST.txt"
TRIES_FOR = 120  # seconds; a home on a network can be slow, and a student shall get a server all the same
TROUBLE = """
Your copy of the lessons could not be brought up to date; the line above says why. Nothing that you wrote is lost.

Where there is no room: delete files that you no longer need; work/.before/ and .local/share/Trash/ can go first. Then
choose File, Hub Control Panel, Stop My Server, and start it again. Until then you can read the lessons in notebooks/,
and what you write is kept by File, Download only.
"""


def update() -> tuple[bool, str]:
    """Type `course work` for the student: whether it went well, and what it has said."""
    command = [sys.executable, "-m", "course", "work"]
    try:
        done = subprocess.run(
            command, cwd=COURSE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TRIES_FOR, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"course work: it did not end within {TRIES_FOR} seconds.\n"
    return done.returncode == 0, done.stdout.decode("utf-8", "replace")


def stand_in(place: Path, home: Path, text: str) -> Path:
    """A folder for a student whose own cannot be written: the text, and links to the home and to the lessons."""
    folder = place / "course"
    folder.mkdir()
    (folder / NEWS).write_text(text, encoding="utf-8")
    for name, target in (("home", home), ("notebooks", COURSE / "notebooks"), ("assets", COURSE / "assets")):
        (folder / name).symlink_to(target)
    return folder


def first_page(place: Path, folder: Path) -> tuple[Path, str]:
    """Bring the copy up to date: the folder that the server shows, and what it opens: the lessons, or what is new.

    Args:
        place: a temporary folder.
        folder: the student's.
    """
    well, said = update()
    print(said, flush=True)  # into the hub's log
    if well and "NEWS" not in said:
        return folder, "work"
    text = said if well else said + TROUBLE
    with contextlib.suppress(OSError):
        (folder / NEWS).write_text(text, encoding="utf-8")
        if (folder / "notebooks").exists():  # else the room has not even sufficed for that link
            return folder, NEWS
    return stand_in(place, Path.home(), text), NEWS


def main() -> None:
    os.umask(0o077)  # one student's answers are not another's
    place = Path(tempfile.mkdtemp(prefix="deep-learning-course-"))
    for name in DATABASES:
        os.environ.setdefault(name, str(place / name.lower()))
    folder = Path(os.environ.setdefault("COURSE_HOME", str(Path.home() / "deep-learning-course")))
    shown, page = first_page(place, folder)
    sys.path.insert(0, str(COURSE))  # only now, since the course's modules read COURSE_HOME when they are imported
    from course import kernels, lab, places

    places.prepare()
    idle = os.environ.get("COURSE_IDLE", "3600")
    options = [
        *lab.options(shown),
        f"--ServerApp.default_url=/lab/tree/{page.replace(' ', '%20')}",
        # Culled is what does not compute. A kernel that runs a cell is never idle, with or without a browser, and
        # whatever it prints; a hub's own culler knows of no kernels and would end a silent training.
        f"--MappingKernelManager.cull_idle_timeout={idle}",
        "--MappingKernelManager.cull_interval=60",
        "--MappingKernelManager.cull_connected=True",
        "--MappingKernelManager.cull_busy=False",
        f"--ServerApp.shutdown_no_activity_timeout={idle}",
    ]
    os.chdir(shown)
    os.execve(
        sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *options, *sys.argv[1:]], kernels.environment()
    )


if __name__ == "__main__":
    main()
