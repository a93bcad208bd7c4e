"""Steps of recipes by a RACE unit: products of 8-bit codes, functions of an 8-bit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.acam_functions import Function
from archsim.kernels.acam_products import DEEPEST, four_bit_products, wide_product
from archsim.kernels.acam_table import compile_table
from archsim.steps.formats import Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.steps.arithmetic import StepCall
    from archsim.steps.functions import Operand, Values

_BITS = 8
_CODES = Whole(_BITS)


@dataclass(frozen=True, eq=False)
class _Stored:
    """A function of a code: of each of the 256 codes of a range the result."""

    start: float
    stop: float
    results: Values

    def results_of(self, x: Values) -> Values:
        """Of the nearest codes; beyond the range of the first or the last."""
        codes = (np.clip(x, self.start, self.stop) - self.start) / ((self.stop - self.start) or 1)
        return np.asarray(self.results[np.rint(codes * (len(self.results) - 1)).astype(np.int64)])


@dataclass(eq=False)
class RaceArithmetic:
    """A RACE unit: operands and results are 8-bit codes over fixed ranges.

    A product is that of signed codes, over symmetric ranges; it has all its bits. A function is stored over the range
    of its operand, Gray-coded as often as leaves the smallest error in the columns that there are.

    Parameters
    ----------
    name
        The part's, for remarks.
    rows, columns
        Of an array: bits of a result, ranges of each.
    rounds
        How often results may be Gray-coded.
    function_arrays
        Arrays that a function of one variable takes, side by side.
    ranges
        Inputs of functions, where the machine's file fixes them.
    """

    name: str
    rows: int
    columns: int
    rounds: int
    function_arrays: int = 1
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    _functions: dict[tuple[str, float, float], _Stored] = field(default_factory=dict)
    _remarks: dict[str, None] = field(default_factory=dict)

    def compute(self, call: StepCall) -> Operand:
        """A product of two operands, or a function of one."""
        if call.name == "multiply":
            return self._product(call)
        return call.by(self._stored(call, *call.ends(self.ranges)).results_of)

    def ideal(self, call: StepCall) -> Operand:
        """In float64, of inputs within the ranges that the file fixes."""
        return call.within(self.ranges)

    def remarks(self) -> tuple[str, ...]:
        """What does not fit into the arrays."""
        return tuple(self._remarks)

    def _product(self, call: StepCall) -> Values:
        four = four_bit_products(min(self.rounds, DEEPEST), self.columns)
        if four.wrong:
            found = f"{self.name}: 4-bit products need {four.columns} columns of an array, which has {self.columns}"
            self._remarks[f"{found}: {four.wrong} of 256 pairs are wrong"] = None
        codes = [
            _CODES.codes(np.asarray(x), span).astype(np.int64)
            for x, span in zip(call.operands, call.spans, strict=True)
        ]
        units = [_CODES.unit(span) for span in call.spans]
        return wide_product(codes[0], codes[1], four).astype(np.float64) * (units[0] * units[1])

    def _stored(self, call: StepCall, start: float, stop: float) -> _Stored:
        key = (call.name, start, stop)
        if key not in self._functions:
            self._functions[key] = _Stored(start, stop, self._compiled(call, start, stop))
        return self._functions[key]

    def _compiled(self, call: StepCall, start: float, stop: float) -> Values:
        exact = call.curve(np.linspace(start, stop, 1 << _BITS))
        if exact.min() == exact.max():
            return exact
        columns = self.columns * self.function_arrays
        codes = np.arange(float(1 << _BITS))
        best, lost, wrong = exact, np.inf, 0
        for depth in range(min(self.rounds, _BITS) + 1):
            function = Function(call.name, call.curve, start, stop)
            table = compile_table(function, _BITS, depth=depth, coded=True, start=start, stop=stop)
            fitted = table.truncated((columns,) * min(_BITS, self.rows))
            results = fitted.value(fitted.search(codes))
            error = float(((results - exact) ** 2).sum())
            if error < lost:
                best, lost, wrong = results, error, int((fitted.search(codes) != table.search(codes)).sum())
        if wrong:
            found = f"{self.name}: {call.name} does not fit into {columns} columns: {wrong} of 256 codes are wrong"
            self._remarks[found] = None
        return best
