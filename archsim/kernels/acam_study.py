"""How well an analog CAM stores a function: size and error against bits, and against noise of its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import UsageError
from archsim.kernels.acam_cover import Product, compile_pairs
from archsim.kernels.acam_table import Table, compile_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from archsim.kernels.acam_functions import Function
    from archsim.kernels.acam_gray import Codes
    from archsim.steps.functions import Values

SIGMAS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02)
"""Deviations of a stored bound, of the input's range, that are tried."""
BITS, PAIR_BITS = range(3, 11), range(2, 5)
"""Bits of a result, and of each of two operands, that are tried."""
_SEEDS = 8
_POINTS, _SIDE = 1 << 14, 192


@dataclass(frozen=True)
class Row:
    """A size and an error.

    Parameters
    ----------
    bits
        Of a result; of two operands, of each of them.
    rows, columns
        Ranges of all bits, and of the bit that needs most.
    rms, largest
        Error over the range of inputs, in the function's own units.
    """

    bits: int
    rows: int
    columns: int
    rms: float
    largest: float


@dataclass(frozen=True, eq=False)
class Pairs:
    """A function of two variables, stored for codes that are spread evenly over two ranges.

    Parameters
    ----------
    product
        What is stored.
    ends
        Of x and of y, (low, high).
    low, high
        What the lowest and the highest output code stand for; they may be below 0.
    """

    product: Product
    ends: tuple[tuple[float, float], tuple[float, float]]
    low: float
    high: float

    def value(self, codes: Codes) -> Values:
        """What output codes stand for."""
        return self.low + (self.high - self.low) * codes / ((1 << self.product.out_bits) - 1)

    def codes(self, *values: Values) -> list[Codes]:
        """The nearest codes of both operands."""
        top = (1 << self.product.bits) - 1
        return [
            np.rint((np.clip(x, low, high) - low) / (high - low) * top).astype(np.int64)
            for x, (low, high) in zip(values, self.ends, strict=True)
        ]


def compile_two(
    apply: Callable[[Values, Values], Values],
    bits: int,
    out_bits: int,
    ends: tuple[tuple[float, float], tuple[float, float]],
    *,
    depth: int = 0,
    out: tuple[float, float] | None = None,
) -> Pairs:
    """Store a function of two variables.

    Parameters
    ----------
    apply
        The function.
    bits, out_bits
        Of each operand, and of a result.
    ends
        Ranges of x and y.
    depth
        How often results are Gray-coded.
    out
        Range of results; by default the function's least and greatest value.

    Raises
    ------
    UsageError
        For a function that is not finite, or leaves the range of results.
    """
    x, y = (np.linspace(low, high, 1 << bits) for low, high in ends)
    values = apply(x[:, None], y[None, :])
    if not np.isfinite(values).all():
        raise UsageError("found results that are no finite numbers in these ranges; expected other ranges")
    reached = float(values.min()), float(values.max())
    low, high = out or reached
    if not low < high:
        raise UsageError(f"found results from {low:g} to {high:g}; expected a range that grows")
    codes = np.floor((values - low) / (high - low) * ((1 << out_bits) - 1) + 0.5).astype(np.int64)
    if codes.min() < 0 or codes.max() >= 1 << out_bits:
        raise UsageError(
            f"found results from {reached[0]:g} to {reached[1]:g}; their codes go from {low:g} to {high:g}"
        )
    return Pairs(compile_pairs(codes, bits, out_bits, depth=depth), ends, low, high)


def against_bits(function: Function, depth: int, start: float, stop: float) -> list[Row]:
    """Of a function of one variable, for results of 3 to 10 bits."""
    return [
        of_table(function, compile_table(function, bits, depth=min(depth, bits), start=start, stop=stop))
        for bits in BITS
    ]


def of_table(function: Function, table: Table) -> Row:
    """Size and error of a table."""
    x = np.linspace(table.start, table.stop, _POINTS)
    return _row(table.bits, table.rows_per_bit, table.value(table.search(_as_stored(table, x))) - function.apply(x))


def against_noise(function: Function, table: Table) -> list[tuple[float, float]]:
    """Deviations of bounds, and the root mean square error over eight draws of each."""
    x = np.linspace(table.start, table.stop, _POINTS)
    exact, given = function.apply(x), _as_stored(table, x)
    found = []
    for sigma in SIGMAS:
        tables = [table.disturbed(sigma, seed) for seed in range(_SEEDS)] if sigma else [table]
        found.append((sigma, float(np.mean([_rms(one.value(one.search(given)) - exact) for one in tables]))))
    return found


def pairs_against_bits(apply: Callable[[Values, Values], Values], of: Pairs) -> list[Row]:
    """Of a function of two variables, for operands of 2 to 4 bits and results of twice as many."""
    rows = []
    for bits in PAIR_BITS:
        stored = compile_two(apply, bits, 2 * bits, of.ends, depth=min(of.product.depth, 2 * bits))
        rows.append(of_pairs(apply, stored))
    return rows


def of_pairs(apply: Callable[[Values, Values], Values], stored: Pairs) -> Row:
    """Size and error."""
    x, y = _grid(stored)
    results = stored.value(stored.product.search(*stored.codes(x, y)))
    return _row(stored.product.bits, stored.product.rows_per_bit, results - apply(x, y))


def pairs_against_noise(apply: Callable[[Values, Values], Values], stored: Pairs) -> list[tuple[float, float]]:
    """Deviations of bounds, and the root mean square error over eight draws of each."""
    x, y = _grid(stored)
    exact, codes = apply(x, y), stored.codes(x, y)
    found = []
    for sigma in SIGMAS:
        searches = [stored.product.disturbed(sigma, seed) for seed in range(_SEEDS if sigma else 1)]
        found.append((sigma, float(np.mean([_rms(stored.value(search(*codes)) - exact) for search in searches]))))
    return found


def values_of(stored: Table | Pairs, *x: Values) -> Values:
    """What is stored, at inputs within the ranges."""
    if isinstance(stored, Table):
        return stored.value(stored.search(_as_stored(stored, x[0])))
    return stored.value(stored.product.search(*stored.codes(*x)))


def _grid(stored: Pairs) -> tuple[Values, Values]:
    x, y = (np.linspace(low, high, _SIDE) for low, high in stored.ends)
    x, y = np.meshgrid(x, y, indexing="ij")
    return x.ravel(), y.ravel()


def _as_stored(table: Table, x: Values) -> Values:
    """Inputs as a table is searched for them: analog, or the nearest codes."""
    return np.rint((x - table.start) / (table.stop - table.start) * ((1 << table.bits) - 1)) if table.coded else x


def _row(bits: int, rows: tuple[int, ...], error: Values) -> Row:
    return Row(bits, sum(rows), max(rows), _rms(error), float(np.abs(error).max()))


def _rms(error: Values) -> float:
    return float(np.sqrt((error**2).mean()))
