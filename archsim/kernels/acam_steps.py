"""Steps of recipes by tables of analog CAMs: functions of a searched number, and logarithms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.acam_functions import Function
from archsim.kernels.acam_table import Table, compile_table
from archsim.steps.functions import Log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archsim.steps.arithmetic import Span, StepCall
    from archsim.steps.functions import Operand, Values

_LOWEST = 1e-300
"""Where functions begin that are defined above 0 alone."""
_ABOVE_ZERO = ("log", "reciprocal", "rsqrt")
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
    sigma
        Deviation of a stored bound, of the input's range.
    ranges
        Inputs of functions, where the machine's file fixes them.
    name, seed
        By which errors are drawn.
    """

    bits: int
    depth: int
    sizes: tuple[int, ...] | None
    cells: int
    sigma: float = 0.0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    name: str = "acam"
    seed: int = 0
    _tables: dict[tuple[str, float, float], Table | float] = field(default_factory=dict)
    _remarks: dict[str, None] = field(default_factory=dict)

    def compute(self, call: StepCall) -> Operand:
        """Search."""
        operand, span = call.operands[0], call.spans[0]
        if call.name == "log":
            return self._log(call, np.asarray(operand), span)
        if isinstance(operand, Log):
            return np.where(operand.sign == 0, 0.0, operand.sign * self._searched(call, operand.magnitude, span))
        return self._searched(call, operand, span)

    def remarks(self) -> tuple[str, ...]:
        """Which functions do not fit."""
        return tuple(self._remarks)

    def _searched(self, call: StepCall, x: Values, span: Span) -> Values:
        table = self._table(call, *input_range(call.name, span, self.ranges))
        if isinstance(table, float):
            return np.full(x.shape, table)
        return table.value(table.search(np.clip(x, table.start, table.stop)))

    def _log(self, call: StepCall, x: Values, span: Span) -> Log:
        magnitude = np.abs(x)
        if "log" in self.ranges:
            start, stop = self.ranges["log"]
        else:
            samples = np.abs(span.samples[span.samples != 0])
            if not len(samples):
                return Log(np.zeros(x.shape), np.zeros(x.shape))
            stop = span.largest
            start = min(log_start(np.append(samples, stop), self.bits), stop / 2)
        table = self._table(call, start, stop)
        assert isinstance(table, Table)  # noqa: S101 (a logarithm is nowhere constant)
        step = (table.high - table.low) / ((1 << self.bits) - 1)
        sign = np.where(magnitude < start * np.exp(-step / 2), 0.0, np.sign(x))
        return Log(sign, table.value(table.search(np.clip(magnitude, start, stop))))

    def _table(self, call: StepCall, start: float, stop: float) -> Table | float:
        """Compiled once; a number where the function is the same over all of the range."""
        key = (call.name, start, stop)
        if key not in self._tables:
            self._tables[key] = self._compiled(call, start, stop)
        return self._tables[key]

    def _compiled(self, call: StepCall, start: float, stop: float) -> Table | float:
        def apply(x: Values) -> Values:
            result = call.function.compute(np.asarray(x), call.attributes)
            return result.magnitude if isinstance(result, Log) else result

        values = apply(np.linspace(start, stop, 1 << 10))
        if start == stop or values.min() == values.max():
            return float(values[0])
        low = _LOWEST if call.name in _ABOVE_ZERO else -np.inf
        function = Function(call.name, apply, start, stop, low=low)
        table = compile_table(function, self.bits, depth=self.depth, start=start, stop=stop)
        fitted = table.pooled(self.cells) if self.sizes is None else table.truncated(self.sizes)
        if fitted.rows < table.rows:
            found = f"{call.name} needs {table.rows} rows of a column's analog CAM, which has room for {fitted.rows}"
            self._remarks[f"{self.name}: {found}; the narrowest ranges are left out"] = None
        return fitted.disturbed(self.sigma, self.seed) if self.sigma else fitted


def input_range(name: str, span: Span, fixed: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Inputs over which a function is stored: as the machine's file says, else as calibrated.

    Parameters
    ----------
    name
        Of the function; those that are defined above 0 alone begin at the least number above it.
    span
        Of the operand.
    fixed
        Ranges in the file.
    """
    if name in fixed:
        return fixed[name]
    if name not in _ABOVE_ZERO or span.low > 0:
        return span.low, span.high
    above = span.samples[span.samples > 0]
    return (float(above.min()), max(span.high, float(above.min()))) if len(above) else (1.0, 1.0)


def column_sizes(arrays: Sequence[int], bits: int) -> tuple[int, ...]:
    """Rows of the arrays of the bits of a result, of those that a column has, the largest first."""
    return tuple(sorted(arrays, reverse=True)[:bits])
