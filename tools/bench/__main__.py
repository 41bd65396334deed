"""Run benchmarks, each in a process of its own, and write docs/BENCHMARKS.md anew.

    python -m tools.bench [NAME …]

    lessons   seconds of each lesson, from the last `course run`
    mlp       lesson 4's recipe against ours
    cifar     lesson 6's recipe against ours
    predict   lesson 7's and lesson 9's networks, one picture or a batch
    signs     lesson 8: Lite0 to 95 % on photographs against VGG16; SIGNS names their zip

Without a name: all, but `signs` only if SIGNS is set.
"""

from __future__ import annotations

import os
import subprocess
import sys

NAMES = ("lessons", "mlp", "cifar", "predict", "signs")


def main(names: list[str]) -> None:
    """Run the benchmarks of these names; all if there are none.

    Raises:
        SystemExit: there is no such benchmark, or one failed.
    """
    if unknown := set(names) - set(NAMES):
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    if "signs" in names and not os.environ.get("SIGNS"):
        sys.exit("signs needs photographs: SIGNS=/path/to/gtsrb_40_per_class.zip make bench BENCH=signs")
    for name in names or [name for name in NAMES if name != "signs" or os.environ.get("SIGNS")]:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tools.bench.{name}"]).returncode:
            sys.exit(f"The benchmark {name} failed; the results of the others are kept.")
    subprocess.run([sys.executable, "-m", "tools.bench.page"], check=True)


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(__doc__)
    main(sys.argv[1:])
