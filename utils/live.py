"""What a training shows while it runs, and how it can be stopped."""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

import keras
from tqdm import tqdm

from utils import trainings


class Progress(keras.callbacks.Callback):
    """A progress bar in `fit`, and a stop button (an interrupt) that ends the training instead of the cell.

    `fit` then returns as always: the model and the history, of one epoch at least, keep what was trained so far, the
    next cells work, and the cell can be run again. Checks that fail say that they need the whole training. A second
    interrupt in the same training stops the cell at once. The bar goes to stderr and vanishes at the end, so that the
    outputs stay the same.
    """

    interrupted = False
    bar: tqdm | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self.bar = tqdm(total=self.params["epochs"], unit="epoch", leave=False, file=sys.stderr)
        self.model.stop_training = self.interrupted  # before the first batch: `fit` trains that one

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.set_postfix(logs, refresh=False)
        self.bar.update()

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """What the stop button does while the training runs: a handler of signals."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        self.model.stop_training = True


@contextlib.contextmanager
def _stop_button(progress: Progress) -> Iterator[None]:
    """Let interrupts end the training; give them back to whoever had them, and take the bar away, however it ends."""
    progress.interrupted = False
    # Python lets only the main thread handle interrupts, and a handler that C code has set cannot be put back.
    before = signal.getsignal(signal.SIGINT)
    can_be_stopped = before is not None and threading.current_thread() is threading.main_thread()
    if can_be_stopped:
        signal.signal(signal.SIGINT, progress.interrupt)
    try:
        yield
    finally:
        if progress.bar is not None:
            progress.bar.close()
        if can_be_stopped:
            signal.signal(signal.SIGINT, before)


def _with_stop_button(fit: Any) -> Any:
    """`fit`, which the stop button ends from its first moment on where a Progress is among its callbacks.

    Keras itself calls a callback only when the data are prepared, and not at all when a training raises an error.
    """

    @functools.wraps(fit)
    def wrapper(model: keras.Model, *args: Any, **options: Any) -> keras.callbacks.History:
        __tracebackhide__ = True  # IPython leaves this frame out of tracebacks
        callbacks = options.get("callbacks")
        found = [one for one in callbacks if isinstance(one, Progress)] if isinstance(callbacks, list) else []
        if not found:
            return fit(model, *args, **options)
        progress = found[0]
        progress.set_model(model)
        is_new = not int(getattr(model.optimizer, "iterations", 0))
        whole = False
        try:
            with _stop_button(progress):
                history = fit(model, *args, **options)
            whole = is_new and not progress.interrupted
            return history
        finally:
            trainings.note(whole)

    return wrapper


keras.Model.fit = _with_stop_button(keras.Model.fit)
