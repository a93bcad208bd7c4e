"""Number formats of digital units: floating-point numbers and whole numbers of so many bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from archsim.steps.functions import Log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.steps.arithmetic import Span, StepCall
    from archsim.steps.functions import Operand, Values

_ACCUMULATED = frozenset({"sum", "mean", "multiply_accumulate", "mvm"})
"""Steps whose result is a sum, and has the accumulator's format."""


_FLOAT32 = (8, 23)
"""Bits of exponent and mantissa of the format that numpy rounds to at once."""


@dataclass(frozen=True)
class Floating:
    """Binary floating-point numbers, with subnormal ones, rounded to nearest, ties to even.

    Parameters
    ----------
    exponent, mantissa
        Bits of each; the first bit of a mantissa is not stored.
    largest
        The largest finite number. What rounds to more is infinite, or, where `saturates`, this.
    saturates
        Whether there is no infinity.
    """

    exponent: int
    mantissa: int
    largest: float
    saturates: bool = False

    def rounded(self, x: Values) -> Values:
        """The nearest numbers of the format, as float64."""
        if (self.exponent, self.mantissa) == _FLOAT32:
            with np.errstate(over="ignore"):
                return x.astype(np.float32).astype(np.float64)
        least = 2 - (1 << (self.exponent - 1))
        with np.errstate(all="ignore"):
            power = np.maximum(np.frexp(x)[1] - 1, least)
            step = np.ldexp(1.0, power - self.mantissa)
            nearest = np.rint(x / step) * step
            beyond = self.largest if self.saturates else np.inf
            limited = np.where(np.abs(nearest) > self.largest, np.copysign(beyond, nearest), nearest)
        return np.where(np.isfinite(x), limited, np.clip(x, -beyond, beyond))


@dataclass(frozen=True)
class Whole:
    """Signed whole numbers of `bits` bits; -2^(bits-1) is not used, so that ranges are symmetric."""

    bits: int

    @property
    def top(self) -> int:
        """The largest code."""
        return (1 << (self.bits - 1)) - 1

    def unit(self, span: Span) -> float:
        """What code 1 is worth, over a range."""
        return span.limit(self.top) / self.top or 1.0

    def codes(self, x: Values, span: Span) -> Values:
        """The nearest codes, float64."""
        return np.clip(np.rint(x / self.unit(span)), -self.top, self.top)


def _floating(exponent: int, mantissa: int) -> Floating:
    """As IEEE 754 has it: the highest exponent is that of infinity."""
    return Floating(exponent, mantissa, (2 - 2.0**-mantissa) * 2.0 ** ((1 << (exponent - 1)) - 1))


FORMATS: Mapping[str, Floating | Whole] = {
    "fp32": _floating(8, 23),
    "tf32": _floating(8, 10),
    "bf16": _floating(8, 7),
    "fp16": _floating(5, 10),
    "fp8_e5m2": _floating(5, 2),
    "fp8_e4m3": Floating(4, 3, 448.0, saturates=True),
    **{f"int{bits}": Whole(bits) for bits in (4, 8, 12, 16, 24, 32)},
}
"""By the names that files use. fp8 as in the Open Compute Project's 8-bit Floating Point Specification (OFP8), 1.0."""


@dataclass(frozen=True)
class InFormat:
    """Steps in a number format: operands are rounded as they come in, products are exact, results rounded once.

    A sum is exact (in float64), and rounded once to the accumulator's format. Whole numbers have the range of their
    operand; their results are exact until the next step takes them in, their sums saturate.

    Parameters
    ----------
    format
        Of operands, and of results but sums.
    accumulator
        Of sums.
    """

    format: Floating | Whole
    accumulator: Floating | Whole

    def compute(self, call: StepCall) -> Operand:
        """Raises nothing: what overflows is infinite, or saturates."""
        rounded = [self._taken(of, span) for of, span in zip(call.operands, call.spans, strict=True)]
        with np.errstate(all="ignore"):
            result = call.function.compute(*rounded, call.attributes)
        if isinstance(result, Log):
            return Log(result.sign, self._result(result.magnitude, call))
        return self._result(result, call)

    def ideal(self, call: StepCall) -> Operand:
        """In float64: no range is fixed."""
        return call.exactly()

    def remarks(self) -> tuple[str, ...]:
        """None: a unit has no size that numbers could exceed."""
        return ()

    def _taken(self, operand: Operand, span: Span) -> Operand:
        if isinstance(operand, Log):
            return Log(operand.sign, self.entered(operand.magnitude, span))
        return self.entered(operand, span)

    def entered(self, x: Values, span: Span) -> Values:
        """Numbers as they come in."""
        if isinstance(self.format, Floating):
            return self.format.rounded(x)
        return self.format.codes(x, span) * self.format.unit(span)

    def left(self, x: Values) -> Values:
        """Results other than sums; whole numbers are rounded by what takes them in."""
        return self.format.rounded(x) if isinstance(self.format, Floating) else x

    def _result(self, x: Values, call: StepCall) -> Values:
        if call.name not in _ACCUMULATED:
            return self.left(x)
        if isinstance(self.accumulator, Floating):
            return self.accumulator.rounded(x)
        if isinstance(self.format, Floating):
            return x
        unit = float(np.prod([self.format.unit(span) for span in call.spans]))
        largest = self.accumulator.top * unit / (call.terms() if call.name == "mean" else 1)
        return np.clip(x, -largest, largest)


FLOAT32 = InFormat(FORMATS["fp32"], FORMATS["fp32"])
"""What a unit computes in whose file names no format."""
