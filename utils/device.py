"""What TensorFlow computes on."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence


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


def share_batches(devices: Sequence[str]) -> None:
    """Let `fit`, `evaluate` and `predict` share every batch among these devices, for all networks built from now on.

    Each device holds a copy of the network and works on its part of the batch; the gradients are added, so that all
    copies change by the same step (tf.distribute.MirroredStrategy). The batch as a whole keeps its size.

    Args:
        devices: for example ["GPU:0", "GPU:1"].
    """
    import tensorflow as tf

    tf.distribute.experimental_set_strategy(tf.distribute.MirroredStrategy(devices))


def share_batches_if_asked() -> None:
    """Share every batch among all GPUs of this machine where COURSE_GPUS=all asks for it and there are several.

    Raises:
        ValueError: COURSE_GPUS holds anything else.
    """
    wish = os.environ.get("COURSE_GPUS", "").strip().lower() or "one"
    if wish not in ("one", "all"):
        raise ValueError(f"COURSE_GPUS is {wish!r}. Set it to 'all', to share each batch among all GPUs, or unset it.")
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    if wish == "all" and len(gpus) > 1:
        share_batches([gpu.name for gpu in gpus])
        print(f"Each batch is shared among {len(gpus)} GPUs.", file=sys.stderr, flush=True)
