"""Lessons 3 and 4 with their full recipes over several seeds; the histories are kept as a small JSON.

    python -m tools.train.small line        lesson 3's neuron, standardised and not, beside least squares
    python -m tools.train.small digits      lesson 4's network on MNIST
    python -m tools.train.small line --seeds 42 1 2 3 4

Each gives its part of small_histories.json: half a minute for `line`, two minutes of two cores for `digits`, which also
keeps the first seed's weights for the website. The data are those of quick mode.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import keras
import numpy as np

from tools.train import common
from utils import datasets

SEEDS = (42, 1, 2, 3, 4)
EPOCHS = {"line": 101, "digits": 21}


def rounded(history: dict[str, list[float]], digits: int) -> dict[str, list[float]]:
    """The same with so many digits behind the point."""
    return {name: [round(float(value), digits) for value in values] for name, values in history.items()}


def line(seeds: list[int], epochs: int = EPOCHS["line"]) -> dict:
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
            valid = (inputs[n_fit:], y[n_fit:])
            fitted = model.fit(
                inputs[:n_fit], y[:n_fit], batch_size=16, epochs=epochs, validation_data=valid, verbose=0
            )
            took = round(time.perf_counter() - began, 1)
            scores = mse(model.predict(inputs, verbose=0))
            print(f"{name}, seed {seed}: MSE {scores['fit']:.2f}, held out {scores['valid']:.2f}, {took} s", flush=True)
            result[name].append({"seed": seed, **scores, "seconds": took, "history": rounded(fitted.history, 3)})
    return {"epochs": epochs, **result}


def save_weights(model: keras.Model, path: Path) -> None:
    """The weights of a network of Dense layers as 16-bit floats, "kernel_0", "bias_0", "kernel_1" and so on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [f"{kind}_{layer}" for layer in range(len(model.weights) // 2) for kind in ("kernel", "bias")]
    np.savez(path, **{name: array.astype("float16") for name, array in zip(names, model.get_weights(), strict=True)})


def digits(seeds: list[int], target: Path, epochs: int = EPOCHS["digits"]) -> dict:
    """Lesson 4's MLP, batches of 64, RMSprop: accuracies after the last epoch on validation and test pictures."""
    (x, y), (x_test, y_test) = datasets.load_mnist()
    x, x_test = (pictures.reshape(-1, 784).astype("float32") / 255 for pictures in (x, x_test))
    y = keras.utils.to_categorical(y, 10)
    runs = []
    for seed in seeds:
        print(f"Seed {seed}:")
        keras.utils.set_random_seed(seed)
        dense = keras.layers.Dense
        model = keras.Sequential([keras.Input((784,)), dense(128, "relu"), dense(128, "relu"), dense(10, "softmax")])
        model.compile("rmsprop", "categorical_crossentropy", metrics=["accuracy"], steps_per_execution=64)
        model, history = common.train(
            model,
            target / f"digits_{seed}",
            {"epochs": epochs, "seed": seed},
            x=x[10_000:],
            y=y[10_000:],
            batch_size=64,
            epochs=epochs,
            validation_data=(x[:10_000], y[:10_000]),
        )
        if seed == seeds[0]:
            save_weights(model, target / "assets" / "models" / "mnist_mlp.npz")
        test = (model.predict(x_test, verbose=0).argmax(axis=1) == y_test).mean()
        seconds = round(sum(history.pop("seconds")), 1)
        run = {"seed": seed, "valid": round(history["val_accuracy"][-1], 4), "test": round(float(test), 4)}
        runs.append(run | {"seconds": seconds, "history": rounded(history, 4)})
    return {"epochs": epochs, "runs": runs}


def main() -> None:
    parser = common.command_line(__doc__, "small", limit=False)
    parser.add_argument("what", choices=("line", "digits"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    arguments = parser.parse_args()
    what, epochs = arguments.what, arguments.epochs or EPOCHS[arguments.what]
    result = {
        "command": f"python -m tools.train.small {what}",
        "versions": common.versions(),
        **common.trial(arguments.epochs, None),
    }
    if what == "line":
        result |= line(arguments.seeds, epochs)
        ends = [run["fit"] for run in result["standardised"]]
        sentence = (
            f"MSE {min(ends):.2f} to {max(ends):.2f} standardised, least squares {result['least squares']['fit']:.2f}."
        )
    else:
        result |= digits(arguments.seeds, arguments.target, epochs)
        sentence = f"Validation accuracy {statistics.mean(run['valid'] for run in result['runs']):.2%} on average."
    common.finish(arguments.target, "small_histories.json", {what: result}, sentence)


if __name__ == "__main__":
    main()
