"""The pages and the slides of the lessons by axe-core, in Chromium: nothing serious, nothing critical.

axe-core needs about ten seconds for each: `make test` asks it about lesson 1, `make browser` about all nine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from course import pages, slides
from course.lessons import lesson_files

LESSONS = lesson_files(os.environ.get("BROWSER_LESSONS", "1").split())


@pytest.fixture
def page(chromium) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def findings(page: Page, *unasked: str, within: str | None = None) -> list[str]:
    """What axe-core calls serious or critical, as lines: the rule, how many places, the first of them.

    Args:
        page: what is examined.
        unasked: rules that do not apply to it.
        within: a selector of the part that is examined; else all of it.
    """
    options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in unasked}}
    found = [
        one
        for one in Axe().run(page, context=within, options=options).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    return [
        f"{one['id']} ({one['impact']}), {len(one['nodes'])} places: {one['nodes'][0]['html'][:300]}" for one in found
    ]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem[:2])
def test_pages(path, page, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(pages.page(nbformat.read(path, as_version=4), path.stem), encoding="utf-8")
    page.goto(file.as_uri())
    assert findings(page) == []
    images = page.evaluate("[...document.images].map((image) => [image.naturalWidth, image.alt.trim(), image.src])")
    assert images and [source[:60] for width, alt, source in images if not (width and alt)] == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem[:2])
def test_slides(path, page, tmp_path):
    file = tmp_path / "slides.html"
    file.write_text(slides.page(nbformat.read(path, as_version=4), path.stem), encoding="utf-8")
    page.goto(file.as_uri() + "?print-pdf")  # all slides at once
    page.wait_for_selector(".pdf-page")
    # Reveal hides slides from screen readers that are not the present one, also in this view for printing, where nobody
    # moves a focus.
    assert findings(page, "aria-hidden-focus") == []


def test_a_fault_is_found(page):
    page.set_content(
        '<html lang="en"><title>a</title><main><img src="a.png"><p style="color: #aaa">pale</p></main></html>'
    )
    rules = [line.split()[0] for line in findings(page)]
    assert rules == ["color-contrast", "image-alt"]
