"""Gray code, taken once or several times (its depth), and back."""

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def to_gray(codes: Codes, depth: int = 1) -> Codes:
    """V -> v ^ (v >> 1), `depth` times."""
    for _ in range(depth):
        codes = codes ^ (codes >> 1)
    return codes


def from_gray(codes: Codes, bits: int, depth: int = 1) -> Codes:
    """Back: a bit is the XOR of those from the highest down to itself, `depth` times."""
    for _ in range(depth):
        shift = 1
        while shift < bits:
            codes = codes ^ (codes >> shift)
            shift *= 2
    return codes


def bit_planes(codes: Codes, bits: int) -> NDArray[np.bool_]:
    """Bits of codes, (bits, ...), the lowest first."""
    return np.stack([((codes >> bit) & 1).astype(np.bool_) for bit in range(bits)])
