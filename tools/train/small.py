"""Lessons 3 and 4 with their full recipes over several seeds; the histories are kept as a small JSON.

    python -m tools.train.small line        lesson 3's neuron, standardised and not, beside least squares
    python -m tools.train.small digits      lesson 4's network on MNIST
    python -m tools.train.small line --seeds 42 1 2 3 4

Each writes its part of assets/data/small_histories.json: a few seconds for `line`, three to four minutes of two cores
for `digits`. Quick and full mode are the same for both lessons but for Fashion-MNIST.
"""

from __future__ import annotations

import argparse
import json
import platform
import time

from utils import paths

from utils import runtime  # isort: skip  (first, since it keeps TensorFlow's start-up messages away)

import keras
import numpy as np

from utils import datasets

TARGET = paths.ASSETS / "data" / "small_histories.json"
SEEDS = (42, 1, 2, 3, 4)


def line(seeds: list[int], epochs: int = 101) -> dict:
    """One neuron from rooms to price; MSE on the 282 rows it learns from and on the 122 held out."""
    (x, y), _ = datasets.load_boston_housing()
    x, y = x[:, [datasets.BOSTON_COLUMNS.index("RM")]], y[:, None]
    n_fit = int(0.7 * len(x))
    standardised = (x - x[:n_fit].mean()) / x[:n_fit].std()

    def mse(predicted: np.ndarray) -> dict[str, float]:
        squares = (predicted - y) ** 2
        return {"fit": round(float(squares[:n_fit].mean()), 4), "valid": round(float(squares[n_fit:].mean()), 4)}

    columns = np.hstack([x, np.ones_like(x)])
    result: dict = {"least squares": mse(columns @ np.linalg.lstsq(columns[:n_fit], y[:n_fit], rcond=None)[0])}
    cases = {"rooms as they are": (x, 0.005), "standardised": (standardised, 0.05)}
    for name, (inputs, rate) in cases.items():
        result[name] = []
        for seed in seeds:
            keras.utils.set_random_seed(seed)
            model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
            steps = -(-n_fit // 16)
            model.compile(keras.optimizers.RMSprop(rate), "mse", steps_per_execution=steps)
            began = time.perf_counter()
            history = model.fit(inputs[:n_fit], y[:n_fit], batch_size=16, epochs=epochs,
                                validation_data=(inputs[n_fit:], y[n_fit:]), verbose=0).history  # fmt: skip
            took = round(time.perf_counter() - began, 1)
            scores = mse(model.predict(inputs, verbose=0))
            result[name].append({"seed": seed, **scores, "seconds": took, "history": rounded(history, 3)})
    return {"epochs": epochs, **result}


def digits(seeds: list[int], epochs: int = 21) -> dict:
    """Lesson 4's MLP, batches of 64, RMSprop: accuracies after the last epoch on validation and test pictures."""
    (x, y), (x_test, y_test) = datasets.load_mnist()
    x, x_test = (pictures.reshape(-1, 784).astype("float32") / 255 for pictures in (x, x_test))
    y, y_test = (keras.utils.to_categorical(labels, 10) for labels in (y, y_test))
    runs = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        dense = keras.layers.Dense
        model = keras.Sequential([keras.Input((784,)), dense(128, "relu"), dense(128, "relu"), dense(10, "softmax")])
        model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"], steps_per_execution=64)
        began = time.perf_counter()
        history = model.fit(x[10_000:], y[10_000:], batch_size=64, epochs=epochs,
                            validation_data=(x[:10_000], y[:10_000]), verbose=0).history  # fmt: skip
        took = round(time.perf_counter() - began, 1)
        test = round(float(model.evaluate(x_test, y_test, verbose=0)[1]), 4)
        run = {"seed": seed, "valid": round(history["val_accuracy"][-1], 4), "test": test, "seconds": took}
        print(run, flush=True)
        runs.append(run | {"history": rounded(history, 4)})
    return {"epochs": epochs, "runs": runs}


def rounded(history: dict[str, list[float]], digits: int) -> dict[str, list[float]]:
    return {name: [round(float(value), digits) for value in values] for name, values in history.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("line", "digits"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    arguments = parser.parse_args()
    kept = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    result = {"line": line, "digits": digits}[arguments.what](arguments.seeds)
    versions = {"python": platform.python_version(), "tensorflow": runtime.tf.__version__, "keras": keras.__version__}
    kept[arguments.what] = {"command": f"python -m tools.train.small {arguments.what}", "versions": versions, **result}
    TARGET.write_text(json.dumps(kept, sort_keys=True) + "\n")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
