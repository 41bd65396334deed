"""From a new Python to the first figure: what a reader waits for at the start of lesson 7, and what dominates it.

python -m tools.bench.startup
"""

from __future__ import annotations

import json
import subprocess
import sys

from tools.bench import common

ROUNDS = 5
IMPORT = "import TensorFlow, Matplotlib and the course's utils"
SCRIPT = (
    f"""
IMPORT = {IMPORT!r}"""
    + """
import json, time
marks = [("", time.perf_counter())]
def mark(name): marks.append((name, time.perf_counter()))
from utils import runtime
mark(IMPORT)
import keras
import matplotlib.pyplot as plt
import numpy as np
from utils import imagenet, plotting
from utils.downloads import fetch
mark("import the rest")
model = keras.models.load_model(fetch("models/efficientnet_lite0.keras"))
mark("load Lite0")
model.predict(np.zeros((1, 224, 224, 3), "float32"), verbose=0)
mark("first prediction")
plt.switch_backend("agg")
plotting.use_style()
plt.plot([0, 1])
plt.gcf().canvas.draw()
mark("first figure")
print(json.dumps({name: then - before for (_, before), (name, then) in zip(marks, marks[1:])}))
"""
)


def once() -> dict[str, float]:
    """Seconds of each stage in a process of its own, and of all with the start of Python."""
    finished: list[str] = []

    def run() -> None:
        command = [sys.executable, "-c", SCRIPT]
        finished.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    total = common.seconds(run)
    stages = json.loads(finished[0].splitlines()[-1])
    return stages | {"start and end of Python": total - sum(stages.values()), "together": total}


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """The spread of each stage over the rounds, after one that fills the disk's cache."""
    once()
    rows = [once() for _ in range(rounds)]
    return {name: common.spread([row[name] for row in rows]) for name in rows[0]}


def main() -> None:
    common.record("start of a lesson, seconds", "what dominates it is known", measure(ROUNDS))


if __name__ == "__main__":
    main()
