"""The pages beside the lessons: their links lead somewhere, their commands exist, and the badges follow the address."""

from __future__ import annotations

import re
import shutil

import pytest

from tools import readme
from utils import paths

PAGES = [*paths.ROOT.glob("*.md"), *(paths.ROOT / "docs").glob("*.md"), paths.ASSETS / "SOURCES.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_to_files(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"(?:\]\(|src=\"|srcset=\")(?!https?:|#|mailto:)([^)\"#\s]+)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_make_targets_and_modules_exist(page):
    text = page.read_text(encoding="utf-8")
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^ *make ([a-z-]+)", text, re.MULTILINE))
    assert [name for name in sorted(targets) if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []
    modules = {name.rstrip(".") for name in re.findall(r"python -m (tools[\w.]*|course[\w.]*)", text)}
    files = {name: paths.ROOT.joinpath(*name.split(".")) for name in modules}
    assert [n for n, f in files.items() if not (f.with_suffix(".py").exists() or (f / "__main__.py").exists())] == []


def test_badges_follow_the_address_of_the_repository(tmp_path, monkeypatch, capsys):
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, tmp_path)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    page, project = tmp_path / "README.md", tmp_path / "pyproject.toml"
    plain = page.read_text(encoding="utf-8")
    text = re.sub(r"\[project\.urls\]\n(?:\w.*\n)*", "", project.read_text(encoding="utf-8"))
    project.write_text(
        f'{text}\n[project.urls]\nrepository = "https://github.com/someone/a-course"\n', encoding="utf-8"
    )
    readme.main()
    written = page.read_text(encoding="utf-8")
    assert "https://colab.research.google.com/github/someone/a-course/blob/main/notebooks/01_" in written
    assert "https://someone.github.io/a-course/" in written
    project.write_text(text, encoding="utf-8")
    readme.main()
    assert page.read_text(encoding="utf-8") == readme.BETWEEN_MARKERS.sub("", plain)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ValueError, match="OWNER/NAME"):
        readme.badges("git@example.org:x")
