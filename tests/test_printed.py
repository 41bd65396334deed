"""The printed course: what Chromium is given, and that it prints it. (`make pdf` prints all lessons, in minutes.)"""

from __future__ import annotations

import re

import pytest

from course import site
from tools import printed

pytestmark = pytest.mark.browser
PAGE = """<html lang="en"><title>T</title><body><h1>Title</h1><p>{long}</p>
<span id="document-notebooks/01"></span><section id="one"><h3>Lesson 1<a class="headerlink">¶</a></h3><pre>{code}</pre>
<details><summary>Answer</summary>Forty-two</details></section>
<span id="document-notebooks/02"></span><section id="two"><h3>Lesson 2</h3></section></body></html>"""


def test_each_chapter_begins_a_page_and_the_outline_names_it(tmp_path, monkeypatch):
    def two_lessons(builder, target, configuration):
        target.mkdir(parents=True)
        text = PAGE.format(long="word " * 50, code="x" * 400)
        (target / "index.html").write_text(text, encoding="utf-8")
        return 0

    monkeypatch.setattr(printed.paths, "BUILD", tmp_path)
    monkeypatch.setattr(site, "missing_packages", list)
    monkeypatch.setattr(site, "run_sphinx", two_lessons)
    file = tmp_path / "new" / "course.pdf"
    assert printed.write_pdf(file) == 2
    content = file.read_bytes()
    assert content.startswith(b"%PDF") and b"/Outlines" in content
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 4  # title, contents, two lessons


def test_the_table_of_contents_has_the_pages_of_its_chapters(chromium):
    """Of so many chapters that the file's list of pages consists of several."""
    page = chromium.new_page()
    chapter = '<span id="document-{0}"></span><section id="chapter-{0}"><h2>Chapter {0}</h2>{1}</section>'
    lengths = [1 + n % 3 for n in range(12)]
    more = '<p style="break-before: page">more</p>'
    chapters = "".join(chapter.format(n, more * (length - 1)) for n, length in enumerate(lengths))
    page.set_content(f"<h1>Title</h1>{chapters}")
    page.add_style_tag(content=printed.STYLE)
    page.evaluate(printed.PREPARE)
    pdf = printed.print_numbered(page)
    shown = [int(number) for number in page.locator(".contents-of-all .page-number").all_inner_texts()]
    page.close()
    first = 3  # after the title and the table
    assert shown == [first + sum(lengths[:n]) for n in range(12)]
    places = printed.page_numbers(pdf)
    assert shown == [places[f"chapter-{n}"] for n in range(12)], "the numbers themselves have moved chapters"


def test_without_the_packages_it_says_what_installs_them(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "missing_packages", lambda: ["sphinx"])
    with pytest.raises(SystemExit, match="make pdf"):
        printed.write_pdf(tmp_path / "course.pdf")
    assert not (tmp_path / "course.pdf").exists()


def test_pages_that_cannot_be_made_leave_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "missing_packages", list)
    monkeypatch.setattr(site, "run_sphinx", lambda *arguments: 1)
    with pytest.raises(SystemExit, match="could not be made"):
        printed.write_pdf(tmp_path / "course.pdf")
    assert not (tmp_path / "course.pdf").exists()
