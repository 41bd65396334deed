"""What JupyterLab reads and writes of a notebook (course.contents), by Jupyter Server's own manager of files."""

from __future__ import annotations

import asyncio
import json

import nbformat
import pytest
from nbformat.sign import MemorySignatureStore
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course.contents import LessonContents
from course.lessons import NEUTRAL


@pytest.fixture
def contents(tmp_path) -> LessonContents:
    manager = LessonContents(root_dir=str(tmp_path))
    manager.notary.store.close()
    manager.notary.store_factory = MemorySignatureStore
    manager.notary.store = MemorySignatureStore()
    return manager


def saved(contents: LessonContents, *, trusted: bool) -> nbformat.NotebookNode:
    """A notebook with an output, saved as JupyterLab saves it after its cell was run (trusted) or not."""
    html = new_output("display_data", data={"text/html": "<b>a</b>"})
    cell = new_code_cell("1", outputs=[html], metadata={"trusted": trusted})
    notebook = new_notebook(cells=[cell], metadata={"kernelspec": {"name": "python3", "display_name": "mine"}})
    asyncio.run(contents.save({"type": "notebook", "format": "json", "content": notebook}, "a.ipynb"))
    return notebook


@pytest.mark.parametrize("trusted", [True, False])
def test_a_notebook_is_saved_and_signed_where_its_outputs_were_made_here(contents, tmp_path, trusted):
    saved(contents, trusted=trusted)
    on_disk = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    assert on_disk.metadata.kernelspec == NEUTRAL["kernelspec"]
    assert contents.notary.check_signature(on_disk) == trusted


def test_what_is_read_counts_as_trusted_only_if_it_was_signed(contents):
    for trusted in (True, False):
        saved(contents, trusted=trusted)
        model = asyncio.run(contents.get("a.ipynb"))
        assert json.loads(json.dumps(model["content"]["cells"][0]["metadata"])).get("trusted", False) == trusted
