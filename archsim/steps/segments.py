"""Piecewise-linear functions: straight lines between breakpoints that lie closer where a function bends more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from archsim.steps.intervals import Intervals

if TYPE_CHECKING:
    from collections.abc import Callable

    from archsim.steps.arithmetic import StepCall
    from archsim.steps.formats import InFormat
    from archsim.steps.functions import Operand, Values

_GRID = 1 << 12
_PER_SEGMENT = 32
"""Points of a segment at which a line is fitted."""


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


def heights(curve: Callable[[Values], Values], ends: Values) -> Values:
    """Values at breakpoints, whose lines have the least squared error over all of the range.

    With t from 0 to 1 along each segment, a line is (1 - t) times one height plus t times the next; squared errors at
    evenly spaced points of a segment count as its width.

    Parameters
    ----------
    curve
        The function.
    ends
        Breakpoints in order, (n,).
    """
    widths = np.diff(ends)
    along = (np.arange(_PER_SEGMENT) + 0.5) / _PER_SEGMENT
    values = curve(ends[:-1, None] + widths[:, None] * along)
    right = np.zeros(len(ends))
    right[:-1] += (values * (1 - along)).mean(axis=1) * widths
    right[1:] += (values * along).mean(axis=1) * widths
    diagonal = (np.append(widths, 0) + np.append(0, widths)) * (along**2).mean()
    beside = widths * (along * (1 - along)).mean()
    for at in range(1, len(ends)):  # elimination without exchange: the diagonal outweighs what stands beside it
        share = beside[at - 1] / diagonal[at - 1]
        diagonal[at] -= share * beside[at - 1]
        right[at] -= share * right[at - 1]
    fitted = right / diagonal
    for at in range(len(ends) - 2, -1, -1):
        fitted[at] -= beside[at] / diagonal[at] * fitted[at + 1]
    return np.asarray(fitted)


@dataclass(eq=False)
class SegmentArithmetic:
    """A unit that keeps a function as line segments over its operand's range; the outermost ones go on beyond it.

    As Flex-SFU has it (E. Reggiani, R. Andri, L. Cavigelli, DAC 2023): segments of any width, found by a search in a
    tree, with the least squared error. Its authors descend a gradient; here breakpoints follow the curvature, and
    heights are fitted.

    Parameters
    ----------
    segments
        Of each function.
    unit
        Number format of operands, slopes, offsets and results.
    name
        The part's, for remarks.
    """

    segments: int
    unit: InFormat
    name: str = "flex_sfu"
    _lines: dict[tuple[str, float, float, float], tuple[Intervals, Values, Values]] = field(default_factory=dict)
    _remarks: dict[str, None] = field(default_factory=dict)

    def compute(self, call: StepCall) -> Operand:
        """Slope times operand, plus offset: rounded once."""
        inner, slopes, offsets = self._of(call)

        def stored(x: Values) -> Values:
            entered = self.unit.entered(x, call.spans[0])
            at = inner.find(entered)
            return self.unit.left(slopes[at] * entered + offsets[at])

        return call.by(stored)

    def ideal(self, call: StepCall) -> Operand:
        """In float64: no range is fixed."""
        return call.exactly()

    def remarks(self) -> tuple[str, ...]:
        """What is stored above 0 alone: any function has its segments."""
        return tuple(self._remarks)

    def _of(self, call: StepCall) -> tuple[Intervals, Values, Values]:
        """Between the inner breakpoints, slopes and offsets (segments,)."""
        if missed := call.missed():
            self._remarks[f"{self.name}: {missed}"] = None
        low, high = call.ends({})
        key = call.stored_as(low, high)
        if key not in self._lines:
            self._lines[key] = self._fitted(call, low, high)
        return self._lines[key]

    def _fitted(self, call: StepCall, low: float, high: float) -> tuple[Intervals, Values, Values]:
        points = np.linspace(low, high, _GRID)
        ends = breakpoints(call.curve(points), points, self.segments) if low < high else np.array([low])
        ends = np.unique(self.unit.entered(ends, call.spans[0]))  # as the unit holds them
        if len(ends) == 1:
            return Intervals(np.empty(0)), np.zeros(1), self.unit.left(call.curve(ends))
        values = heights(call.curve, ends)
        slopes = self.unit.left(np.diff(values) / np.diff(ends))
        offsets = self.unit.left(values[:-1] - slopes * ends[:-1])
        return Intervals(ends[1:-1]), slopes, offsets
