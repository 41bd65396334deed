"""Lesson 9's U-Net over several seeds, with and without skip connections and class weights, after 12 and 48 epochs.

    python -m tools.train.streets

The pictures are the lesson's, `utils.segmentation.drawn_streets`, and so are network, optimizer and batches. Only what
a way names is changed: the class weights, with f for the share of a class, or the skip connections. "Joined with
itself" keeps the layers and the parameters of the U-Net, but joins each enlarged map with itself instead of with the
encoder's. Each training is scored in passing after 12 epochs, the lesson's number, and at its end. The 42 trainings
take ten minutes of two cores.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from tools.train import common
from utils import segmentation

SEEDS = (42, 1, 2, 3, 4, 5)
EPOCHS = (12, 48)
WAYS = {
    "U-Net, no weights": ("encoder", "none"),
    "U-Net, 1/√f": ("encoder", "root"),
    "U-Net, 1/f": ("encoder", "inverse"),
    "U-Net, gentle": ("encoder", "gentle"),
    "no skips, no weights": ("nothing", "none"),
    "no skips, 1/√f": ("nothing", "root"),
    "joined with itself, 1/√f": ("itself", "root"),
}


def convolve(maps: Any, filters: int) -> Any:
    """A 3x3 convolution with ReLU."""
    return layers.Conv2D(filters, 3, padding="same", activation="relu")(maps)


def build(joined_with: str = "encoder") -> keras.Model:
    """The lesson's U-Net: (32, 48, 1) grey to (32, 48, 4) logits.

    Args:
        joined_with: what each enlarged map is joined with: the "encoder"'s map of its size, "itself", or "nothing".
    """

    def join(up: Any, encoded: Any) -> Any:
        if joined_with == "nothing":
            return up
        return layers.Concatenate()([up, encoded if joined_with == "encoder" else up])

    picture = keras.Input((32, 48, 1))
    full = convolve(convolve(picture, 8), 8)
    half = convolve(layers.MaxPooling2D()(full), 16)
    quarter = convolve(layers.MaxPooling2D()(half), 32)
    up = layers.Conv2DTranspose(16, 2, strides=2)(quarter)
    up = convolve(join(up, half), 16)
    up = layers.Conv2DTranspose(8, 2, strides=2)(up)
    up = convolve(join(up, full), 8)
    return keras.Model(picture, layers.Conv2D(4, 1)(up))


def class_weights(kind: str, share: np.ndarray) -> np.ndarray:
    """One weight for each class; the average over all pixels is 1."""
    weights = {
        "none": np.ones_like(share),
        "root": share**-0.5,
        "inverse": 1 / share,
        "gentle": 1 / np.log(1.10 + share),
    }[kind]
    return weights / (share * weights).sum()


class Scores(keras.callbacks.Callback):
    """Score the network on the validation pictures after some of the epochs."""

    def __init__(self, valid: tuple[np.ndarray, np.ndarray], after: tuple[int, ...]) -> None:
        super().__init__()
        self.x, self.y = valid
        self.after = after
        self.scores: dict[int, dict[str, float]] = {}

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if epoch + 1 in self.after:
            predicted = np.argmax(self.model.predict_on_batch(self.x), axis=-1)
            self.scores[epoch + 1] = segmentation.street_scores(self.y, predicted)


def train(way: str, seed: int, epochs: tuple[int, ...]) -> dict[int, dict[str, float]]:
    """Train in one way with one seed; the scores after each of these numbers of epochs."""
    x, y = segmentation.drawn_streets(256, seed=0)
    joined_with, kind = WAYS[way]
    weights = class_weights(kind, np.bincount(y.ravel()) / y.size)
    keras.utils.set_random_seed(seed)
    network = build(joined_with)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(0.005), loss)
    scores = Scores(segmentation.drawn_streets(64, seed=1), epochs)
    network.fit(x, y, sample_weight=weights[y], batch_size=16, epochs=epochs[-1], callbacks=[scores], verbose=0)
    return scores.scores


def main() -> None:
    parser = common.command_line(__doc__, "streets", limit=False)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    arguments = parser.parse_args()
    epochs = (arguments.epochs,) if arguments.epochs else EPOCHS
    ways: dict[str, Any] = {}
    for way in WAYS:
        runs = []
        for seed in arguments.seeds:
            runs.append(train(way, seed, epochs))
            recalls = ", ".join(f"{scores['pole recall']:.2f} after {after}" for after, scores in runs[-1].items())
            print(f"{way}, seed {seed}: pole recall {recalls} epochs", flush=True)
        ways[way] = {
            str(after): {name: [round(run[after][name], 4) for run in runs] for name in runs[0][after]}
            for after in epochs
        }
    result = {
        "command": "python -m tools.train.streets",
        "versions": common.versions(),
        **common.trial(arguments.epochs, None),
        "seeds": arguments.seeds,
        "ways": ways,
    }
    recall = np.mean(ways["U-Net, 1/√f"][str(epochs[-1])]["pole recall"])
    common.finish(arguments.target, "street_unets.json", result, f"Pole recall {recall:.2f} with skips and weights.")


if __name__ == "__main__":
    main()
