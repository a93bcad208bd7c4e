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

_GRIDS, _SEEN, _CLOSE = 8, 256, 1e-3
"""Most bits of weights whose step is looked for; weights of an output that are looked at first; shares of a step."""


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

    A range for each output: up to its largest weight, or (fitted) the share of it with the least squared error; weights
    that are whole multiples of a step, as those of a file of as many bits are, keep their codes.
    """
    largest = np.abs(weight).max(axis=1)
    largest[largest == 0] = 1
    scale: Values = (largest / np.float32(top(bits))).astype(np.float32)
    if fitted:
        limits = -top(bits), top(bits)
        errors = [_error(weight, scale[:, None] * share, limits).sum(axis=1) for share in _SHARES]
        steps = _steps(weight, bits)
        scale = np.where(steps > 0, steps, scale * _SHARES[np.argmin(errors, axis=0)]).astype(np.float32)
    return np.clip(np.rint(weight / scale[:, None]), -top(bits), top(bits)), scale


def _steps(weight: Values, bits: int) -> Values:
    """Of each output the largest step of which all its weights are multiples, by codes of so many bits; 0: none is."""
    largest = np.abs(weight).max(axis=1).astype(np.float32)
    found: Values = np.zeros_like(largest)
    if bits > _GRIDS:
        return found
    some = weight[:, :: max(1, weight.shape[1] // _SEEN)]
    for code in range(1 << (bits - 1), 0, -1):
        step = largest / np.float32(code)
        found = np.where((step > 0) & _whole(some, step), step, found)
    steps: Values = np.where(_whole(weight, np.where(found > 0, found, 1)), found, 0).astype(np.float32)
    return steps


def _whole(weight: Values, step: Values) -> NDArray[np.bool_]:
    """Of each output, whether its weights are multiples of its step."""
    codes = weight / np.where(step > 0, step, 1)[:, None]
    return np.asarray((np.abs(codes - np.rint(codes)) < _CLOSE).all(axis=1))


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
