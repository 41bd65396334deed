"""Slides of the lessons, from their committed outputs: one HTML file each, reveal.js inside, nothing fetched.

python -m course.slides [NN …]       build/slides/NN_….html

What becomes a slide follows from the lesson itself. A heading of level 2 begins a column, of level 3 a slide in it;
code with its output, a drawing or a figure is kept together where it fits, with the sentence before or after it. A
long paragraph shows its first sentence; the whole stands in the speaker notes (key S), as do solutions, hints and
answers. Tags on a cell say otherwise: `slide` (begin a column), `subslide` (begin a slide), `notes`, `skip`.
"""

from __future__ import annotations

import ast
import base64
import html
import re
import struct
import sys
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course.lessons import lesson_files
from course.pages import markdown_to_html
from utils import paths

REVEAL = paths.ASSETS / "reveal"
WIDTH, HEIGHT = 1280, 720  # of a slide, in CSS pixels; reveal.js scales it to the screen
ROOM = 590  # what is left of the height below the title
LONG = 240  # characters; a longer paragraph is cut to its first sentences
LEFT_OUT = {"Before you start", "Data and licence", "Time", "Further reading", "Next"}  # in the notes instead

STYLE = (
    """
html, body { margin: 0; height: 100%; background: #fff; }
.reveal { font: 24px/1.4 system-ui, "DejaVu Sans", sans-serif; color: #1a1a1a; }
.reveal .slides { text-align: left; }
.reveal .slides section { height: 100%; padding: 0; }
.reveal h1, .reveal h2, .reveal h3 { margin: 0; line-height: 1.2; color: #14375e; font-weight: 600; }
.reveal h1, .reveal h2 { font-size: 34px; height: 62px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis }
.reveal h1 { font-size: 30px; }
.content { height: 610px; display: flex; flex-direction: column; gap: 12px; overflow: auto; scrollbar-width: none; }
.content > * { flex: none; margin: 0; }
.content p, .content ul, .content ol { margin: 0; }
.content li { margin-bottom: .3em; }
.content a { color: #0b57a4; }
.content .figure { flex: 1 1 0; min-height: 220px; display: flex; justify-content: center; }
.content .figure img { max-width: 100%; max-height: 100%; object-fit: contain; }
.content pre { margin: 0; font-family: ui-monospace, "DejaVu Sans Mono", monospace; line-height: 1.3; }
.content .code { background: #f3f5f8; border-left: 4px solid #2a6cb0; padding: 8px 12px; overflow: auto; }
.content .output pre { padding: 2px 16px; color: #2b2b2b; white-space: pre-wrap; overflow-wrap: anywhere; }
.content .output .check { color: #126326; }
.content code { font-size: .9em; background: #f3f5f8; padding: 0 .2em; }
.content pre code { font-size: 1em; }
.content table { border-collapse: collapse; font-size: .85em; }
.content th, .content td { padding: .2em .7em; border-bottom: 1px solid #bbb; text-align: left; }
.reveal .slide-number { color: #444; background: none; }
"""
    + HtmlFormatter(style="default").get_style_defs(".code")
    + """
.code .o, .code .ow, .code .nd { color: #8a00d4 } .code .c1 { color: #2d6a6a }
.code .si, .code .se, .code .ne { color: #8f4a12 }
"""
)  # darker than Pygments has them, so that they stand out from the grey ground (a contrast of 4.5)

# A slide that does not fit is made smaller, step by step, until it does.
SCRIPT = """
function fit(slide) {
  const content = slide && slide.querySelector(':scope > .content');
  if (!content || content.dataset.fitted) return;
  let zoom = 1;
  const wide = () => [...content.querySelectorAll('.code, .output')].some(e => e.scrollWidth > e.clientWidth + 1);
  while ((content.scrollHeight > content.clientHeight + 1 || wide()) && zoom > 0.5) {
    zoom -= 0.04;
    content.style.zoom = zoom;
    content.style.height = (610 / zoom) + 'px';
  }
  content.dataset.fitted = zoom.toFixed(2);
}
Reveal.initialize({ width: WIDTH, height: HEIGHT, margin: 0.04, center: false, hash: true, slideNumber: 'h.v',
                    transition: 'none', plugins: [RevealNotes] });
Reveal.on('ready', event => fit(event.currentSlide));
Reveal.on('slidechanged', event => fit(event.currentSlide));
window.addEventListener('beforeprint', () => document.querySelectorAll('.slides section').forEach(fit));
""".replace("WIDTH", str(WIDTH)).replace("HEIGHT", str(HEIGHT))


@dataclass
class Block:
    """A piece of a slide that is not divided.

    Attributes:
        html: what is shown.
        height: about how many pixels it takes.
        kind: "text", "code", "output" or "figure".
        note: what the speaker sees beside it.
    """

    html: str
    height: float
    kind: str
    note: str = ""


@dataclass
class Slide:
    """One slide: blocks below a title, and what the speaker sees."""

    title: str
    column: bool = False
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def height(self) -> float:
        return sum(block.height + 12 for block in self.blocks)


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
    """A long paragraph's first sentences, as many as fit; at least one."""
    if len(paragraph) <= LONG:
        return paragraph
    # A sentence ends before a capital; not inside a formula or code, whose delimiters would be torn apart.
    kept = ""
    for sentence in re.split(r"(?<=[.!?:])\s+(?=[A-Z`*$“\"(])", " ".join(paragraph.split())):
        if kept and len(kept) + len(sentence) > LONG and kept.count("$") % 2 == kept.count("`") % 2 == 0:
            break
        kept += (" " if kept else "") + sentence
    return kept


def picture_height(width: float, height: float) -> float:
    """About how high a picture is shown: as wide as the slide, but not higher than fits with some words."""
    return max(220, min(440.0, 1.5 * height, (WIDTH - 60) * height / width))


def text_block(source: str) -> Block:
    """A block of Markdown with an estimate of its height."""
    page = markdown_to_html(source, exclude_anchor_links=True)
    drawing = re.search(r"!\[[^\]]*\]\(([^)\s]+\.svg)\)", source)
    if drawing or re.match(r"!\[", source):
        size = re.search(r'viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"', svg_of(drawing[1]) if drawing else "")
        height = picture_height(float(size[1]), float(size[2])) if size else 420
        return Block(f'<div class="figure">{re.search(r"<img[^>]*>", page)[0]}</div>', height, "figure")
    if source.startswith("$$"):
        return Block(page, 100, "text")
    rows = [line for line in source.splitlines() if line.strip()]
    if source.startswith("|"):
        return Block(page, 34.0 * (len(rows) - 1), "text")
    words = re.sub(r"\]\([^)]*\)|[*`$]", "", source)
    if re.match(r"[-*] |\d+\. ", source):
        items = re.split(r"\n(?=[-*] |\d+\. )", words)
        return Block(page, sum(34.0 * -(-len(item) // 98) + 8 for item in items), "text")
    return Block(page, 34.0 * -(-len(words) // 100), "text")


def svg_of(target: str) -> str:
    path = (paths.NOTEBOOKS / target).resolve()
    return path.read_text(encoding="utf-8")[:2000] if path.is_file() else ""


def mono_size(text: str, most: int) -> float:
    """The font size, at most `most` pixels, at which the longest line fits on a slide; at least 15."""
    longest = max((len(line) for line in text.splitlines()), default=1)
    return max(15.0, min(float(most), 1190 / (0.603 * max(longest, 1))))


def code_block(source: str) -> Block:
    source = re.sub(r"\s*# fmt: skip$|\s*# noqa.*$", "", source, flags=re.MULTILINE)
    size = mono_size(source, 21)
    inner = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    height = 1.3 * size * len(source.splitlines()) + 20
    return Block(f'<div class="code"><pre style="font-size:{size:.1f}px">{inner}</pre></div>', height, "code")


def output_blocks(cell: NotebookNode) -> list[Block]:
    """What a code cell printed and drew."""
    blocks = []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            width, height = struct.unpack(">II", base64.b64decode(data["image/png"])[16:24])
            alt = html.escape(cell.metadata.get("alt", ""), quote=True)
            image = f'<img alt="{alt}" src="data:image/png;base64,{"".join(data["image/png"].split())}">'
            blocks.append(Block(f'<div class="figure">{image}</div>', picture_height(width, height), "figure"))
            continue
        text = output.get("text", "") if output.get("name") == "stdout" else data.get("text/plain", "")
        if text.strip():
            size = mono_size(text, 19)
            lines = text.rstrip().splitlines()
            if len(lines) > 26:
                lines = [*lines[:16], "…", *lines[-8:]]
            shown = "\n".join(
                f'<span class="check">{html.escape(line)}</span>' if line.startswith("✓") else html.escape(line)
                for line in lines
            )
            page = f'<div class="output"><pre style="font-size:{size:.1f}px">{shown}</pre></div>'
            rows = sum(max(1, -(-len(line) * 0.603 * size // 1190)) for line in lines)  # long lines are wrapped
            blocks.append(Block(page, 1.3 * size * rows + 8, "output"))
    return blocks


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


class Deck:
    """The slides of a lesson, filled from top to bottom."""

    def __init__(self) -> None:
        self.slides: list[Slide] = []

    def begin(self, title: str, column: bool) -> None:
        self.slides.append(Slide(title, column))

    def room(self, height: float) -> None:
        """Begin a further slide under the same title if this one has no room left."""
        if self.slides[-1].blocks and self.slides[-1].height + height > ROOM:
            self.begin(self.slides[-1].title, False)

    def place(self, unit: list[Block]) -> None:
        """Blocks that belong together: on one slide if they fit on one, else on as few as possible."""
        together = sum(block.height + 12 for block in unit)
        if unit and together <= ROOM:
            self.room(together)
        for block in unit:
            self.room(block.height)
            self.slides[-1].blocks.append(block)
            if block.note:
                self.note(block.note)

    def note(self, page: str) -> None:
        self.slides[-1].notes.append(page)


def prose(source: str) -> Block:
    """A block of Markdown for a slide: whole, but for a long paragraph, whose rest goes to the notes."""
    if re.match(r"[-*] |\d+\. |\||!\[|\$\$|```|<", source):
        return text_block(source)
    short = shortened(source)
    block = text_block(short)
    block.note = rendered(source) if short != source else ""
    return block


def rendered(source: str) -> str:
    """Markdown for the notes, with everything unfolded."""
    return re.sub(r"<(/?)(details|summary)>", r"<\1div>", markdown_to_html(source, exclude_anchor_links=True))


def deck(notebook: NotebookNode) -> list[Slide]:
    """The slides of a lesson."""
    made = Deck()
    waiting: list[Block] = []  # prose that introduces what comes next
    left_out = False
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if tags & {"skip", "exercise-check"}:  # a check says "not attempted yet", which is no news
            continue
        if tags & {"slide", "subslide", "notes", "solution"}:
            made.place(waiting)
            waiting = []
        if tags & {"notes", "solution"}:
            made.note(rendered(cell.source))
            continue
        if tags & {"slide", "subslide"}:
            made.begin(made.slides[-1].title, "slide" in tags)
        if cell.cell_type == "code":
            if left_out:  # the set-up cell
                made.begin(made.slides[0].title, False)
                left_out = False
            outputs = output_blocks(cell)
            code = [] if outputs and only_checks(cell.source) else [code_block(cell.source)]
            made.place([*waiting, *code, *outputs])
            waiting = []
            continue
        for source in split_markdown(cell.source):
            heading = re.match(r"(#{1,6}) (.+)", source)
            summary = re.search(r"<summary>(.+?)</summary>", source)
            if heading:
                made.place(waiting)
                waiting = []
                left_out = heading[2] in LEFT_OUT
                if not left_out:
                    made.begin(heading[2], len(heading[1]) <= 2)
            elif left_out:
                made.note(rendered(source))
            elif summary:
                if re.match(r"\d", summary[1]):
                    made.place([text_block(f"**{summary[1]}**")])  # a question; the answer is the speaker's
                made.note(rendered(source))
            elif not re.search(r"\[← |→\]\(", source):  # the links to the neighbours are for readers
                block = prose(source)
                last = made.slides[-1].blocks[-1:]
                if not waiting and last and last[0].kind == "figure" and made.slides[-1].height + block.height < ROOM:
                    made.place([block])  # what was seen stands below the figure
                else:
                    waiting.append(block)
    made.place(waiting)
    return [slide for slide in made.slides if slide.blocks or slide.notes]


def section(slide: Slide, number: int) -> str:
    escaped = re.sub(r"^(\d+)\.", r"\1\\.", slide.title)  # "1. Title" is a heading and not a list
    title = markdown_to_html(escaped, exclude_anchor_links=True).removeprefix("<p>").removesuffix("</p>\n")
    level = "h1" if number == 0 else "h2"
    notes = f'<aside class="notes">{"".join(slide.notes)}</aside>' if slide.notes else ""
    blocks = "\n".join(block.html for block in slide.blocks)
    return f'<section><{level}>{title}</{level}>\n<div class="content">{blocks}</div>{notes}</section>'


def page(notebook: NotebookNode, name: str) -> str:
    """A lesson's slides as one HTML file."""
    columns: list[list[str]] = []
    for number, slide in enumerate(deck(notebook)):
        if slide.column or not columns:
            columns.append([])
        columns[-1].append(section(slide, number))
    slides = "\n".join(f"<section>{''.join(column)}</section>" for column in columns)
    scripts = "".join(
        # "</script" in a string of the program would end the element.
        f"<script>{text.replace('</script', '<' + chr(92) + '/script')}</script>\n"
        for text in (*((REVEAL / file).read_text(encoding="utf-8") for file in ("reveal.js", "notes.js")), SCRIPT)
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(name)}</title>\n'
        f"<style>{(REVEAL / 'reveal.css').read_text(encoding='utf-8')}{STYLE}</style></head>\n"
        f'<body><main class="reveal"><div class="slides">\n{slides}\n</div></main>\n{scripts}</body></html>\n'
    )


def main() -> None:
    folder = paths.BUILD / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    for path in lesson_files(sys.argv[1:]):
        notebook = nbformat.read(path, as_version=4)
        target = folder / f"{path.stem}.html"
        target.write_text(page(notebook, path.stem), encoding="utf-8")
        print(f"{len(deck(notebook)):4d} slides  {target.relative_to(paths.ROOT)}")


if __name__ == "__main__":
    main()
