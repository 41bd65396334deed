"""`make work`: a student's copy keeps the student's work and takes up the course's news, whatever both have done."""

from __future__ import annotations

import json
import random
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course import lab, work
from course.lessons import lesson_files
from utils import paths

TEXTS = ("", "a", "b = 1", "c\n\nd", "```python\ne\n```")


def cell(name: str, text: str, kind: str = "markdown"):
    return new_markdown_cell(text, id=name) if kind == "markdown" else new_code_cell(text, id=name)


def edited(dice: random.Random, cells: list, who: str) -> list:
    """What somebody has made of cells: some deleted, some with another text, some moved, some new."""
    result = []
    for number, before in enumerate(cells):
        if dice.random() < 1 / 6:
            result.append(cell(f"{who}-{number}", f"new of {who} {number}"))
        fate = dice.choice(["as it was", "as it was", "changed", "deleted"])
        if fate != "deleted":
            text = before.source if fate == "as it was" else f"{dice.choice(TEXTS)} {who}"
            result.append(cell(before.id, text))
    if dice.random() < 1 / 5:
        dice.shuffle(result)
    return result


def history(seed: int) -> tuple[list, list, list]:
    """What a copy began with, what the student has made of it, and what the course has."""
    dice = random.Random(seed)
    base = [cell(f"c{number}", dice.choice(TEXTS)) for number in range(dice.randint(0, 7))]
    return base, edited(dice, base, "student"), edited(dice, base, "course")


HISTORIES = [history(seed) for seed in range(500)]


def texts(cells: list) -> dict[str, str]:
    return {cell.id: cell.source for cell in cells}


def test_nothing_that_the_student_wrote_is_lost():
    for base, mine, course in HISTORIES:
        old, merged = texts(base), texts(work.merge(base, mine, course)[0])
        for name, text in texts(mine).items():
            if old.get(name) != text:
                assert merged[name] == text


def test_every_news_of_the_course_is_there():
    for base, mine, course in HISTORIES:
        cells, news = work.merge(base, mine, course)
        old, own, merged = texts(base), texts(mine), texts(cells)
        for name, text in texts(course).items():
            if name not in old:
                assert merged[name] == text
            elif name not in own:
                assert name not in merged, "the student has deleted it"
            elif own[name] == old[name]:
                assert merged[name] == text
            elif text not in (old[name], own[name]):
                below = cells[[cell.id for cell in cells].index(name) + 1]
                assert f"\n{text}\n" in below.source and below.id.startswith(f"{name}-course-")
        assert news["both"] == sum("-course-" in name for name in merged)
        assert not {name for name in old if name not in texts(course) and own.get(name) == old[name]} & set(merged)


def test_who_changed_nothing_gets_the_other():
    for base, mine, course in HISTORIES:
        assert work.merge(base, base, course)[0] == course
        assert work.merge(base, mine, base)[0] == mine


def test_an_update_that_was_cut_off_can_be_run_again():
    for base, mine, course in HISTORIES:
        merged, _ = work.merge(base, mine, course)
        assert work.merge(base, merged, course)[0] == merged
        assert work.merge(course, merged, course)[0] == merged


def test_order_is_the_courses_or_the_students():
    for base, mine, course in HISTORIES:
        merged = [cell.id for cell in work.merge(base, mine, course)[0]]
        assert len(merged) == len(set(merged))
        orders = [[cell.id for cell in cells if cell.id in merged] for cells in (mine, course)]
        assert any([name for name in merged if name in order] == order for order in orders)


def test_without_the_beginning_nothing_is_lost_either():
    for _, mine, course in HISTORIES:
        cells, _ = work.merge(None, mine, course)
        merged = texts(cells)
        assert set(texts(mine).values()) <= set(merged.values())
        for name, text in texts(course).items():
            assert merged[name] == text or any(f"\n{text}\n" in cell.source for cell in cells)


def test_ids_that_an_editor_has_dropped():
    base = [cell("a", "A"), cell("b", "B"), cell("c", "C"), cell("d", "D")]
    course = [cell("a", "A"), cell("b", "B2"), cell("c", "C2"), cell("e", "E")]
    mine = [cell("1", "A"), cell("2", "B"), cell("3", "C, mine"), cell("4", "D"), cell("5", "A")]
    merged = work.merge(base, mine, course)[0]
    assert list(texts(merged).items()) == [("a", "A"), ("b", "B2"), ("3", "C, mine"), ("5", "A"), ("e", "E")]


def test_outputs_of_the_student_stay_as_long_as_the_text():
    base = [new_code_cell("1 + 1", id="a", outputs=[new_output("stream", text="2")], execution_count=7)]
    mine = [new_code_cell("1 + 1", id="a", outputs=[new_output("stream", text="two")], execution_count=3)]
    mine[0].metadata = {"collapsed": True}
    course = [new_code_cell("1 + 1", id="a", metadata={"tags": ["exercise"]})]
    (kept,), news = work.merge(base, mine, course)
    assert kept.outputs == mine[0].outputs and kept.execution_count == 3
    assert kept.metadata == {"collapsed": True, "tags": ["exercise"]}
    assert work.in_words(news) == "only outputs"
    course[0].source = "1 + 2"
    (renewed,), news = work.merge(base, mine, course)
    assert renewed == course[0] and work.in_words(news) == "cells: 1 changed"


def test_the_courses_version_is_shown_as_text_and_not_run():
    note = work.note(new_code_cell("def f():\n    return None", id="exercise-1"))
    assert note.cell_type == "markdown" and "```python\ndef f():\n    return None\n```" in note.source
    fenced = work.note(new_markdown_cell("````\nx\n````", id="a" * 64))
    assert "`````markdown\n````\nx\n````\n`````\n\n</details>" in fenced.source and len(fenced.id) <= 64
    nbformat.validate(new_notebook(cells=[note, fenced]))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course of two lessons, and an empty place for the copy."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(paths, "WORK", tmp_path / "work")
    for number in (1, 2):
        write(tmp_path / f"notebooks/0{number}_x.ipynb", cell("title", "# One"), cell("code", "x = 1", "code"))
    return tmp_path


def write(path, *cells) -> None:
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)


def run(capsys) -> tuple[int, str]:
    code = work.update_all()
    return code, capsys.readouterr().out


def test_copy_then_news(folder, capsys):
    code, said = run(capsys)
    assert code == 0 and len(re.findall("^0._x  copied$", said, re.MULTILINE)) == 2
    for path in (folder / "notebooks").iterdir():
        copied, original = (nbformat.read(file, as_version=4) for file in (folder / "work" / path.name, path))
        assert copied.cells == original.cells
    mine = folder / "work/01_x.ipynb"
    write(mine, cell("title", "# One"), cell("own", "my notes"), cell("code", "x = 2", "code"))
    before = mine.read_bytes()
    assert "01_x  nothing new\n02_x  nothing new" in run(capsys)[1]
    assert mine.read_bytes() == before
    write(folder / "notebooks/01_x.ipynb", cell("title", "# First"), cell("code", "x = 3", "code"), cell("new", "More"))
    code, said = run(capsys)
    assert code == 0 and "01_x  NEWS    cells: 1 changed, 1 new, 1 changed by you and by the course" in said
    assert "02_x  nothing new" in said
    cells = nbformat.read(mine, as_version=4).cells
    assert [cell.source.split("\n")[0][:24] for cell in cells] == [
        "# First",
        "my notes",
        "x = 2",
        "**News of the course.** ",
        "More",
    ]
    assert (folder / "work/.before/01_x.ipynb").read_bytes() == before
    assert "01_x  nothing new" in run(capsys)[1]
    assert not list(folder.rglob("*.new"))


@pytest.mark.parametrize(
    "news",
    [
        [cell("title", "# First"), cell("code", "x = 3", "code"), cell("new", "More")],
        [cell("title", "# One"), cell("code", "x = 1", "code"), cell("new", "More")],  # nothing but a new cell
        [cell("title", "# One")],  # nothing but a cell that is gone
    ],
    ids=["all", "new", "gone"],
)
def test_an_update_that_was_overwritten_comes_again(folder, capsys, news):
    """By an editor that had the notebook open, by a backup, by another machine: what counts is what the file holds."""
    run(capsys)
    mine = folder / "work/01_x.ipynb"
    notebook = nbformat.read(mine, as_version=4)
    notebook.cells.insert(1, cell("own", "my notes"))
    nbformat.write(notebook, mine)
    old = mine.read_bytes()
    write(folder / "notebooks/01_x.ipynb", *news)
    said = run(capsys)[1]
    assert "01_x  NEWS" in said and '"Revert"' in said and "`course work` again" in said
    updated = mine.read_bytes()
    for _ in range(2):  # as often as it happens
        mine.write_bytes(old)
        assert "01_x  NEWS" in run(capsys)[1]
        assert mine.read_bytes() == updated
    assert "01_x  nothing new" in run(capsys)[1]


def test_a_cell_that_an_undo_has_put_back_is_renewed(folder, capsys):
    run(capsys)
    mine = folder / "work/01_x.ipynb"
    write(folder / "notebooks/01_x.ipynb", cell("title", "# First"), cell("code", "x = 3", "code"))
    run(capsys)
    for old, expected in (("# One", "# First"), ("# Mine", "# Mine")):
        notebook = nbformat.read(mine, as_version=4)
        notebook.cells[0].source = old
        nbformat.write(notebook, mine)
        said = run(capsys)[1]
        assert ("01_x  NEWS    cells: 1 changed" in said) == (old == "# One")
        assert [one.source for one in nbformat.read(mine, as_version=4).cells] == [expected, "x = 3"]


def test_a_cell_of_the_course_that_is_deleted_stays_so(folder, capsys):
    run(capsys)
    mine = folder / "work/01_x.ipynb"
    write(folder / "notebooks/01_x.ipynb", cell("title", "# One"), cell("code", "x = 1", "code"), cell("new", "More"))
    run(capsys)
    notebook = nbformat.read(mine, as_version=4)
    del notebook.cells[2]
    nbformat.write(notebook, mine)
    assert "01_x  nothing new" in run(capsys)[1]


UNREADABLE = (
    b"",
    b"[]",
    b"\xff\xfe",
    b'{"nbformat": 4, "nbformat_minor": 5, "cells": [1]}',
    b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}',
    b'{"nbformat": 3, "worksheets": []}',
    b"<<<<<<< HEAD\n{}",
)


@pytest.mark.parametrize("broken", UNREADABLE)
def test_an_unreadable_copy_is_left_alone(folder, capsys, broken):
    run(capsys)
    mine = folder / "work/01_x.ipynb"
    mine.write_bytes(broken)
    for name in ("01_x", "02_x"):
        write(folder / f"notebooks/{name}.ipynb", cell("title", "# New"))
    code, said = run(capsys)
    assert code == 1 and "01_x  LEFT ALONE" in said and "cannot be read as a notebook" in said
    assert "02_x  NEWS" in said
    (base,) = (folder / "work/.base").glob("01_x.*")
    assert mine.read_bytes() == broken and "x = 1" in base.read_text(encoding="utf-8")


def test_a_failing_disk_leaves_the_old_file(folder, monkeypatch, capsys):
    run(capsys)
    mine = folder / "work/01_x.ipynb"
    before = mine.read_bytes()
    write(folder / "notebooks/01_x.ipynb", cell("title", "# New"))

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(work.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        work.update(folder / "notebooks/01_x.ipynb", paths.WORK)
    assert mine.read_bytes() == before
    monkeypatch.undo()
    work.update(folder / "notebooks/01_x.ipynb", folder / "work")
    assert "# New" in mine.read_text(encoding="utf-8")


def test_cells_without_ids_and_with_the_same(folder):
    path = folder / "notebooks/01_x.ipynb"
    plain = {"cell_type": "markdown", "metadata": {}, "source": ["a\n", "b"]}
    for minor, cells in ((4, [plain, plain]), (5, [{**plain, "id": "a"}] * 2), (5, [plain, plain])):
        notebook = {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": cells}
        path.write_text(json.dumps(notebook), encoding="utf-8")
        notebook = work.read(path)
        assert len({cell.id for cell in notebook.cells}) == 2
        assert [cell.source for cell in notebook.cells] == ["a\nb", "a\nb"]
        nbformat.validate(notebook)


def test_lab_opens_the_copy_where_there_is_one(folder):
    assert lab.command("2")[-1] == str(folder / "notebooks/02_x.ipynb")
    work.update(folder / "notebooks/02_x.ipynb", paths.WORK)
    assert lab.command("2")[-1] == str(folder / "work/02_x.ipynb")
    assert lab.command("1")[-1] == str(folder / "notebooks/01_x.ipynb")


def test_links_and_pictures_hold_in_the_copy():
    """A copy lies as deep as the original, and links lead to pictures, to other lessons, or out into the web."""
    assert paths.WORK.parent == paths.ROOT
    for path in lesson_files([]):
        notebook = nbformat.read(path, as_version=4)
        prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", prose, flags=re.DOTALL)):
            if not target.startswith(("#", "http", "../")):
                assert (paths.NOTEBOOKS / target.split("#")[0]).suffix == ".ipynb", target
