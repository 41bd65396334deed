"""`fetch` of a large file from loopback beside `curl` plus `sha256sum`, in turns; its memory; a warm cache.

    python -m benchmarks.downloads [--megabytes 500] [--pairs 5]

Prints one line per pair, then the median ratio. The aims: within 1.3 times of curl, under 150 MB, under 5 ms when warm.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from utils import downloads

CHUNK = 1_000_000


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def write_noise(path: Path, megabytes: int) -> str:
    """A file of random bytes: its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(megabytes):
            block = os.urandom(CHUNK)
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        host, cache, copy = Path(folder, "host"), Path(folder, "cache"), Path(folder, "copy")
        host.mkdir()
        sha256 = write_noise(host / "noise.bin", options.megabytes)
        # A server of its own process, so that neither side pays for it.
        command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(host), "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            port = server.stdout.readline().split("port ")[1].split()[0]
            url = f"http://127.0.0.1:{port}/noise.bin"
            os.environ |= {"COURSE_MODE": "full", "COURSE_CACHE": str(cache), "CI": "1"}
            source = downloads.Source(name="noise.bin", licence="none", sha256=sha256, urls=(url,))
            downloads.registry = lambda: {"noise.bin": source}

            def curl() -> None:
                subprocess.run(["curl", "--silent", "--fail", "--output", str(copy), url], check=True)
                subprocess.run(["sha256sum", str(copy)], check=True, stdout=subprocess.DEVNULL)

            ratios = []
            for _ in range(options.pairs):
                for path in cache.glob("*"):
                    path.unlink()
                other, ours = seconds(curl), seconds(lambda: downloads.fetch("noise.bin"))
                ratios.append(ours / other)
                print(f"curl + sha256sum {other:.2f} s, fetch {ours:.2f} s: {ratios[-1]:.2f}", flush=True)
            server.kill()
        print(f"median ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
        print(f"peak memory of the process that fetches {peak_mib():.0f} MiB")
        warm = [1000 * seconds(lambda: downloads.fetch("noise.bin")) for _ in range(100)]
        print(f"fetch with a warm cache: median {statistics.median(warm):.3f} ms, slowest {max(warm):.3f} ms")


if __name__ == "__main__":
    main()
