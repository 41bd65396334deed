"""The lesson contract (CONTRIBUTING.md), checked on the committed notebooks without running them."""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote

import nbformat
import pytest
from nbformat import NotebookNode

from tools.compare import FIGURE_KINDS, FIGURE_VARIES, TEXT_IGNORED
from utils import paths

PATHS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
UNCOMPARED = {TEXT_IGNORED, FIGURE_VARIES}
KNOWN_TAGS = UNCOMPARED | {"exercise", "exercise-check", "solution"}
KNOWN_TAGS |= {"slide", "subslide", "notes", "skip"}  # course/slides.py
KNOWN_METADATA = {"tags", "alt", "jp-MarkdownHeadingCollapsed"}
MOST_BYTES = 3_000_000


every_lesson = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem[:2])


@pytest.fixture
def notebook(path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook: NotebookNode) -> str:
    """All markdown, without fenced code, which may contain anything."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def headings(notebook: NotebookNode) -> list[tuple[int, str]]:
    return [(len(marks), text.strip()) for marks, text in re.findall(r"^(#{1,6}) (.+)$", prose(notebook), re.MULTILINE)]


def anchor(heading: str) -> str:
    """The id that JupyterLab and nbconvert give a heading: blanks become dashes."""
    return heading.replace(" ", "-")


def test_there_are_lessons():
    assert PATHS
    assert [path.stem[:2] for path in PATHS] == [f"{number:02d}" for number in range(1, len(PATHS) + 1)]


@every_lesson
def test_format_and_metadata(notebook):
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= KNOWN_METADATA, cell.id
        assert tags(cell) <= KNOWN_TAGS, cell.id


@every_lesson
def test_executed_in_order_without_errors(notebook):
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run `make execute`"
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", f"{cell.id} writes to stderr: {output.get('text')}"


@every_lesson
def test_no_debris_of_a_machine(path):
    text = path.read_text(encoding="utf-8")
    found = re.findall(
        r"/(?:home|root|work|tmp|Users|usr|opt)/[\w.]+|[A-Z]:\\\\\w+|site-packages|(?<!\\)\\r|\d+/\d+ ━", text
    )
    assert not found
    assert path.stat().st_size < MOST_BYTES


@every_lesson
def test_headings(notebook):
    found = headings(notebook)
    assert [level for level, _ in found].count(1) == 1
    assert found[0][0] == 1
    for (before, _), (after, text) in pairwise(found):
        assert after <= before + 1, f"{text!r} skips a level"
    texts = [text for _, text in found]
    assert len(texts) == len(set(texts)), "headings are unique"
    numbers = [int(number) for level, text in found if level == 2 for number in re.findall(r"^(\d+)\. ", text)]
    assert numbers == list(range(1, len(numbers) + 1)), "numbered sections count 1, 2, 3 …"
    assert len(numbers) >= 4


@every_lesson
def test_links_and_images(notebook, path):
    text = prose(notebook)
    anchors = {anchor(heading) for _, heading in headings(notebook)}
    for alt, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text):
        assert len(alt) >= 20, f"image {target} needs a text that says what it shows"
        assert (path.parent / target).is_file(), target
    assert not re.findall(r"<img(?![^>]*\balt=)", text)
    for target in re.findall(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert unquote(target[1:]) in anchors, target
        elif not target.startswith(("https://", "http://")):
            assert (path.parent / target.split("#")[0]).exists(), target


@every_lesson
def test_links_to_neighbours(notebook, path):
    index = PATHS.index(path)
    text = prose(notebook)
    for neighbour in PATHS[max(index - 1, 0) : index] + PATHS[index + 1 : index + 2]:
        assert f"({neighbour.name})" in text, f"link to {neighbour.name}"


@every_lesson
def test_code_cells_stand_between_prose(notebook):
    """No run of more than three code cells without a word in between."""
    run = 0
    for cell in notebook.cells:
        run = run + 1 if cell.cell_type == "code" else 0
        assert run <= 3, f"{cell.id}: four code cells in a row"


@every_lesson
def test_set_up_cell(notebook):
    first = code_cells(notebook)[0]
    assert "from utils import runtime" in first.source
    assert "runtime.start(" in first.source
    assert "set_random_seed(" in first.source
    lines = "".join(output.get("text", "") for output in first.outputs).splitlines()
    assert "quick mode" in lines[0]
    assert lines[1].startswith("Data: ")
    assert lines[2].startswith("Time: ")


@every_lesson
def test_uncompared_cells_are_few_and_checked(notebook):
    cells = code_cells(notebook)
    with_output = [cell for cell in cells if cell.outputs]
    ignored = [cell for cell in with_output if TEXT_IGNORED in tags(cell)]
    assert len(ignored) <= len(with_output) / 4
    for cell in ignored:
        place = cells.index(cell)
        # The check stands in the cell that shows the number, or soon after it.
        near = cells[place : place + 4] + [c for c in cells[place + 1 :] if not tags(c) & UNCOMPARED][:3]
        assert any("check(" in c.source for c in near), f"{cell.id}: a check cell must follow"


@every_lesson
def test_figures_have_alt_text(notebook):
    for cell in code_cells(notebook):
        if any(set(FIGURE_KINDS) & set(output.get("data", {})) for output in cell.outputs):
            assert len(cell.metadata.get("alt", "")) >= 20, f"{cell.id}: metadata 'alt' must say what the figure shows"


@every_lesson
def test_every_exercise_has_two_hints(notebook):
    """Folded below the task; the second says more, and neither is the solution."""
    solutions = iter([cell.source for cell in notebook.cells if "solution" in tags(cell)])
    for task, stub in pairwise(notebook.cells):
        if "exercise" not in tags(stub):
            continue
        hints = re.findall(r"<details><summary>(.+?)</summary>\n\n(.+?)\n\n</details>", task.source, re.DOTALL)
        assert [name for name, _ in hints] == ["Hint 1", "Hint 2"], f"{stub.id}: the task needs two hints"
        assert task.source.endswith("</details>"), f"{stub.id}: the hints come last"
        first, second = (text for _, text in hints)
        assert min(len(first), len(second)) > 40 and first != second, stub.id
        code = re.search(r"```python\n(.*?)```", next(solutions), re.DOTALL)[1]
        answers = [answer for answer in re.findall(r"return (.+)", code) if len(answer) > 15]
        assert not [answer for answer in answers if answer in task.source], f"{stub.id}: a hint holds the solution"
