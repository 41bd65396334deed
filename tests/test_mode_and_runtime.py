from __future__ import annotations

import os
import subprocess
import sys

import pytest

from utils.device import share_batches_if_asked
from utils.mode import mode, pick


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "quick"), ("", "quick"), ("quick", "quick"), (" Full ", "full")]
)
def test_mode(monkeypatch, value, expected):
    monkeypatch.delenv("COURSE_MODE", raising=False)
    if value is not None:
        monkeypatch.setenv("COURSE_MODE", value)
    assert mode() == expected
    assert pick(quick=1, full=2) == {"quick": 1, "full": 2}[expected]


def test_unknown_mode(monkeypatch):
    monkeypatch.setenv("COURSE_MODE", "fast")
    with pytest.raises(ValueError, match=r"'fast'.*'quick'.*'full'"):
        mode()


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


def test_start_says_mode_data_and_time_and_nothing_else():
    code = "from utils import runtime; import keras; runtime.start(4, 'T', data='D', time='S'); runtime.tf.constant(1)"
    done = run(code, COURSE_MODE="quick")
    assert done.stdout == "Lesson 4: T | quick mode, no network needed\nData: D\nTime: S\n"
    assert done.stderr == ""
    assert "full mode" in run(code, COURSE_MODE="full").stdout


def test_a_failing_import_is_not_silenced(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'a message of the library\\n')\nraise ImportError('no such symbol')\n"
    )
    done = run("from utils import runtime", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "a message of the library" in done.stderr
    assert "no such symbol" in done.stderr


def test_describe_device_names_something():
    done = run("from utils import runtime; print(runtime.describe_device())")
    assert done.stdout.startswith(("CPU, ", "GPU: "))


SHARED = """
import sys
import keras, numpy as np, tensorflow as tf
from utils.device import share_batches

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
if sys.argv[1] == "two":
    share_batches(["CPU:0", "CPU:1"])
keras.utils.set_random_seed(1)
network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()])
network.add(keras.layers.Dense(5, activation="softmax"))
network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
x, y = np.random.default_rng(0).random((50, 8, 8, 3)), np.arange(50) % 5
network.fit(x, y, batch_size=16, epochs=3, validation_data=(x, y), verbose=0)
print(*network.evaluate(x, y, verbose=0), network.predict(x, verbose=0).shape, network.optimizer.iterations.numpy())
"""


def test_devices_that_share_the_batches_train_as_one_does():
    command = [sys.executable, "-c", SHARED]
    one, two = (
        subprocess.run([*command, word], capture_output=True, text=True, check=True).stdout.split()
        for word in ("one", "two")
    )
    assert float(two[0]) == pytest.approx(float(one[0]), rel=1e-4)
    assert two[1:] == one[1:]


def test_a_wish_for_gpus_that_nobody_knows(monkeypatch):
    monkeypatch.setenv("COURSE_GPUS", "3")
    with pytest.raises(ValueError, match=r"'3'.*'all'"):
        share_batches_if_asked()
