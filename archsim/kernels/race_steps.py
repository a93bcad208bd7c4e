"""Steps of recipes by a RACE unit: products of 8-bit codes, functions of an 8-bit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.acam_functions import Function
from archsim.kernels.acam_products import DEEPEST, FourBitProducts, four_bit_products, product_table, wide_product
from archsim.kernels.acam_table import Table, compile_table
from archsim.kernels.draws import generator
from archsim.kernels.race_noise import BoundErrors, Searches, pair_searches, table_searches
from archsim.steps.formats import Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from archsim.kernels.acam_gray import Codes
    from archsim.steps.arithmetic import StepCall
    from archsim.steps.functions import Operand, Values

_BITS = 8
_CODES = Whole(_BITS)
_PAIRS = 4
"""Arrays that a product takes, each for a pair of halves of its operands."""


@dataclass(frozen=True, eq=False)
class _Stored:
    """A function of a code.

    Parameters
    ----------
    start, stop
        What the first and the last code of operands stand for.
    results
        What each result code stands for, or, without searches, each of the operand's codes gives.
    searches
        That give result codes, where each may give another.
    """

    start: float
    stop: float
    results: Values
    searches: Searches | None = None

    def results_of(self, x: Values, rng: Callable[[], np.random.Generator]) -> Values:
        """Of the nearest codes; beyond the range of the first or the last. rng: draws of these searches."""
        shares = (np.clip(x, self.start, self.stop) - self.start) / ((self.stop - self.start) or 1)
        codes = np.rint(shares * (len(self.results) - 1)).astype(np.int64)
        return np.asarray(self.results[codes if self.searches is None else self.searches.read(codes, rng())])


@dataclass(eq=False)
class RaceArithmetic:
    """A RACE unit: operands and results are 8-bit codes over fixed ranges.

    A product is that of signed codes, over symmetric ranges; it has all its bits. A function is stored over the range
    of its operand, Gray-coded as often as leaves the smallest error in the columns that there are. All units have the
    same errors of bounds.

    Parameters
    ----------
    name
        The part's, for remarks.
    columns
        Of an array: ranges of each bit of a result.
    rounds
        How often results may be Gray-coded.
    function_arrays
        Arrays that a function of one variable takes, side by side.
    ranges
        Inputs of functions, where the machine's file fixes them.
    errors, seed
        Of stored bounds, and by which they are drawn.
    """

    name: str
    columns: int
    rounds: int
    function_arrays: int = 1
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    errors: BoundErrors = field(default_factory=BoundErrors)
    seed: int = 0
    _functions: dict[tuple[str, float, float, float], _Stored] = field(default_factory=dict)
    _remarks: dict[str, None] = field(default_factory=dict)
    _arrays: list[Searches] = field(default_factory=list)
    _product_table: NDArray[np.int32] | None = None
    _calls: int = 0

    def compute(self, call: StepCall) -> Operand:
        """A product of two operands, or a function of one."""
        if call.name == "multiply":
            return self._product(call)
        stored = self._stored(call, *call.ends(self.ranges))
        return call.by(lambda x: stored.results_of(x, self._new_draws))

    def ideal(self, call: StepCall) -> Operand:
        """In float64, of inputs within the ranges that the file fixes."""
        return call.within(self.ranges)

    def remarks(self) -> tuple[str, ...]:
        """What does not fit into the arrays."""
        return tuple(self._remarks)

    def _new_draws(self) -> np.random.Generator:
        """Of the searches of one step."""
        self._calls += 1
        return generator(self.seed, f"{self.name} {self._calls}", "search")

    def _product(self, call: StepCall) -> Values:
        four = four_bit_products(min(self.rounds, DEEPEST), self.columns)
        if four.wrong:
            found = f"{self.name}: 4-bit products need {four.columns} columns of an array, which has {self.columns}"
            self._remarks[f"{found}: {four.wrong} of 256 pairs are wrong"] = None
        codes = [_CODES.codes(np.asarray(x), span) for x, span in zip(call.operands, call.spans, strict=True)]
        first, second = (np.nan_to_num(x).astype(np.int64) for x in codes)
        units = [_CODES.unit(span) for span in call.spans]
        result = self._products(first, second, four).astype(np.float64) * (units[0] * units[1])
        known = [~np.isnan(x) for x in codes]
        return result if all(of.all() for of in known) else np.where(known[0] & known[1], result, np.nan)

    def _products(self, first: Codes, second: Codes, four: FourBitProducts) -> Codes:
        """Of signed codes."""
        if not self.errors.search:
            if self._product_table is None:
                self._product_table = product_table(_CODES.top, self._pairs(four))
            table, top = self._product_table, _CODES.top
            return np.asarray(table.ravel()[(first + top) * len(table) + second + top])
        return wide_product(first, second, self._pairs(four))

    def _pairs(self, four: FourBitProducts) -> list[Callable[[Codes, Codes], Codes]]:
        """What each of the four arrays of a product gives for codes of 4 bits."""
        if not self.errors.any:
            return [four.read] * _PAIRS
        if not self._arrays:
            for number in range(_PAIRS):
                rng = generator(self.seed, f"{self.name} products {number}", "programming")
                self._arrays.append(pair_searches(four.rectangles, _BITS // 2, four.depth, self.errors, rng))
        rng = self._new_draws()
        return [array.pairs(rng) for array in self._arrays]

    def _stored(self, call: StepCall, start: float, stop: float) -> _Stored:
        if missed := call.missed():
            self._remarks[f"{self.name}: {missed}"] = None
        key = call.stored_as(start, stop)
        if key not in self._functions:
            self._functions[key] = self._compiled(call, start, stop)
        return self._functions[key]

    def _compiled(self, call: StepCall, start: float, stop: float) -> _Stored:
        exact = call.curve(np.linspace(start, stop, 1 << _BITS))
        if exact.min() == exact.max():
            return _Stored(start, stop, exact)
        columns = self.columns * self.function_arrays
        codes = np.arange(float(1 << _BITS))
        function = Function(call.name, call.curve, start, stop)
        fitted: list[Table] = []
        wrong: list[int] = []
        for depth in range(min(self.rounds, _BITS) + 1):
            table = compile_table(function, _BITS, depth=depth, coded=True, start=start, stop=stop)
            fitted.append(table.truncated((columns,) * _BITS))
            wrong.append(int((fitted[-1].search(codes) != table.search(codes)).sum()))
        errors = [float(((table.read(codes) - exact) ** 2).sum()) for table in fitted]
        best = int(np.argmin(errors))
        if wrong[best]:
            found = (
                f"{self.name}: {call.name} does not fit into {columns} columns: {wrong[best]} of 256 codes are wrong"
            )
            self._remarks[found] = None
        if not self.errors.any:
            return _Stored(start, stop, fitted[best].read(codes))
        rng = generator(self.seed, f"{self.name} {call.name} {start!r} {stop!r}", "programming")
        searches = table_searches(fitted[best], self.errors, rng)
        return _Stored(start, stop, fitted[best].value(np.arange(1 << _BITS)), searches)
