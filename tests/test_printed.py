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
