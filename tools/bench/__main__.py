"""Run benchmarks, each in a process of its own, and write docs/RESULTS.md anew.

    python -m tools.bench [mlp cifar …]

All by default, but `signs` only if SIGNS names its zip of photographs. `python -m tools.bench.downloads` is run by hand:
it writes no results.
"""

from __future__ import annotations

import os
import subprocess
import sys

ALL = ("mlp", "cifar", "predict", "masks", "pipelines", "limits", "scaling", "startup", "signs", "lessons")


def command(name: str) -> list[str]:
    """How one benchmark is run."""
    zips = [os.environ["SIGNS"]] if name == "signs" else []
    return [sys.executable, "-m", f"benchmarks.{name}", *zips]


def main() -> None:
    names = sys.argv[1:] or [name for name in ALL if name != "signs" or os.environ.get("SIGNS")]
    unknown = set(names) - set(ALL)
    if unknown:
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}")
    if "signs" in names and not os.environ.get("SIGNS"):
        sys.exit("signs needs photographs: SIGNS=/path/to/gtsrb_40_per_class.zip make bench BENCH=signs")
    for name in names:
        print(f"== {name}", flush=True)
        subprocess.run(command(name), check=True)
    subprocess.run([sys.executable, "-m", "tools.bench.page"], check=True)


if __name__ == "__main__":
    main()
