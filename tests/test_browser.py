"""The lessons as a student sees them: each opened in JupyterLab in Chromium, Run All, and what is then on the page.

`make test` tries lesson 1, `make browser` all nine (LESSONS="2 4" for some), with screenshots in build/.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbformat import NotebookNode
from playwright.sync_api import Locator, Page, expect

from course.lessons import lesson_files
from course.run import output_lines
from tests.browser_demos import DEMOS, VISITS, Demo, sentence
from tools import browser as driver
from utils import paths

ASKED = os.environ.get("BROWSER_LESSONS", "").split()
SCREENSHOTS = paths.BUILD / "screenshots"
LESSONS = [int(number) for number in ASKED or ["1"]]


@pytest.fixture
def course(tmp_path):
    return driver.copy_course(tmp_path / "course")


@dataclass
class Lesson:
    """A lesson after Run All, still open."""

    number: int
    page: Page
    shown: driver.Shown
    address: str


@pytest.fixture(scope="module", params=LESSONS, ids=str)
def lesson(request, chromium, tmp_path_factory) -> Iterator[Lesson]:
    folder = driver.copy_course(tmp_path_factory.mktemp("lab") / "course")
    with driver.lab(folder, request.param) as address, driver.opened(chromium, address) as (page, shown):
        driver.run_all(page, shown, address)
        yield Lesson(request.param, page, shown, address)
    shutil.rmtree(folder)


def problems(shown: driver.Shown, committed: NotebookNode) -> list[str]:
    """What is wrong with a page after Run All, as sentences; the notebook is the committed one with its outputs."""
    cells = [cell for cell in committed.cells if cell.cell_type == "code"]
    found = [f"error output: {text[:500]}" for text in shown.errors]
    found += [f"widget: {text[:200]}" for text in shown.widgets]
    found += [f"JavaScript: {text}" for text in shown.crashes]
    found += [f"asks for {url}" for url in shown.foreign]
    expected = [f"[{number}]:" for number in range(1, len(cells) + 1)]
    if shown.prompts != expected:
        found.append(f"counts of the cells: {shown.prompts}")
    if not all(cell.execution_count for cell in cells):  # test_notebook_lint demands it; until then nothing to compare
        return [*found, *without_size(shown)]
    missing = [line for line in said(output_lines(committed)) if line not in said(shown.lines)]
    found += [f"not shown: {line}" for line in missing]
    if len(said(shown.lines)) != len(said(output_lines(committed))):
        found.append(f"{len(said(shown.lines))} check lines shown, {len(said(output_lines(committed)))} committed")
    pngs = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    if shown.figures < pngs:
        found.append(f"{shown.figures} figures shown, {pngs} committed")
    return [*found, *without_size(shown)]


def without_size(shown: driver.Shown) -> list[str]:
    return [f"picture without a size: {image}" for image in shown.images if not image["width"] * image["height"]]


def said(lines: list[str]) -> list[str]:
    """The lines of checks and exercises among these."""
    return [line.rstrip() for line in lines if re.match("[✓✗○] ", line)]


def test_run_all_in_jupyterlab(lesson, record_property):
    committed = nbformat.read(paths.NOTEBOOKS / f"{driver.lesson_name(lesson.number)}.ipynb", as_version=4)
    driver.photograph(lesson.page, SCREENSHOTS, f"{lesson.number:02}")
    shown, checks = lesson.shown, len(said(lesson.shown.lines))
    record_property("seconds", round(shown.seconds, 1))
    counts = f"{len(shown.prompts)} code cells, {checks} check lines, {len(shown.images)} pictures"
    print(f"\nlesson {lesson.number}: {shown.seconds:.0f} s, {counts}, {shown.figures} of them in outputs")
    assert problems(shown, committed) == []


def test_every_demo_can_be_used_by_keyboard_and_is_named(lesson):
    for cell in DEMOS[lesson.number]:
        demo = Demo(lesson.page, lesson.number, cell)
        names = demo.tab_through()
        assert names and all(name.strip() for name in names)
        found = Axe().run(lesson.page, context=f"#{mark(demo)}").response["violations"]
        assert [f"{cell}: {one['id']} {one['nodes'][0]['html'][:200]}" for one in found] == []


def test_demos_answer(lesson):
    """Both themes are photographed, then the demos are used as a reader would; the waits are only printed."""
    for theme in ("dark", "light"):
        driver.set_theme(lesson.page, theme)
        for cell in DEMOS[lesson.number]:
            demo = Demo(lesson.page, lesson.number, cell)
            demo.cell.screenshot(path=SCREENSHOTS / f"{lesson.number:02}-{cell}-{theme}.png")
    for what, waits in VISITS[lesson.number](lesson.page).items():
        print(f"\nlesson {lesson.number}, {what}: {sentence(waits)}")
    for cell in DEMOS[lesson.number]:
        demo = Demo(lesson.page, lesson.number, cell)
        demo.cell.screenshot(path=SCREENSHOTS / f"{lesson.number:02}-{cell}-used.png")
    assert lesson.shown.crashes == []


def test_every_demo_has_its_visit():
    found = {}
    for path in lesson_files([]):
        cells = nbformat.read(path, as_version=4).cells
        found[int(path.name[:2])] = [cell.id for cell in cells if "demos.demo(" in cell.source]
    assert found == DEMOS and list(VISITS) == list(DEMOS)


def mark(demo: Demo) -> str:
    """An id for the demo's box, by which axe-core can be pointed at it."""
    return demo.box.evaluate("(box, name) => { box.id = name; return name; }", demo.name)


@pytest.mark.skipif(4 not in LESSONS, reason="lesson 4 takes a minute: make browser tries it")
@pytest.mark.parametrize("lesson", [4], indirect=True, ids=str)
def test_the_stop_button_ends_a_training_and_the_next_cells_work(lesson):
    page = lesson.page
    cells = nbformat.read(paths.NOTEBOOKS / f"{driver.lesson_name(4)}.ipynb", as_version=4).cells
    ids = [cell.id for cell in cells]

    def begin(name: str) -> Locator:
        cell = page.locator(".jp-Notebook .jp-Cell").nth(ids.index(name))
        cell.locator(".jp-InputPrompt").click()
        page.keyboard.press("Control+Enter")
        return cell

    cell = begin("fit")
    bar = cell.locator(".jp-OutputArea-output", has_text=re.compile(r"\b[1-9]\d*/21\b")).first
    bar.wait_for(timeout=60_000)
    page.get_by_role("button", name=re.compile("Interrupt the kernel")).click()
    driver.wait_idle(page, lesson.address)
    for name in ("fit-log", "loss-curve", "accuracy-curve", "early-fit", "early-check"):
        begin(name)
        driver.wait_idle(page, lesson.address)
    shown = driver.read(page, lesson.shown)
    assert shown.errors == []
    assert shown.unfinished == 0
    log = page.locator(".jp-Notebook .jp-Cell").nth(ids.index("fit-log")).locator(".jp-OutputArea").inner_text()
    print(f"\nlesson 4, stopped: {log.strip().splitlines()[-1]}")


DEMO_OF_A_BAR = """from matplotlib import pyplot as plt
from utils import demos

def draw(height=0.5, drawing=b""):
    figure = plt.figure(figsize=(5, 3))
    plt.bar(["a"], [height])
    plt.title(f"height {height:.1f}")
    return figure

_ = demos.demo(draw, "a bar", height=(0.0, 1.0, 0.1), drawing=demos.Pad())"""


def test_where_our_widgets_do_not_arrive_the_figure_stands_and_its_sliders_work(chromium, course):
    """An editor without a network, an older server: ipywidgets is there, the front end of anywidget is not."""
    path = course / "notebooks" / f"{driver.lesson_name(1)}.ipynb"
    lesson = nbformat.read(path, as_version=4)
    lesson.cells = [nbformat.v4.new_code_cell(DEMO_OF_A_BAR)]
    nbformat.write(lesson, path)
    with driver.lab(course, 1) as address, driver.opened(chromium, address) as (page, shown):
        page.route("**/extensions/anywidget/**", lambda route: route.abort())
        page.reload()
        page.wait_for_selector(".jp-Notebook .jp-CodeCell .jp-InputPrompt", timeout=120_000)
        driver.wait_idle(page, address)
        driver.run_all(page, shown, address)
        figure = page.locator(".jp-OutputArea-output .widget-vbox img")
        expect(figure).to_be_visible()
        assert figure.evaluate("(image) => image.naturalWidth") == 400
        assert figure.get_attribute("alt") == "a bar. height 0.5."
        assert not page.locator("canvas").count()  # the pad is ours
        assert not page.get_by_text("javascript error").filter(visible=True).count()
        page.locator("[role=slider]").focus()
        page.keyboard.press("ArrowRight")
        expect(figure).to_have_attribute("alt", "a bar. height 0.6.")


def test_a_broken_lesson_is_noticed(chromium, course):
    """An error, a lost check, a picture that is not there and a foreign address, planted in the copy."""
    path = course / "notebooks" / f"{driver.lesson_name(1)}.ipynb"
    committed = nbformat.read(paths.NOTEBOOKS / path.name, as_version=4)
    broken = nbformat.read(path, as_version=4)
    broken.cells = broken.cells[:1]
    broken.cells[0].source = "# Broken\n\n![a](../assets/none.png) ![b](https://example.invalid/b.png)"
    for source in ("print('✓ one')", "1 / 0", "print('✓ two')"):
        broken.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(broken, path)
    with driver.lab(course, 1) as address, driver.opened(chromium, address) as (page, shown):
        driver.run_all(page, shown, address)
    found = "\n".join(problems(shown, committed))
    for words in (
        "ZeroDivisionError",
        "counts of the cells: ['[1]:', '[2]:', '[",
        "not shown: ✓ ",
        "figures shown",
        "picture without a size",
        "asks for https://example.invalid/b.png",
    ):
        assert words in found
