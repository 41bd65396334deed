"""Slides of the lessons, from their saved outputs: one HTML file each, reveal.js inside, nothing fetched.

nbconvert makes the slides; which cell goes where follows from the lesson itself. A heading of level 2 begins a column,
one of level 3 a slide in it, and so does each further piece of code, drawing or fifth paragraph, under the same title.
A long paragraph shows its first sentences; the whole stands in the speaker notes (key S), as do solutions, hints and
answers. Tags on a cell say otherwise: `slide` (begin a column), `subslide` (begin a slide), `notes`, `skip`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import nbformat
from jinja2 import DictLoader
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course.lessons import lesson_files
from course.pages import COLOURS, PICTURES, markdown_to_html
from course.places import for_results
from utils import paths

REVEAL = paths.ASSETS / "reveal"
LONG = 240  # characters; a longer paragraph is cut to its first sentences
PARAGRAPHS = 4  # on a slide without code; with code or a drawing two, which introduce it
TALL = 12  # lines; a figure of longer code has a slide of its own
LEFT_OUT = {"Before you start", "Data and licence", "Time", "Further reading", "Next"}  # in the notes instead

TEMPLATE = (
    """{%- extends 'reveal/base.html.j2' -%}
{% block header %}<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{ resources.metadata.name }}</title>
<style>{{ 'reveal.css' | reveal }}</style>
{{ resources.include_css("static/index.css") }}
{{ resources.include_css("static/theme-light.css") }}
"""
    + COLOURS
    + """<style>
:root { --jp-content-font-size1: 24px; --jp-code-font-size: 18px; --jp-content-line-height: 1.4; }
html, body { margin: 0; height: 100%; background: #fff; overflow: hidden; }
.reveal .slides { text-align: left; }
.reveal .slides section { height: 100%; padding: 0; box-sizing: border-box; overflow: auto; scrollbar-width: thin; }
.reveal h1, .reveal h2, .reveal h3 { margin: 0 0 .4em; font-size: 34px; line-height: 1.2; color: #14375e; }
.reveal .slide-number { color: #444; background: none; }
.jp-Collapser { display: none; }
.jp-Cell { padding: 0 0 12px; }
.jp-RenderedImage img, .jp-RenderedMarkdown p > img:only-child { display: block; max-height: 480px; margin: 0 auto; }
.jp-OutputArea-output pre { white-space: pre-wrap; }
</style></head><body class="jp-Notebook" data-jp-theme-light="true"><main class="reveal"><div class="slides">
{% endblock header %}
{% block body_header %}{% endblock %}
"""
    + PICTURES
    + """
{% block body_footer %}</div></main>
<script>{{ 'reveal.js' | reveal }}</script>
<script>{{ 'notes.js' | reveal }}</script>
<script>
// A slide that does not fit is made smaller, step by step; one that would become too small to read scrolls.
function fit(slide) {
  for (let zoom = 1; slide && slide.scrollHeight > slide.clientHeight + 1 && zoom > 0.7; zoom -= 0.05)
    for (const part of slide.children) part.style.zoom = zoom;
}
Reveal.initialize({ width: 1280, height: 720, margin: 0.04, center: false, hash: true, slideNumber: 'h.v',
                    transition: 'none', plugins: [RevealNotes] });
for (const event of ['ready', 'slidechanged']) Reveal.on(event, (now) => fit(now.currentSlide));
</script>{% endblock body_footer %}
{% block footer %}</body></html>
{% endblock footer %}
"""
)


def split_markdown(source: str) -> list[str]:
    """A Markdown cell's blocks (paragraphs, lists, headings, …); fences, formulas and <details> are kept whole."""
    blocks: list[str] = []
    inside = ""
    for line in source.splitlines():
        begins = "```" if line.startswith("```") else "$$" if line.strip() == "$$" else ""
        if not inside and (line.startswith("#") or not line.strip()):
            blocks.append("")
        blocks = blocks or [""]
        blocks[-1] += line + "\n"
        if inside:
            ends = line.startswith("```") if inside == "```" else inside in line
            inside = "" if ends else inside
        elif begins:
            inside = begins
        elif "<details" in line and "</details>" not in line:
            inside = "</details>"
        if not inside and line.startswith("#"):
            blocks.append("")
    return [block.strip("\n") for block in blocks if block.strip()]


def shortened(paragraph: str) -> str:
    """A long paragraph's first sentences, as many as fit; at least one. Lists, tables, pictures and code stay whole."""
    if len(paragraph) <= LONG or re.match(r"[-*] |\d+\. |\||!\[|\$\$|```|<", paragraph):
        return paragraph
    # A sentence ends before a capital; not inside a formula or code, whose delimiters would be torn apart.
    kept = ""
    for sentence in re.split(r"(?<=[.!?:])\s+(?=[A-Z`*$“\"(])", " ".join(paragraph.split())):
        if kept and len(kept) + len(sentence) > LONG and kept.count("$") % 2 == kept.count("`") % 2 == 0:
            break
        kept += (" " if kept else "") + sentence
    return kept


def only_checks(source: str) -> bool:
    """Whether a cell does nothing but call check, headline or exercise: its output says it all."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    calls = [node.value for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    return len(calls) == len(body) > 0 and all(
        isinstance(call.func, ast.Name) and call.func.id in ("check", "headline", "exercise") for call in calls
    )


def part(cell: NotebookNode, *, source: bool = True, outputs: bool = True) -> NotebookNode:
    """A code cell for a slide, with or without its code and its outputs (stderr never)."""
    kept = [output for output in cell.outputs if outputs and output.get("name") != "stderr"]
    name = cell.id if outputs else f"{cell.id[:59]}-code"  # ids are unique
    copied = NotebookNode({**cell, "id": name, "metadata": NotebookNode(cell.metadata), "outputs": kept})
    copied.metadata.transient = {"remove_source": not source}
    return copied


class Deck:
    """The cells of a slide show, filled from top to bottom. Prose waits until it is known what it introduces."""

    def __init__(self) -> None:
        self.cells: list[NotebookNode] = []
        self.title = ""
        self.full = False  # the slide has its code or drawing
        self.paragraphs = 0  # that the slide has
        self.waiting: list[str] = []

    def begin(self, title: str, kind: str) -> None:
        """Begin a slide below (kind "subslide") or beside (kind "slide") the last one."""
        self.title, self.full, self.paragraphs = title, False, 0
        self.cells.append(new_markdown_cell(title, metadata={"slideshow": {"slide_type": kind}}))

    def note(self, source: str) -> None:
        """Put Markdown into the notes of the slide, unfolded."""
        unfolded = re.sub(r"<(/?)(details|summary)>", r"<\1div>", source)
        self.cells.append(new_markdown_cell(unfolded, metadata={"slideshow": {"slide_type": "notes"}}))

    def write(self, paragraphs: list[str], most: int) -> None:
        """Show paragraphs, at most so many on a slide; of a long one the notes have the whole."""
        for source in paragraphs:
            if self.full or self.paragraphs >= most:
                self.begin(self.title, "subslide")
            short = shortened(source)
            self.cells.append(new_markdown_cell(short))
            self.paragraphs += 1
            if short != source:
                self.note(source)

    def flush(self) -> None:
        """Show the prose that waits; a last word on what was just seen stands below it."""
        if len(self.waiting) == 1:
            self.full = False
        self.write(self.waiting, PARAGRAPHS)
        self.waiting = []

    def show(self, cell: NotebookNode) -> None:
        """Show code, outputs or a drawing, with the two paragraphs before it, on a slide that has nothing of that."""
        first, introduction = self.waiting[:-2], self.waiting[-2:]
        self.write(first, PARAGRAPHS)
        if self.full or self.paragraphs + len(introduction) > 2:
            self.begin(self.title, "subslide")
        self.write(introduction, PARAGRAPHS)
        self.cells.append(cell)
        self.full, self.waiting = True, []

    def show_code(self, cell: NotebookNode) -> None:
        """Show a code cell; a figure of long code, and what only checks print, stand without it."""
        figure = any("image/png" in output.get("data", {}) for output in cell.outputs)
        if cell.outputs and only_checks(cell.source):
            self.show(part(cell, source=False))
        elif figure and len(cell.source.splitlines()) > TALL:
            self.show(part(cell, outputs=False))
            self.show(part(cell, source=False))
        else:
            self.show(part(cell))


def fill(deck: Deck, cells: list[NotebookNode]) -> None:
    """Put a lesson's cells onto a deck."""
    left_out = False
    for cell in cells:
        tags = set(cell.metadata.get("tags", []))
        if tags & {"skip", "exercise-check"}:  # a check says "not attempted yet", which is no news
            continue
        if tags & {"notes", "solution"}:
            deck.flush()
            deck.note(cell.source)
            continue
        if tags & {"slide", "subslide"}:
            deck.flush()
            deck.begin(deck.title, "slide" if "slide" in tags else "subslide")
        if cell.cell_type == "code":
            if left_out:  # the set-up cell
                deck.begin("## Set-up", "subslide")
                left_out = False
            deck.show_code(cell)
            continue
        for source in split_markdown(cell.source):
            heading = re.match(r"(#+) (.+)", source)
            summary = re.search(r"<summary>(.+?)</summary>", source)
            if heading:
                deck.flush()
                left_out = heading[2] in LEFT_OUT
                if not left_out:
                    deck.begin(source, "slide" if len(heading[1]) <= 2 else "subslide")
            elif left_out:
                deck.note(source)
            elif summary:
                if re.match(r"\d", summary[1]):  # a question; the answer is the speaker's
                    deck.waiting.append(f"**{summary[1]}**")
                deck.flush()
                deck.note(source)
            elif re.match(r"!\[", source):
                deck.show(new_markdown_cell(source))
            elif not re.search(r"\[← |→\]\(", source):  # the links to the neighbours are for readers
                deck.waiting.append(source)
    deck.flush()


def divided(notebook: NotebookNode) -> NotebookNode:
    """The lesson as nbconvert's slides want it: cells in order, each saying in its metadata what it is."""
    deck = Deck()
    fill(deck, notebook.cells)
    return NotebookNode({**notebook, "cells": deck.cells})


def reveal(name: str) -> str:
    """A file of reveal.js, to stand inside a page."""
    return (REVEAL / name).read_text(encoding="utf-8").replace("</script", "<\\/script")


class DeckExporter(SlidesExporter):
    """nbconvert's slides, without what they fetch from a network."""

    def __init__(self) -> None:
        super().__init__(
            extra_loaders=[DictLoader({"deck.html.j2": TEMPLATE})],
            template_file="deck.html.j2",
            exclude_input_prompt=True,
            exclude_output_prompt=True,
        )

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield "markdown2html", partial(markdown_to_html, exclude_anchor_links=True)
        yield "reveal", reveal


def page(notebook: NotebookNode, name: str) -> str:
    """A lesson's slides as one HTML file."""
    return DeckExporter().from_notebook_node(divided(notebook), resources={"metadata": {"name": name}})[0]


def write_slides(lessons: Sequence[str]) -> int:
    """Write the slides of these lessons, or of all, into build/slides/: 0."""
    folder = for_results(paths.BUILD) / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    for path in lesson_files(lessons):
        target = folder / f"{path.stem}.html"
        target.write_text(page(nbformat.read(path, as_version=4), path.stem), encoding="utf-8")
        print(target, flush=True)
    return 0
