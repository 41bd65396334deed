"""Look at this machine: what would keep the course from running, and the cure.

Each line is a fact or a problem with its cure; the exit code is 1 if there is a problem.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from course.places import homes
from utils import paths
from utils.downloads import cache_dir, candidate_urls, is_verified, registry
from utils.limits import NEEDS, free_memory, gib, lacks_avx
from utils.mode import mode

DISK = {"quick": 0.1, "full": 2.5}  # GB for the cache: full mode's files (1.4), HRNetV2-W48, what is unpacked
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "lustre", "9p")  # how their names begin

Finding = tuple[bool, str]  # is it well, and what to say


def python_version() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    well = (3, 10) <= sys.version_info[:2] <= (3, 13)
    cure = "" if well else ": the course needs 3.10 to 3.13. Install one and run `python install.py` with it."
    yield well, f"Python {version}{cure}"


def packages() -> Iterator[Finding]:
    """The installed versions against requirements.lock."""
    from packaging.requirements import Requirement

    lines = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    # A line of the lock is `name==version ; marker \`; the hashes stand on lines of their own.
    pinned = [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"\w", line)]
    pinned = [requirement for requirement in pinned if requirement.marker is None or requirement.marker.evaluate()]
    wrong = []
    for requirement in pinned:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                wrong.append(f"{requirement.name} is {version}, not {requirement.specifier}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        yield False, f"packages: {', '.join(wrong[:3])}{more}. Run `python install.py` in {paths.ROOT}."
    else:
        yield True, f"all {len(pinned)} packages as in requirements.lock"


def own_packages() -> Iterator[Finding]:
    """Which `utils` a notebook gets that was not started by `course lab`."""
    asked = "import utils; print(list(utils.__path__)[0] if hasattr(utils, '__path__') else utils.__file__)"
    answer = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", asked],
        cwd=paths.NOTEBOOKS,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if answer.returncode:
        yield False, f"`utils` is not installed. Run `python install.py` in {paths.ROOT}."
        return
    place = Path(answer.stdout.strip())
    if place.resolve() == (paths.ROOT / "utils").resolve():
        yield True, "the lessons find the course's own `utils`"
    else:
        yield False, f"another `utils` comes first: {place}. Start the lessons by `course lab`, or unset PYTHONPATH."


def kernel() -> Iterator[Finding]:
    """Whether Jupyter's kernel `python3` is this environment's Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        yield False, f"Jupyter has no kernel `python3`. Run `python install.py` in {paths.ROOT}."
        return
    program = Path(spec.argv[0])  # a bare name means the Python that runs Jupyter
    # Links of two environments may lead to one program: only their folders are compared.
    if not program.is_absolute() or program.parent.resolve() == Path(sys.executable).parent.resolve():
        yield True, "Jupyter's kernel `python3` is this Python"
    else:
        yield False, f"Jupyter's kernel `python3` is another Python, {program}. Delete {spec.resource_dir}"


def memory() -> Iterator[Finding]:
    free, total, limited_by = free_memory()
    found = f"{free:.1f} of {total:.1f} GiB memory free{limited_by and f' (limited by {limited_by})'}"
    short = [str(lesson) for lesson, needed in NEEDS.items() if needed > free * 1024]
    needs = f"the lessons need {gib(min(NEEDS.values()))} to {gib(max(NEEDS.values()))} each while they are open"
    cure = (
        f"Too little for lesson {', '.join(short)}. Close other programs and notebooks (Kernel, Shut Down All Kernels)."
    )
    yield not short, f"{found}; {needs}{f'. {cure}' if short else ''}"


def processor() -> Iterator[Finding]:
    if lacks_avx():
        yield False, "this processor has no AVX, which TensorFlow's packages need: use another machine, or Colab."
        return
    from utils import runtime

    device = runtime.describe_device()
    if device.startswith("CPU"):
        driver = shutil.which("nvidia-smi")
        built = runtime.tf.test.is_built_with_cuda()
        why = "no NVIDIA driver on this machine"
        if driver and built:
            why = "the driver is there, CUDA's libraries are not: pip install 'tensorflow[and-cuda]==2.21.0'"
        elif driver:
            why = "this TensorFlow was built without CUDA (on Windows use WSL 2)"
        device += f"; no GPU: {why}. Quick mode needs none."
    yield True, device


def file_system(folder: Path) -> str:
    """The type of the file system that a folder lies on ("ext4", "nfs4"); empty where that is not known."""
    import psutil

    place = paths.existing(folder).resolve()
    mounts = [part for part in psutil.disk_partitions(all=True) if place.is_relative_to(part.mountpoint)]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype.lower() if mounts else ""


def folders() -> Iterator[Finding]:
    """Jupyter writes into the home, commands write into the course's folder, and both need locks that work."""
    from jupyter_core.paths import jupyter_data_dir

    reason = paths.unwritable(paths.HOME)
    if reason:
        cure = "`course run` writes elsewhere; to work in the lessons move the course to a folder of your own."
        yield False, f"the course's folder cannot be written ({reason}): {paths.HOME}. {cure}"
    else:
        yield True, "the course's folder can be written"
    refused = {name: folder for name, folder in homes().items() if paths.unwritable(folder)}
    if refused:
        name, folder = next(iter(refused.items()))
        others = f" (and {', '.join(list(refused)[1:])})" if len(refused) > 1 else ""
        cure = f"`course lab` takes a temporary one; to keep settings, name a folder of yours in {name}{others}."
        yield False, f"Jupyter's folder in your home cannot be written: {folder}. {cure}"
    else:
        yield True, "Jupyter's folders in your home can be written"
    if file_system(Path(jupyter_data_dir())).startswith(NETWORK_FILE_SYSTEMS):
        cure = "set JUPYTER_DATA_DIR and IPYTHONDIR to folders of this machine"
        yield True, f"your home is on a network: if JupyterLab says that a database is locked, {cure}"


def cache() -> Iterator[Finding]:
    """Room, permission, locks, and whether what is there is right."""
    import filelock

    folder = cache_dir()
    free = shutil.disk_usage(paths.existing(folder)).free / 1e9
    for name, needed in DISK.items():
        cure = "" if free >= needed else ". Make room, or name another place in COURSE_CACHE."
        yield free >= needed or mode() != name, f"{free:.1f} GB free for the cache; {name} mode needs {needed} GB{cure}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
        with filelock.FileLock(folder / "doctor.lock", timeout=5):
            pass
    except (OSError, filelock.Timeout) as error:
        system = file_system(folder)
        where = f", on a network ({system})" if system.startswith(NETWORK_FILE_SYSTEMS) else ""
        if isinstance(error, PermissionError) and os.environ.get("COURSE_CACHE") and folder.is_dir():
            yield True, f"the cache {folder}{where} is for reading only: who shares it has filled it"
        else:
            yield (
                False,
                f"the cache {folder}{where} cannot be written or locked ({error}). Name another in COURSE_CACHE.",
            )
    else:
        yield True, f"the cache {folder} can be written and locked"
    present = [source for source in registry().values() if not source.embedded and (folder / source.name).exists()]
    wrong = [source.name for source in present if not is_verified(folder / source.name, source, again=True)]
    if wrong:
        yield False, f"damaged in the cache: {', '.join(wrong)}. Delete it there; the next run fetches it again."
    else:
        yield True, f"{len(present)} downloaded files in the cache, all hashes right"


def assets() -> Iterator[Finding]:
    """The embedded files; the first one that is wrong says what to do."""
    from utils.downloads import DownloadError, fetch

    sources = [source for source in registry().values() if source.embedded]
    wrong = [source.name for source in sources if not is_verified(paths.ASSETS / source.name, source, again=True)]
    if not wrong:
        yield True, f"all {len(sources)} files of the course's own data are right"
        return
    try:
        fetch(wrong[0])
    except DownloadError as error:
        others = f" ({len(wrong) - 1} more files: {', '.join(wrong[1:4])} …)" if len(wrong) > 1 else ""
        yield False, f"{' '.join(str(error).split())}{others}"


def proxy() -> Iterator[Finding]:
    """A proxy for the web must not get what the browser and JupyterLab say to each other on this machine."""
    from requests.utils import get_environ_proxies

    caught = get_environ_proxies("http://127.0.0.1:8888")
    address = caught.get("http") or caught.get("all")
    if address:
        yield False, f"the proxy {address} catches 127.0.0.1, JupyterLab's address. Set NO_PROXY=127.0.0.1,localhost"
    else:
        yield True, "no proxy stands between the browser and JupyterLab"


def mirror() -> Iterator[Finding]:
    import requests

    address = os.environ.get("COURSE_MIRROR")
    if not address:
        yield True, "COURSE_MIRROR is not set: full mode downloads from the original hosts"
        return
    source = next(source for source in registry().values() if not source.embedded)
    try:
        answer = requests.head(candidate_urls(source)[0], timeout=10)
        problem = "" if answer.ok else f"answers {answer.status_code}"
    except requests.RequestException:
        problem = "cannot be reached"
    if problem:
        problem += ". Is it served (course serve-mirror), on this network, with this address?"
    yield not problem, f"the mirror {address} {problem or 'answers'}"


def training() -> Iterator[Finding]:
    """A regression of four points, a few steps: the loss falls."""
    if lacks_avx():
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import numpy as np

    x = np.arange(4, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    losses = model.fit(x, 2 * x + 5, epochs=20, verbose=0).history["loss"]
    well = bool(np.isfinite(losses).all() and losses[-1] < losses[0] / 4)
    cure = "a small training step works" if well else "a small training does not learn: install the packages again."
    yield well, cure


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python_version,
    packages,
    own_packages,
    kernel,
    memory,
    processor,
    folders,
    assets,
    cache,
    proxy,
    mirror,
    training,
)


def examine() -> Iterator[Finding]:
    """All findings in order; a check that itself fails is a finding."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:
            yield False, f"{check.__name__.replace('_', ' ')}: {type(error).__name__}: {error}"


def report() -> int:
    """Print the findings: 1 if one of them is a problem."""
    problems = 0
    for well, text in examine():
        problems += not well
        print(("ok       " if well else "PROBLEM  ") + text, flush=True)
    print("This machine is ready." if not problems else f"{problems} to be mended.")
    return int(problems > 0)
