"""What a training shows while it runs, and how it can be stopped."""

from __future__ import annotations

import functools
import signal
import sys
import threading
from types import FrameType
from typing import Any

import keras
from tqdm import tqdm

_running: list[Progress] = []


class Progress(keras.callbacks.Callback):
    """A progress bar in `fit`, and a stop button (an interrupt) that ends the training instead of the cell.

    `fit` then returns as always: the model and the history keep what was trained so far, the next cells work, and the
    cell can be run again. A second interrupt in the same training stops the cell at once. The bar goes to stderr and
    vanishes at the end, so that the outputs stay the same.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        self.interrupted = False
        # Python lets only the main thread handle interrupts, and a handler that C code has set cannot be put back.
        self.before = signal.getsignal(signal.SIGINT)
        self.can_be_stopped = self.before is not None and threading.current_thread() is threading.main_thread()
        if self.can_be_stopped:
            signal.signal(signal.SIGINT, self._interrupt)
        self.bar = tqdm(total=self.params["epochs"], unit="epoch", leave=False, file=sys.stderr)
        _running.append(self)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.set_postfix(logs, refresh=False)
        self.bar.update()

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away, and give the interrupt back to whoever had it before the training."""
        _running.remove(self)
        self.bar.close()
        if self.can_be_stopped:
            signal.signal(signal.SIGINT, self.before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        self.model.stop_training = True


def _closing_progress(fit: Any) -> Any:
    """`fit`, after which no Progress is left open: Keras calls no `on_train_end` when a training raises an error."""

    @functools.wraps(fit)
    def wrapper(model: keras.Model, *args: Any, **options: Any) -> keras.callbacks.History:
        __tracebackhide__ = True  # IPython leaves this frame out of tracebacks
        already_running = len(_running)
        try:
            return fit(model, *args, **options)
        finally:
            for progress in reversed(_running[already_running:]):
                progress.close()

    return wrapper


keras.Model.fit = _closing_progress(keras.Model.fit)
