"""How a part does a step on numbers: the seam between recipes and the arithmetic of parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from archsim.steps.functions import Log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.steps.functions import Attributes, Operand, StepFunction, Values

_SAMPLES = 1 << 12
"""Numbers of an operand that are kept beside its range."""


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

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))

    @property
    def signed(self) -> bool:
        """Whether some numbers are below 0."""
        return self.low < 0


def span_of(operand: Operand, before: Span | None = None) -> Span:
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
    samples = numbers[:: max(1, len(numbers) // _SAMPLES)]
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)
    if before is None:
        return Span(low, high, samples)
    if not len(numbers):
        return before
    every = np.concatenate([before.samples, samples])
    return Span(min(low, before.low), max(high, before.high), every[:: max(1, len(every) // _SAMPLES)])


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


class StepArithmetic(Protocol):
    """The arithmetic of a part: tables, whole numbers of so many bits, or a format of floating-point numbers."""

    def compute(self, call: StepCall) -> Operand:
        """The result of a step, float64 numbers that the part's format or table has, or logarithms."""
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
