"""A class that was made up: what each student has answered is known, and lies as learning platforms deliver it."""

from __future__ import annotations

import copy
import io
import random
import re
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course import progress
from course.export import code_of
from course.lessons import lesson_files
from tests.after_lesson import tagged, wrong_answers

NAMES = """
Anna Schmidt, Ben Okafor, Chloé Dubois, Dmitri Volkov, Elif Yılmaz, Finn Müller
Giulia Rossi, Hannah Cohen, Ivan Horvat, Jana Nováková, Kofi Mensah, Lena Fischer
Mateo García Fernández, Nour Haddad, Olga Petrova, Pedro Alves, Quinn Baker, Ravi Iyer
Sofía Ruiz, Tariq Aziz, Uma Krishnamurthy, Vera Lindqvist, William O'Neill, Xin Li
Yusuf Demir, Zoë van den Berg, Aïcha Benali, Bo Nilsen, Carla Conti, Dev Patel
"""


@dataclass(frozen=True)
class Answer:
    """What a student has done with one exercise: the state that the table must say, words of its message, the code."""

    state: str
    words: str = ""
    code: str = ""


@cache
def lesson(number: str) -> NotebookNode:
    """A lesson as the course has it; not to be changed."""
    return nbformat.read(lesson_files([number])[0], as_version=4)


def answers(number: str, exercise: int) -> list[Answer]:
    """For one exercise of a lesson: nothing done, its solution, and each typical wrong answer."""
    solution = Answer("solved", code=code_of(tagged(lesson(number), "solution")[exercise - 1].source))
    wrong = [Answer("fails", words, code) for place, code, words in wrong_answers(number) if place == exercise]
    return [Answer("not tried"), solution, *wrong]


def answered(number: str, done: dict[int, Answer]) -> NotebookNode:
    """A student's notebook: the lesson with these answers, and what its checks print of them."""
    notebook = copy.deepcopy(lesson(number))
    for exercise, (stub, check) in enumerate(progress.exercises(notebook), start=1):
        answer = done.get(exercise, Answer("not tried"))
        if answer.state == "not tried":
            continue
        stub.source += f"\n\n\n{answer.code}"  # below what the stub defines besides the function
        said = "✓ {}: correct" if answer.state == "solved" else "✗ {}: 4 is not right for the arguments (1, 2). Oh: {}."
        check.outputs = [new_output("stream", text=said.format(f"Exercise {exercise}", answer.words) + "\n")]
    return notebook


def class_of(number: str) -> dict[str, dict[int, Answer]]:
    """The answers of a class of 30 to all exercises of a lesson: half are right, and each typical mistake is made."""
    dice = random.Random(int(number))
    names = re.split(r", |\n", NAMES.strip())
    done: dict[str, dict[int, Answer]] = {name: {} for name in names}
    for exercise in range(1, len(progress.exercises(lesson(number))) + 1):
        nothing, right, *wrong = answers(number, exercise)
        given = [right] * (len(names) // 2) + [nothing] * 5 + wrong
        given += dice.choices(wrong, k=len(names) - len(given))
        dice.shuffle(given)
        for name, answer in zip(names, given, strict=True):
            done[name][exercise] = answer
    return done


def written(notebook: NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode("utf-8")


def put(folder: Path, place: str, notebook: NotebookNode) -> None:
    """Write a notebook into a folder, in a zip where its place names one ("a/b.zip/c.ipynb")."""
    if ".zip/" not in place:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(written(notebook))
        return
    archive, inner = place.split(".zip/", 1)
    (folder / archive).parent.mkdir(parents=True, exist_ok=True)
    (folder / f"{archive}.zip").write_bytes(zipped({inner: written(notebook)}))


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip as bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()
