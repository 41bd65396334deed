"""Write docs/BENCHMARKS.md from tools/bench/results.json.

python -m tools.bench.page
"""

from __future__ import annotations

import json
from typing import Any

from tools.bench.common import RESULTS
from tools.train.results import percent, table
from utils import paths


def number(value: float) -> str:
    """Three significant digits, or all of a number that has more before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def spread(value: dict[str, float]) -> str:
    """The median, with the least and the largest behind it."""
    return f"{number(value['median'])} ({number(value['least'])} to {number(value['largest'])})"


def lessons(results: dict[str, Any]) -> str:
    """How long a lesson is."""
    result = results["lessons"]
    rows = [[name, f"{seconds:.0f}"] for name, seconds in result["seconds"].items()]
    rows.append(["**together**", f"**{result['together']:.0f}**"])
    slow = [[cell["lesson"], f"`{cell['id']}`", f"{cell['seconds']:.0f}"] for cell in result["slowest cells"]]
    return f"""## How long is a lesson?

In quick mode, one lesson at a time, from the start of the kernel to the last cell (`course run --at-once 1`, then
`make bench BENCH=lessons`):

{table(["lesson", "seconds"], rows)}

The ten cells that take longest:

{table(["lesson", "cell", "seconds"], slow)}
"""


def recipes(results: dict[str, Any]) -> str:
    """How much faster our recipes are on the same data."""
    steps, mlp = results["lesson 4, steps_per_execution"], results["lesson 4, to equal accuracy"]
    cifar, signs = results["lesson 6, time to 78.3 %"], results["lesson 8, time to 95 % on real signs"]
    older, ours = (percent(mlp["test accuracy"][name]) for name in ("lesson 4's recipe", "ours"))
    rows = [
        ["4: `fit` with `steps_per_execution=64` instead of 1, equal weights at the end", spread(steps["ratio"])],
        [
            f"4: larger batches, a rate that rises and falls, {ours} of the test pictures, not {older}",
            spread(mlp["ratio"]),
        ],
        ["6: our short recipe, in bfloat16, to 78.3 %", spread(cifar["ratio"])],
        ["6: the same, both recipes in float32", spread(cifar["ratio with both in float32"])],
        ["6: the same, both recipes in bfloat16", spread(cifar["ratio with both in bfloat16"])],
        [
            "8: Lite0 to 95 % on photographs, instead of 101 epochs of VGG16",
            spread(signs["ratio with VGG16's 101 epochs"]),
        ],
        ["8: the same, instead of one epoch of VGG16", spread(signs["ratio with one epoch of VGG16"])],
    ]
    epochs = cifar["epochs"]
    return f"""## How much faster is our recipe on the same data?

{table(["lesson: what is compared", "times faster"], rows)}

Lesson 6: the lesson's recipe does not reach 78.3 % on JPEG copies of the images, so its {epochs["lesson 6's recipe"]}
epochs count whole; ours needs {epochs["ours"]}. A tenth of an epoch was measured and scaled. That ours needs as many
epochs in float32, and the lesson's as many in bfloat16, is assumed. Our long recipe's {epochs["ours, long"]} epochs
take {spread(cifar["long to lesson"])} times as long as the lesson's; [the results](RESULTS.md) have their accuracy.

Lesson 8: VGG16 was measured for a few steps and extrapolated, {number(signs["seconds of an epoch of VGG16"])} s an
epoch; Lite0 took {spread(signs["seconds of Lite0"])} s, loading included.
"""


def predictions(results: dict[str, Any]) -> str:
    """How long a prediction takes."""
    lite0, lite2 = (results[f"lesson 7, efficientnet_{name}"] for name in ("lite0", "lite2"))
    rows = []
    for name in lite0["pictures a second"]:
        cells = [
            [number(one["pictures a second"][name]), spread(one["ratio"][name]) if name in one["ratio"] else "1"]
            for one in (lite0, lite2)
        ]
        rows.append([name, *cells[0], *cells[1]])
    frames = [[size, spread(seconds)] for size, seconds in results["lesson 9, one frame"]["seconds"].items()]
    return f"""## How long is a prediction?

Lesson 7's networks, pictures a second and how many times faster than one `predict` each:

{table(["call", "Lite0 a second", "times", "Lite2 a second", "times"], rows)}

Lesson 9's small HRNet, seconds of one frame:

{table(["height x width", "seconds"], frames)}
"""


def page(results: dict[str, Any]) -> str:
    """The whole of docs/BENCHMARKS.md."""
    loads = [result["load"] for result in results.values() if result["load"] is not None]
    machines = sorted({f"{result['machine']}, TensorFlow {result['tensorflow']}" for result in results.values()})
    return f"""# Benchmarks

How fast the course is. `make bench` runs them all, which takes about half an hour: run `course run --at-once 1` before
it, and name the photographs for lesson 8, or its benchmark is left out: `SIGNS=/path/to/gtsrb_40_per_class.zip make
bench`. `make bench BENCH="mlp cifar"` runs some; `python -m tools.bench --help` says what each measures.
`python -m tools.bench.page` writes this page from `tools/bench/results.json`; do not edit it by hand.

Sides that are compared run in turns in one process, so that a busy machine slows both. A number is the median of the
rounds, with the least and the largest behind it; trust the ratios more than the seconds. Measured on
{" and on ".join(machines)}; load average {min(loads)} to {max(loads)}, the benchmarks' own threads included.

{lessons(results)}
{recipes(results)}
{predictions(results)}"""


def main() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    (paths.ROOT / "docs" / "BENCHMARKS.md").write_text(page(results), encoding="utf-8")
    print("Wrote docs/BENCHMARKS.md.")


if __name__ == "__main__":
    main()
