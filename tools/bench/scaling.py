"""Cost as the work grows: lesson 6's training step against batch size and width. Lesson 9's pixels: tools.bench.masks.

python -m tools.bench.scaling
"""

from __future__ import annotations

from tools.bench import common
from tools.bench.limits import lesson_6, repeated

ROUNDS = 5
BATCH_SIZES, WIDTHS = (16, 32, 64, 128, 256, 512), (0.5, 1, 2)


def measure(cases: dict[str, tuple[int, float]], rounds: int, least: float = 0.5) -> dict[str, dict]:
    """Images and GFLOP a second of one training step for each case of (batch size, factor of the filters)."""
    steps = {name: lesson_6(batch_size, width) for name, (batch_size, width) in cases.items()}
    sides = {name: repeated(step, least) for name, step in steps.items()}
    times = common.in_turns(sides, rounds)
    result = {}
    for name, (batch_size, _) in cases.items():
        rates = [sides[name].times / value for value in times[name]]  # steps a second
        operations = common.floating_point_operations(steps[name])
        result[name] = {
            "images a second": common.spread([batch_size * rate for rate in rates]),
            "GFLOP/s": common.spread([operations * rate / 1e9 for rate in rates]),
        }
    return result


def main() -> None:
    aim = "images a second that do not fall as the batch grows"
    common.record("lesson 6, batch size", aim, measure({f"batch {n}": (n, 1) for n in BATCH_SIZES}, ROUNDS))
    aim = "GFLOP/s that do not fall as the network grows"
    common.record("lesson 6, width", aim, measure({f"{w} times the filters": (128, w) for w in WIDTHS}, ROUNDS))


if __name__ == "__main__":
    main()
