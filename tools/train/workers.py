"""Our short CIFAR-10 recipe on several processes that share every batch: data-parallel training.

    python -m tools.train.workers cifar10_train.zip
    python -m tools.train.workers cifar10_train.zip --workers 1     the same training by one process
    python -m tools.train.workers cifar10_train.zip --hosts 10.0.0.1:12345 10.0.0.2:12345 --index 0

Without --hosts, all workers are processes of this machine that talk over 127.0.0.1. With --hosts, start the command on
each machine with its own --index, the data and the target folder in the same place; the first machine writes.

Each worker draws the same batches and takes its share of each one. TensorFlow's MultiWorkerMirroredStrategy adds up
the gradients of all workers, so that every worker changes its weights by the same step; batch normalisation is told to
take its statistics from the whole batch. So the result is that of one process, up to rounding.

The training loop is written out, since Keras 3's `fit` does not run under this strategy with TensorFlow 2.21 (keras
issue 20585; tests/test_workers.py notices when it does). After each epoch the first worker keeps the state; if a worker
dies, all are started again from there.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tools.data.registry import write_file
from tools.train import cifar10, common

RESTARTS = 3  # so often a dead worker is replaced before the training gives up
STATE = "state.npz"


class WholeBatchNormalization(layers.BatchNormalization):
    """Batch normalisation whose mean and variance are those of all workers' images together."""

    def __init__(self, **options: Any) -> None:
        super().__init__(synchronized=True, **options)


def my_rows(batch: np.ndarray, worker: int, workers: int) -> np.ndarray:
    """One worker's share of a batch, (N, …); the shares differ by at most one row."""
    return np.array_split(batch, workers)[worker]


def keep_state(folder: Path, model: keras.Model, optimizer: keras.optimizers.Optimizer, epoch: int) -> None:
    """Write weights, optimizer and number of finished epochs as a whole or not at all."""
    numbers = [variable.numpy() for variable in [*model.variables, *optimizer.variables]]
    buffer = io.BytesIO()
    np.savez(buffer, *numbers, epoch=epoch)
    write_file(folder / STATE, buffer.getvalue())


def take_state(folder: Path, model: keras.Model, optimizer: keras.optimizers.Optimizer) -> int:
    """Load what `keep_state` wrote, if it is there: the number of finished epochs."""
    if not (folder / STATE).exists():
        return 0
    with np.load(folder / STATE) as kept:
        for number, variable in enumerate([*model.variables, *optimizer.variables]):
            variable.assign(kept[f"arr_{number}"])
        return int(kept["epoch"])


def fingerprint(model: keras.Model) -> str:
    """Equal for two workers only if all their weights are equal, bit by bit."""
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


def work(recipe: cifar10.Recipe, split: cifar10.Split, folder: Path, worker: int, workers: int) -> dict[str, Any]:
    """One worker's part of the training; TF_CONFIG says who the others are. Returns what it has measured."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # first: it must be there before any other operation
    x_train, y_train, x_valid, y_valid = split
    keras.utils.set_random_seed(recipe.seed)
    batches = cifar10.Augmented(x_train, keras.utils.to_categorical(y_train, 10), recipe)
    with strategy.scope():
        model = cifar10.build_ours(recipe, WholeBatchNormalization)
        cifar10.compile_ours(model, recipe, len(batches))
        optimizer = model.optimizer
        optimizer.build(model.trainable_variables)
        finished = take_state(folder, model, optimizer)
    loss_of = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing, reduction="sum"
    )

    @tf.function
    def step(images: tf.Tensor, one_hot: tf.Tensor) -> tf.Tensor:
        def replica_step(images: tf.Tensor, one_hot: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                # Divided by the size of the whole batch: the workers' gradients are added.
                loss = loss_of(one_hot, model(images, training=True)) / recipe.batch_size
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        return strategy.reduce("sum", strategy.run(replica_step, args=(images, one_hot)), axis=None)

    rows = common.read_json(folder / "history.json", [])[:finished]
    for epoch in range(recipe.epochs):
        if epoch >= finished:
            began = time.perf_counter()
        losses = []
        for index in range(len(batches)):
            images, one_hot = batches[index]  # also in finished epochs: the order of the images must go on
            if epoch >= finished:
                images, one_hot = my_rows(images, worker, workers), my_rows(one_hot, worker, workers)
                losses.append(float(step(tf.constant(images, tf.float32), tf.constant(one_hot, tf.float32))))
        batches.on_epoch_end()
        if epoch < finished:
            continue
        seconds = time.perf_counter() - began
        rows.append({"loss": round(float(np.mean(losses)), 5), "seconds": round(seconds, 2)})
        if worker == 0:
            common.write_json(folder / "history.json", rows)
            keep_state(folder, model, optimizer, epoch + 1)
            speed = len(batches) * recipe.batch_size / seconds
            print(f"epoch {epoch + 1}/{recipe.epochs}  loss {rows[-1]['loss']:.4f}  {speed:.0f} images/s", flush=True)
    predict = tf.function(lambda images: model(images, training=False))
    answers = [predict(tf.constant(x_valid[i : i + 500], tf.float32)) for i in range(0, len(x_valid), 500)]
    correct = np.concatenate(answers).argmax(axis=1) == y_valid
    return {"val_accuracy": round(float(correct.mean()), 5), "weights": fingerprint(model), "epochs": rows}


def free_ports(count: int) -> list[int]:
    """So many ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def tf_config(hosts: list[str], index: int) -> str:
    """What TensorFlow reads from TF_CONFIG: all workers' addresses, and which of them this process is."""
    return json.dumps({"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}})


def start_workers(command: list[str], workers: int) -> list[subprocess.Popen]:
    """All workers as processes of this machine; each gets its share of the processor's threads."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    shared = os.environ | {"TF_NUM_INTRAOP_THREADS": threads, "OMP_NUM_THREADS": threads}
    return [
        subprocess.Popen([*command, "--hosts", *hosts, "--index", str(index)], env=shared) for index in range(workers)
    ]


def wait_for_all(processes: list[subprocess.Popen]) -> bool:
    """Until all have ended: whether all ended well. When one dies, the others wait for it in vain and are stopped."""
    try:
        while any(process.poll() is None for process in processes):
            if any(process.poll() not in (None, 0) for process in processes):
                return False
            time.sleep(0.2)
        return all(process.returncode == 0 for process in processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main() -> None:
    parser = common.command_line(__doc__, "workers")
    parser.add_argument("data", type=Path, help="zip or folder of <class>/<n>.jpg")
    parser.add_argument("--workers", type=int, default=2, help="processes on this machine (default: %(default)s)")
    parser.add_argument("--hosts", nargs="+", help="address:port of each worker, the first one writes")
    parser.add_argument("--index", type=int, default=0, help="which of the hosts this process is, from 0")
    arguments = parser.parse_args()
    if arguments.hosts:
        run_worker(arguments)
    else:
        run_all(arguments)


def run_worker(arguments: argparse.Namespace) -> None:
    """One worker, from its data to its result."""
    os.environ["TF_CONFIG"] = tf_config(arguments.hosts, arguments.index)
    images, labels, _ = cifar10.read_images(arguments.data)
    split = cifar10.split_images(images, labels, arguments.limit)
    recipe = replace(cifar10.RECIPES["short"], precision="float32")
    recipe = replace(recipe, epochs=arguments.epochs or recipe.epochs)
    folder = arguments.target
    settings = asdict(recipe) | {"images": len(split[1])}
    kept = common.read_json(folder / "settings.json")
    if kept is not None and kept != json.loads(json.dumps(settings)):
        sys.exit(f"{folder} holds another training. Delete it or name another --target.")
    if arguments.index == 0:
        common.write_json(folder / "settings.json", settings)
    result = work(recipe, split, folder, arguments.index, len(arguments.hosts))
    common.write_json(folder / f"worker_{arguments.index}.json", result)


def run_all(arguments: argparse.Namespace) -> None:
    """All workers on this machine, started again from the last epoch when one of them dies; says the result."""
    folder = arguments.target
    command = [sys.executable, "-m", "tools.train.workers", str(arguments.data), "--target", str(folder)]
    command += ["--epochs", str(arguments.epochs)] if arguments.epochs else []
    command += ["--limit", str(arguments.limit)] if arguments.limit else []
    for start in range(1 + RESTARTS):
        if start:
            print(f"A worker has died. All start again from the last epoch that was kept in {folder}.", flush=True)
        if wait_for_all(start_workers(command, arguments.workers)):
            break
    else:
        sys.exit(f"Workers died {1 + RESTARTS} times; the first lines above say why. The state is in {folder}.")
    results = [common.read_json(folder / f"worker_{index}.json") for index in range(arguments.workers)]
    if len({result["weights"] for result in results}) != 1:
        sys.exit("The workers' weights differ: this is a fault of the program.")
    print(f"Validation accuracy {results[0]['val_accuracy']:.2%}; all workers hold the same weights.")


if __name__ == "__main__":
    main()
