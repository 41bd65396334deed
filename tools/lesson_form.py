"""The form of a lesson of the second edition: what a program can check of it.

python -m tools.lesson_form [NN …]     for each lesson its size, and each rule that it breaks

A lesson that keeps the form joins SECOND_EDITION; then the tests hold it to the form. A rule is a function that says
what is wrong with a lesson, as sentences. The core of a lesson is everything before its first heading `## Deeper`.
"""

from __future__ import annotations

import ast
import builtins
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import nbformat
from nbformat import NotebookNode

from course.lessons import lesson_files

SECOND_EDITION: tuple[str, ...] = ("01", "02", "03", "04", "05", "06", "08", "09")  # numbers of lessons, "01" to "09"

MOST_CELLS, MOST_CODE_LINES, MOST_WORDS, MOST_APPENDIX_CELLS = 115, 350, 4500, 60
MEDIAN_LINES, P90_LINES, MOST_LINES, MOST_COLUMNS = 5, 15, 25, 88
MOST_TICK_CELLS, FEWEST_EXERCISES, FEWEST_GUESSES, FIRST_RESULT = 3, 4, 3, 10
CLOSING = ("Summary", "Recall questions", "Pitfalls", "Further reading", "Next")
RESULTS = ("image/png", "image/jpeg", "text/html", "application/vnd.jupyter.widget-view+json")
# Words that a reader meets in this course; in -ise and -isation, too, since both forms in one course look careless.
AMERICAN = re.compile(
    r"\b(?:colors?|colored|coloring|centers?|centered|gray\w*|behaviors?|neighbor\w*|favor\w*|labeled|labeling|modeled"
    r"|traveled|analyze[ds]?|fibers?|artifacts?|skeptical"
    r"|(?:normal|standard|initial|regular|general|optim|visual|organ|minim|maxim|recogn|memor|summar|penal|categor)"
    r"iz(?:e|es|ed|ing|ation|ations))\b",
    re.IGNORECASE,
)
UNSPOKEN = re.compile(r"older course|(?:first|second|this) edition|later version|\bCI\b|\bnbval\b|\bpytest\b")


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def is_code(cell: NotebookNode) -> bool:
    return cell.cell_type == "code"


def code_lines(cell: NotebookNode) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip()]


def prose(cell: NotebookNode) -> str:
    """A Markdown cell without its code, fenced or inline."""
    return re.sub(r"```.*?```|`[^`]*`", "", cell.source, flags=re.DOTALL)


def only_ticks(cell: NotebookNode) -> bool:
    """Whether a cell prints nothing but lines of checks; the checks of exercises don't count."""
    streams = [output for output in cell.outputs if output.output_type == "stream"]
    lines = [line for output in streams for line in output.text.splitlines() if line.strip()]
    plain = bool(lines) and len(streams) == len(cell.outputs) and all(line.startswith(("✓", "○")) for line in lines)
    return plain and "exercise-check" not in tags(cell)


@dataclass
class Lesson:
    """A notebook and its parts: `cells`, all of them; `core`; `appendix`; `sections`, the appendix by headings."""

    notebook: NotebookNode

    @property
    def cells(self) -> list[NotebookNode]:
        return self.notebook.cells

    @cached_property
    def deeper(self) -> list[int]:
        """Where the sections of the appendix begin."""
        return [
            place for place, cell in enumerate(self.cells) if not is_code(cell) and cell.source.startswith("## Deeper")
        ]

    @property
    def end(self) -> int:
        return self.deeper[0] if self.deeper else len(self.cells)

    @property
    def core(self) -> list[NotebookNode]:
        return self.cells[: self.end]

    @property
    def appendix(self) -> list[NotebookNode]:
        return self.cells[self.end :]

    @property
    def sections(self) -> list[list[NotebookNode]]:
        bounds = [*self.deeper, len(self.cells)]
        return [self.cells[first:last] for first, last in pairwise(bounds)]

    @property
    def code(self) -> list[NotebookNode]:
        return [cell for cell in self.cells if is_code(cell)]

    @cached_property
    def set_up(self) -> int:
        """The place of the set-up cell: the first code cell."""
        return next((place for place, cell in enumerate(self.cells) if is_code(cell)), len(self.cells))

    @property
    def exercises(self) -> list[int]:
        return [place for place, cell in enumerate(self.cells) if "exercise" in tags(cell)]

    @property
    def headings(self) -> list[str]:
        """The headings of the second level, in order."""
        return re.findall(r"^## (.+?) *$", "\n".join(prose(c) for c in self.cells if not is_code(c)), re.MULTILINE)

    def section(self, heading: str) -> str:
        """The text below a heading of the second level, up to the next; empty if there is none."""
        text = "\n\n".join(cell.source for cell in self.cells if not is_code(cell))
        found = re.search(rf"^## {re.escape(heading)} *\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
        return found[1] if found else ""


def measures(lesson: Lesson) -> dict[str, int]:
    """The sizes that have a limit, by name."""
    return {
        "core cells": len(lesson.core),
        "core code lines": sum(len(code_lines(cell)) for cell in lesson.core if is_code(cell)),
        "core words": sum(len(cell.source.split()) for cell in lesson.core if not is_code(cell)),
        "appendix cells": len(lesson.appendix),
        "cells with ticks only": sum(only_ticks(cell) for cell in lesson.code),
        "exercises": len(lesson.exercises),
    }


def size(lesson: Lesson) -> Iterable[str]:
    limits = (MOST_CELLS, MOST_CODE_LINES, MOST_WORDS, MOST_APPENDIX_CELLS, MOST_TICK_CELLS)
    for (name, value), limit in zip(measures(lesson).items(), limits, strict=False):
        if value > limit:
            yield f"{name}: {value}, at most {limit}"


def small_cells(lesson: Lesson) -> Iterable[str]:
    """The set-up cell and the checks of exercises, with their messages, may be longer."""
    cells = [cell for cell in lesson.code[1:] if "exercise-check" not in tags(cell)]
    sizes = sorted(len(code_lines(cell)) for cell in cells)
    if not sizes:
        return
    ninetieth = sizes[int(0.9 * (len(sizes) - 1))]
    for name, value, limit in (
        ("median", statistics.median(sizes), MEDIAN_LINES),
        ("90th percentile", ninetieth, P90_LINES),
        ("longest", sizes[-1], MOST_LINES),
    ):
        if value > limit:
            yield f"lines of code cells, {name}: {value:g}, at most {limit}"


def columns(lesson: Lesson) -> Iterable[str]:
    for cell in lesson.code:
        if any(len(line) > MOST_COLUMNS for line in cell.source.splitlines()):
            yield f"{cell.id}: a line is longer than {MOST_COLUMNS} columns"


def plain_format(lesson: Lesson) -> Iterable[str]:
    for cell in lesson.code:
        if re.search(r"fmt: (?:skip|off)|noqa|isort:", cell.source):
            yield f"{cell.id}: a mark for the formatter or the linter"


def opening(lesson: Lesson) -> Iterable[str]:
    before = [cell for cell in lesson.cells[: lesson.set_up] if not is_code(cell)]
    text = "\n\n".join(cell.source for cell in before)
    if not text.startswith("# ") or not re.search(r"\]\(0\d_\w+\.ipynb\)", text):
        yield "the lesson must begin with its title and links to its neighbours"
    if not re.search(r"!\[[^\]]{20,}\]\(", text):
        yield "the opening needs the lesson's picture with a text that says what it shows"
    if lesson.headings[:2] != ["What you will be able to do", "Before you start"]:
        yield "the first headings are 'What you will be able to do' and 'Before you start'"
    if not 3 <= len(bullets(lesson.section("What you will be able to do"))) <= 4:
        yield "'What you will be able to do' has three or four points"
    for words in ("licence", "reading", "computing"):
        if not re.search(words, text, re.IGNORECASE):
            yield f"before the set-up cell nothing is said of {words}"


def bullets(text: str) -> list[str]:
    return re.findall(r"^- .+", text, re.MULTILINE)


def set_up(lesson: Lesson) -> Iterable[str]:
    source = lesson.cells[lesson.set_up].source if lesson.code else ""
    for words in ("from utils import runtime", "set_random_seed(", "runtime.start("):
        if words not in source:
            yield f"the set-up cell lacks {words}"
    for cell in lesson.core[lesson.set_up + 1 :]:
        if is_code(cell) and any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(parsed(cell))):
            yield f"{cell.id}: imports of the core stand in the set-up cell"


def early_result(lesson: Lesson) -> Iterable[str]:
    near = lesson.cells[lesson.set_up + 1 : lesson.set_up + 1 + FIRST_RESULT]
    kinds = {kind for cell in near if is_code(cell) for output in cell.outputs for kind in output.get("data", {})}
    if not kinds & set(RESULTS):
        yield f"within {FIRST_RESULT} cells after the set-up cell there must be a result to look at"


def guesses(lesson: Lesson) -> Iterable[str]:
    found = [c for c in lesson.core if not is_code(c) and re.search(r"before you run|guess", c.source, re.IGNORECASE)]
    if len(found) < FEWEST_GUESSES:
        yield f"{len(found)} guesses before a result, at least {FEWEST_GUESSES} ('Before you run this: …')"


def exercises(lesson: Lesson) -> Iterable[str]:
    kinds = [kind for cell in lesson.cells for kind in ("exercise", "exercise-check", "solution") if kind in tags(cell)]
    if kinds != ["exercise", "exercise-check", "solution"] * len(lesson.exercises):
        yield "each exercise is a stub, its check and its solution, in this order"
    if len(lesson.exercises) < FEWEST_EXERCISES:
        yield f"exercises: {len(lesson.exercises)}, at least {FEWEST_EXERCISES}"
    if not lesson.exercises or lesson.exercises[0] > lesson.end / 2:
        yield "the first exercise must stand before the middle of the core"
    solutions = [cell for cell in lesson.cells if "solution" in tags(cell)]
    if not any(re.search(r"\.fit\(|keras\.|model", cell.source) for cell in solutions):
        yield "one exercise must build, train or repair a model"
    for cell in solutions:
        if cell.source.count("<details>") != 1 or "```python\n" not in cell.source:
            yield f"{cell.id}: a solution is folded and holds ```python code"
    for place in lesson.exercises:
        task = lesson.cells[place - 1].source
        hints = re.findall(r"<details><summary>(Hint \d)</summary>\n\n(.{40,}?)\n\n</details>", task, re.DOTALL)
        if [name for name, _ in hints] != ["Hint 1", "Hint 2"] or hints[0][1] == hints[1][1]:
            yield f"{lesson.cells[place].id}: the task needs two hints, folded below it"


def open_task(lesson: Lesson) -> Iterable[str]:
    found = re.findall(r"^#{2,3} .*mini project.*$", "\n".join(c.source for c in lesson.core), re.IGNORECASE | re.M)
    if len(found) != 1 or not re.search(r"a good answer", "\n".join(c.source for c in lesson.core), re.IGNORECASE):
        yield "one open task, with 'mini project' in its heading and what 'a good answer' contains"


def closing(lesson: Lesson) -> Iterable[str]:
    kept = [heading for heading in lesson.headings if not heading.startswith("Deeper")]
    if tuple(kept[-len(CLOSING) :]) != CLOSING:
        yield f"the core ends with the headings {', '.join(CLOSING)}"
    if len(bullets(lesson.section("Summary"))) < len(bullets(lesson.section("What you will be able to do"))):
        yield "the summary mirrors the objectives: it has fewer points"


def appendix(lesson: Lesson) -> Iterable[str]:
    if not lesson.deeper:
        yield "there is no section '## Deeper: …'"
        return
    last = lesson.headings.index("Next") if "Next" in lesson.headings else len(lesson.headings)
    if any(not heading.startswith("Deeper: ") for heading in lesson.headings[last + 1 :]):
        yield "after '## Next' there are only sections '## Deeper: …'"
    if any(heading.startswith("Deeper") for heading in lesson.headings[:last]):
        yield "sections '## Deeper: …' come after '## Next'"
    for place in lesson.deeper:
        if not lesson.cells[place].metadata.get("jp-MarkdownHeadingCollapsed"):
            yield f"{lesson.cells[place].id}: the section must be collapsed (jp-MarkdownHeadingCollapsed)"


def parsed(cell: NotebookNode) -> ast.Module:
    """The code of a cell; nothing of lines that begin with a magic."""
    return ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE))


def names(cells: Iterable[NotebookNode]) -> tuple[set[str], set[str]]:
    """(names that the code reads, names that it binds), at any depth; arguments and imports are bound, too."""
    read, bound = set(), set()
    for cell in cells:
        for node in ast.walk(parsed(cell)) if is_code(cell) else ():
            if isinstance(node, ast.Name):
                (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
                bound.add(node.name or "")
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.alias):
                bound.add((node.asname or node.name).split(".")[0])
    return read, bound


def names_stay(lesson: Lesson) -> Iterable[str]:
    """The core needs no name of the appendix, and each section of the appendix none of another one."""
    parts = [("the core", lesson.core)]
    parts += [(section[0].source.splitlines()[0].removeprefix("## "), section) for section in lesson.sections]
    known = names(lesson.core)[1] | set(dir(builtins))
    for title, cells in parts:
        read, bound = names(cells)
        elsewhere = {name for other, others in parts if other != title for name in names(others)[1]}
        for name in sorted((read & elsewhere) - bound - known):
            yield f"{title} needs {name}, which another part defines"


def plain_markdown(lesson: Lesson) -> Iterable[str]:
    for cell in lesson.cells:
        if is_code(cell):
            continue
        text = prose(cell)
        if set(re.findall(r"</?([a-z]\w*)", text)) - {"details", "summary"}:
            yield f"{cell.id}: of HTML only <details> and <summary>"
        if any("$" in folded for folded in re.findall(r"<details>.*?</details>", text, re.DOTALL)):
            yield f"{cell.id}: no formula inside <details> or <summary>, which VS Code does not show"


def language(lesson: Lesson) -> Iterable[str]:
    for cell in lesson.cells:
        if is_code(cell):
            continue
        text = re.sub(r"\[[^\]]*\]\([^)]*\)", "", prose(cell))  # the titles of what is linked stay as they are
        for word in AMERICAN.findall(text):
            yield f"{cell.id}: {word!r} is not British spelling"
        for words in UNSPOKEN.findall(text):
            yield f"{cell.id}: a lesson does not speak of {words!r}"


def code_style(lesson: Lesson) -> Iterable[str]:
    comprehensions = ast.ListComp | ast.DictComp | ast.SetComp | ast.GeneratorExp
    for cell in lesson.code:
        nodes = list(ast.walk(parsed(cell)))
        if any(isinstance(node, ast.Import) and len(node.names) > 1 for node in nodes):
            yield f"{cell.id}: one import a line"
        if any(isinstance(node, ast.NamedExpr) for node in nodes):
            yield f"{cell.id}: no assignment inside an expression"
        if any(isinstance(node, comprehensions) and trains(node) for node in nodes):
            yield f"{cell.id}: no training inside a comprehension"
        if re.search(r"[\"']#[0-9A-Fa-f]{6}[\"']", cell.source):
            yield f"{cell.id}: colours come from the palette, by name"


def trains(node: ast.AST) -> bool:
    """Whether code below this node calls `….fit(…)`."""
    return any(isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "fit" for call in ast.walk(node))


def stable_ids(lesson: Lesson) -> Iterable[str]:
    for cell in lesson.cells:
        if re.fullmatch(r"[0-9a-f]{8}|[0-9a-f-]{36}", cell.id):
            yield f"{cell.id}: an id that says what the cell is, and stays"


RULES: tuple[Callable[[Lesson], Iterable[str]], ...] = (
    size,
    small_cells,
    columns,
    plain_format,
    opening,
    set_up,
    early_result,
    guesses,
    exercises,
    open_task,
    closing,
    appendix,
    names_stay,
    plain_markdown,
    language,
    code_style,
    stable_ids,
)


def findings(notebook: NotebookNode) -> list[str]:
    """What is wrong with a lesson's form, as sentences; empty if nothing is."""
    lesson = Lesson(notebook)
    return [f"{rule.__name__}: {sentence}" for rule in RULES for sentence in rule(lesson)]


def main() -> None:
    broken = False
    for path in lesson_files(sys.argv[1:]):
        notebook = nbformat.read(path, as_version=4)
        found = findings(notebook)
        broken |= bool(found)
        print(f"{path.stem[:2]}: {', '.join(f'{name} {value}' for name, value in measures(Lesson(notebook)).items())}")
        print("".join(f"  {sentence}\n" for sentence in found), end="")
    sys.exit(broken)


if __name__ == "__main__":
    main()
