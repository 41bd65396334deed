"""The committed drawings are the pictures that the tools draw, and every one is used."""

from __future__ import annotations

import re

import pytest

from tools.diagrams import draw, lesson01
from utils import paths

COMMITTED = {path.stem: path.read_text(encoding="utf-8") for path in draw.FOLDER.glob("*.svg")}


@pytest.mark.parametrize("lesson", sorted({name[:2] for name in draw.drawings()}))
def test_drawings_are_what_the_tools_draw(lesson):
    assert draw.stale(name for name in draw.drawings() if name.startswith(lesson)) == []


def test_every_drawing_has_a_function_and_is_used():
    assert set(COMMITTED) == set(draw.drawings())
    lessons = "".join(path.read_text(encoding="utf-8") for path in paths.NOTEBOOKS.glob("*.ipynb"))
    assert [name for name in COMMITTED if f"{name}.svg" not in lessons] == []


def test_one_changed_digit_is_noticed(monkeypatch):
    words = lesson01.WORDS["01_grey_grid"]
    monkeypatch.setitem(words, "scale", words["scale"].replace("255", "256"))
    assert draw.stale(["01_grey_grid"]) == ["01_grey_grid"]


@pytest.mark.parametrize(
    "change",
    [
        lambda svg: re.sub(r"<g id=\"text_1\">.*?</g>\s*</g>", "", svg, count=1, flags=re.DOTALL),  # lost words
        lambda svg: svg.replace("#d5e8f5", "#d2eee4"),  # another fill
        lambda svg: svg.replace('width="', 'width="1', 1),  # another size
    ],
)
def test_other_pictures_are_noticed(change):
    svg = COMMITTED["05_pooling"]
    changed = change(svg)
    assert changed != svg
    assert draw.difference(svg, changed) > draw.TOLERANCE


def test_the_same_picture_in_other_words_passes():
    """Another version's title, ids and order of attributes."""
    svg = COMMITTED["05_pooling"]
    changed = re.sub(r"<title>.*?</title>", "<title>Pooling</title>", svg)
    changed = re.sub(r'<g id="patch_(\d+)">', r'<g id="shape_\1">', changed)
    assert changed != svg
    assert draw.difference(svg, changed) < 0.5


def test_the_command_writes_svg_and_png(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(draw, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["draw", "02_loop", "--png", str(tmp_path / "png")])
    draw.main()
    assert draw.difference((tmp_path / "02_loop.svg").read_text(encoding="utf-8"), COMMITTED["02_loop"]) == 0
    assert (tmp_path / "png" / "02_loop.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setattr("sys.argv", ["draw", "02_loop", "--check"])
    draw.main()
    (tmp_path / "02_loop.svg").write_text(COMMITTED["02_chain"], encoding="utf-8")
    with pytest.raises(SystemExit, match=r"02_loop\nRun: python -m tools\.diagrams\.draw"):
        draw.main()
