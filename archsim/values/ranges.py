"""Over which range values are quantised: that of the largest, or one that cuts off some for finer steps."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from archsim.values.arithmetic import Values

Bits = Mapping[str, tuple[int, int]]
"""By projection: of weights and of inputs, both signed."""
_SHARES = np.arange(100, 20, -5, dtype=np.float32) / np.float32(100)
"""Of the largest: ranges that are tried, the widest first."""


def top(bits: int) -> int:
    """The largest signed code; the smallest is its negative."""
    return (1 << (bits - 1)) - 1


def weight_codes(weight: Values, bits: int, *, fitted: bool = False) -> tuple[NDArray[np.float32], Values]:
    """Whole codes (out, in) as float32, and what one is worth, (out,).

    A range for each output: up to its largest weight, or (fitted) the share of it with the least squared error.
    """
    largest = np.abs(weight).max(axis=1)
    largest[largest == 0] = 1
    scale: Values = (largest / np.float32(top(bits))).astype(np.float32)
    if fitted:
        errors = [_error(weight, scale[:, None] * share, bits).sum(axis=1) for share in _SHARES]
        scale = scale * _SHARES[np.argmin(errors, axis=0)]
    return np.clip(np.rint(weight / scale[:, None]), -top(bits), top(bits)), scale


def fitted_range(samples: Values, bits: int) -> float:
    """The largest input that has a code of its own, with the least squared error over the samples."""
    largest = np.abs(samples).max(initial=0)
    if largest == 0:
        return 1.0
    step = largest / np.float32(top(bits))
    errors = [float(_error(samples, step * share, bits).mean(dtype=np.float64)) for share in _SHARES]
    return float(largest * _SHARES[int(np.argmin(errors))])


def _error(values: Values, step: Values | np.float32, bits: int) -> Values:
    found: Values = (np.clip(np.rint(values / step), -top(bits), top(bits)) * step - values) ** 2
    return found
