"""The lessons' HTML pages stand alone: formulas drawn, pictures embedded, nothing fetched."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from latex2mathml.exceptions import NoAvailableTokensError
from matplotlib import pyplot as plt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import pages
from course.run import tidy
from utils import demos, paths

PATHS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))


def fetched(html: str) -> list[str]:
    """What a browser would fetch to show a page: anything but data in the page itself."""
    page = BeautifulSoup(html, "html.parser")
    found = [tag.get(key) for tag in page.find_all() for key in ("src", "srcset", "poster", "data") if tag.get(key)]
    found += [tag.get("href", "") for tag in page.find_all(["link", "use", "image"])]
    found += re.findall(r"(?:@import\s+|url\(\s*)[\"']?([^\"')\s]+)", " ".join(tag.text for tag in page("style")))
    scripts = " ".join(tag.text for tag in page("script"))
    found += re.findall(r"import\s*\(?\s*[\"']([^\"']+)|[\"'](https?://[^\"']+\.m?js)", scripts)
    return [str(address) for address in found if not str(address).startswith(("data:", "#", "%23"))]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem[:2])
def test_a_page_fetches_nothing_and_shows_every_formula(path: Path):
    notebook = nbformat.read(path, as_version=4)
    html = pages.page(notebook, path.stem)
    assert fetched(html) == []
    page = BeautifulSoup(html, "html.parser")
    assert not page("script")
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    formulas = re.findall(r"(?<![\\$])\$\$.+?\$\$|(?<![\\$])\$[^$]+\$", text, flags=re.DOTALL)
    drawn = page.select("svg[role=img][aria-label]")
    assert [svg["aria-label"] for svg in drawn] == [" ".join(tex.strip("$").split()) for tex in formulas]
    assert all(svg("path") for svg in drawn)
    for cell in page.select(".jp-MarkdownCell"):
        for code in cell(["code", "pre", "svg"]):
            code.decompose()
        assert not re.search(r"(?<!\d)\$|\\frac|\\sum", cell.text), "a formula was left as TeX"


def test_what_a_page_would_fetch_is_noticed():
    """The check above can fail."""
    for bad in (
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="theme.css">',
        "<style>@import 'https://fonts.example/a';</style>",
        "<style>p {background: url(a.png)}</style>",
        "<script>import x from 'https://cdn.example/m.mjs'</script>",
        '<img src="../assets/a.svg">',
    ):
        assert fetched(bad), bad
    assert not fetched('<img src="data:image/png;base64,AA=="><a href="https://example.org">link</a>')


def test_formula_sizes_follow_the_text():
    tall, low = pages.formula(r"\frac{a}{b}", True), pages.formula("a", False)
    assert 'fill="currentColor"' in tall and "margin" in tall
    heights = [float(re.search(r"height:([\d.]+)em", svg)[1]) for svg in (tall, low)]
    assert heights[0] > 2 * heights[1]
    assert "vertical-align" in low
    assert pages.formula("a < b", False).count("a &lt; b") == 1


def test_a_minus_sign_stands_close_to_its_number():
    def width(tex: str) -> float:
        return float(re.search(r"width:([\d.]+)em", pages.formula(tex, False))[1])

    assert width("w = -5") < width("w - 5") + width("w = 5") - width("w 5")


def test_unreadable_tex_is_an_error():
    with pytest.raises(NoAvailableTokensError):
        pages.formula(r"\frac{a}{", False)


def test_links_lead_from_page_to_page_and_pictures_stay_in_the_repository():
    html = pages.markdown_to_html("[next](02_b.ipynb) [there](02_b.ipynb#A) [web](https://example.org/x.ipynb)")
    assert re.findall('href="(.+?)"', html) == ["02_b.html", "02_b.html#A", "https://example.org/x.ipynb"]
    assert "data:image/svg+xml;base64," in pages.markdown_to_html("![x](../assets/diagrams/04_opener.svg)")
    assert "data:" not in pages.markdown_to_html("![x](../../../etc/hostname)")


def test_a_page_without_formulas():
    page = pages.page(new_notebook(cells=[new_markdown_cell("# One\n\nIt costs 5 \\$.")]), "x")
    assert "It costs 5 $." in page and "<svg" not in page


def test_a_demo_is_its_first_figure_with_alternative_text(monkeypatch):
    """As `make execute` writes a demo's output: no widget that nobody could show, and nothing to load."""
    bundles = []
    monkeypatch.setattr(demos, "display", lambda data, raw: bundles.append(data))

    def draw(height: float = 1.0) -> plt.Figure:
        figure, ax = plt.subplots(figsize=(2, 1))
        ax.bar(["a"], [height])
        return figure

    box = demos.demo(draw, "a bar", height=(0.0, 2.0, 0.5))
    output = new_output("display_data", data=bundles[0], metadata={})
    cell = new_code_cell("demos.demo(…)", outputs=[output], execution_count=1, metadata={"alt": 'One bar, "a".'})
    notebook = new_notebook(cells=[cell])
    tidy(notebook)
    html = pages.page(notebook, "demo")
    assert fetched(html) == []
    page = BeautifulSoup(html, "html.parser")
    (image,) = page("img")
    assert image["alt"] == 'One bar, "a".'
    assert base64.b64decode(image["src"].split(",")[1]) == box.children[-1].png
    assert not page("script") and "widget" not in page.main.text
