"""What the trainings share: their scratch folder, going on after an interruption, progress, and the result.

A training writes below its target folder and nowhere else:

    <name>/             settings.json, history.json and the state after the last epoch; once it is done, trained.keras
    assets/data/…       the result, laid out as in the course's assets/; `python -m tools.train.publish` moves it there
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tools.data.registry import write_file
from utils import paths


def command_line(doc: str, name: str, limit: bool = True) -> argparse.ArgumentParser:
    """A parser with the options of every training.

    Args:
        doc: the module's text, shown by --help.
        name: of the scratch folder.
        limit: whether the training can do with fewer pictures.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = paths.BUILD / "train" / name
    parser.add_argument("--target", type=Path, default=target, help="folder to write into (default: %(default)s)")
    parser.add_argument("--epochs", type=int, help="a trial with fewer epochs than the recipe's")
    if limit:
        parser.add_argument("--limit", type=int, help="a trial with so many training pictures, and validation pictures")
    return parser


def trial(epochs: int | None, limit: int | None) -> dict[str, str]:
    """What the JSON of a shortened training says, so that nobody takes it for the recipe's; else nothing."""
    shortened = {"epochs": epochs, "pictures": limit}
    words = [f"{name}: {number}" for name, number in shortened.items() if number]
    return {"trial": f"shortened, {', '.join(words)}"} if words else {}


def versions() -> dict[str, str]:
    """Of Python, TensorFlow and Keras."""
    return {"python": platform.python_version(), "tensorflow": tf.__version__, "keras": keras.__version__}


def write_json(path: Path, value: object) -> None:
    """Write a JSON file as a whole or not at all; a list of numbers or words takes one line."""
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    text = re.sub(r"\[[^][{}]*\]", lambda match: re.sub(r"\n\s*", " ", match[0]), text)
    write_file(path, text.encode())


def read_json(path: Path, default: Any = None) -> Any:
    """What a JSON file holds; the default if there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else default


class History(keras.callbacks.Callback):
    """Append each epoch's numbers and seconds to a file, and print them with the time that is left."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.began = path, 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        row = {key: round(float(value), 5) for key, value in (logs or {}).items()}
        row["seconds"] = round(time.perf_counter() - self.began, 2)
        # An epoch that was interrupted after its line is run, and written, again.
        write_json(self.path, [*read_json(self.path, [])[:epoch], row])
        numbers = "  ".join(f"{key} {value:.4f}" for key, value in row.items() if key != "seconds")
        left = row["seconds"] * (self.params["epochs"] - epoch - 1) / 60
        print(
            f"epoch {epoch + 1}/{self.params['epochs']}  {numbers}  {row['seconds']:.0f} s, {left:.0f} min left",
            flush=True,
        )


def train(
    model: keras.Model,
    folder: Path,
    settings: dict[str, Any],
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **arguments: Any,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Keras's `fit` in a folder: an interrupted training goes on where it stopped, a finished one is not run again.

    Args:
        model: compiled.
        folder: for this training alone.
        settings: what it depends on.
        callbacks: further ones, called before the history is written.
        arguments: of `fit`.

    Returns:
        The trained model, and each number of the history epoch by epoch.

    Raises:
        SystemExit: the folder holds a training with other settings, or the training was interrupted.
    """
    settings = json.loads(json.dumps(settings))  # as they are read again: tuples become lists
    kept = read_json(folder / "settings.json", settings)
    changes = [f"{key} {kept.get(key)}, now {value}" for key, value in settings.items() if kept.get(key) != value]
    if changes:
        sys.exit(f"{folder} holds another training ({', '.join(changes)}). Delete it or name another --target.")
    write_json(folder / "settings.json", settings)
    trained, history = folder / "trained.keras", folder / "history.json"
    if trained.exists():
        model = keras.models.load_model(trained)
    else:
        keep = [*callbacks, History(history), keras.callbacks.BackupAndRestore(folder / "state")]
        try:
            model.fit(**arguments, callbacks=keep, verbose=0)
        except KeyboardInterrupt:
            sys.exit(f"Stopped. The same command goes on from here; the state is in {folder}.")
        model = keras.Model(model.inputs, model.outputs)  # without the optimizer, which is twice as large
        model.save(folder / "part.keras")
        (folder / "part.keras").replace(trained)
    rows = read_json(history)
    return model, {key: [row[key] for row in rows] for key in rows[0]}


def finish(target: Path, name: str, result: dict[str, Any], sentence: str) -> None:
    """Write a training's result and say it.

    Args:
        target: the training's folder.
        name: of the JSON file in assets/data.
        result: its entries; published, they replace those of the same names and leave the others.
        sentence: the result in words.
    """
    path = target / "assets" / "data" / name
    write_json(path, read_json(path, {}) | result)
    print(f"{sentence}\nWeights and result: {target}\nInto the course: python -m tools.train.publish {target}")
