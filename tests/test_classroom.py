"""`course progress FOLDER`: a class of 30 whose mistakes are known, as learning platforms deliver their notebooks."""

from __future__ import annotations

import copy
import uuid
from pathlib import PurePosixPath

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_output

from course import classroom, cli, progress
from tests import a_class
from tests.a_class import Answer
from utils import paths

PLATFORMS = {
    "nbgrader": "submitted/{name}/lesson-3/{file}",
    "nbgrader, its folder of submissions": "{name}/lesson-3/{file}",
    "Moodle": "{name}_{id}_assignsubmission_file_/{file}",
    "Moodle without folders": "{name}_{id}_assignsubmission_file_{file}",
    "Moodle, a zip of each": "{name}_{id}_assignsubmission_file_/my lessons.zip/{copy}/{file}",
    "GitHub Classroom": "homework-3-{name}/notebooks/{file}",
    "Canvas": "{name}_LATE_{id}_77_{file}",
    "a zip of each": "{name}.zip/{file}",
    "a zip of each, of a folder": "{name}.zip/{copy}/{file}",
    "a notebook of each": "{name}_{file}",
    "a notebook of each by name": "{name}.ipynb",
}
FILE = "03_modeling_linear_regression.ipynb"
COPY = paths.WORK.name  # the folder of a student's copy
RIGHT = Answer("solved", code="def my_line(x):\n    return 8.5 * x - 31")
WRONG = Answer("fails", "turn yours", "def my_line(x):\n    return x")


def rows_of(folder, *numbers: str) -> pd.DataFrame:
    handed, problems = classroom.handed_in(folder, numbers)
    assert problems == []
    return classroom.table(handed)


def states_of(rows: pd.DataFrame) -> dict[tuple[str, int], str]:
    return {(row.student, row.exercise): row.state for row in rows.itertuples()}


@pytest.fixture(scope="module")
def a_class_of_30(tmp_path_factory):
    """Its folder, as Moodle delivers it, and what each student has done."""
    folder, done = tmp_path_factory.mktemp("class"), a_class.class_of("03")
    for place, (name, answers) in enumerate(done.items()):
        where = f"{name}_{1000 + place}_assignsubmission_file_/{FILE}"
        a_class.put(folder, where, a_class.answered("03", answers))
    return folder, done


def test_all_mistakes_of_a_class_are_found(a_class_of_30):
    folder, done = a_class_of_30
    rows = rows_of(folder)
    assert list(rows.columns) == ["student", "lesson", "exercise", "state", "message"]
    assert len(rows) == 120 and set(rows["student"]) == set(done)
    for row in rows.itertuples():
        answer = done[row.student][row.exercise]
        assert row.state == answer.state
        assert answer.words in row.message
    counted = {(row.exercise, row.mistake): row.count for row in classroom.mistakes(rows).itertuples(index=False)}
    wrong = [(number, answer.words) for answers in done.values() for number, answer in answers.items() if answer.words]
    assert counted == {(number, f"Oh: {words}."): wrong.count((number, words)) for number, words in wrong}


def test_text_table_and_picture(a_class_of_30, tmp_path, capsys):
    folder, done = a_class_of_30
    table, picture = tmp_path / "class.csv", tmp_path / "class.png"
    assert cli.main(["progress", str(folder), "3", "--csv", str(table), "--picture", str(picture)]) == 0
    said = capsys.readouterr().out
    marks = {"solved": "✓", "fails": "✗", "not tried": "○"}
    for name, answers in done.items():
        (line,) = [line for line in said.splitlines() if line.startswith(f"{name} ")]
        assert line.removeprefix(name).split() == [marks[answer.state] for answer in answers.values()]
    assert "Exercise 3.1: 15 solved, 10 fails, 5 not tried" in said
    pd.testing.assert_frame_equal(pd.read_csv(table, keep_default_na=False), rows_of(folder))
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_platform_tells_who_has_written_what(tmp_path, platform):
    for number, (name, answer) in enumerate({"Ann-Lee Fox": RIGHT, "Bo Nilsen": WRONG}.items()):
        place = PLATFORMS[platform].format(name=name, id=4711 + number, file=FILE, copy=COPY)
        a_class.put(tmp_path, place, a_class.answered("03", {1: answer}))
    rows = rows_of(tmp_path)
    expected = {("Ann-Lee Fox", 1): "solved", ("Bo Nilsen", 1): "fails"}
    assert {place: state for place, state in states_of(rows).items() if state != "not tried"} == expected


def test_two_students_of_one_name_stay_two(tmp_path):
    for number, answer in ((11, RIGHT), (12, WRONG)):
        a_class.put(tmp_path, f"Xin Li_{number}_assignsubmission_file_/{FILE}", a_class.answered("03", {1: answer}))
    assert states_of(rows_of(tmp_path))["Xin Li_11", 1] == "solved"
    assert states_of(rows_of(tmp_path))["Xin Li_12", 1] == "fails"


def test_a_zip_of_the_class_with_zips_of_students(tmp_path):
    notebook = a_class.written(a_class.answered("03", {1: RIGHT}))
    inner = a_class.zipped({"03.ipynb": notebook, "__MACOSX/._03.ipynb": b"?"})
    whole = tmp_path / "download.zip"
    whole.write_bytes(a_class.zipped({"Bo Nilsen_12_assignsubmission_file_/lessons.zip": inner}))
    assert states_of(rows_of(whole))["Bo Nilsen", 1] == "solved"


def test_the_better_of_two_copies_counts_and_what_programs_keep_does_not(tmp_path):
    a_class.put(tmp_path, f"bo/notebooks/{FILE}", a_class.answered("03", {}))
    a_class.put(tmp_path, f"bo/{COPY}/{FILE}", a_class.answered("03", {1: WRONG}))
    a_class.put(tmp_path, f"bo/{COPY}/.before/{FILE}", a_class.answered("03", {1: RIGHT}))
    assert states_of(rows_of(tmp_path))["bo", 1] == "fails"


def test_who_has_not_handed_in_a_lesson_is_listed(tmp_path):
    a_class.put(tmp_path, f"bo/{FILE}", a_class.answered("03", {1: RIGHT}))
    a_class.put(tmp_path, "eve/01.ipynb", a_class.answered("01", {}))
    rows = rows_of(tmp_path)
    assert set(rows.loc[(rows["student"] == "eve") & (rows["lesson"] == 3), "message"]) == {
        "no notebook of this lesson"
    }
    assert set(rows_of(tmp_path, "3")["lesson"]) == {3}


def test_cells_without_ids_copied_or_split(tmp_path):
    without = a_class.answered("03", {1: RIGHT})
    without.nbformat_minor = 4
    for cell in without.cells:
        del cell["id"]
    copied, split = a_class.answered("03", {1: WRONG}), a_class.answered("03", {1: RIGHT})
    ((_, check), *_) = progress.exercises(copied)
    check.execution_count = 3
    again = copy.deepcopy(check)
    again.update(
        id=uuid.uuid4().hex[:8], execution_count=999, outputs=[new_output("stream", text="✓ Exercise 1: correct\n")]
    )
    copied.cells.append(again)
    ((_, check), *_) = progress.exercises(split)
    helpers, call = check.source.split("\n\n\nexercise(")
    split.cells.insert(
        split.cells.index(check) + 1,
        new_code_cell("exercise(" + call, outputs=check.outputs, execution_count=check.execution_count),
    )
    check.source, check.outputs = helpers, []
    for name, notebook in {"without": without, "copied": copied, "split": split}.items():
        a_class.put(tmp_path, f"{name}/03.ipynb", notebook)
    found = states_of(rows_of(tmp_path))
    assert {found[name, 1] for name in ("without", "copied", "split")} == {"solved"}


def test_what_cannot_be_read_is_named_and_stops_nothing(tmp_path, capsys):
    a_class.put(tmp_path, f"bo/{FILE}", a_class.answered("03", {1: RIGHT}))
    bad = {
        "broken/03.ipynb": b"{",
        "deep/03.ipynb": b"[" * 100_000,
        "latin/03.ipynb": "é".encode("latin-1"),
        "outputs/03.ipynb": a_class.written(a_class.lesson("03")).replace(b'"outputs": []', b'"outputs": [5]'),
        "other/diary.ipynb": a_class.written(nbformat.v4.new_notebook(cells=[new_code_cell("1 + 1")])),
        "cut.zip": a_class.zipped({"03.ipynb": b"{}" * 999})[:-30],
        "packed.rar": b"Rar!",
    }
    for name, data in bad.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert cli.main(["progress", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert all(name.split("/")[0] in shown.err for name in bad)
    assert "bo" in shown.out and "✓" in shown.out


def test_no_file_outside_is_read_and_nothing_is_unpacked(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(a_class.written(a_class.answered("03", {1: RIGHT})))
    folder = tmp_path / "class"
    (folder / "eve").mkdir(parents=True)
    (folder / "eve" / FILE).symlink_to(secret)
    (folder / "mallory.zip").write_bytes(a_class.zipped({"../../03.ipynb": secret.read_bytes()}))
    before = sorted(tmp_path.rglob("*"))
    assert {student for student, _ in states_of(rows_of(folder))} == {"mallory"}
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(classroom, "LARGEST", 1000)
    (tmp_path / "bomb.zip").write_bytes(a_class.zipped({"03.ipynb": b" " * 1001}))
    (tmp_path / "large").mkdir()
    (tmp_path / "large/03.ipynb").write_bytes(b" " * 1001)
    assert [file.data for file in classroom.files(tmp_path)] == [b"", b""]
    assert all("too large" in file.problem for file in classroom.files(tmp_path))


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("03_modeling.ipynb", ""),
        ("a-b/03.ipynb", "a-b"),
        ("fox_ann_99_1234_03_modeling.ipynb", "fox_ann"),
        ("Term 1/submitted/bo/x/03.ipynb", "bo"),
        ("download/Bo N_5_assignsubmission_file_/03.ipynb", "Bo N_5"),
    ],
)
def test_the_owner_of_a_file(place, name):
    assert classroom.owner(PurePosixPath(place)) == name


def test_a_folder_that_is_not_there(tmp_path, capsys):
    assert cli.main(["grade", str(tmp_path / "nowhere")]) == 1
    assert "there is no folder" in capsys.readouterr().err


def test_a_message_does_nothing_to_a_terminal_or_a_spreadsheet():
    assert classroom.clean("=1+1\x1b[2J\n\x07 a") == " =1+1 [2J a"
    assert len(classroom.clean("x" * 10_000)) == 300


@pytest.mark.parametrize("arguments", [["--csv", "x.csv"], ["utils", "tests"]])
def test_a_table_is_that_of_one_class(arguments, monkeypatch, capsys):
    monkeypatch.chdir(paths.ROOT)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["progress", *arguments])
    assert stopped.value.code == 2
    assert "one folder" in capsys.readouterr().err
