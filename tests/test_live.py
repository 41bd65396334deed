"""Stopping a training: `fit` returns, the next cells work, the cell can be run again. In a real kernel, lesson 4."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import keras
import nbformat
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

from utils import paths
from utils.live import Progress

LESSON = next(paths.NOTEBOOKS.glob("04_*.ipynb"))
BEFORE = ("setup", "load", "split", "to-rows", "one-hot-digits", "build", "compile")


class StopAt(keras.callbacks.Callback):
    """Presses the stop button: in the kernel the button sends this signal."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            os.kill(os.getpid(), signal.SIGINT)


def small_model() -> keras.Model:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_stopped_training_returns_its_history(capsys):
    x, y = np.ones((64, 2)), np.ones((64, 1))
    before = signal.getsignal(signal.SIGINT)
    model = small_model()
    history = model.fit(x, y, epochs=50, verbose=0, callbacks=[Progress(), StopAt(3)])
    assert 3 <= len(history.history["loss"]) <= 4
    assert "epoch" in capsys.readouterr().err  # the bar
    assert signal.getsignal(signal.SIGINT) is before
    again = model.fit(x, y, epochs=2, verbose=0, callbacks=[Progress()])
    assert len(again.history["loss"]) == 2 and again.history["loss"][-1] < history.history["loss"][0]


def test_it_changes_nothing_of_the_training(capsys):
    x, y = np.ones((64, 2)), np.ones((64, 1))
    with_bar = small_model().fit(x, y, epochs=3, verbose=0, callbacks=[Progress()]).history
    assert with_bar == small_model().fit(x, y, epochs=3, verbose=0).history
    assert capsys.readouterr().out == ""


class Kernel:
    """Runs cells and gathers what they print."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(LESSON.parent))

    def run(self, code: str, stop_when: str | None = None) -> tuple[str, str]:
        """Run a cell, with an interrupt as soon as it has printed something: (text, name of the error or "")."""
        text, stopped = "", False

        def take(message: dict[str, Any]) -> None:
            nonlocal text, stopped
            text += message["content"].get("text", "")
            if stop_when and not stopped and re.search(stop_when, text):
                stopped = True
                self.manager.interrupt_kernel()

        reply = self.client.execute_interactive(code, timeout=300, output_hook=take)
        assert stopped == bool(stop_when), text
        return text, reply["content"].get("ename", "")


@pytest.fixture
def kernel():
    made = Kernel()
    yield made
    made.client.stop_channels()
    made.manager.shutdown_kernel(now=True)


def test_lesson_4_goes_on_after_its_training_was_stopped(kernel):
    cells = {cell.id: cell.source for cell in nbformat.read(LESSON, as_version=4).cells}
    for name in BEFORE:
        assert kernel.run(cells[name])[1] == "", name
    # The second epoch is done, and the third is running.
    _, error = kernel.run(cells["fit"], stop_when=r"\b2/21\b")
    assert error == "", "the stop button ends the training, not the cell"
    epochs = int(kernel.run("print(len(history.history['loss']))")[0])
    assert 2 <= epochs <= 5
    for name in ("fit-log", "first-epoch-check", "loss-curve", "accuracy-curve"):
        assert kernel.run(cells[name])[1] == "", name
    accuracy = "print(model.evaluate(x_valid, y_valid_onehot, verbose=0)[1])"
    assert float(kernel.run(accuracy)[0]) > 0.93, "the model keeps what it has learned"
    # Run again, without a restart: the training goes on from there. (Stopped again, to save time.)
    assert kernel.run(cells["fit"], stop_when=r"\b1/21\b")[1] == ""
    first_loss = float(kernel.run("print(history.history['loss'][0])")[0])
    assert first_loss < 0.2, "a fresh model's first epoch has a loss of 0.28"
    assert kernel.run(cells["loss-curve"])[1] == ""
    # Elsewhere an interrupt stops a cell as ever.
    _, error = kernel.run("import time\nprint('running', flush=True)\ntime.sleep(60)", stop_when="running")
    assert error == "KeyboardInterrupt"
