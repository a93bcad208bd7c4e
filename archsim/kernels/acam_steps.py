"""Steps of recipes by tables of analog CAMs: functions of a searched number, and logarithms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.acam_functions import Function
from archsim.kernels.acam_noise import TableSearches
from archsim.kernels.acam_table import Table, compile_table
from archsim.steps.arithmetic import ABOVE_ZERO, of_numbers
from archsim.steps.functions import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archsim.steps.arithmetic import StepCall
    from archsim.steps.functions import Operand, Values

_LOWEST = 1e-300
"""Where functions begin that are defined above 0 alone."""
_NATS = range(3, 21)
"""Ranges of a table of logarithms that are tried, below the largest number."""


def log_start(magnitudes: Values, bits: int) -> float:
    """Where a table of logarithms begins: the range with the least squared error of numbers by codes of so many bits.

    Parameters
    ----------
    magnitudes
        Above 0, (n,); the largest ends the range.
    bits
        Of a code.
    """
    largest = np.log(magnitudes.max())
    logs = np.log(magnitudes)
    errors = []
    for nats in _NATS:
        step = nats / ((1 << bits) - 1)
        codes = np.rint((logs - largest + nats) / step)
        read = np.where(codes < 0, 0.0, np.exp(largest - nats + codes * step))
        errors.append(float(((read - magnitudes) ** 2).sum()))
    return float(np.exp(largest - _NATS[int(np.argmin(errors))]))


@dataclass(eq=False)
class TableArithmetic:
    """A column's analog CAM: a step is a search in a table of its function over the operand's range.

    Inputs beyond the range give the table's first or last output. A logarithm has its sign beside it, and a code of its
    own for zero, which numbers below the table's range by more than half a step have too.

    Parameters
    ----------
    bits
        Of a result.
    depth
        How often results are Gray-coded.
    sizes
        Rows of each bit's array; None: `cells` rows for all bits together.
    cells
        Rows of a column.
    bounds, search
        Deviations of a stored bound, of the input's range: of errors that stay, and of those at each search.
    ranges
        Inputs of functions, where the machine's file fixes them.
    name, seed
        By which errors are drawn.
    """

    bits: int
    depth: int
    sizes: tuple[int, ...] | None
    cells: int
    bounds: float = 0.0
    search: float = 0.0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    name: str = "acam"
    seed: int = 0
    _tables: dict[tuple[str, float, float, float], Table | float] = field(default_factory=dict)
    _remarks: dict[str, None] = field(default_factory=dict)
    _searches: int = 0

    def compute(self, call: StepCall) -> Operand:
        """Search."""
        if call.name == "log":
            return self._log(call)
        return call.by(self._stored(call, *call.ends(self.ranges)))

    def ideal(self, call: StepCall) -> Operand:
        """In float64, of inputs within the ranges that the file fixes."""
        return call.within(self.ranges)

    def remarks(self) -> tuple[str, ...]:
        """Which functions do not fit."""
        return tuple(self._remarks)

    def _stored(self, call: StepCall, start: float, stop: float) -> Callable[[Values], Values]:
        if missed := call.missed():
            self._remarks[f"{self.name}: {missed}"] = None
        table = self._table(call, start, stop)
        if isinstance(table, float):
            return lambda x: np.full(x.shape, table)
        if self.search:
            searches = TableSearches(table, self.bounds, self.search, self.seed, self._drawn_as(call, start, stop))
            return lambda x: table.value(searches.codes(np.clip(x, table.start, table.stop), self._passed(x.size)))
        return lambda x: table.read(np.clip(x, table.start, table.stop))

    def _passed(self, number: int) -> int:
        """Searches before, of all functions; so many more are done."""
        self._searches += number
        return self._searches - number

    def _drawn_as(self, call: StepCall, start: float, stop: float) -> str:
        """The name by which a table's errors are drawn."""
        return f"{self.name} {call.name} {start!r} {stop!r}"

    def _log(self, call: StepCall) -> Log:
        x, span = np.asarray(call.operands[0]), call.spans[0]
        samples = np.abs(span.samples[span.samples != 0])
        if "log" in self.ranges:
            start, stop = self.ranges["log"]
        elif len(samples):
            stop = span.largest
            start = min(log_start(np.append(samples, stop), self.bits), stop / 2)
        else:
            return Log(np.zeros(x.shape), np.zeros(x.shape))
        stored = of_numbers(self._stored(call, start, stop), np.abs(x))
        half = np.log(stop / start) / ((1 << self.bits) - 1) / 2
        return Log(np.where(np.abs(x) < start * np.exp(-half), 0.0, np.sign(x)), stored)

    def _table(self, call: StepCall, start: float, stop: float) -> Table | float:
        """Compiled once; a number where the function is the same over all of the range."""
        key = call.stored_as(start, stop)
        if key not in self._tables:
            self._tables[key] = self._compiled(call, start, stop)
        return self._tables[key]

    def _compiled(self, call: StepCall, start: float, stop: float) -> Table | float:
        values = call.curve(np.linspace(start, stop, 1 << 10))
        if start == stop or values.min() == values.max():
            return float(values[0])
        low = _LOWEST if call.name in ABOVE_ZERO else -np.inf
        function = Function(call.name, call.curve, start, stop, low=low)
        table = compile_table(function, self.bits, depth=self.depth, start=start, stop=stop)
        fitted = table.pooled(self.cells) if self.sizes is None else table.truncated(self.sizes)
        if fitted.rows < table.rows:
            found = f"{call.name} needs {table.rows} rows, {fitted.rows} of which fit into a column's analog CAM"
            self._remarks[f"{self.name}: {found}; the narrowest ranges are left out"] = None
        if not self.bounds or self.search:
            return fitted
        return fitted.disturbed(self.bounds, self.seed, self._drawn_as(call, start, stop))


def column_sizes(arrays: Sequence[int], bits: int) -> tuple[int, ...]:
    """Rows of the arrays of the bits of a result, of those that a column has, the largest first."""
    return tuple(sorted(arrays, reverse=True)[:bits])
