"""Write docs/RESULTS.md from the JSON files that the trainings and the benchmarks leave.

    python -m benchmarks.page

No number of a training or a benchmark is typed: a test compares the page with what this module writes.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "RESULTS.md"
SPREAD = {"median", "least", "largest"}
HIDDEN = {"aim", "machine", "rounds", "slowest cells"}


def read(name: str) -> dict[str, Any]:
    """One of the JSON files in assets/data."""
    return json.loads((ROOT / "assets" / "data" / name).read_text(encoding="utf-8"))


def number(value: Any) -> str:
    """Three significant digits, or all of a number that has more before the point."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and abs(value) >= 1000):
        return f"{value:,.0f}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def words(value: Any) -> str:
    """A result of a benchmark in one line: spreads as "median (least to largest)", tables as "name value; …"."""
    if isinstance(value, list):
        return ", ".join(map(words, value))
    if not isinstance(value, dict):
        return number(value)
    if value.keys() == SPREAD:
        return f"{number(value['median'])} ({number(value['least'])} to {number(value['largest'])})"
    return "; ".join(f"{name}: {words(inner)}" for name, inner in value.items() if name not in HIDDEN)


def percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def versions(result: dict[str, Any]) -> str:
    used = result["versions"]
    return f"Python {used['python']}, TensorFlow {used['tensorflow']}, Keras {used['keras']}"


def small_lessons() -> str:
    """Lessons 3 and 4 over several seeds."""
    small = read("small_histories.json")
    line, digits = small["line"], small["digits"]
    rows = [["least squares", "-", f"{line['least squares']['fit']:.2f}", f"{line['least squares']['valid']:.2f}", "-"]]
    for name in ("standardised", "rooms as they are"):
        for run in line[name]:
            label = f"neuron, {name}"
            rows.append(
                [label, f"{run['seed']}", f"{run['fit']:.2f}", f"{run['valid']:.2f}", f"{run['seconds']:.1f} s"]
            )
    text = f"""### Lesson 3: one neuron against least squares

Mean squared errors after {line["epochs"]} epochs on the 282 rows that the neuron learns from and the 122 held out.
`{line["command"]}`, {versions(line)}.

{table(["line", "seed", "MSE, 282 rows", "MSE, 122 rows", "time"], rows)}
"""
    runs = digits["runs"]
    rows = [[f"{run['seed']}", percent(run["valid"]), percent(run["test"]), f"{run['seconds']:.0f} s"] for run in runs]
    valid, test = ([run[part] for run in runs] for part in ("valid", "test"))
    return f"""{text}
### Lesson 4: MNIST with the MLP

The full recipe: {digits["epochs"]} epochs, batches of 64, RMSprop. Over {len(runs)} seeds the validation accuracy is
**{percent(statistics.mean(valid))}** on average ({percent(min(valid))} to {percent(max(valid))}, standard deviation
{100 * statistics.stdev(valid):.2f} points), the test accuracy {percent(statistics.mean(test))} ({percent(min(test))} to
{percent(max(test))}). The older course printed 97.8 % in validation. `{digits["command"]}`, {versions(digits)}.

{table(["seed", "validation", "test", "time"], rows)}"""


def lesson_6() -> str:
    older, ours = read("cifar10_history.json"), read("cifar10_ours_history.json")
    rows = []
    for name, before in (("baseline", "72.27 %"), ("dropout", "78.63 %")):
        accuracies = older[name]["history"]["val_accuracy"]
        label = f"lesson 6, {'with' if name == 'dropout' else 'without'} dropout"
        rows.append([label, f"{older['epochs']}", percent(accuracies[-1]), percent(max(accuracies)), before, "-"])
    for name in ("short", "long"):
        history = ours[name]["history"]
        accuracies, seconds = history["val_accuracy"], sum(history["seconds"])
        label = f"our recipe, {name}, {ours[name]['parameters']:,} parameters"
        rows.append(
            [label, f"{len(accuracies)}", percent(accuracies[-1]), percent(max(accuracies)), "-", f"{seconds:,.0f} s"]
        )
    return f"""### Lesson 6: CIFAR-10

Validation accuracies on 15,000 of the 50,000 training images, seed {older["seed"]}. These images were JPEG copies,
which lose detail; "before" are the older course's numbers on the original images. Our recipe: fewer pixels and more
channels, batch normalisation, images mirrored and shifted, softened labels, a rate that rises and falls, bfloat16. Its
times were taken while other programs ran on the same two cores; "Benchmarks" below compares in turns.
`{older["command"]}` and `{ours["command"]}`, {versions(ours)}.

{table(["training", "epochs", "last epoch", "best epoch", "before", "time"], rows)}"""


def lesson_8() -> str:
    signs = read("gtsrb_history.json")
    rendered, settings, ways = signs["rendered_to_real"], signs["settings"], read("gtsrb_ways.json")
    rows = [
        [f"fine-tuned on photographs, {settings['size']} pixels", f"{settings['epochs']}",
         percent(signs["valid_accuracy"]), percent(signs["test_accuracy"]), "-"],
        ["fine-tuned on rendered signs alone", f"{rendered['settings']['epochs']}",
         percent(rendered["valid_accuracy"]) + " (rendered)", percent(rendered["test_accuracy"]), "-"],
    ]  # fmt: skip
    for name, way in ways.items():
        seconds = sum(way["history"]["seconds"])
        scores = percent(way["valid_accuracy"]), percent(way["test_accuracy"])
        rows.append(
            [f"{name}, {way['settings']['size']} pixels", f"{way['settings']['epochs']}", *scores, f"{seconds:.0f} s"]
        )
    return f"""### Lesson 8: traffic signs

EfficientNet-Lite0 on {signs["data"]}, seed {settings["seed"]}; the test has
{signs["test_images"]:,} photographs. The older course printed 96.90 % in validation and 96.26 % in the test, with
VGG16 fine-tuned on as many photographs.
`{signs["command"]}`, `{rendered["command"]}` and `{ways["frozen"]["command"]}`,
{versions(signs)}.

{table(["training", "epochs", "validation", "test", "time"], rows)}"""


def lesson_9() -> str:
    scores = read("hrnet_scores.json")
    rows = [[name, f"{iou:.3f}"] for name, iou in zip(scores["classes"], scores["iou"], strict=True)]
    rows.append(["**mean**", f"**{scores['mean_iou']:.3f}**"])
    return f"""### Lesson 9: the small HRNet on CamVid

Intersection over union on {scores["data"].split(";")[0]}; the pixel accuracy is {percent(scores["pixel_accuracy"], 1)}.
The commands are at the top of `tools/train_hrnet.py`. {versions(scores)}.

{table(["class", "IoU"], rows)}"""


NOT_RUN = """## Not run

No weights of these networks could be reached from where the course was made, and there was no GPU. The commands are
the same for everybody:

| what | command |
| --- | --- |
| lesson 7 with VGG16, ResNet50 and InceptionV3 | `COURSE_MODE=full make lessons LESSON=7` |
| lesson 8 with VGG16 on GTSRB, from scratch, frozen and fine-tuned | `COURSE_MODE=full make lessons LESSON=8` (GPU) |
| lesson 9 with HRNetV2-W48 | `COURSE_MODE=full make lessons LESSON=9` |
| lesson 6 on the original CIFAR-10 files | `COURSE_MODE=full make lessons LESSON=6` |
| any lesson on a GPU | `.venv/bin/python -m pip install "tensorflow[and-cuda]==2.21.0"`, then `make lessons` |
| macOS, Windows, newest packages, full mode each week | `.github/workflows/weekly.yml` |
"""


def benchmarks(results: dict[str, Any]) -> str:
    """One row per result, the machine, and the ten slowest cells."""
    rows = [[name, result["aim"], words(result)] for name, result in sorted(results.items())]
    machines = sorted({described(result["machine"]) for result in results.values()})
    text = "\n".join(f"- {line}" for line in machines)
    page = f"""## Benchmarks

`make bench` runs them all, `make bench BENCH="mlp cifar"` some. Sides that are compared run in turns in one process, so
that a busy machine slows both; a ratio is the median of the rounds, with the least and the largest behind it. The
machine was shared with other work throughout: trust the ratios more than the seconds. It was:

{text}

{table(["benchmark", "aim", "result"], rows)}"""
    slowest = results.get("all lessons in quick mode", {}).get("slowest cells", [])
    if slowest:
        rows = [
            [cell["lesson"], cell["id"], f"{cell['seconds']:.1f}", "`" + cell["first line"].replace("|", "\\|") + "`"]
            for cell in slowest
        ]
        page += f"\nThe ten slowest cells:\n\n{table(['lesson', 'cell', 'seconds', 'first line'], rows)}"
    return page


def described(machine: dict[str, str]) -> str:
    """A machine without its load, which differs from run to run."""
    return (
        f"{machine['cpu']}, {machine['device']}, {machine['system']}, Python {machine['python']}, "
        f"TensorFlow {machine['tensorflow']}, Keras {machine['keras']}, NumPy {machine['numpy']}"
    )


def page() -> str:
    """The whole of docs/RESULTS.md."""
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    return f"""# Results

What the lessons' full recipes give on real data, and how fast they are beside the recipes of an older course of the
same outline. Written by `python -m benchmarks.page` from the JSON files in `assets/data/` and
`benchmarks/results.json`: run that after a training or a benchmark, and do not edit this page.

## Reference results

Trained on two cores of an AMD EPYC, no GPU. Other processors give other last digits.

{small_lessons()}
{lesson_6()}
{lesson_8()}
{lesson_9()}
{NOT_RUN}
{benchmarks(results)}"""


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
