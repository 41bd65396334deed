"""Look at this machine: what would keep the course from running, and the cure. python -m course.doctor

Each line is a fact or a problem with its cure; the exit code is 1 if there is a problem.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata

from utils import paths
from utils.downloads import cache_dir, candidate_urls, is_verified, registry
from utils.mode import mode

MEMORY = 4  # GiB; the largest lesson takes about 2.5
DISK = {"quick": 0.1, "full": 2.5}  # GB for the cache: full mode's files (1.4), HRNetV2-W48, what is unpacked

Finding = tuple[bool, str]  # is it well, and what to say


def python_version() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    well = (3, 10) <= sys.version_info[:2] <= (3, 13)
    yield (
        well,
        f"Python {version}" + ("" if well else ": the course needs 3.10 to 3.13. Install one and run `make lab`."),
    )


def packages() -> Iterator[Finding]:
    """The installed versions against requirements.lock."""
    from packaging.requirements import Requirement

    lines = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    wrong, count = [], 0
    for line in lines:
        if not re.match(r"\w", line):
            continue
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        count += 1
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                wrong.append(f"{requirement.name} is {version}, not {requirement.specifier}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        yield False, f"packages: {', '.join(wrong[:3])}{more}. Run: pip install -r requirements.lock (or `make lab`)."
    else:
        yield True, f"all {count} packages as in requirements.lock"


def hardware() -> Iterator[Finding]:
    import psutil

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
    memory = psutil.virtual_memory()
    free, total = memory.available / 2**30, memory.total / 2**30
    well = free >= MEMORY
    cure = "" if well else f": {MEMORY} GiB should be free. Close other programs and notebooks (Kernel, Shut Down All)."
    yield well, f"{free:.1f} of {total:.1f} GiB memory free{cure}"


def cache() -> Iterator[Finding]:
    """Room, permission, and whether what is there is right."""
    folder = cache_dir()
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free / 1e9
    for name, needed in DISK.items():
        cure = "" if free >= needed else ". Make room, or name another place in COURSE_CACHE."
        yield free >= needed or mode() != name, f"{free:.1f} GB free for the cache; {name} mode needs {needed} GB{cure}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        yield False, f"the cache {folder} cannot be written ({error.strerror}). Name another place in COURSE_CACHE."
    else:
        yield True, f"the cache {folder} can be written"
    present = [s for s in registry().values() if not s.embedded and (folder / s.name).exists()]
    wrong = [s.name for s in present if not is_verified(folder / s.name, s, again=True)]
    if wrong:
        yield False, f"damaged in the cache: {', '.join(wrong)}. Delete it there; the next run fetches it again."
    else:
        yield True, f"{len(present)} downloaded files in the cache, all hashes right"


def assets() -> Iterator[Finding]:
    sources = [source for source in registry().values() if source.embedded]
    wrong = [source.name for source in sources if not is_verified(paths.ASSETS / source.name, source, again=True)]
    if wrong:
        yield False, f"missing or damaged: {', '.join(f'assets/{n}' for n in wrong)}. Run: git checkout -- assets"
    else:
        yield True, f"all {len(sources)} files of the course's own data are right"


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
    cure = (
        f" {problem}. Is it served (make serve-mirror), on this network, with this address?" if problem else " answers"
    )
    yield not problem, f"the mirror {address}{cure}"


def training() -> Iterator[Finding]:
    """A regression of four points, a few steps: the loss falls."""
    import numpy as np

    from utils import runtime  # noqa: F401  (first, since it keeps TensorFlow's start-up messages away)

    import keras  # isort: skip

    x = np.arange(4, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.05), "mse")
    losses = model.fit(x, 2 * x + 5, epochs=20, verbose=0).history["loss"]
    well = bool(np.isfinite(losses).all() and losses[-1] < losses[0] / 4)
    cure = "a small training step works" if well else "a small training does not learn: install the packages again."
    yield well, cure


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python_version, packages, hardware, assets, cache, mirror, training,
)  # fmt: skip


def examine() -> Iterator[Finding]:
    """All findings in order; a check that itself fails is a finding."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:
            yield False, f"{check.__name__.replace('_', ' ')}: {type(error).__name__}: {error}"


def main() -> int:
    problems = 0
    for well, text in examine():
        problems += not well
        print(("ok       " if well else "PROBLEM  ") + text, flush=True)
    print("This machine is ready." if not problems else f"{problems} to be mended.")
    return int(problems > 0)


if __name__ == "__main__":
    sys.exit(main())
