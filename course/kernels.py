"""How the course starts JupyterLab and kernels, so that a lesson finds the course's own packages in each of them."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from typing import Any

import zmq
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from course.places import prepare
from utils import paths
from utils.mode import mode

CELL_TIMEOUT = {"quick": 300, "full": 6 * 3600}  # seconds
# Messages to and from a kernel are encrypted where this system can. Without keys a kernel warns that anyone on the
# machine can read what passes over its ports.
ENCRYPTION = "auto" if zmq.has("curve") else "disabled"


def environment() -> dict[str, str]:
    """The variables for JupyterLab and kernels: our `utils` before another, our commands before others."""
    scripts = sysconfig.get_path("scripts")  # `!course doctor` finds the command, activated or not
    changed = dict(os.environ)
    for name, first in (("PYTHONPATH", str(paths.ROOT)), ("PATH", scripts)):
        others = [part for part in os.environ.get(name, "").split(os.pathsep) if part and part != first]
        changed[name] = os.pathsep.join([first, *others])
    return changed


def share_of_processor(kernels: int) -> dict[str, str]:
    """Variables by which kernels side by side share the processor's cores instead of fighting for them.

    Args:
        kernels: how many run at once.
    """
    threads = str(max(1, (os.cpu_count() or 1) // kernels))
    return dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), threads)


def client(
    notebook: NotebookNode, path: Path, *, kind: type[NotebookClient] = NotebookClient, **options: Any
) -> NotebookClient:
    """What executes a notebook; start its kernel with `env=environment()`.

    Args:
        notebook: is changed in place.
        path: where it lies; its folder is the working directory.
        kind: nbclient's class, or one that extends it.
        options: more of nbclient's.
    """
    prepare()
    return kind(
        notebook,
        timeout=CELL_TIMEOUT[mode()],
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        config=Config({"KernelManager": {"transport_encryption": ENCRYPTION}}),
        **options,
    )
