"""What is stored in an analog CAM for a function of one variable: ranges of the input for each output bit."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from archsim.errors import UsageError
from archsim.kernels.acam_functions import Function, Values
from archsim.kernels.acam_gray import bit_planes, from_gray, to_gray
from archsim.kernels.draws import generator
from archsim.steps.intervals import Intervals

_GRID = 1 << 15
_HALVINGS = 60
_GOLDEN = (sqrt(5) - 1) / 2
_MOST_BITS = 16


@dataclass(frozen=True, eq=False)
class Table:
    """Ranges low <= x < high, float64 (rows, 2) for each output bit, the lowest bit first: the fewest that do.

    start, stop: of the inputs, which are codes 0 .. 2^bits - 1 of it where `coded`. low, high: what the lowest and the
    highest output code stand for. depth: how often outputs are Gray-coded.
    """

    name: str
    bits: int
    depth: int
    start: float
    stop: float
    coded: bool
    low: float
    high: float
    ranges: tuple[Values, ...]

    @property
    def rows_per_bit(self) -> tuple[int, ...]:
        """Ranges that each output bit takes."""
        return tuple(len(found) for found in self.ranges)

    @property
    def rows(self) -> int:
        """All of them. A range is a row of an array with one cell."""
        return sum(self.rows_per_bit)

    def search(self, x: Values) -> NDArray[np.int64]:
        """Output codes for inputs of any shape."""
        bounds, codes = self._steps
        found: NDArray[np.int64] = codes[bounds.find(x)]
        return found

    def read(self, x: Values) -> Values:
        """What output codes stand for, for inputs of any shape."""
        return np.asarray(self._step_values[self._steps[0].find(x)])

    @cached_property
    def _step_values(self) -> Values:
        return self.value(self._steps[1])

    @cached_property
    def _steps(self) -> tuple[Intervals, NDArray[np.int64]]:
        """All finite bounds in order, and the output code below, between and above them."""
        bounds = np.unique(np.concatenate([found.ravel() for found in self.ranges]))
        edges = bounds[np.isfinite(bounds)]
        probes = np.concatenate([[-np.inf], edges])
        stored = np.zeros(probes.shape, np.int64)
        for bit, found in enumerate(self.ranges):
            begun = np.searchsorted(np.sort(found[:, 0]), probes, side="right")
            ended = np.searchsorted(np.sort(found[:, 1]), probes, side="right")
            stored |= (begun > ended).astype(np.int64) << bit
        return Intervals(edges), from_gray(stored, self.bits, self.depth)

    def value(self, codes: NDArray[np.int64]) -> Values:
        """What output codes stand for."""
        return self.low + (self.high - self.low) * codes / ((1 << self.bits) - 1)

    def disturbed(self, sigma: float, seed: int = 0, drawn_as: str | None = None) -> "Table":
        """With errors of the stored bounds: normal, `sigma` of the input's range. Crossed bounds hold nothing.

        drawn_as: the name by which they are drawn, where more than one table of a function is; by default its own.
        """
        moved = np.concatenate(self.ranges) + sigma * self.width * self.errors(seed, drawn_as)
        moved[:, 1] = moved.max(axis=1)
        return _with(self, np.split(moved, np.cumsum(self.rows_per_bit)[:-1]))

    def errors(self, seed: int, drawn_as: str | None = None) -> Values:
        """What stored bounds are off by, in deviations, (rows, 2); as `disturbed`."""
        rng = generator(seed, drawn_as or f"acam {self.name}", "programming")
        return rng.standard_normal((self.rows, 2))

    @property
    def width(self) -> float:
        """Of the range of inputs, as they are searched for."""
        return (1 << self.bits) - 1 if self.coded else self.stop - self.start

    def truncated(self, sizes: tuple[int, ...]) -> "Table":
        """What fits into arrays of these sizes, the largest for the bit that needs most: narrow ranges are left out."""
        order = sorted(range(self.bits), key=lambda bit: -len(self.ranges[bit]))
        room = dict(zip(order, sorted(sizes, reverse=True), strict=False))
        kept = []
        for bit, found in enumerate(self.ranges):
            wide = np.sort(np.argsort(-self._widths(found), kind="stable")[: room.get(bit, 0)])
            kept.append(found[wide])
        return _with(self, kept)

    def pooled(self, cells: int) -> "Table":
        """What fits into so many rows that all bits share: the narrowest ranges are left out."""
        bits = np.repeat(np.arange(self.bits), self.rows_per_bit)
        every = np.concatenate(self.ranges)
        wide = np.sort(np.argsort(-self._widths(every), kind="stable")[:cells])
        return _with(self, [every[wide[bits[wide] == bit]] for bit in range(self.bits)])

    def _widths(self, ranges: Values) -> Values:
        """Of ranges, shares of the input's; rounded, so that of those as wide the first go before the last."""
        width = np.where(np.isfinite(ranges).all(axis=1), ranges[:, 1] - ranges[:, 0], np.inf)
        return np.asarray(np.round(width / (self.stop - self.start), 9))


def _with(table: Table, ranges: list[Values]) -> Table:
    from dataclasses import replace

    return replace(table, ranges=tuple(ranges))


def compile_table(
    function: Function,
    bits: int,
    *,
    depth: int = 0,
    coded: bool = False,
    start: float | None = None,
    stop: float | None = None,
) -> Table:
    """The fewest ranges that store `function` with outputs of `bits`, from its least to its greatest value.

    coded: the input is a code of as many bits, spread evenly from start to stop; else it is analog, and the ranges are
    bounded where the function crosses the middle between two output values. Raises UsageError.
    """
    begin = function.start if start is None else start
    end = function.stop if stop is None else stop
    if not 1 <= bits <= _MOST_BITS:
        raise UsageError(f"found {bits} bits; expected 1 to {_MOST_BITS}")
    if not 0 <= depth <= bits:
        raise UsageError(f"found a Gray depth of {depth}; expected 0 to {bits}, the bits")
    if not function.low <= begin < end <= function.high:
        where = (
            f" within {function.low:g} to {function.high:g}" if np.isfinite([function.low, function.high]).any() else ""
        )
        raise UsageError(f"found the range {begin:g} to {end:g}; {function.name} needs one that grows{where}")
    points = np.linspace(begin, end, (1 << bits) if coded else _GRID + 1)  # codes between two points are passed too
    with np.errstate(all="ignore"):
        points = points if coded else _with_turns(function, points)
        values = function.apply(points)
    low, high = float(values.min()), float(values.max())
    why = _unstorable(low, high, bits)
    if why is not None:
        raise UsageError(
            f"found the range {begin:g} to {end:g}, in which {function.name} {why}; expected another range"
        )
    codes = np.floor((values - low) / (high - low) * ((1 << bits) - 1) + 0.5).astype(np.int64)
    if coded:
        visited, bounds = codes, np.arange(len(codes) - 1) + 0.5  # half way between two codes
        edges = np.concatenate([[-np.inf], bounds, [np.inf]])
    else:
        visited, edges = _crossings(function, points, codes, low, (high - low) / ((1 << bits) - 1))
    wide = edges[:-1] < edges[1:]  # a code that is only touched has no range
    visited, edges = visited[wide], np.append(edges[:-1][wide], edges[-1])
    planes = bit_planes(to_gray(visited, depth), bits)
    ranges = tuple(_runs(plane, edges) for plane in planes)
    return Table(function.name, bits, depth, begin, end, coded, low, high, ranges)


def _unstorable(low: float, high: float, bits: int) -> str | None:
    """What keeps results between two numbers from having codes."""
    if np.isnan(high - low):
        return "is no number somewhere"
    if np.isinf(high - low):
        return "is too large for a number somewhere"
    if low == high:
        return "is the same everywhere"
    too_close = (high - low) / (1 << bits) < np.spacing(max(abs(low), abs(high)))
    return "is the same everywhere but for rounding" if too_close else None


def _with_turns(function: Function, points: Values) -> Values:
    """The points, and where the function has a maximum or a minimum between two of them.

    A golden-section search beside each point that is higher, or lower, than both its neighbours. Then the function is
    monotonic between two points, unless it turns more than once within three of the first ones.
    """
    values = function.apply(points)
    rise = np.sign(np.diff(values))
    before, after = np.concatenate([-rise[:1], rise]), np.concatenate([rise, -rise[-1:]])
    at = np.flatnonzero((before * after <= 0) & (before != after))
    upward = np.where(before[at] != 0, before[at], -after[at])  # 1 at a highest point, -1 at a lowest
    left, right = points[np.maximum(at - 1, 0)], points[np.minimum(at + 1, len(points) - 1)]
    for _ in range(_HALVINGS):
        inner, outer = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
        beyond = upward * (function.apply(outer) - function.apply(inner)) > 0
        left, right = np.where(beyond, inner, left), np.where(beyond, right, outer)
    middle = (left + right) / 2
    turns = middle[upward * (function.apply(middle) - values[at]) > 0]
    return np.unique(np.concatenate([points, turns]))


def _crossings(
    function: Function, points: Values, codes: NDArray[np.int64], low: float, step: float
) -> tuple[NDArray[np.int64], Values]:
    """Codes in the order in which they are passed, and between which inputs; all between two points are passed."""
    change = np.diff(codes)
    at = np.repeat(np.flatnonzero(change), np.abs(change[change != 0]))
    sign = np.sign(change[at])
    first = np.concatenate([[True], at[1:] != at[:-1]])
    count = np.arange(len(at)) - np.maximum.accumulate(np.where(first, np.arange(len(at)), 0))
    visited = codes[at] + sign * (count + 1)
    target = low + (visited - sign * 0.5) * step
    left, right = points[at], points[at + 1]
    for _ in range(_HALVINGS):
        middle = (left + right) / 2
        before = sign * (function.apply(middle) - target) < 0
        left, right = np.where(before, middle, left), np.where(before, right, middle)
    return np.concatenate([codes[:1], visited]), np.concatenate([[-np.inf], right, [np.inf]])


def _runs(plane: NDArray[np.bool_], edges: Values) -> Values:
    """Ranges in which a bit is set, (rows, 2)."""
    padded = np.concatenate([[False], plane, [False]]).astype(np.int8)
    steps = np.diff(padded)
    return np.stack([edges[np.flatnonzero(steps == 1)], edges[np.flatnonzero(steps == -1)]], axis=1)
