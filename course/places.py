"""Other places for what Jupyter and commands write, where the usual ones cannot be written: in labs, on hubs."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

from utils import paths


def homes() -> dict[str, Path]:
    """Where Jupyter, IPython and Matplotlib keep their files, by the variables that name another place."""
    try:
        home = Path.home()
    except RuntimeError:  # an account without a home
        home = Path(os.devnull)  # in which no folder can be made either
    return {
        "JUPYTER_DATA_DIR": Path(jupyter_data_dir()),
        "JUPYTER_RUNTIME_DIR": Path(jupyter_runtime_dir()),
        "JUPYTER_CONFIG_DIR": Path(jupyter_config_dir()),
        "IPYTHONDIR": Path(os.environ.get("IPYTHONDIR") or home / ".ipython"),
        "MPLCONFIGDIR": Path(os.environ.get("MPLCONFIGDIR") or home / ".config" / "matplotlib"),
    }


def prepare() -> None:
    """Make this process, and those that it starts, find the course's own kernel and folders that can be written.

    Where one of `homes` cannot be written its variable gets a temporary folder, said in one line.
    """
    # The kernel `python3` of this environment, whatever another one has left in the user's folder.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    missing = {name: folder for name, folder in homes().items() if paths.unwritable(folder)}
    if not missing:
        return
    place = paths.temporary()
    for name in missing:
        os.environ[name] = str(place / name.lower())
        Path(os.environ[name]).mkdir(mode=0o700)
    refused = next(iter(missing.values()))
    print(f"{refused} cannot be written: what Jupyter keeps goes to {place}, and will not last.", flush=True)


def for_results(folder: Path) -> Path:
    """The folder for what a command writes; a temporary one, said in one line, where it cannot be written."""
    reason = paths.unwritable(folder)
    if not reason:
        return folder
    place = paths.temporary()
    print(f"{folder} cannot be written ({reason}): results go to {place}.", flush=True)
    return place
