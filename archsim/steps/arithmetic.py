"""How a part does a step on numbers: the seam between recipes and the arithmetic of parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from archsim.steps.functions import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from archsim.steps.functions import Attributes, Operand, StepFunction, Values

_SAMPLES = 1 << 12
"""Numbers of an operand that are kept beside its range."""
_SPREAD = 0.6180339887498949
"""The golden ratio's fraction: multiples of it are spread evenly, and with no period that a row could have."""
_SHARES = tuple(share / 100 for share in range(100, 20, -5))
"""Of the largest number: ranges of codes that are tried, the widest first."""


ABOVE_ZERO = ("log", "reciprocal", "rsqrt")
"""Functions that are defined above 0 alone; a logarithm is that of a magnitude."""


@dataclass(frozen=True, eq=False)
class Span:
    """What an operand reaches in a run, as it was seen when ranges were calibrated; they are fixed afterwards.

    Parameters
    ----------
    low, high
        The least and the greatest number; of a logarithm those of the magnitudes of numbers other than 0.
    samples
        Some of the numbers, float64 (n,), evenly spread over them; of logarithms of magnitudes.
    """

    low: float
    high: float
    samples: Values
    _limits: dict[int, float] = field(default_factory=dict, repr=False)

    def limit(self, top: int) -> float:
        """The magnitude that the largest code stands for: a share of the largest, with the least squared error.

        Parameters
        ----------
        top
            The largest code; the smallest is its negative, or 0 where no number is below 0.
        """
        if top not in self._limits:
            numbers = np.append(self.samples, (self.low, self.high))
            low = -top if self.signed else 0
            errors = []
            for share in _SHARES:
                unit = self.largest * share / top or 1.0
                errors.append(float(((np.clip(np.rint(numbers / unit), low, top) * unit - numbers) ** 2).sum()))
            self._limits[top] = self.largest * _SHARES[int(np.argmin(errors))]
        return self._limits[top]

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))

    @property
    def signed(self) -> bool:
        """Whether some numbers are below 0."""
        return self.low < 0


def span_of(operand: Operand | NDArray[np.float32], before: Span | None = None) -> Span:
    """The span of an operand, or of all that was seen of it.

    Parameters
    ----------
    operand
        Numbers, or logarithms.
    before
        What was seen earlier.
    """
    shown = (
        operand.magnitude[np.broadcast_to(operand.sign != 0, operand.magnitude.shape)]
        if isinstance(operand, Log)
        else operand
    )
    numbers = np.asarray(shown, np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    samples = _some(numbers)
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)
    if before is None:
        return Span(low, high, samples)
    if not len(numbers):
        return before
    every = np.concatenate([before.samples, samples])
    return Span(min(low, before.low), max(high, before.high), _some(every))


def _some(numbers: Values) -> Values:
    """All, or so many of them that are spread evenly."""
    if len(numbers) <= _SAMPLES:
        return numbers
    return np.asarray(numbers[(np.arange(_SAMPLES) * _SPREAD % 1 * len(numbers)).astype(np.int64)])


def of_numbers(stored: Callable[[Values], Values], x: Values) -> Values:
    """What is stored for numbers; what is no number is read nowhere, and stays so."""
    unknown = np.isnan(x)
    return np.where(unknown, np.nan, stored(np.where(unknown, 0.0, x))) if unknown.any() else stored(x)


@dataclass(frozen=True)
class StepCall:
    """A step on operands.

    Parameters
    ----------
    name
        Of the function, such as `exp`.
    function
        What it computes exactly.
    operands
        Numbers float64, or logarithms; constants are arrays without dimensions.
    spans
        Of each operand, fixed for the run.
    attributes
        Of the operator.
    """

    name: str
    function: StepFunction
    operands: Sequence[Operand]
    spans: Sequence[Span]
    attributes: Attributes

    def exactly(self) -> Operand:
        """The result in float64."""
        return self.function.compute(*self.operands, self.attributes)

    def curve(self, x: Values) -> Values:
        """The function of one variable; of a logarithm that of magnitudes above 0."""
        result = self.function.compute(x, self.attributes)
        return np.asarray(result.magnitude if isinstance(result, Log) else result, np.float64)

    def by(self, stored: Callable[[Values], Values]) -> Operand:
        """The result of the first operand by a stored curve: signs of logarithms stand beside it, and zero is apart."""
        operand = self.operands[0]
        if isinstance(operand, Log):
            return np.where(operand.sign == 0, 0.0, operand.sign * of_numbers(stored, operand.magnitude))
        if self.name == "log":
            return Log(np.sign(operand), of_numbers(stored, np.abs(operand)))
        return of_numbers(stored, operand)

    def ends(self, fixed: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
        """Between which inputs a curve is stored.

        Parameters
        ----------
        fixed
            Ranges of functions in the machine's file, which go before what was calibrated. Functions that are defined
            above 0 alone begin at the least number above it.
        """
        if self.name in fixed:
            return fixed[self.name]
        span = self.spans[0]
        if self.name not in ABOVE_ZERO or isinstance(self.operands[0], Log):
            return span.low, span.high
        if span.low > 0:
            return span.low, span.high
        numbers = np.abs(span.samples) if self.name == "log" else span.samples
        most = span.largest if self.name == "log" else span.high
        above = numbers[numbers > 0]
        return (float(above.min()), max(most, float(above.min()))) if len(above) else (1.0, 1.0)

    def terms(self) -> Values:
        """How many numbers of each row there are, as far as a mask lets them be seen; at least 1."""
        operand, visible = self.operands[0], self.attributes.visible
        shape = np.shape(operand.magnitude if isinstance(operand, Log) else operand)
        if visible is None:
            return np.asarray(float(shape[-1]))
        return np.asarray(np.maximum(np.broadcast_to(visible, shape).sum(axis=-1, keepdims=True, dtype=np.float64), 1))

    def stored_as(self, start: float, stop: float) -> tuple[str, float, float, float]:
        """All that a stored curve depends on."""
        return self.name, start, stop, self.attributes.epsilon

    def missed(self) -> str | None:
        """What a stored curve gets wrong as its function is defined above 0 alone, and its operand goes below."""
        span = self.spans[0]
        if self.name not in ABOVE_ZERO or self.name == "log" or isinstance(self.operands[0], Log) or span.low >= 0:
            return None
        return f"{self.name} is stored for numbers above 0, and reads some down to {span.low:.3g} as the least of them"

    def within(self, ranges: Mapping[str, tuple[float, float]]) -> Operand:
        """The result in float64, of a first operand that is held to the range of the function, if it has one."""
        operand = self.operands[0]
        if self.name not in ranges or isinstance(operand, Log):
            return self.exactly()
        low, high = ranges[self.name]
        if self.name == "log":
            held = np.sign(operand) * np.clip(np.abs(operand), low, high)
        else:
            held = np.clip(operand, low, high)
        return self.function.compute(held, *self.operands[1:], self.attributes)


class StepArithmetic(Protocol):
    """The arithmetic of a part: tables, whole numbers of so many bits, or a format of floating-point numbers."""

    def compute(self, call: StepCall) -> Operand:
        """The result of a step, float64 numbers that the part's format or table has, or logarithms."""
        ...

    def ideal(self, call: StepCall) -> Operand:
        """The result in float64, of operands held to the ranges that the machine's file fixes."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """What did not fit into the part, in the steps so far."""
        ...


@dataclass(frozen=True)
class Setting:
    """What a part's arithmetic depends on beside its parameters.

    Parameters
    ----------
    part
        Its name in the machine's file, by which random numbers are drawn.
    seed
        Of all errors.
    """

    part: str
    seed: int = 0
