"""Run benchmarks, each in a process of its own, and write docs/BENCHMARKS.md anew.

    python -m tools.bench [NAME …]

    lessons   seconds of each lesson, from the last `course run --at-once 1`
    mlp       lesson 4's recipe against ours
    cifar     lesson 6's recipe against ours
    predict   lesson 7's and lesson 9's networks, one picture or a batch
    signs     lesson 8: Lite0 to 95 % on photographs against VGG16; SIGNS names their zip

Without a name: all that can be run.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tools.bench import page
from utils import paths

NAMES = ("lessons", "mlp", "cifar", "predict", "signs")


def needs() -> dict[str, str]:
    """Benchmarks that cannot be run now, and what they need."""
    found = {}
    if not (paths.BUILD / "timings.json").exists():
        found["lessons"] = "run `course run --at-once 1` first"
    if not os.environ.get("SIGNS"):
        found["signs"] = "name photographs of signs: SIGNS=/path/to/gtsrb_40_per_class.zip"
    return found


def main(names: list[str]) -> None:
    """Run the benchmarks of these names; without a name all that can be run.

    Raises:
        SystemExit: there is no such benchmark, it needs something, or it failed.
    """
    if unknown := set(names) - set(NAMES):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    for name, need in needs().items():
        if name in names:
            sys.exit(f"{name}: {need}")
        if not names:
            print(f"Left out: {name}; {need}")
    for name in names or [name for name in NAMES if name not in needs()]:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tools.bench.{name}"]).returncode:
            sys.exit(f"The benchmark {name} failed; the results of the others are kept.")
    page.main()


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
    else:
        main(sys.argv[1:])
