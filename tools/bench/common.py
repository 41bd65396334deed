"""What the benchmarks share: runs in turns, ratios with their spread, training steps, the machine, the file of results.

Each benchmark is run alone (`python -m tools.bench.mlp`) or by `make bench`, and writes its part of results.json.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from utils import runtime  # isort: skip  (first, since it keeps TensorFlow's start-up messages away)

import keras
import numpy as np

tf = runtime.tf

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


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and largest."""
    return {"median": statistics.median(values), "least": min(values), "largest": max(values)}


def ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    """Median, least and largest of the ratios of the rounds."""
    return spread([a / b for a, b in zip(slow, fast, strict=True)])


def training_step(model: keras.Model, loss: Any, optimizer: keras.Optimizer, x: Any, y: Any) -> Callable[[], Any]:
    """One compiled training step on one batch that stays, so that nothing but the step is measured."""
    optimizer.build(model.trainable_variables)
    x, y = tf.constant(x), tf.constant(y)

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    return step


def floating_point_operations(step: Any) -> int:
    """Multiplications and additions of the matrix products and convolutions in a step, backward ones included.

    Args:
        step: what `training_step` returns; every shape in its graph must be known.
    """
    graph = step.get_concrete_function().graph
    # What no result needs is in the graph, too, and is not run: the gradient of the images, for example.
    needed, waiting = set(), [*graph.control_outputs, *(tensor.op for tensor in graph.outputs)]
    while waiting:
        operation = waiting.pop()
        if operation not in needed:
            needed.add(operation)
            waiting += [*operation.control_inputs, *(tensor.op for tensor in operation.inputs)]
    total = 0
    for operation in needed:
        kind, inputs = operation.type, operation.inputs
        if kind in ("MatMul", "BatchMatMulV2"):
            name = "transpose_a" if kind == "MatMul" else "adj_x"
            columns = inputs[0].shape[-2 if operation.get_attr(name) else -1]
            total += 2 * operation.outputs[0].shape.num_elements() * columns
        elif kind in ("Conv2D", "DepthwiseConv2dNative"):
            kernel = inputs[1].shape
            total += 2 * operation.outputs[0].shape.num_elements() * weights_per_output(kind, kernel)
        elif kind.endswith(("BackpropInput", "BackpropFilter")):
            # Both take the gradient of the output as their last input; the filter is an input or the output.
            kernel = operation.outputs[0].shape if kind.endswith("Filter") else inputs[1].shape
            total += 2 * inputs[2].shape.num_elements() * weights_per_output(kind, kernel)
    return total


def weights_per_output(kind: str, kernel: Any) -> int:
    """How many weights one output of a convolution sees: a depthwise one looks at one channel."""
    height, width, channels, _ = kernel
    return height * width * (1 if kind.startswith("Depthwise") else channels)


def machine() -> dict[str, str]:
    """What the numbers depend on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "cpu": model,
        "device": runtime.describe_device(),
        "cores": str(os.cpu_count()),
        "load": load,
        "system": platform.system(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def record(name: str, aim: str, result: dict) -> None:
    """Write one benchmark's result into results.json, beside those of the others, and print it."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    entry = {"aim": aim, "machine": machine(), **rounded(result)}
    results[name] = entry
    RESULTS.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n", encoding="utf-8")
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
