"""Start of a lesson: quiet TensorFlow, GPU memory, figure style, and the one line that says what will happen.

A lesson imports this module before Keras: it imports TensorFlow with the start-up messages of its C++ code held back.
They are written before TensorFlow reads TF_CPP_MIN_LOG_LEVEL (tensorflow issue 100442), differ from machine to machine,
and would stand at the top of every lesson. If the import fails, they are shown.

Only lessons need that. A tool or a test imports TensorFlow and Keras as usual, sets TF_CPP_MIN_LOG_LEVEL in the
`__init__` of its package, and takes what it needs from utils.mode and utils.device.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType

from utils import advice, limits, plotting
from utils.device import describe_device as describe_device
from utils.device import share_batches_if_asked, take_memory_as_needed
from utils.mode import mode
from utils.mode import pick as pick

LONG_TRAININGS = (6, 8)  # the lessons whose full mode may use several GPUs


@contextlib.contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Hold back what any code, C++ included, writes to file descriptor 2; replay it if the block raises."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held, contextlib.ExitStack() as restore:
        original = os.dup(2)
        restore.callback(os.close, original)
        restore.callback(os.dup2, original, 2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(original, held.read())
            raise


def _warn_of_memory(needed: int, who: str) -> None:
    """Say on stderr, which is not compared, that the memory will not do."""
    problem = limits.memory_problem(needed, who)
    if problem:
        print(problem, file=sys.stderr, flush=True)


def _import_tensorflow() -> ModuleType:
    """Import TensorFlow, let it look for GPUs, and let it take GPU memory as needed instead of all at once."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    _warn_of_memory(min(limits.NEEDS.values()), "Each lesson")  # now: the import alone may be too much
    with _held_back_stderr():
        import tensorflow

        take_memory_as_needed()
    tensorflow.get_logger().setLevel("ERROR")  # a cell that is run again is no reason for a warning about retracing
    return tensorflow


tf = _import_tensorflow()


def start(lesson: int, title: str, *, data: str, time: str) -> None:
    """Print the lesson's banner and set the figure style; call it at the end of the set-up cell.

    From then on an error that comes from another cell, not run, names that cell.

    The text depends on the mode only, never on the machine, so that it can be compared with the committed output.

    Args:
        lesson: number of the lesson, 1 to 9.
        title: short title.
        data: which data this mode uses, for example "MNIST, all 70,000 images".
        time: how long this mode takes, for example "about 1 minute on two CPU cores".
    """
    _warn_of_memory(limits.NEEDS[lesson], f"Lesson {lesson}")
    plotting.use_style()
    advice.give(lesson)
    if lesson in LONG_TRAININGS and mode() == "full":
        share_batches_if_asked()
    network = "no network needed" if mode() == "quick" else "files are downloaded once, then cached"
    print(f"Lesson {lesson}: {title} | {mode()} mode, {network}\nData: {data}\nTime: {time}")
