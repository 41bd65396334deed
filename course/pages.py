"""Pages that stand alone: formulas are drawn, pictures embedded, and no script, style or font comes from elsewhere."""

from __future__ import annotations

import base64
import mimetypes
import re
from functools import cache
from typing import Any
from xml.etree import ElementTree

import ziamath
from jinja2 import DictLoader
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from utils import paths

FONT_SIZE = 16  # only a scale: the drawings are measured in em
# JupyterLab's colours of code and prompts are too pale on their grounds (WCAG asks for a contrast of 4.5), its links
# are told by their colour alone, and its pictures have no alternative text.
COLOURS = """<style>
body { --jp-mirror-editor-number-color: #007000; --jp-mirror-editor-operator-color: #8a00d4;
  --jp-mirror-editor-comment-color: #2f6868; --jp-cell-prompt-not-active-opacity: 1;
  --jp-cell-prompt-not-active-font-color: #616161; }
.jp-RenderedHTML pre span { color: inherit !important; }
.jp-RenderedHTMLCommon a:link, .jp-RenderedHTMLCommon a:visited { text-decoration: underline; }
</style>
"""
PICTURES = """{% block data_png %}
<div class="jp-RenderedImage jp-OutputArea-output {{ extra_class }}">
<img alt="{{ (cell.metadata.alt or '') | escape_html }}"
src="data:image/png;base64,{{ output.data['image/png'] | escape_html }}">
</div>
{% endblock data_png %}
"""
# Nothing in a lesson needs what the empty blocks load, MathJax included.
PAGE = f"""{{% extends 'lab/index.html.j2' %}}
{{% block html_head_css %}}
{COLOURS}{{% endblock %}}
{PICTURES}{{% block html_head_js %}}{{% endblock %}}
{{% block jupyter_widgets %}}{{% endblock %}}
{{% block html_head_js_mathjax %}}{{% endblock %}}
{{% block html_head_js_mermaidjs %}}{{% endblock %}}
"""


@cache
def formula(tex: str, display: bool) -> str:
    """A formula as SVG in the colour and size of the text around it; a screen reader is told its TeX.

    Paths and no fonts, so that it looks the same in every browser, with or without a network.

    Args:
        tex: what stands between the dollars.
        display: whether the formula has a line of its own.

    Raises:
        Exception: whatever ziamath raises for TeX that it cannot read.
    """
    ziamath.config.svg2 = False  # each drawing whole: shared symbols would need ids that are unique in the page
    # A minus after a relation, a bracket or a comma is a sign; in braces it stands close to its number.
    spaced = re.sub(r"((?:^|[=(,\[]|\\cdot|\\times|\\approx|\\to)(?:\s|\\[,;])*)-", r"\1{-}", tex.strip())
    spaced = spaced.replace(r"\times", r"\,\times\,")
    drawn = ziamath.Latex(spaced, inline=not display, size=FONT_SIZE, color="currentColor")
    svg = drawn.svgxml()
    width, height = (float(svg.attrib.pop(side)) / FONT_SIZE for side in ("width", "height"))
    place = (
        "display:block;margin:0.8em auto;max-width:100%"
        if display
        else f"vertical-align:{drawn.getyofst() / FONT_SIZE:.3f}em"
    )
    svg.attrib |= {"role": "img", "aria-label": " ".join(tex.split())}
    svg.set("style", f"width:{width:.3f}em;height:{height:.3f}em;{place}")
    for path in svg.iter("{*}path"):
        # Two digits after the point are a hundredth of a pixel, and half the size.
        path.set("d", re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path.get("d", "")))
    return ElementTree.tostring(svg, encoding="unicode")


class Renderer(IPythonRenderer):
    """nbconvert's Markdown, with formulas drawn and pictures embedded from anywhere in the repository."""

    def block_math(self, body: str) -> str:
        return formula(body, True)

    def inline_math(self, body: str) -> str:
        return formula(body, False)

    def latex_environment(self, name: str, body: str) -> str:
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", True)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        # From page to page, not to the notebook, which a browser would download.
        return super().link(text, re.sub(r"^(\w+)\.ipynb", r"\1.html", url), title)

    def _src_to_base64(self, src: str) -> str | None:
        # nbconvert refuses to leave the notebook's folder; the lessons' pictures lie beside it, in assets/.
        path = (paths.NOTEBOOKS / src).resolve()
        if not path.is_relative_to(paths.ROOT) or not path.is_file():
            return None
        return f"data:{mimetypes.guess_type(path)[0]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def markdown_to_html(source: str, **options: Any) -> str:
    """Markdown of a lesson as HTML; the options are those of nbconvert's renderer."""
    return MarkdownWithMath(renderer=Renderer(escape=False, embed_images=True, **options)).render(source)


class PageExporter(HTMLExporter):
    """nbconvert's page in JupyterLab's style, without what it fetches from a network."""

    def __init__(self, **options: Any) -> None:
        super().__init__(extra_loaders=[DictLoader({"page.html.j2": PAGE})], template_file="page.html.j2", **options)

    def default_filters(self) -> Any:
        yield from super().default_filters()
        yield "markdown2html", markdown_to_html


def page(notebook: NotebookNode, name: str) -> str:
    """A lesson as one HTML file."""
    return PageExporter().from_notebook_node(notebook, resources={"metadata": {"name": name}})[0]
