"""The whole course as one PDF, from the pages of the website.

    python -m tools.printed [FILE]        by default build/course.pdf

Chromium prints it: A4, page numbers at the foot and in the table of contents, an outline from the headings, folds open,
no code cut off.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from course import site
from tools.browser import launch
from utils import paths

STYLE = """
body { font: 10.5pt/1.5 "DejaVu Sans", sans-serif; }
.chapter { break-before: page; font-size: 20pt; } h1, h2, h3, h4, h5 { break-after: avoid; }
pre { font: 8pt/1.4 "DejaVu Sans Mono", monospace; background: #f4f4f4; padding: 6pt; white-space: pre-wrap; }
img, svg, table, pre { max-width: 100%; break-inside: avoid; }
img { height: auto; } table { font-size: 8.5pt; border-collapse: collapse; } td, th { padding: 1pt 5pt; }
details { border-left: 2pt solid #999; padding-left: 8pt; margin: 6pt 0; } summary { font-weight: bold; }
.headerlink, .copybtn, .sphinxsidebar, .related, .footer, .live-figure, colgroup { display: none; }
.contents-of-all { break-before: page; } .contents-of-all li { margin: 3pt 0; }
.contents-of-all .page-number { float: right; min-width: 3em; text-align: right; } a { color: #003d7a; }
"""
# Folds open, pictures there, a list of all chapters after the first page.
PREPARE = """async () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  for (const image of document.images) image.loading = "eager";
  const list = document.createElement("ol");
  const chapters = [...document.querySelectorAll("[id^='document-']")].map((mark) => mark.nextElementSibling);
  for (const chapter of chapters) {
    const title = chapter.querySelector("h1, h2, h3, h4, h5, h6");
    title.classList.add("chapter");
    const [item, number, link] = ["li", "span", "a"].map((tag) => document.createElement(tag));
    number.className = "page-number";
    number.textContent = "0"; // until the pages are known; it takes the place of the real one
    link.href = "#" + chapter.id;
    link.textContent = title.firstChild.textContent;
    item.append(number, link);
    list.append(item);
  }
  const contents = document.createElement("section");
  contents.className = "contents-of-all";
  const heading = document.createElement("h2");
  heading.textContent = "Contents";
  contents.append(heading, list);
  chapters[0].before(contents);
  await Promise.all([...document.images].map((image) => image.decode().catch(() => image.remove())));
  return chapters.length;
}"""
FILL_IN = """(numbers) => {
  for (const item of document.querySelectorAll(".contents-of-all li")) {
    const address = item.querySelector("a").getAttribute("href");
    item.querySelector(".page-number").textContent = numbers[address.slice(1)];
  }
}"""
# Chromium leaves a file's pages, in their order, and the places that links lead to without compression.
PAGE = re.compile(rb"(\d+) 0 obj\s*<<\s*/Type\s*/Page\b")
PLACE = re.compile(rb"/([\w-]+) \[(\d+) 0 R /XYZ")
FOOT = '<div style="font-size: 8pt; width: 100%; text-align: center"><span class="pageNumber"></span></div>'


def page_numbers(pdf: bytes) -> dict[str, int]:
    """On which page of a file that Chromium has printed each place is that a link leads to, by the place's id."""
    numbers = {page: number for number, page in enumerate(PAGE.findall(pdf), start=1)}
    return {name.decode(): numbers[page] for name, page in PLACE.findall(pdf)}


def print_pages(page: Page) -> bytes:
    return page.pdf(
        format="A4",
        margin=dict.fromkeys(("top", "bottom", "left", "right"), "18mm"),
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOT,
        print_background=True,
        outline=True,
        tagged=True,
    )


def print_numbered(page: Page) -> bytes:
    """Print twice: only on paper a chapter has a page, whose number then goes into the table of contents."""
    page.evaluate(FILL_IN, page_numbers(print_pages(page)))
    return print_pages(page)


def write_pdf(file: Path) -> int:
    """Print the course: the number of its chapters.

    Raises:
        SystemExit: packages are missing, or a page could not be made.
    """
    if missing := site.missing_packages():
        sys.exit(f"The printed course needs {', '.join(missing)}: `make pdf` installs them.")
    folder = paths.BUILD / "print"
    plain = site.settings("") | {"html_theme": "basic", "html_theme_options": {}, "html_js_files": []}
    if site.run_sphinx("singlehtml", folder, plain):
        sys.exit("The pages could not be made; the lines above say why.")
    file.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, launch(playwright) as browser:
        page = browser.new_page()
        page.goto((folder / "index.html").as_uri())
        page.add_style_tag(content=STYLE)
        chapters = page.evaluate(PREPARE)
        file.write_bytes(print_numbered(page))
    return chapters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=paths.BUILD / "course.pdf", metavar="FILE")
    file = parser.parse_args().file
    chapters = write_pdf(file)
    print(f"{chapters} chapters in {file}, {file.stat().st_size / 2**20:.0f} MiB.")


if __name__ == "__main__":
    main()
