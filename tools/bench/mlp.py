"""Lesson 4's network: `fit` as it comes against steps_per_execution=64, and against a recipe with larger batches.

    python -m tools.bench.mlp

The first pair runs the same steps: their weights are compared. The second one compares whole recipes, the lesson's 21
epochs with 8 of ours, which must be at least as accurate on the test pictures.
"""

from __future__ import annotations

import keras
import numpy as np

from tools.bench import common
from utils.datasets import load_mnist

SEED, EPOCHS, BATCH_SIZE = 42, 21, 64
OUR_EPOCHS, OUR_BATCH_SIZE = 8, 256
VALID = 10_000
LESSON = "lesson 4's recipe"
Part = tuple[np.ndarray, np.ndarray]  # (N, 784) float32 in [0, 1] and labels, (N,) int32


def read_parts() -> dict[str, Part]:
    """MNIST's training, validation and test pictures, divided as in lesson 4."""
    (x, y), (x_test, y_test) = load_mnist()
    x, x_test = (pictures.reshape(-1, 784).astype("float32") / 255 for pictures in (x, x_test))
    y, y_test = y.astype("int32"), y_test.astype("int32")
    return {"train": (x[VALID:], y[VALID:]), "valid": (x[:VALID], y[:VALID]), "test": (x_test, y_test)}


def trained(parts: dict[str, Part], optimizer: object, batch_size: int, epochs: int, together: int) -> keras.Model:
    """Lesson 4's 784-128-128-10 after `epochs`, with `together` steps per call of the compiled function."""
    keras.utils.set_random_seed(SEED)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((784,)), dense(128, "relu"), dense(128, "relu"), dense(10, "softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=together)
    model.fit(*parts["train"], batch_size=batch_size, epochs=epochs, validation_data=parts["valid"], verbose=0)
    return model


def trained_by_ours(parts: dict[str, Part], epochs: int) -> keras.Model:
    """Fewer, larger steps of Adam whose rate rises and falls."""
    steps = epochs * -(-len(parts["train"][0]) // OUR_BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps, alpha=0.0, warmup_target=4e-3, warmup_steps=steps // 8)
    return trained(parts, keras.optimizers.Adam(rate), OUR_BATCH_SIZE, epochs, 64)


def same_steps(parts: dict[str, Part], epochs: int, rounds: int) -> dict:
    """One step at a time against 64: the ratio of the times of equal trainings.

    Raises:
        ValueError: the weights of the two differ.
    """
    kept: dict[int, keras.Model] = {}

    def side(together: int) -> None:
        kept[together] = trained(parts, "rmsprop", BATCH_SIZE, epochs, together)

    times = common.in_turns({"1": lambda: side(1), "64": lambda: side(64)}, rounds)
    pairs = zip(kept[1].get_weights(), kept[64].get_weights(), strict=True)
    if not all(np.array_equal(a, b) for a, b in pairs):
        raise ValueError("steps_per_execution changed the weights")
    return {"ratio": common.ratio(times["1"], times["64"])}


def to_equal_accuracy(parts: dict[str, Part], epochs: int, our_epochs: int, rounds: int) -> dict:
    """The lesson's recipe, one step at a time, against ours: times and test accuracies."""
    models: dict[str, keras.Model] = {}

    def lesson() -> None:
        models[LESSON] = trained(parts, "rmsprop", BATCH_SIZE, epochs, 1)

    def ours() -> None:
        models["ours"] = trained_by_ours(parts, our_epochs)

    # Without a round to warm up, since both build and trace their networks anew each time.
    times = common.in_turns({LESSON: lesson, "ours": ours}, rounds, warm=False)
    accuracies = {name: model.evaluate(*parts["test"], verbose=0)[1] for name, model in models.items()}
    medians = {name: common.spread(values)["median"] for name, values in times.items()}
    return {"ratio": common.ratio(times[LESSON], times["ours"]), "test accuracy": accuracies, "seconds": medians}


def main() -> None:
    parts = read_parts()
    common.record("lesson 4, steps_per_execution", same_steps(parts, EPOCHS, rounds=5))
    common.record("lesson 4, to equal accuracy", to_equal_accuracy(parts, EPOCHS, OUR_EPOCHS, rounds=5))


if __name__ == "__main__":
    main()
