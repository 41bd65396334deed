"""The tool that runs a lesson twice notices what does not repeat itself."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import rerun

PLOT = "import matplotlib.pyplot as plt\nplt.plot([0, height])\nplt.show()"


def findings(tmp_path, *cells, **tags):
    notebook = new_notebook(cells=[new_code_cell(source, id=f"c{number}") for number, source in enumerate(cells)])
    for name, tag in tags.items():
        next(cell for cell in notebook.cells if cell.id == name).metadata["tags"] = [tag]
    path = tmp_path / "01_x.ipynb"
    nbformat.write(notebook, path)
    return rerun.rerun(path)


def test_a_lesson_that_repeats_itself(tmp_path):
    assert findings(tmp_path, "x = [1, 2]\nheight = 1", "x = x[:1]\nprint(x)\nx", PLOT) == []


def test_what_does_not_repeat_itself_is_named(tmp_path):
    found = findings(
        tmp_path,
        "import random\nimport numpy as np\ncount = height = 0\nx = np.ones(3)",
        "count += 1\nprint(count)",
        "x = x[:, None]\nassert x.shape == (3, 1)",
        "random.random()",
        "height += 1\n" + PLOT,
        "print(np.random.rand())",
        c5="nbval-ignore-output",
    )
    assert [line.split(",")[0] for line in found] == [
        "cell 2 (c1)",
        "cell 3 (c2)",
        "cell 4 (c3)",
        "cell 4 (c3)",
        "cell 5 (c4)",
    ]
    assert "run again at once: text: ('stdout', '1" in found[0]
    assert "run again at once: raises AssertionError" in found[1]
    assert "figure 1 has" in found[4]  # longer labels, a wider figure


def test_a_figure_of_training_may_vary_and_its_text_may_not(tmp_path):
    curve = "import matplotlib.pyplot as plt\nplt.plot([0, 9, {} + height / 40, 9])\nplt.show()\nheight += 1"
    assert findings(tmp_path, "height = 0", curve.format(5), c1="figure-varies") == []
    assert len(findings(tmp_path, "n = 0", "n += 1\nprint(n)", c1="figure-varies")) == 1
    other = "import matplotlib.pyplot as plt\nplt.plot([[0, 9], [9, 0]][n])\nplt.show()\nn += 1"
    assert len(findings(tmp_path, "n = 0", other, c1="figure-varies")) == 1


def test_a_cell_over_its_limit(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("import time\ntime.sleep(60)", id="c0")])
    nbformat.write(notebook, tmp_path / "01_x.ipynb")
    assert rerun.rerun(tmp_path / "01_x.ipynb", limit=2) == ["cell 1 (c0) ran longer than 2 s"]


def test_a_lesson_that_fails_at_once(tmp_path):
    assert findings(tmp_path, "1 / 0", "2") == [
        "cell 1 (c0) fails in the first run: ZeroDivisionError: division by zero"
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("history = model.fit(x, y)", True),
        ("model = build()\nmodel.fit(x, y)", False),
        ("for name in names:\n    net = build()\n    net.fit(x)", False),
        ("history = train(model, keep)", True),
        ("model = build()\nhistory = train(model)", False),
        ("def train(model):\n    return 1", False),
        ("%matplotlib inline", False),
    ],
)
def test_which_cells_go_on_training(source, expected):
    assert rerun.trains_on(source) is expected
