"""How long a kernel takes: products by tiles and waves, all else by what it moves."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from archsim.gpu.gpu import BYTES, Gpu

TILES = ((256, 128), (128, 256), (128, 128), (128, 64), (64, 128), (64, 64), (64, 256), (256, 64))
"""Rows and columns of the result that a block of threads makes; libraries choose one, here the fastest."""
SPLITS = (1, 2, 4)
"""Into so many parts the inner size may be split, whose sums are added up through memory."""

Sizes = NDArray[np.float64]


def product(
    gpu: Gpu, m: float | Sizes, n: float | Sizes, k: float | Sizes, precision: str, number: float | Sizes = 1.0
) -> Sizes:
    """Seconds of `number` products at once, [m, k] x [k, n] each: arrays of any one shape.

    A wave is one tile on every unit; the last wave takes as long as a full one.
    """
    rows, cols, inner, together = (np.asarray(size, np.float64) for size in (m, n, k, number))
    each, unit = BYTES[precision], gpu.rate(precision) / gpu.units
    best = np.full(np.broadcast_shapes(rows.shape, cols.shape, inner.shape, together.shape), np.inf)
    power = gpu.efficiency.overlap
    for high, wide in TILES:
        reached = unit / (1 + gpu.edge(precision) * 64 * (1 / high + 1 / wide))
        tiles = np.ceil(rows / high) * np.ceil(cols / wide) * together
        for split in SPLITS:
            computing = np.ceil(tiles * split / gpu.units) * 2 * high * wide * inner / split / reached
            sums = 1 if split == 1 else 1 + 2 * split
            moving = each * together * (rows * inner + inner * cols + sums * rows * cols) / gpu.moved
            best = np.minimum(best, _both(computing, moving, power))
    found: Sizes = best + gpu.efficiency.launch
    return found


def moving(gpu: Gpu, values: float, precision: str) -> float:
    """Seconds of a kernel that reads and writes so many values in all, and computes next to nothing."""
    return gpu.efficiency.launch + values * BYTES[precision] / gpu.moved


def attention(gpu: Gpu, sequences: int, heads: int, rows: int, keys: int, size: int, precision: str) -> float:
    """Seconds of attention in one kernel: scores never leave the unit. Each block of rows of a head goes by itself."""
    blocks = sequences * heads * ceil(rows / 128)
    waves = ceil(blocks / gpu.units)
    unit = gpu.rate(precision) / gpu.units / (1 + gpu.edge(precision) * 64 * (1 / 128 + 1 / min(128, size)))
    computing = waves * 4 * 128 * keys * size / unit
    moved = BYTES[precision] * sequences * heads * size * 2 * (rows + keys) / gpu.moved
    power = gpu.efficiency.overlap
    return float(gpu.efficiency.launch + _both(np.float64(computing), np.float64(moved), power))


def _both(one: Sizes | np.float64, other: Sizes | np.float64, power: float) -> Sizes | np.float64:
    """(one^power + other^power)^(1/power), for any size of either."""
    longer = np.maximum(one, other)
    return longer * (1 + (np.minimum(one, other) / longer) ** power) ** (1 / power)
