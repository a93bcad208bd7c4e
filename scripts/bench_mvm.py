"""Speed of a crossbar's product, as multiples of one float32 matmul of the same shape in the same run.

`python scripts/bench_mvm.py`. 256 x 256 weights of 8 bits in four 2-bit slices, differential; inputs of 8 bits, one at
a time; an 8-bit conversion of every bit and slice; batch 1024. Then how time grows, one thing doubled at a time.
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.crossbar import program
from archsim.kernels.spec import Adc, ArraySpec, NonIdeal, Programming

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = ArraySpec(adc=Adc(bits=8))
PATHS = {
    "exact": NonIdeal(),
    "programming noise": NonIdeal(programming=Programming("additive", 0.02)),
    "read noise": NonIdeal(read=0.01),
}


def best(work: Callable[[], object], times: int) -> float:
    """Shortest time of some runs, s."""
    found = []
    for _ in range(times):
        began = perf_counter()
        work()
        found.append(perf_counter() - began)
    return min(found)


def seconds(spec: ArraySpec, batch: int = 1024, size: int = 256) -> float:
    """One batch of products."""
    rng = np.random.default_rng(0)
    half = 1 << (spec.weight_bits - 1)
    array = program(spec, rng.integers(1 - half, half, (size, size)))
    inputs = rng.integers(0, 1 << spec.input_bits, (batch, size))
    array.multiply(inputs[:16])  # compiles
    return best(lambda: array.multiply(inputs), 5)


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    a, b = (rng.random(shape).astype(np.float32) for shape in ((1024, 256), (256, 256)))
    matmul = best(lambda: a @ b, 100)
    print(f"{'float32 matmul':18} {1e6 * matmul / 1024:8.3f} us a product")
    for name, non_ideal in PATHS.items():
        spec = replace(BASE, non_ideal=non_ideal)
        base = seconds(spec)
        print(f"{name:18} {1e6 * base / 1024:8.3f} us a product, {base / matmul:6.1f} matmuls; doubled:")
        grown = {
            "batch": seconds(spec, batch=2048),
            "rows and columns": seconds(replace(spec, rows=512, cols=512), size=512),
            "slices": seconds(replace(spec, cell_bits=1)),
            "input bits": seconds(replace(spec, input_bits=16)),
        }
        for what, time in grown.items():
            print(f"{'':18} {what:18} x {time / base:.2f}")


if __name__ == "__main__":
    main()
