"""The course as a website: `course site` builds it in build/site from the committed notebooks, and runs nothing.

Sphinx makes the pages, by MyST-NB and in the style sphinx-book-theme. They need no network and no server: formulas are
drawn, and scripts, styles and fonts lie beside the pages. This module is also the extension of Sphinx that does so.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course import figures
from course.lessons import NEUTRAL, lesson_files
from course.pages import formula
from utils import paths

TITLE = "Deep learning with Keras"
SITE = paths.BUILD / "site"
SOURCE = paths.BUILD / "site-source"  # what Sphinx reads
TREES = paths.BUILD / "site-trees"  # what it keeps between reading and writing
SCRIPTS = paths.BUILD / "site-scripts"  # the figures' data
STATIC = Path(__file__).with_name("site_static")  # our style and script
NEEDED = ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx_copybutton")
BESIDE = tuple(f"docs/{name}.md" for name in ("CLASSROOM", "RESULTS", "BENCHMARKS", "TRIED", "DOWNLOADS"))
FOR_CONTRIBUTORS = ("CONTRIBUTING.md", "CHANGELOG.md", "assets/SOURCES.md")

FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
BOLD = re.compile(r"\*\*([^*\n]+?)\*\*")
PICTURE = re.compile(r"<picture>.*?<img src=\"([^\"]+)\".*?alt=\"([^\"]+)\".*?</picture>", re.DOTALL)
SENTENCE_END = re.compile(r"[.?!](?=\s|$)")
# Cells in which nothing is explained, and words that are bold for another reason than that they are terms.
UNTAUGHT = {"objectives", "prerequisites", "data-licence", "summary", "pitfalls"}
EMPHASIS = {
    *("not", "bold", "red", "green", "blue", "colour", "in the middle", "at the sides", "draw a digit", "has to pick"),
    *("surprised", "train", "rounded up", "capped", "arbitrary but fixed", "ignores brightness", "diagonal", "leak"),
}


@dataclass(frozen=True)
class Term:
    """A word that a lesson explains, and the sentence in which it first stands in bold."""

    name: str
    lesson: int
    page: str  # from the root of the site, without its ending
    sentence: str


def slug(text: str) -> str:
    """The part of an address that names a heading or a term, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def key(name: str) -> str:
    """What is the same for "Dropout" and "dropout", and not for "MSE" and "mse"."""
    return name if name[1:2].isupper() else name[0].lower() + name[1:]


def is_term(words: str) -> bool:
    """Whether bold words are a term, and not a sentence, a number or an emphasis."""
    return bool(re.fullmatch(r"[^\W\d][\w\- ]*", words)) and len(words.split()) < 4 and words not in EMPHASIS


def bold_terms(source: str) -> Iterator[tuple[str, str]]:
    """The terms in a cell's Markdown, each with the sentence around it."""
    for paragraph in FOLDED.sub("", source).split("\n"):
        if paragraph.startswith(("#", "|", "!")):
            continue
        for found in BOLD.finditer(paragraph):
            if is_term(found[1]):
                start = max(paragraph.rfind(mark, 0, found.start()) for mark in (". ", "? ", "! "))
                end = SENTENCE_END.search(paragraph, found.end())
                yield found[1], paragraph[start + 1 : end.end() if end else None].strip(" -")


def linked_terms(cells: list[NotebookNode], lesson: int, page: str, glossary: dict[str, Term]) -> None:
    """Put what cells explain into the glossary, and link each term's first bold place in the lesson to it."""
    seen = set()
    for cell in cells:
        if cell.cell_type != "markdown" or cell.id in UNTAUGHT:
            continue
        for name, sentence in list(bold_terms(cell.source)):
            if key(name) in seen:
                continue
            seen.add(key(name))
            glossary.setdefault(key(name), Term(name, lesson, page, sentence))
            cell.source = cell.source.replace(
                f"**{name}**", f"[**{name}**](../glossary.md#{slug(glossary[key(name)].name)})", 1
            )


def web_cells(notebook: NotebookNode, number: int) -> list[NotebookNode]:
    """A lesson's cells, alternative texts where MyST-NB looks for them, and a place for each figure that answers."""
    cells = []
    for cell in notebook.cells:
        if alt := cell.metadata.get("alt"):
            cell.metadata["mystnb"] = {"image": {"alt": alt}}
        cells.append(cell)
        if figure := figures.FIGURES.get((number, cell.id)):
            # A demo's still figure gives way to it; below another cell's output it is something more.
            place = "data-replaces" if cell.id.startswith("demo") else ""
            cells.append(new_markdown_cell(f'<div class="live-figure" data-figure="{figure}" {place}></div>'))
    return cells


def split(cells: list[NotebookNode]) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """A lesson's core, and its appendix, which begins with the first heading "Deeper: …"."""
    heads = [place for place, cell in enumerate(cells) if cell.source.startswith("## Deeper")]
    return (cells[: heads[0]], cells[heads[0] :]) if heads else (cells, [])


def write_notebook(cells: list[NotebookNode], name: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=NEUTRAL)
    nbformat.write(notebook, SOURCE / "notebooks" / f"{name}.ipynb")


def write_lesson(path: Path, glossary: dict[str, Term]) -> None:
    """A lesson as the notebook of its core, and one of its appendix below it in the menu."""
    number = int(path.name[:2])
    core, deeper = split(web_cells(nbformat.read(path, as_version=4), number))
    title = re.sub(r"^# ", "", core[0].source.split("\n")[0])
    linked_terms(core, number, f"notebooks/{path.stem}", glossary)
    linked_terms(deeper, number, f"notebooks/{path.stem}_deeper", glossary)
    if deeper:
        toctree = f"```{{toctree}}\n:hidden:\n\n{path.stem}_deeper\n```"
        core.append(
            new_markdown_cell(f"**Deeper:** [the appendix of this lesson]({path.stem}_deeper.ipynb)\n\n{toctree}")
        )
        for cell in deeper:
            cell.source = re.sub(r"^## Deeper: (.)", lambda found: f"## {found[1].upper()}", cell.source)
        back = f"Appendix of [{title}]({path.stem}.ipynb). Its code goes on where the lesson's has ended."
        deeper.insert(0, new_markdown_cell(f"# Deeper: {title.split(': ', 1)[-1]}\n\n{back}"))
        write_notebook(deeper, f"{path.stem}_deeper")
    write_notebook(core, path.stem)


def write_glossary(glossary: dict[str, Term]) -> None:
    lines = ["# Glossary", "", "Each term with the sentence that first explains it, and the lesson that says more.", ""]
    letter = ""
    for _, term in sorted(glossary.items(), key=lambda item: item[0].lower()):
        if term.name[0].upper() != letter:
            letter = term.name[0].upper()
            lines += [f"## {letter}", ""]
        # A sentence stands outside its lesson: its links and its own bold words would point nowhere.
        sentence = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", term.sentence)
        lines += [f"### {term.name}", "", f"{sentence} ([lesson {term.lesson}]({term.page}.ipynb))", ""]
    (SOURCE / "glossary.md").write_text("\n".join(lines), encoding="utf-8")


def write_start() -> None:
    """README.md as the first page, with the menu."""
    text = PICTURE.sub(r"![\2](\1)", (paths.ROOT / "README.md").read_text(encoding="utf-8"))
    lessons = "\n".join(f"notebooks/{path.stem}" for path in lesson_files([]))
    menus = {"Lessons": lessons, "Beside them": "\n".join((*BESIDE, "glossary.md"))}
    menus["For contributors"] = "\n".join(FOR_CONTRIBUTORS)
    for caption, pages in menus.items():
        text += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
    (SOURCE / "index.md").write_text(text, encoding="utf-8")


def write_sources() -> None:
    """All that Sphinx reads, in the course's own folders, so that links from file to file hold."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for folder in ("notebooks", "docs"):
        (SOURCE / folder).mkdir(parents=True)
    shutil.copytree(paths.ASSETS / "diagrams", SOURCE / "assets" / "diagrams")
    shutil.copytree(paths.ROOT / "docs" / "images", SOURCE / "docs" / "images")
    for name in (*BESIDE, *FOR_CONTRIBUTORS):
        text = (paths.ROOT / name).read_text(encoding="utf-8")
        (SOURCE / name).write_text(re.sub(r"\]\(((?:\.\./)*)README\.md", r"](\1index.md", text), encoding="utf-8")
    for name in ("environment.yml", "CITATION.cff", "assets/registry.json"):
        shutil.copy(paths.ROOT / name, SOURCE / name)
    glossary: dict[str, Term] = {}
    for path in lesson_files([]):
        write_lesson(path, glossary)
    write_glossary(glossary)
    write_start()


def settings(repository: str) -> dict[str, Any]:
    """Sphinx's configuration.

    Args:
        repository: address of the course's repository for links to it; empty for none.
    """
    theme: dict[str, Any] = {"home_page_in_toc": True, "show_navbar_depth": 1, "use_download_button": False}
    if repository:
        theme |= {
            "repository_url": repository,
            "repository_branch": "main",
            "use_repository_button": True,
            "use_edit_page_button": True,
        }
    return {
        "project": TITLE,
        "html_title": TITLE,
        "extensions": ["myst_nb", "sphinx_copybutton", "sphinx.ext.githubpages", "course.site"],
        "html_theme": "sphinx_book_theme",
        "html_theme_options": theme,
        "html_static_path": [str(STATIC), str(SCRIPTS)],
        "html_css_files": ["site.css"],
        "html_js_files": ["site.js"],
        "html_math_renderer": "drawn",
        "html_copy_source": False,
        "html_show_sphinx": False,
        "myst_enable_extensions": ["dollarmath", "amsmath"],
        "myst_heading_anchors": 4,
        "nb_execution_mode": "off",
        "nb_ipywidgets_js": {},  # they would come from a network; the lessons' demos stand as still figures
        "nb_merge_streams": True,
        "html_show_search_summary": False,  # a page from a folder may not read the others
        "root_doc": "index",
        "language": "en",
    }


def missing_packages() -> list[str]:
    """Those of Sphinx's packages that are not installed."""
    return [name for name in NEEDED if find_spec(name) is None]


def run_sphinx(builder: str, target: Path, configuration: dict[str, Any]) -> int:
    """Have the sources made into pages: the exit code. A link that leads nowhere, or another warning, fails it."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    write_sources()
    figures.write(SCRIPTS)
    shutil.rmtree(target, ignore_errors=True)
    folders = (str(SOURCE), None, str(target), str(TREES))
    with patch_docutils(), docutils_namespace():
        app = Sphinx(*folders, builder, configuration, status=None, warning=sys.stderr, warningiserror=True)
        app.build(force_all=True)
    return app.statuscode


def build(repository: str = "") -> int:
    """Write the site: the exit code.

    Args:
        repository: address of the course's repository, for links to it.
    """
    if missing := missing_packages():
        print(
            f"The site needs packages that no lesson needs ({', '.join(missing)}). `make site` installs them, or:\n"
            f"{sys.executable} -m pip install sphinx-book-theme myst-nb sphinx-copybutton",
            file=sys.stderr,
        )
        return 1
    if code := run_sphinx("html", SITE, settings(repository)):
        return code
    print(f"The site is in {SITE}: open {SITE / 'index.html'} in a browser.")
    return 0


def inline_formula(translator: Any, node: Any) -> None:
    from docutils import nodes

    translator.body.append(formula(node.astext(), display=False))
    raise nodes.SkipNode


def display_formula(translator: Any, node: Any) -> None:
    from docutils import nodes

    translator.body.append(formula(node.astext(), display=True))
    raise nodes.SkipNode


def finish_page(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """A page shows its text at once, a picture comes when it is near, and figures that answer bring their scripts."""
    body = context.get("body", "")
    context["body"] = body.replace("<img ", '<img loading="lazy" ')
    if shown := set(re.findall(r'data-figure="(\w+)"', body)):
        for script in figures.scripts(shown):
            app.add_js_file(script)


def only_what_is_there(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Offer to edit a page only where the repository has a file of that name: no glossary, no appendix by itself."""
    if not (paths.ROOT / f"{page}{context.get('page_source_suffix', '')}").is_file():
        for group in context.get("header_buttons", []):
            if "buttons" in group:
                group["buttons"] = [one for one in group["buttons"] if one["label"] != "source-edit-button"]


def setup(app: Any) -> dict[str, bool]:
    """What Sphinx calls: formulas are drawn, pictures load when they are near."""
    app.add_html_math_renderer("drawn", (inline_formula, None), (display_formula, None))
    app.connect("html-page-context", finish_page)
    app.connect("html-page-context", only_what_is_there, priority=900)  # after the style's own
    return {"parallel_read_safe": True, "parallel_write_safe": True}
