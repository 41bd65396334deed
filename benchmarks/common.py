"""What the benchmarks share: runs in turns, ratios with their spread, the machine, one file of results."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from utils import runtime  # isort: skip  (first, since it keeps TensorFlow's start-up messages away)

import keras
import numpy as np

RESULTS = Path(__file__).with_name("results.json")


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(sides: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Each side once to warm up, then all in turns, so that a busy machine slows each of them: seconds per side."""
    for work in sides.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            times[name].append(seconds(work))
    return times


def ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    """Median, least and largest of the ratios of the rounds."""
    values = [a / b for a, b in zip(slow, fast, strict=True)]
    return {"median": statistics.median(values), "least": min(values), "largest": max(values)}


def machine() -> dict[str, str]:
    """What the numbers depend on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return {
        "cpu": model,
        "device": runtime.describe_device(),
        "cores": str(os.cpu_count()),
        "system": platform.system(),
        "python": platform.python_version(),
        "tensorflow": runtime.tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def record(name: str, aim: str, result: dict) -> None:
    """Write one benchmark's result into results.json, beside those of the others, and print it."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    entry = {"aim": aim, "machine": machine(), **rounded(result)}
    results[name] = entry
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{name} (aim: {aim})")
    for key, value in entry.items():
        if key not in ("aim", "machine"):
            print(f"  {key}: {value}")


def rounded(value: object) -> object:
    """The same with every float rounded to four significant digits."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
