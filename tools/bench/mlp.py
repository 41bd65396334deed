"""Lesson 4's network: `fit` as it comes against steps_per_execution=64, and against a recipe with larger batches.

    python -m tools.bench.mlp

The first pair runs the same steps: their weights are compared. The second one compares whole recipes, the lesson's 21
epochs with 8 of ours, which must be at least as accurate on the test pictures.
"""

from __future__ import annotations

import statistics

from tools.bench import common

import keras  # isort: skip
import numpy as np  # isort: skip

from utils.datasets import load_mnist

SEED, EPOCHS, BATCH_SIZE = 42, 21, 64
VALID = 10_000
OLDER = "older recipe"  # lesson 4's, without steps_per_execution
Part = tuple[np.ndarray, np.ndarray]  # (N, 784) float32 in [0, 1] and labels, (N,) int32


def build() -> keras.Model:
    """784 -> 128 -> 128 -> 10, 118,282 parameters, as in lesson 4."""
    keras.utils.set_random_seed(SEED)
    dense = keras.layers.Dense
    return keras.Sequential(
        [keras.Input((784,)), dense(128, "relu"), dense(128, "relu"), dense(10, "softmax")],
    )


def read_parts() -> dict[str, Part]:
    """MNIST's training, validation and test pictures, divided as in lesson 4."""
    (x, y), (x_test, y_test) = load_mnist()
    x, x_test = (pictures.reshape(-1, 784).astype("float32") / 255 for pictures in (x, x_test))
    y, y_test = y.astype("int32"), y_test.astype("int32")
    return {"train": (x[VALID:], y[VALID:]), "valid": (x[:VALID], y[:VALID]), "test": (x_test, y_test)}


def trained(parts: dict[str, Part], optimizer: object, batch_size: int, epochs: int, together: int) -> keras.Model:
    """The network after `epochs`, with `together` steps per call of the compiled function."""
    model = build()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=together)
    model.fit(*parts["train"], batch_size=batch_size, epochs=epochs, validation_data=parts["valid"], verbose=0)
    return model


def same_steps(parts: dict[str, Part], epochs: int, rounds: int) -> dict:
    """One step at a time against 64: the ratio of the times of equal trainings.

    Raises:
        AssertionError: the weights of the two differ.
    """
    kept: dict[int, keras.Model] = {}

    def side(together: int) -> None:
        kept[together] = trained(parts, "rmsprop", BATCH_SIZE, epochs, together)

    times = common.in_turns({str(n): lambda n=n: side(n) for n in (1, 64)}, rounds)
    pairs = zip(kept[1].get_weights(), kept[64].get_weights(), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs), "steps_per_execution changed the weights"
    return {"ratio": common.ratio(times["1"], times["64"]), "weights equal": True, "rounds": times}


def quick(parts: dict[str, Part], epochs: int = 8, batch_size: int = 256) -> keras.Model:
    """Our recipe: fewer, larger steps of Adam whose rate rises and falls."""
    steps = epochs * -(-len(parts["train"][0]) // batch_size)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps, alpha=0.0, warmup_target=4e-3, warmup_steps=steps // 8)
    return trained(parts, keras.optimizers.Adam(rate), batch_size, epochs, 64)


def to_equal_accuracy(parts: dict[str, Part], epochs: int, epochs_of_ours: int, rounds: int) -> dict:
    """The lesson's recipe as it comes against ours: times and test accuracies."""
    models: dict[str, keras.Model] = {}

    def side(name: str) -> None:
        older = name == OLDER
        models[name] = trained(parts, "rmsprop", BATCH_SIZE, epochs, 1) if older else quick(parts, epochs_of_ours)

    times = {name: [] for name in (OLDER, "ours")}
    for _ in range(rounds):  # without a warming round: both build and trace anew each time
        for name, values in times.items():
            values.append(common.seconds(lambda name=name: side(name)))
    accuracy = {name: model.evaluate(*parts["test"], verbose=0)[1] for name, model in models.items()}
    assert accuracy["ours"] >= accuracy[OLDER], f"ours is less accurate: {accuracy}"
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = common.ratio(times[OLDER], times["ours"])
    return {"ratio": ratio, "test accuracy": accuracy, "seconds": medians, "rounds": times}


def main() -> None:
    parts = read_parts()
    result = same_steps(parts, EPOCHS, rounds=5)
    common.record("lesson 4, steps_per_execution", "2 times faster with equal weights", result)
    result = to_equal_accuracy(parts, EPOCHS, 8, rounds=5)
    aim = "4 times faster, the whole of both recipes, ours at least as accurate on the test pictures"
    common.record("lesson 4, to equal accuracy", aim, result)


if __name__ == "__main__":
    main()
