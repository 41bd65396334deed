"""What a training shows while it runs, and how it can be stopped."""

from __future__ import annotations

import signal
import sys
from typing import Any

import keras
from tqdm import tqdm


class Progress(keras.callbacks.Callback):
    """A progress bar in `fit`, and a stop button (an interrupt) that ends the training instead of the cell.

    `fit` then returns as always: the model and the history keep what was trained so far, the next cells work, and the
    cell can be run again. The bar goes to stderr and vanishes at the end, so that the outputs stay the same.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        self.bar = tqdm(total=self.params["epochs"], unit="epoch", leave=False, file=sys.stderr)
        self.before = signal.signal(signal.SIGINT, lambda *_: setattr(self.model, "stop_training", True))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.set_postfix(logs, refresh=False)
        self.bar.update()

    def on_train_end(self, logs: Any = None) -> None:
        signal.signal(signal.SIGINT, self.before)
        self.bar.close()
