"""What TensorFlow computes on."""

from __future__ import annotations

import contextlib
import os


def describe_device() -> str:
    """What TensorFlow computes on, for example "CPU, 2 cores" or "GPU: NVIDIA H100 80GB HBM3"."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"CPU, {os.cpu_count()} cores"
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return "GPU: " + ", ".join(names)


def take_memory_as_needed() -> None:
    """Let TensorFlow take GPU memory as it needs it, instead of all at once; without effect once it is running."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # TensorFlow is already running, and its memory settings are fixed
            tf.config.experimental.set_memory_growth(gpu, True)
