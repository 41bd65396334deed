"""Slides: what becomes a slide, what only the speaker sees, and that in a real browser nothing runs off the screen."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import slides
from tests.test_pages import fetched
from utils import paths

PATHS = sorted((paths.NOTEBOOKS).glob("*.ipynb"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Added to a page: show every slide as an instructor would, and write down how each fits.
PROBE = """<script>Reveal.on('ready', () => {
  const rows = Reveal.getSlides().map(slide => {
    const at = Reveal.getIndices(slide);
    Reveal.slide(at.h, at.v);
    fit(slide);
    const content = slide.querySelector(':scope > .content');
    const figures = [...slide.querySelectorAll('.figure')].map(figure => figure.clientHeight);
    const hidden = content.scrollHeight > content.clientHeight + 2;
    return [at.h + '.' + at.v, content.dataset.fitted, hidden, Math.min(9999, ...figures)].join(' ');
  });
  const report = document.createElement('pre');
  report.id = 'report';
  report.textContent = rows.join('\\n');
  document.body.append(report);
})</script>"""


def titles(notebook) -> list[tuple[str, bool]]:
    return [(slide.title, slide.column) for slide in slides.deck(notebook)]


def shown(slide: slides.Slide) -> str:
    return " ".join(block.html for block in slide.blocks)


def test_headings_make_columns_and_slides():
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Lesson\n\nOf networks."),
            new_markdown_cell("## Time\n\nA minute."),
            new_markdown_cell("## 1. First\n\nWords."),
            new_markdown_cell("### Deeper\n\nMore words."),
            new_markdown_cell("## Further reading\n\nBooks."),
        ]
    )
    assert titles(notebook) == [("Lesson", True), ("1. First", True), ("Deeper", False)]
    made = slides.deck(notebook)
    assert "A minute" in "".join(made[0].notes) and "Books" in "".join(made[-1].notes)
    page = slides.page(notebook, "x")
    assert "<h2>1. First</h2>" in page and "<ol" not in page


def test_tags_say_otherwise():
    def cell(text: str, *tags: str):
        return new_markdown_cell(text, metadata={"tags": list(tags)})

    made = slides.deck(
        new_notebook(
            cells=[
                cell("# Lesson\n\nOne."),
                cell("Hidden.", "skip"),
                cell("Said.", "notes"),
                cell("Below.", "subslide"),
                cell("Beside.", "slide"),
            ]
        )
    )
    assert [(slide.title, slide.column) for slide in made] == [("Lesson", True), ("Lesson", False), ("Lesson", True)]
    assert "Said" in made[0].notes[0] and not any("Hidden" in shown(slide) for slide in made)
    assert "Below" in shown(made[1]) and "Beside" in shown(made[2])


def test_long_prose_is_cut_for_the_slide_and_whole_in_the_notes():
    long = "The first sentence with $p = 0.5$ says it. " + "Another sentence follows with more words. " * 12
    (made,) = slides.deck(new_notebook(cells=[new_markdown_cell(f"# Lesson\n\n{long}")]))
    assert "first sentence" in shown(made) and shown(made).count("Another sentence") < 6
    assert "".join(made.notes).count("Another sentence") == 12


def test_answers_and_solutions_are_the_speakers():
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Lesson"),
            new_markdown_cell("## Recall\n\n<details><summary>1. Why?</summary>\n\nBecause.\n\n</details>"),
            new_code_cell("def f():\n    return None", metadata={"tags": ["exercise"]}),
            new_code_cell("exercise('Exercise 1', f)", metadata={"tags": ["exercise-check"]}),
            new_markdown_cell(
                "<details><summary>Solution</summary>\n\n```python\nreturn 42\n```\n\n</details>",
                metadata={"tags": ["solution"]},
            ),
        ]
    )
    made = slides.deck(notebook)
    everything = " ".join(map(shown, made))
    assert "Why?" in everything and "Because" not in everything and "42" not in everything
    assert "Exercise 1" not in everything
    notes = "".join(note for slide in made for note in slide.notes)
    assert "Because" in notes and "42" in notes and "<details" not in notes


def test_checks_show_their_lines_and_not_their_code():
    output = new_output("stream", text="✓ it holds\n")
    cells = [new_markdown_cell("# L"), new_code_cell('check("it holds", True)\nheadline("a", "1")', outputs=[output])]
    (made,) = slides.deck(new_notebook(cells=cells))
    assert "✓ it holds" in shown(made) and [block.kind for block in made.blocks] == ["output"]
    cells[1] = new_code_cell('x = 1\ncheck("it holds", x)', outputs=[output])
    assert [block.kind for block in slides.deck(new_notebook(cells=cells))[0].blocks] == ["code", "output"]


def test_much_content_is_spread_over_slides():
    code = "\n".join(f"line_{number} = {number}" for number in range(18))
    cells = [new_markdown_cell("# L"), *(new_code_cell(code) for _ in range(3))]
    made = slides.deck(new_notebook(cells=cells))
    assert [len(slide.blocks) for slide in made] == [1, 1, 1]
    assert [slide.column for slide in made] == [True, False, False]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem[:2])
def test_every_lesson_has_slides_that_fetch_nothing(path: Path):
    notebook = nbformat.read(path, as_version=4)
    html = slides.page(notebook, path.stem)
    body = html[html.index("<body>") : html.index("<script>")]
    assert fetched(html[: html.index("<script>")]) == []
    assert not re.findall(r"<script[^>]* src|<link", html[: html.index("<script>")])
    figures = sum(
        "image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert body.count('src="data:image/png;base64,') == figures
    assert 'alt=""' not in body
    assert len(html) < 5_000_000


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("path", PATHS[:1] + PATHS[-1:], ids=lambda path: path.stem[:2])
def test_in_a_browser_every_slide_fits(path: Path, tmp_path):
    html = slides.page(nbformat.read(path, as_version=4), path.stem)
    before, after = html.rsplit("</body>", 1)
    page = tmp_path / "slides.html"
    page.write_text(f"{before}{PROBE}</body>{after}", encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
               "--window-size=1280,720", "--virtual-time-budget=60000", "--dump-dom", page.as_uri()]  # fmt: skip
    dom = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=True).stdout
    rows = [row.split() for row in re.search(r'<pre id="report">(.*?)</pre>', dom, flags=re.DOTALL)[1].splitlines()]
    assert len(rows) > 60
    assert [row for row in rows if row[2] != "false"] == [], "something is cut off"
    assert [row for row in rows if float(row[1]) < 0.75] == [], "too small to read"
    assert [row for row in rows if float(row[3]) < 200] == [], "a figure is too small"
