"""Slides: what becomes a slide, what only the speaker sees, and that in a real browser nothing runs off the screen."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import slides
from tests.test_pages import fetched
from utils import paths

PATHS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
FIGURE = new_output("display_data", data={"image/png": "AAAA"})
# Show every slide as an instructor would: its zoom, whether its end is out of sight, and its least figure's height.
PROBE = """() => Reveal.getSlides().map((slide) => {
  const at = Reveal.getIndices(slide);
  Reveal.slide(at.h, at.v);
  const parts = [...slide.children].filter((part) => part.tagName !== 'ASIDE');
  const figures = [...slide.querySelectorAll('.jp-RenderedImage img')].map((image) => image.clientHeight);
  return {
    name: `${at.h}.${at.v}`,
    zoom: Math.min(...parts.map((part) => Number(part.style.zoom || 1))),
    scrolls: slide.scrollHeight > slide.clientHeight + 1,
    reachable: getComputedStyle(slide).overflowY === 'auto',
    figure: Math.min(...figures, 9999),
  };
})"""


def shown(*cells: NotebookNode) -> list[tuple[str, str, str]]:
    """The slides that these cells make: of each the title, the text that all see, and the speaker's."""
    html = BeautifulSoup(slides.page(new_notebook(cells=list(cells)), "x"), "html.parser")
    made = []
    for slide in html.select(".slides > section > section"):
        notes = " ".join(note.extract().get_text() for note in slide.select("aside.notes"))
        made.append((slide.select_one("h1, h2, h3").extract().text, slide.get_text(), notes))
    return made


def columns(*cells: NotebookNode) -> list[int]:
    """How many slides each column has."""
    html = BeautifulSoup(slides.page(new_notebook(cells=list(cells)), "x"), "html.parser")
    return [len(column("section")) for column in html.select(".slides > section")]


def text(source: str, *tags: str) -> NotebookNode:
    return new_markdown_cell(source, metadata={"tags": list(tags)})


def test_headings_make_columns_and_slides():
    cells = [
        text("# Lesson\n\nOf networks."),
        text("## Time\n\nA minute."),
        text("## 1. First\n\nWords."),
        text("### Deeper\n\nMore words."),
        text("## Further reading\n\nBooks."),
    ]
    assert columns(*cells) == [1, 2]
    made = shown(*cells)
    assert [title for title, _, _ in made] == ["Lesson", "1. First", "Deeper"]
    assert "A minute" in made[0][2] and "Books" in made[-1][2]


def test_tags_say_otherwise():
    cells = [
        text("# Lesson\n\nOne."),
        text("Hidden.", "skip"),
        text("Said.", "notes"),
        text("Below.", "subslide"),
        text("Beside.", "slide"),
    ]
    assert columns(*cells) == [2, 1]
    first, below, beside = shown(*cells)
    assert "Said" in first[2] and "Said" not in first[1]
    assert "Below" in below[1] and "Beside" in beside[1] and {below[0], beside[0]} == {"Lesson"}
    assert "Hidden" not in str([first, below, beside])


def test_long_prose_is_cut_for_the_slide_and_whole_in_the_notes():
    long = "The first sentence with $p = 0.5$ says it. " + "Another sentence follows with more words. " * 12
    ((_, seen, notes),) = shown(text(f"# Lesson\n\n{long}"))
    assert "first sentence" in seen and seen.count("Another sentence") < 6
    assert notes.count("Another sentence") == 12


def test_answers_and_solutions_are_the_speakers():
    made = shown(
        text("# Lesson"),
        text("## Recall\n\n<details><summary>1. Why?</summary>\n\nBecause.\n\n</details>"),
        new_code_cell("def f():\n    return None", metadata={"tags": ["exercise"]}),
        new_code_cell("exercise('Exercise 1', f)", metadata={"tags": ["exercise-check"]}),
        text("<details><summary>Solution</summary>\n\n```python\nreturn 42\n```\n\n</details>", "solution"),
    )
    everything = " ".join(seen for _, seen, _ in made)
    assert "Why?" in everything and "def f" in everything
    for hidden in ("Because", "42", "Exercise 1"):
        assert hidden not in everything
    notes = " ".join(notes for _, _, notes in made)
    assert "Because" in notes and "42" in notes


def test_notes_have_everything_unfolded():
    html = slides.page(new_notebook(cells=[text("# L\n\n<details><summary>Hint</summary>\n\nx\n\n</details>")]), "x")
    assert "Hint" in html and "<details" not in html


def test_checks_show_their_lines_and_not_their_code():
    output = new_output("stream", text="✓ it holds\n")
    ((_, seen, _),) = shown(text("# L"), new_code_cell('check("x", True)\nheadline("a", "1")', outputs=[output]))
    assert "✓ it holds" in seen and "headline" not in seen
    ((_, seen, _),) = shown(text("# L"), new_code_cell('x = 1\ncheck("x", x)', outputs=[output]))
    assert "✓ it holds" in seen and "check" in seen


def test_a_slide_has_one_piece_of_code_and_few_paragraphs():
    assert columns(text("# L"), new_code_cell("a = 1"), text("Then:"), new_code_cell("b = 2"), text("So.")) == [2]
    made = shown(text("# L"), new_code_cell("a = 1"), text("Then:"), new_code_cell("b = 2"), text("So."))
    assert all(word in made[1][1] for word in ("Then:", "b", "So."))
    assert columns(text("# L\n\n" + "\n\n".join(f"Word {number}." for number in range(9)))) == [3]


def test_a_figure_of_long_code_has_a_slide_of_its_own():
    assert columns(text("# L"), new_code_cell("a = 1", outputs=[FIGURE])) == [1]
    assert columns(text("# L"), new_code_cell("a = 1\n" * 20, outputs=[FIGURE])) == [2]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem[:2])
def test_every_lesson_has_slides_that_fetch_nothing(path: Path):
    notebook = nbformat.read(path, as_version=4)
    html = slides.page(notebook, path.stem)
    before_scripts = html[: html.rindex("</main>")]
    assert fetched(before_scripts) == []
    assert "<script" not in before_scripts and "<script src" not in html
    figures = sum(
        "image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert before_scripts.count('src="data:image/png;base64,') == figures
    assert 'alt=""' not in before_scripts
    assert len(html) < 5_000_000


@pytest.mark.browser
@pytest.mark.parametrize("path", PATHS[:1] + PATHS[-1:], ids=lambda path: path.stem[:2])
def test_in_a_browser_every_slide_fits_or_scrolls(path: Path, tmp_path, chromium):
    file = tmp_path / "slides.html"
    file.write_text(slides.page(nbformat.read(path, as_version=4), path.stem), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    page.goto(file.as_uri())
    page.wait_for_function("Reveal.isReady()")
    rows = page.evaluate(PROBE)
    page.close()
    assert len(rows) > 60
    assert all(row["reachable"] for row in rows)
    assert sum(row["scrolls"] for row in rows) < len(rows) / 20, "too many slides are too long"
    assert [row for row in rows if row["zoom"] < 0.7] == [], "too small to read"
    assert any(row["zoom"] < 1 for row in rows), "nothing is fitted"
    assert [row for row in rows if row["figure"] < 90] == [], "a figure is too small"
