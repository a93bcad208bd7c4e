"""How long a kernel takes: products by tiles and waves, all else by what it moves."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from archsim.gpu.gpu import BYTES, VECTOR, Gpu

TILES = ((256, 128), (128, 128), (128, 64), (64, 128), (64, 64), (256, 64))
"""Rows and columns of the result that a block of threads makes; libraries choose one, here the fastest."""
VECTOR_TILES = (*TILES, (32, 64), (32, 32), (16, 64))
"""Those of vector units, whose instructions work on single values: a tile may be as small as the result."""
SPLITS = (1, 2)
"""Into so many parts the inner size may be split, whose sums are added up through memory."""

Sizes = NDArray[np.float64]


def product(
    gpu: Gpu, m: float | Sizes, n: float | Sizes, k: float | Sizes, precision: str, number: float | Sizes = 1.0
) -> Sizes:
    """Seconds of `number` products at once, [m, k] x [k, n] each: arrays of any one shape.

    A wave is one tile on every unit; where others went before it, the last one's idle units are used in part.
    Results are written when a tile is done, which the next tile's computing hides in part.
    """
    rows, cols, inner, together = (np.asarray(size, np.float64) for size in (m, n, k, number))
    each, reach = BYTES[precision], gpu.efficiency
    best = np.full(np.broadcast_shapes(rows.shape, cols.shape, inner.shape, together.shape), np.inf)
    for high, wide in VECTOR_TILES if precision in VECTOR else TILES:
        tiles = np.ceil(rows / high) * np.ceil(cols / wide) * together
        for split in SPLITS:
            computing = _waves(tiles * split / gpu.units, reach.tail) * _tile(gpu, high, wide, inner / split, precision)
            sums = 1 if split == 1 else 1 + 2 * split
            moving = each * together * (rows * inner + inner * cols + sums * rows * cols) / gpu.moved
            best = np.minimum(best, _both(computing, moving, reach.overlap))
    writing = reach.write * each * together * rows * cols / gpu.moved
    at_least = 2 * together * rows * cols * inner / gpu.rate(precision)
    found: Sizes = np.maximum(reach.launch + best + writing, at_least)
    return found


def _waves(full: Sizes, tail: float) -> Sizes:
    """How many waves pass, where there are tiles for so many full ones."""
    waves = np.ceil(full)
    found: Sizes = np.where(full > 1, waves - tail * (waves - full), waves)
    return found


def _tile(gpu: Gpu, high: int, wide: int, inner: float | Sizes, precision: str) -> Sizes:
    """Seconds in which a unit computes a tile of high x wide results."""
    reached = gpu.peak[precision] / gpu.units / (1 + gpu.edge(precision) * 64 * (1 / high + 1 / wide))
    found: Sizes = np.asarray(2 * high * wide * inner / reached)
    return found


def moving(gpu: Gpu, values: float, precision: str) -> float:
    """Seconds of a kernel that reads and writes so many values in all, and computes next to nothing."""
    return gpu.efficiency.launch + values * BYTES[precision] / gpu.moved


def attention(gpu: Gpu, sequences: int, heads: int, rows: int, keys: int, size: int, precision: str) -> float:
    """Seconds of attention in one kernel: scores never leave the unit. Each block of rows of a head goes by itself."""
    high, wide = min(128, 16 * ceil(rows / 16)), min(128, size)
    blocks = sequences * heads * ceil(rows / high)
    computing = ceil(blocks / gpu.units) * 2 * _tile(gpu, high, wide, keys * size / wide, precision)
    moved = np.asarray(BYTES[precision] * sequences * heads * size * 2 * (rows + keys) / gpu.moved)
    at_least = 4 * sequences * heads * rows * keys * size / gpu.rate(precision)
    return max(gpu.efficiency.launch + float(_both(computing, moved, gpu.efficiency.overlap)), at_least)


def _both(one: Sizes, other: Sizes, power: float) -> Sizes:
    """(one^power + other^power)^(1/power), for any size of either."""
    longer = np.maximum(one, other)
    return longer * (1 + (np.minimum(one, other) / longer) ** power) ** (1 / power)
