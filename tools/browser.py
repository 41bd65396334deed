"""Lessons in a real browser: JupyterLab as `course lab` starts it, driven by Playwright in an installed Chromium.

python -m tools.browser       the README's pictures of lessons, light and dark, in docs/images/

Everything happens in a copy of the course, so that a run changes nothing here.
"""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import nbformat
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, Route, sync_playwright

from course.lessons import lesson_files
from utils import paths

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--disable-gpu", "--disable-quic", "--disable-sync", "--no-pings"]  # beside Playwright's own: call nobody
STALLED = 180  # seconds without a finished cell, after which a run is given up: no cell of quick mode takes as long
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

# The README's pictures: name, lesson, and the cell that stands at the top of the window.
PICTURES = (
    ("knobs", 1, "demo-knobs"),
    ("digit", 4, "demo-digit"),
    ("kernel", 5, "demo-kernel"),
    ("street", 9, "demo-overlay"),
)

# What the page shows, read from its DOM. Beside a code cell that has run stands [3]:, else [*]: or [ ]:.
READ_PAGE = """() => {
  const notebook = document.querySelector('.jp-Notebook');
  if (!notebook) return null;
  const all = (selector) => [...notebook.querySelectorAll(selector)];
  const output = '.jp-OutputArea-output';
  return {
    prompts: all('.jp-CodeCell .jp-InputPrompt').map((e) => e.textContent.trim()),
    lines: all(output + ' pre').flatMap((e) => e.textContent.split('\\n')),
    // JupyterLab shows an error as it shows a warning; a traceback tells them apart.
    errors: all(output + '[data-mime-type="application/vnd.jupyter.stderr"]').map((e) => e.textContent)
      .filter((t) => /^-{70,}$|^Traceback|^ *Cell In\\[/m.test(t)),
    images: all('img').map((e) => ({
      source: e.currentSrc.slice(0, 80), text: e.alt, width: e.naturalWidth, height: e.naturalHeight,
    })),
    figures: all(output + ' img').length,
    widgets: all(output).map((e) => e.textContent).filter((t) => /Loading widget|Error displaying widget/.test(t)),
  };
}"""


@dataclass
class Shown:
    """What JupyterLab shows of a lesson.

    Attributes:
        prompts: of each code cell: "[3]:" when it has run, else "[*]:" or "[ ]:".
        lines: all lines of text that cells printed, in order.
        errors: the text of every error output.
        images: source (its beginning), alternative text, natural width and height of every picture in the notebook.
        figures: how many of these stand in outputs.
        widgets: outputs that say that a widget is still loading or has failed.
        seconds: from the click on "Run All Cells" until the kernel was idle; 0 before a run.
        foreign: addresses outside this machine that the page asked for; they are refused.
        crashes: uncaught JavaScript errors.
    """

    prompts: list[str]
    lines: list[str]
    errors: list[str]
    images: list[dict[str, Any]]
    figures: int
    widgets: list[str]
    seconds: float = 0.0
    foreign: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    @property
    def unfinished(self) -> int:
        """How many code cells have not run."""
        return sum(not prompt.strip("[]:").isdigit() for prompt in self.prompts)


def find_chromium() -> str:
    """The path of an installed Chromium or Chrome that starts.

    Raises:
        FileNotFoundError: there is none.
    """
    for name in CHROMIUMS:
        path = shutil.which(name)
        # On Ubuntu chromium-browser may be a script that only says that a snap is wanted.
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    raise FileNotFoundError(f"No browser: none of {', '.join(CHROMIUMS)} starts (Debian: apt install chromium)")


def launch(playwright: Playwright) -> Browser:
    """Start the installed Chromium, without a window.

    Raises:
        FileNotFoundError: there is none.
    """
    return playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)


def copy_course(folder: Path, *, outputs: bool = False) -> Path:
    """A copy of what JupyterLab needs of the course: the folder. (It shows no picture that lies behind a link.)

    Args:
        folder: where; made if need be.
        outputs: keep the committed outputs. Without them, all that is shown later comes from a run.
    """
    for name in ("assets", "course", "notebooks", "utils"):
        shutil.copytree(
            paths.ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        )
    for path in [] if outputs else (folder / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)
    return folder


@contextlib.contextmanager
def lab(course: Path, lesson: int, theme: str = "light") -> Iterator[str]:
    """JupyterLab as `course lab …` starts it, on a free port: the address that opens the lesson.

    Args:
        course: a folder that `copy_course` made; settings and logs go there too.
        lesson: its number.
        theme: "light" or "dark".
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    home = course / "jupyter"
    settings = {
        # By default only the cells in view are in the page, and the others could not be looked at.
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/themes": {"theme": THEMES[theme]},
    }
    for name, values in settings.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    environment = {
        **os.environ,
        "COURSE_MODE": "quick",
        "LAB_OPTIONS": f"--no-browser --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0",
        "JUPYTER_TOKEN": token,
        # The user's own settings, workspaces and running servers stay out of it.
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    command = [sys.executable, "-m", "course", "lab", str(lesson)]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=course, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/api/status?token={token}", server)
            # The page that JupyterLab would open in a browser of its own.
            opens = next((home / "runtime").glob("jpserver-file-to-run-*-open.html")).read_text(encoding="utf-8")
            yield html.unescape(re.search(r'href="(http[^"]+)"', opens)[1])
        except BaseException:
            # Perhaps the server said what was wrong.
            print((home / "server.log").read_text(encoding="utf-8", errors="replace")[-5000:])
            raise
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(url: str, server: subprocess.Popen) -> None:
    """Return when the server answers.

    Raises:
        RuntimeError: it stopped, or gave no answer for two minutes.
    """
    for _ in range(1200):
        if server.poll() is not None:
            raise RuntimeError("JupyterLab stopped before it answered")
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("JupyterLab does not answer")


def kernels_idle(address: str) -> bool:
    """Whether a kernel is there and none is busy or starting, as the server says."""
    try:
        with urllib.request.urlopen(urljoin(address, f"/api/kernels?{urlsplit(address).query}"), timeout=20) as answer:
            kernels = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code != 500:
            raise
        return False  # a kernel is being registered at this very moment
    return bool(kernels) and all(kernel["execution_state"] == "idle" for kernel in kernels)


@contextlib.contextmanager
def opened(browser: Browser, address: str, *, width: int = 1280, height: int = 900) -> Iterator[tuple[Page, Shown]]:
    """The lesson in a fresh browser window, its kernel ready; `foreign` and `crashes` of what is yielded fill up."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    shown = Shown([], [], [], [], 0, [])
    origin = urljoin(address, "/")

    def refuse(route: Route) -> None:
        shown.foreign.append(route.request.url)
        route.abort()

    page.route(lambda url: url.startswith("http") and not url.startswith(origin), refuse)
    page.on("pageerror", lambda error: shown.crashes.append(str(error)))
    try:
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell .jp-InputPrompt", timeout=120_000)
        began = time.monotonic()
        while not kernels_idle(address):
            if time.monotonic() - began > STALLED:
                raise RuntimeError("The kernel does not start")
            page.wait_for_timeout(200)
        # The server has its kernel; now the page must have it, too.
        page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=STALLED * 1000)
        yield page, shown
    finally:
        context.close()


def read(page: Page, shown: Shown) -> Shown:
    """Bring up to date what is known of the page, and return it."""
    for name, value in (page.evaluate(READ_PAGE) or {}).items():
        setattr(shown, name, value)
    return shown


def run_all(page: Page, shown: Shown, address: str) -> Shown:
    """Choose "Run All Cells" from JupyterLab's menu and wait until the kernel is idle again: what is then shown.

    The notebook must come without outputs, so that a count beside a cell means that it has run. Returns early if a cell
    fails, since JupyterLab then skips the rest.

    Raises:
        RuntimeError: no cell has ended for STALLED seconds.
    """
    began = progress = time.monotonic()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    unfinished = -1
    while True:
        read(page, shown)
        waiting = any(prompt == "[*]:" for prompt in shown.prompts)
        if not waiting and (shown.errors or shown.unfinished == 0) and kernels_idle(address):
            break
        if shown.unfinished != unfinished:
            unfinished, progress = shown.unfinished, time.monotonic()
        if time.monotonic() - progress > STALLED:
            kernel = page.locator(".jp-Notebook-ExecutionIndicator").first.get_attribute("data-status")
            raise RuntimeError(
                f"No cell has ended for {STALLED} s; JupyterLab calls the kernel {kernel}: {shown.prompts}"
            )
        page.wait_for_timeout(500)
    shown.seconds = time.monotonic() - began
    # Pictures of the last outputs may still be decoded.
    page.evaluate("""() => Promise.all([...document.querySelectorAll('.jp-Notebook img')]
      .map((e) => e.decode().catch(() => 0)))""")
    return read(page, shown)


def wait_idle(page: Page, address: str) -> None:
    """Return when the kernel has done all that was asked of it; a click takes a moment to reach it.

    Raises:
        RuntimeError: it is busy for STALLED seconds.
    """
    began = time.monotonic()
    page.wait_for_timeout(500)
    while not kernels_idle(address) or page.locator(".jp-Notebook .jp-InputPrompt", has_text="[*]").count():
        if time.monotonic() - began > STALLED:
            raise RuntimeError("The kernel stays busy")
        page.wait_for_timeout(200)


def set_theme(page: Page, theme: str) -> None:
    """Choose a theme, "light" or "dark", from JupyterLab's menu."""
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    for item in ("Theme", THEMES[theme]):
        page.locator(".lm-Menu-itemLabel", has_text=re.compile(f"^{item}$")).click()
    page.wait_for_function("(light) => document.body.dataset.jpThemeLight === light", arg=str(theme == "light").lower())
    page.wait_for_timeout(500)


def photograph(page: Page, folder: Path, name: str) -> list[Path]:
    """Screenshots of the whole notebook, one below the other, as the reader scrolls: the files, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    scroller = page.locator(".jp-WindowedPanel-outer").first
    height, step = scroller.evaluate("(e) => [e.scrollHeight, e.clientHeight]")
    files = []
    for number, top in enumerate(range(0, height, step)):
        scroller.evaluate("(e, top) => { e.scrollTop = top; }", top)
        page.wait_for_timeout(200)
        files.append(folder / f"{name}-{number:02}.png")
        page.screenshot(path=files[-1])
    return files


def lesson_name(lesson: int) -> str:
    """The notebook's name without suffix."""
    return lesson_files([str(lesson)])[0].stem


def photograph_for_readme(browser: Browser, name: str, lesson: int, cell: str, folder: Path) -> list[Path]:
    """A window on a lesson after Run All, with a cell at its top, in both themes: `name`-light.png and -dark.png."""
    notebook = nbformat.read(lesson_files([str(lesson)])[0], as_version=4)
    place = [one.id for one in notebook.cells].index(cell)
    files = []
    with tempfile.TemporaryDirectory() as temporary:
        course = copy_course(Path(temporary) / "course")
        with lab(course, lesson) as address, opened(browser, address, width=1100, height=780) as (page, shown):
            if run_all(page, shown, address).errors:
                raise RuntimeError(f"Lesson {lesson} fails: {shown.errors[0][:500]}")
            page.keyboard.press("Control+B")  # the files at the left are put away
            for theme in ("light", "dark"):
                set_theme(page, theme)
                page.locator(".jp-Notebook .jp-Cell").nth(place).evaluate("(e) => e.scrollIntoView({block: 'start'})")
                page.wait_for_timeout(1000)
                files.append(folder / f"{name}-{theme}.png")
                # Few colours make a small file; OpenCV has no palettes.
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                picture.quantize(128, dither=Image.Dither.NONE).save(files[-1], optimize=True)
    return files


def main() -> None:
    folder = paths.ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except FileNotFoundError as error:
            sys.exit(str(error))
        for name, lesson, cell in PICTURES:
            for file in photograph_for_readme(browser, name, lesson, cell, folder):
                print(f"{file.relative_to(paths.ROOT)}  {file.stat().st_size // 1000} kB", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
