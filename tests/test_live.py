"""Stopping a training: `fit` returns, the next cells work, the cell can be run again."""

from __future__ import annotations

import os
import re
import signal
import threading
from typing import Any

import keras
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

from utils import paths, trainings
from utils.checks import check
from utils.live import Progress

X, Y = np.ones((64, 2)), np.ones((64, 1))


@pytest.fixture(autouse=True)
def nothing_stopped(monkeypatch):
    monkeypatch.setattr(trainings, "_partial", {})


class Press(keras.callbacks.Callback):
    """Presses the stop button at the start of these epochs: in the kernel the button sends this signal."""

    def __init__(self, *epochs: int):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        for _ in range(self.epochs.count(epoch)):
            os.kill(os.getpid(), signal.SIGINT)


class Fail(keras.callbacks.Callback):
    """A mistake in a callback of the reader's own."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("a mistake")


def small_model() -> keras.Model:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_stopped_training_returns_its_history(capsys):
    before = signal.getsignal(signal.SIGINT)
    model = small_model()
    history = model.fit(X, Y, epochs=50, verbose=0, callbacks=[Progress(), Press(3)])
    assert 3 <= len(history.history["loss"]) <= 4
    assert "epoch" in capsys.readouterr().err  # the bar
    assert signal.getsignal(signal.SIGINT) is before
    again = model.fit(X, Y, epochs=2, verbose=0, callbacks=[Progress()])
    assert len(again.history["loss"]) == 2 and again.history["loss"][-1] < history.history["loss"][0]


@pytest.mark.parametrize(
    ("callback", "error"), [(Fail(), RuntimeError), (Press(3, 3), KeyboardInterrupt)], ids=["error", "pressed twice"]
)
def test_a_training_that_raises_leaves_nothing_behind(callback, error):
    before = signal.getsignal(signal.SIGINT)
    progress = Progress()
    with pytest.raises(error):
        small_model().fit(X, Y, epochs=50, verbose=0, callbacks=[progress, callback])
    assert signal.getsignal(signal.SIGINT) is before
    assert progress.bar.disable  # closed
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_training_within_a_training():
    """A callback that trains another network: the inner training's end leaves the outer one's stop button alone."""
    inner = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: small_model().fit(X, Y, verbose=0, callbacks=[Progress()])
    )
    history = small_model().fit(X, Y, epochs=50, verbose=0, callbacks=[Progress(), inner, Press(3)])
    assert 3 <= len(history.history["loss"]) <= 4


def test_training_outside_the_main_thread_cannot_be_stopped_but_works():
    lengths = []

    def train() -> None:
        history = small_model().fit(X, Y, epochs=3, verbose=0, callbacks=[Progress()])
        lengths.append(len(history.history["loss"]))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert lengths == [3]


def test_it_changes_nothing_of_the_training(capsys):
    with_bar = small_model().fit(X, Y, epochs=3, verbose=0, callbacks=[Progress()]).history
    assert with_bar == small_model().fit(X, Y, epochs=3, verbose=0).history
    assert capsys.readouterr().out == ""


SETUP = """
from utils import runtime
import keras
from utils.live import Progress
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x, y = keras.ops.ones((64, 2)), keras.ops.ones((64, 1))
"""
FIT = """
history = model.fit(x, y, epochs=100_000, verbose=0, callbacks=[Progress()])
print(len(history.history["loss"]) < 100_000)
"""


def test_the_stop_button_of_a_notebook():
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(paths.ROOT))

    def run(code: str, stop_when: str | None = None) -> tuple[str, str]:
        """Run a cell, with an interrupt as soon as it has printed something: (text, name of the error or "")."""
        text, stopped = "", False

        def take(message: dict[str, Any]) -> None:
            nonlocal text, stopped
            text += message["content"].get("text", "")
            if stop_when and not stopped and re.search(stop_when, text):
                stopped = True
                manager.interrupt_kernel()

        reply = client.execute_interactive(code, timeout=300, output_hook=take)
        return text, reply["content"].get("ename", "")

    try:
        assert run(SETUP)[1] == ""
        for _ in range(2):  # the cell can be run again
            text, error = run(FIT, stop_when=r"\d+/100000")
            assert error == "" and "True\n" in text, "the button ends the training, not the cell"
        # Elsewhere an interrupt stops a cell as ever.
        assert run("import time\nprint('go', flush=True)\ntime.sleep(60)", "go")[1] == "KeyboardInterrupt"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_the_stop_button_before_the_training_begins(monkeypatch, capsys):
    """While Keras still prepares the data: an epoch is in the history all the same, and checks say what they need."""
    model, original = small_model(), keras.Model.make_train_function

    def prepare(self, *args):
        os.kill(os.getpid(), signal.SIGINT)
        monkeypatch.setattr(keras.Model, "make_train_function", original)
        return original(self, *args)

    monkeypatch.setattr(type(model), "make_train_function", prepare, raising=False)
    history = model.fit(X, Y, epochs=50, verbose=0, validation_data=(X, Y), callbacks=[Progress()])
    assert [len(values) for values in history.history.values()] == [1, 1]
    check("it has 50 epochs", len(history.epoch) == 50)
    assert capsys.readouterr().out == f"○ it has 50 epochs: {trainings.NEEDED}\n"
    check("it has an epoch", len(history.epoch) == 1)
    assert capsys.readouterr().out == "✓ it has an epoch\n"


def test_a_check_fails_again_after_a_whole_training():
    """Run again as it stands the network goes on from where it was stopped; built anew it is trained as a whole."""
    model = small_model()
    model.fit(X, Y, epochs=50, verbose=0, callbacks=[Progress(), Press(3)])
    assert trainings.any_partial()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[Progress()])
    assert trainings.any_partial()
    small_model().fit(X, Y, epochs=2, verbose=0, callbacks=[Progress()])
    with pytest.raises(AssertionError):
        check("two is less than one", 2 < 1)
