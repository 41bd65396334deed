"""The lessons as a student sees them: each opened in JupyterLab in Chromium, Run All, and what is then on the page.

`make test` tries lessons 1 and 3, `make browser` all nine (LESSONS="2 4" for some), with screenshots in build/.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser, Error, sync_playwright

from tools import browser as driver
from tools.lessons import BUILD, NOTEBOOKS, output_lines

ASKED = os.environ.get("BROWSER_LESSONS", "").split()
LESSONS = [int(number) for number in ASKED or ["1", "3"]]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for this module, closed at its end: its event loop must not meet another test's."""
    with sync_playwright() as playwright:
        try:
            browser = driver.launch(playwright)
        except (FileNotFoundError, Error) as error:
            reason = str(error).strip().splitlines()[0]
            if ASKED:
                pytest.fail(reason)
            pytest.skip(reason)
        yield browser
        browser.close()


@pytest.fixture
def course(tmp_path):
    return driver.copy_course(tmp_path / "course")


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
    missing = [line for line in said(output_lines(committed)) if line not in said(shown.lines)]
    found += [f"not shown: {line}" for line in missing]
    if len(said(shown.lines)) != len(said(output_lines(committed))):
        found.append(f"{len(said(shown.lines))} check lines shown, {len(said(output_lines(committed)))} committed")
    pngs = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    if shown.figures < pngs:
        found.append(f"{shown.figures} figures shown, {pngs} committed")
    found += [f"picture without a size: {image}" for image in shown.images if not image["width"] * image["height"]]
    return found


def said(lines: list[str]) -> list[str]:
    """The lines of checks and exercises among these."""
    return [line.rstrip() for line in lines if re.match("[✓✗○] ", line)]


@pytest.mark.parametrize("lesson", LESSONS)
def test_run_all_in_jupyterlab(lesson, chromium, course, record_property):
    name = driver.lesson_name(lesson)
    committed = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    with driver.lab(course, lesson) as address, driver.opened(chromium, address) as (page, shown):
        driver.run_all(page, shown, address)
        driver.photograph(page, BUILD / "screenshots", f"{lesson:02}")
    checks = len(said(shown.lines))
    record_property("seconds", round(shown.seconds, 1))
    print(f"\nlesson {lesson}: {shown.seconds:.0f} s, {len(shown.prompts)} code cells, {checks} check lines, "
          f"{len(shown.images)} pictures, {shown.figures} of them in outputs")  # fmt: skip
    assert problems(shown, committed) == []


def test_a_broken_lesson_is_noticed(chromium, course):
    """An error, a lost check, a picture that is not there and a foreign address, planted in the copy."""
    path = course / "notebooks" / f"{driver.lesson_name(1)}.ipynb"
    committed = nbformat.read(NOTEBOOKS / path.name, as_version=4)
    broken = nbformat.read(path, as_version=4)
    broken.cells = broken.cells[:1]
    broken.cells[0].source = "# Broken\n\n![a](../assets/none.png) ![b](https://example.invalid/b.png)"
    for source in ("print('✓ one')", "1 / 0", "print('✓ two')"):
        broken.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(broken, path)
    with driver.lab(course, 1) as address, driver.opened(chromium, address) as (page, shown):
        driver.run_all(page, shown, address)
    found = "\n".join(problems(shown, committed))
    for words in ("ZeroDivisionError", "counts of the cells: ['[1]:', '[2]:', '[", "not shown: ✓ ", "figures shown",
                  "picture without a size", "asks for https://example.invalid/b.png"):  # fmt: skip
        assert words in found
