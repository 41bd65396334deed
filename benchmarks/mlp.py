"""Lesson 4's network: `fit` as it comes against steps_per_execution=64, and against a recipe with larger batches.

    python -m benchmarks.mlp

The first pair runs the same steps: their weights are compared. The last one asks how long each takes to the test
accuracy that the lesson's own 21 epochs reach.
"""

from __future__ import annotations

import statistics

from benchmarks import common

import keras  # isort: skip
import numpy as np  # isort: skip

from utils.datasets import load_mnist

SEED, EPOCHS, BATCH_SIZE = 42, 21, 64
VALID = 10_000


def build() -> keras.Model:
    """784 -> 128 -> 128 -> 10, 118,282 parameters, as in lesson 4."""
    keras.utils.set_random_seed(SEED)
    dense = keras.layers.Dense
    return keras.Sequential(
        [keras.Input((784,)), dense(128, "relu"), dense(128, "relu"), dense(10, "softmax")],
    )


def main() -> None:
    (x_train, y_train), (x_test, y_test) = load_mnist()
    x_train, x_test = (x.reshape(-1, 784).astype("float32") / 255 for x in (x_train, x_test))
    x, y = x_train[VALID:], y_train[VALID:].astype("int32")
    valid = (x_train[:VALID], y_train[:VALID].astype("int32"))

    def trained(optimizer: object, batch_size: int, epochs: int, together: int) -> keras.Model:
        model = build()
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=together)
        model.fit(x, y, batch_size=batch_size, epochs=epochs, validation_data=valid, verbose=0)
        return model

    kept: dict[str, keras.Model] = {}

    def side(name: str, together: int) -> None:
        kept[name] = trained("rmsprop", BATCH_SIZE, 2, together)

    times = common.in_turns({"as it comes": lambda: side("as it comes", 1), "64": lambda: side("64", 64)}, rounds=5)
    pairs = zip(kept["as it comes"].get_weights(), kept["64"].get_weights(), strict=True)
    equal = all(np.array_equal(a, b) for a, b in pairs)
    assert equal, "steps_per_execution changed the weights"
    common.record(
        "lesson 4, steps_per_execution",
        "2 times faster with equal weights",
        {
            "ratio": common.ratio(times["as it comes"], times["64"]),
            "weights_equal": equal,
            "seconds_of_2_epochs": times,
        },
    )

    def quick() -> keras.Model:
        epochs, batch = 8, 256
        steps = epochs * -(-len(x) // batch)
        rate = keras.optimizers.schedules.CosineDecay(
            1e-3, steps, alpha=0.0, warmup_target=4e-3, warmup_steps=steps // 8
        )
        return trained(keras.optimizers.Adam(rate), batch, epochs, 64)

    accuracies: dict[str, list[float]] = {"older": [], "ours": []}
    spent: dict[str, list[float]] = {"older": [], "ours": []}
    for _ in range(3):
        for name, recipe in (("older", lambda: trained("rmsprop", BATCH_SIZE, EPOCHS, 1)), ("ours", quick)):
            models = []
            spent[name].append(common.seconds(lambda recipe=recipe, models=models: models.append(recipe())))
            accuracies[name].append(models[0].evaluate(x_test, y_test, verbose=0)[1])
    common.record(
        "lesson 4, to equal accuracy",
        "4 times faster to the test accuracy of 21 epochs",
        {
            "ratio": common.ratio(spent["older"], spent["ours"]),
            "test_accuracy": {name: statistics.median(values) for name, values in accuracies.items()},
            "seconds": spent,
        },
    )


if __name__ == "__main__":
    main()
