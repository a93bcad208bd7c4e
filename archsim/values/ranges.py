"""Over which range values are quantised: that of the largest, or one that cuts off some for finer steps."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.values.arithmetic import Values

Bits = Mapping[str, tuple[int, int]]
"""By projection: of weights and of inputs."""
_SHARES = np.arange(100, 20, -5, dtype=np.float32) / np.float32(100)
"""Of the largest: ranges that are tried, the widest first."""


def top(bits: int) -> int:
    """The largest signed code; the smallest is its negative."""
    return (1 << (bits - 1)) - 1


@dataclass(frozen=True, slots=True)
class InputRange:
    """Inputs that have codes: up to `largest`, and as far below 0; or none below, where inputs are never negative.

    What is never negative, as after a ReLU, needs no bit for a sign: steps are half as large.
    """

    largest: float
    signed: bool = True

    def top(self, bits: int) -> int:
        """The largest code."""
        return top(bits + (not self.signed))

    def low(self, bits: int) -> int:
        """The smallest code."""
        return -self.top(bits) if self.signed else 0

    def unit(self, bits: int) -> np.float32:
        """What one is worth."""
        return np.float32(self.largest / self.top(bits))


def weight_codes(weight: Values, bits: int, *, fitted: bool = False) -> tuple[NDArray[np.float32], Values]:
    """Whole codes (out, in) as float32, and what one is worth, (out,).

    A range for each output: up to its largest weight, or (fitted) the share of it with the least squared error.
    """
    largest = np.abs(weight).max(axis=1)
    largest[largest == 0] = 1
    scale: Values = (largest / np.float32(top(bits))).astype(np.float32)
    if fitted:
        limits = -top(bits), top(bits)
        errors = [_error(weight, scale[:, None] * share, limits).sum(axis=1) for share in _SHARES]
        scale = scale * _SHARES[np.argmin(errors, axis=0)]
    return np.clip(np.rint(weight / scale[:, None]), -top(bits), top(bits)), scale


def fitted_range(samples: Values, bits: int, *, signed: bool) -> InputRange:
    """The range with the least squared error over the samples."""
    largest = np.abs(samples).max(initial=0)
    if largest == 0:
        return InputRange(1.0, signed)
    whole = InputRange(float(largest), signed)
    limits = whole.low(bits), whole.top(bits)
    errors = [float(_error(samples, whole.unit(bits) * share, limits).mean(dtype=np.float64)) for share in _SHARES]
    return InputRange(float(largest * _SHARES[int(np.argmin(errors))]), signed)


def _error(values: Values, step: Values | np.float32, limits: tuple[int, int]) -> Values:
    found: Values = (np.clip(np.rint(values / step), *limits) * step - values) ** 2
    return found
