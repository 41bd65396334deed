"""Data-parallel training: processes that share every batch, on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from tests.training_data import encoded, write_zip
from tools.train import workers
from utils import paths
from utils.datasets import CIFAR10_CLASSES

FIT = """
import keras, numpy as np, tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
model.fit(np.zeros((8, 3)), np.zeros((8, 1)), batch_size=4, verbose=0)
"""


def images_zip(folder: Path) -> Path:
    """19 pictures of each class, each in the colour of its class: 133 to train with, 57 to validate with."""
    files = {}
    for number, name in enumerate(CIFAR10_CLASSES):
        for index in range(19):
            picture = np.random.default_rng(index).integers(0, 64, (32, 32, 3), np.uint8) + np.uint8(19 * number)
            files[f"cifar10_train/{name}/{index:04}.png"] = encoded(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return write_zip(folder / "cifar.zip", files)


def test_the_shares_of_a_batch_are_the_batch():
    batch = np.arange(10)
    shares = [workers.my_rows(batch, worker, 3) for worker in range(3)]
    assert [len(share) for share in shares] == [4, 3, 3]
    assert np.concatenate(shares).tolist() == batch.tolist()


def test_a_kept_state_is_the_state(tmp_path):
    keras.utils.set_random_seed(1)
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.BatchNormalization()])
    network.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    network.fit(np.ones((4, 2)), np.ones((4, 3)), verbose=0)
    workers.keep_state(tmp_path, network, network.optimizer, 7)
    before = workers.fingerprint(network), [variable.numpy() for variable in network.optimizer.variables]
    network.fit(np.ones((4, 2)), np.ones((4, 3)), verbose=0)
    assert workers.fingerprint(network) != before[0]
    assert workers.take_state(tmp_path, network, network.optimizer) == 7
    assert workers.fingerprint(network) == before[0]
    for variable, kept in zip(network.optimizer.variables, before[1], strict=True):
        assert np.array_equal(variable.numpy(), kept)
    assert workers.take_state(tmp_path / "empty", network, network.optimizer) == 0


def begin(data: Path, target: Path, count: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "tools.train.workers", str(data), "--target", str(target), "--epochs", "3"]
    return subprocess.Popen(
        [*command, "--workers", str(count)], cwd=paths.ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def one_worker_of(launcher: subprocess.Popen) -> int:
    """The process number of the launcher's last child."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text(encoding="utf-8").split()
    return int(children[-1])


def losses(target: Path) -> list[float]:
    path = target / "history.json"
    return [row["loss"] for row in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


@pytest.mark.weekly
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds its child processes in /proc")
def test_two_workers_one_of_them_killed_train_as_one_does(tmp_path):
    data = images_zip(tmp_path)
    alone = begin(data, tmp_path / "alone", 1)
    said, _ = alone.communicate(timeout=300)
    assert alone.returncode == 0, said
    together = begin(data, tmp_path / "together", 2)
    try:
        while together.poll() is None and not losses(tmp_path / "together"):
            time.sleep(0.05)
        os.kill(one_worker_of(together), signal.SIGKILL)
        said, _ = together.communicate(timeout=300)
    finally:
        together.kill()
    assert together.returncode == 0, said
    assert "A worker has died." in said
    assert "all workers hold the same weights" in said
    # The first step is the same; rounding differs, and the high rate makes more of it from step to step.
    assert losses(tmp_path / "together") == pytest.approx(losses(tmp_path / "alone"), rel=0.02)
    assert losses(tmp_path / "together")[0] == pytest.approx(losses(tmp_path / "alone")[0], rel=1e-4)
    assert len(losses(tmp_path / "together")) == 3


@pytest.mark.weekly
def test_fit_does_not_yet_run_on_several_workers(tmp_path):
    """When this fails, Keras's `fit` works under MultiWorkerMirroredStrategy, and tools/train/workers.py may use it."""
    hosts = [f"127.0.0.1:{port}" for port in workers.free_ports(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", FIT],
            env=os.environ | {"TF_CONFIG": workers.tf_config(hosts, index)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for index in range(2)
    ]
    try:
        said = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert all(process.returncode for process in processes)
    assert "PerReplica" in "".join(said)
