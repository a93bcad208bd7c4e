"""Piecewise-linear functions: straight lines between breakpoints that lie closer where a function bends more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from archsim.steps.arithmetic import StepCall
    from archsim.steps.formats import InFormat
    from archsim.steps.functions import Operand, Values

_GRID = 1 << 12


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
        inner, slopes, offsets = self._of(call)

        def stored(x: Values) -> Values:
            entered = self.unit.entered(x, call.spans[0])
            at = np.searchsorted(inner, entered, side="right")
            return self.unit.left(slopes[at] * entered + offsets[at])

        return call.by(stored)

    def ideal(self, call: StepCall) -> Operand:
        """In float64: no range is fixed."""
        return call.exactly()

    def remarks(self) -> tuple[str, ...]:
        """None: any function has its segments."""
        return ()

    def _of(self, call: StepCall) -> tuple[Values, Values, Values]:
        """Inner breakpoints (segments - 1,), slopes and offsets (segments,)."""
        low, high = call.ends({})
        key = (call.name, low, high)
        if key not in self._lines:
            self._lines[key] = self._fitted(call, low, high)
        return self._lines[key]

    def _fitted(self, call: StepCall, low: float, high: float) -> tuple[Values, Values, Values]:
        if low == high:
            return np.empty(0), np.zeros(1), self.unit.left(call.curve(np.array([low])))
        points = np.linspace(low, high, _GRID)
        ends = breakpoints(call.curve(points), points, self.segments)
        values = call.curve(ends)
        slopes = self.unit.left(np.diff(values) / np.diff(ends))
        offsets = self.unit.left(values[:-1] - slopes * ends[:-1])
        return ends[1:-1], slopes, offsets
