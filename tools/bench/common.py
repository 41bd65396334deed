"""What the benchmarks share: runs in turns, ratios with their spread, the file of results."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from course.machine import machine

RESULTS = Path(__file__).with_name("results.json")


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(sides: dict[str, Callable[[], object]], rounds: int, warm: bool = True) -> dict[str, list[float]]:
    """All sides in turns, so that a busy machine slows each of them: seconds per side.

    Args:
        sides: what to call.
        rounds: how often.
        warm: call each once before, without measuring.
    """
    if warm:
        for work in sides.values():
            work()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, work in sides.items():
            times[name].append(seconds(work))
    return times


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and largest."""
    return {"median": statistics.median(values), "least": min(values), "largest": max(values)}


def ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    """Median, least and largest of the ratios of the rounds."""
    return spread([a / b for a, b in zip(slow, fast, strict=True)])


def rounded(value: object) -> object:
    """The same with every float rounded to four significant digits."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def record(name: str, result: dict) -> None:
    """Write one benchmark's result, with the machine and its load, beside those of the others, and print it."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    versions = {"machine": machine(), "tensorflow": version("tensorflow")}
    results[name] = {**versions, "load": load, **rounded(result)}
    RESULTS.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n", encoding="utf-8")
    print(json.dumps({name: results[name]}, indent=1))
