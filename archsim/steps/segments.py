"""Piecewise-linear functions: straight lines between breakpoints that lie closer where a function bends more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Span, StepCall
    from archsim.steps.formats import InFormat
    from archsim.steps.functions import Operand, Values

_GRID = 1 << 12
_ABOVE_ZERO = ("log", "reciprocal", "rsqrt")


def breakpoints(function: Values, points: Values, segments: int) -> Values:
    """Points between which lines follow a function with errors that are about equal.

    The error of a line over a segment of width w is about |f''| w^2 / 8, so the density of breakpoints goes with the
    root of |f''|; a tenth of them is spread evenly, for where a function is straight.

    Parameters
    ----------
    function
        Values at the points, (n,).
    points
        Evenly spaced, (n,).
    segments
        How many.

    Returns
    -------
    Values
        segments + 1 points, the first and the last of those given among them.
    """
    bend = np.sqrt(np.abs(np.gradient(np.gradient(function, points), points)))
    total = bend.sum()
    density = bend / total + 0.1 / len(points) if total > 0 else np.ones(len(points))
    passed = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(np.linspace(0, passed[-1], segments + 1), passed, points)


@dataclass(eq=False)
class SegmentArithmetic:
    """A unit that keeps a function as line segments over its operand's range; the outermost ones go on beyond it.

    Parameters
    ----------
    segments
        Of each function.
    unit
        Number format of operands, slopes, offsets and results.
    """

    segments: int
    unit: InFormat
    _lines: dict[tuple[str, float, float], tuple[Values, Values, Values]] = field(default_factory=dict)

    def compute(self, call: StepCall) -> Operand:
        """Slope times operand, plus offset: rounded once."""
        x = self.unit.entered(np.asarray(call.operands[0], np.float64), call.spans[0])
        inner, slopes, offsets = self._of(call, call.spans[0])
        at = np.searchsorted(inner, x, side="right")
        return self.unit.left(slopes[at] * x + offsets[at])

    def remarks(self) -> tuple[str, ...]:
        """None: any function has its segments."""
        return ()

    def _of(self, call: StepCall, span: Span) -> tuple[Values, Values, Values]:
        """Inner breakpoints (segments - 1,), slopes and offsets (segments,)."""
        low, high = span.low, span.high
        if call.name in _ABOVE_ZERO and low <= 0:
            above = span.samples[span.samples > 0]
            low = float(above.min()) if len(above) else 1.0
        key = (call.name, low, max(high, low))
        if key not in self._lines:
            self._lines[key] = self._fitted(call, *key[1:])
        return self._lines[key]

    def _fitted(self, call: StepCall, low: float, high: float) -> tuple[Values, Values, Values]:
        def apply(x: Values) -> Values:
            return np.asarray(call.function.compute(x, call.attributes), np.float64)

        if low == high:
            return np.empty(0), np.zeros(1), self.unit.left(apply(np.array([low])))
        points = np.linspace(low, high, _GRID)
        ends = breakpoints(apply(points), points, self.segments)
        values = apply(ends)
        slopes = self.unit.left(np.diff(values) / np.diff(ends))
        offsets = self.unit.left(values[:-1] - slopes * ends[:-1])
        return ends[1:-1], slopes, offsets
