"""Searches of codes in analog CAMs whose bounds have errors: the chance of each output bit to be read as set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.acam_gray import Codes, from_gray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from archsim.kernels.acam_cover import Rectangles
    from archsim.kernels.acam_table import Table

    Values = NDArray[np.float64]

_NEVER = 2.0**-53
"""Chances below are none: a drawn number has 53 bits."""
_AT_ONCE = 1 << 20
"""Searches that are drawn together."""


@dataclass(frozen=True)
class BoundErrors:
    """Errors of stored bounds.

    Parameters
    ----------
    bounds, search
        Standard deviations, of the range of inputs: of errors that stay, and of those at each search.
    """

    bounds: float = 0.0
    search: float = 0.0

    @property
    def any(self) -> bool:
        """Whether there are errors."""
        return bool(self.bounds or self.search)


@dataclass(frozen=True, eq=False)
class Searches:
    """What searches for codes give.

    Bounds have errors that do not depend on each other, so bits do not either: a bit is set with the chance that one of
    its ranges holds the code.

    Parameters
    ----------
    chances
        Of each code that each stored bit is read as set, float64 (codes, bits).
    depth
        How often results are Gray-coded.
    """

    chances: Values
    depth: int

    @cached_property
    def certain(self) -> bool:
        """Whether every search gives the same."""
        return not self._uncertain.any()

    @cached_property
    def usual(self) -> Codes:
        """The result of each code whose bits are all certain, (codes,)."""
        return self._results(self.chances > 1 / 2)

    @cached_property
    def _uncertain(self) -> NDArray[np.bool_]:
        return np.asarray(((self.chances > 0) & (self.chances < 1)).any(axis=1))

    def read(self, codes: Codes, rng: np.random.Generator) -> Codes:
        """Results of one search for each of the codes, of any shape."""
        results = self.usual[codes]
        if self.certain:
            return results
        flat, places = results.ravel(), np.flatnonzero(self._uncertain[codes])
        for first in range(0, len(places), _AT_ONCE):
            part = places[first : first + _AT_ONCE]
            chances = self.chances[codes.ravel()[part]]
            flat[part] = self._results(rng.random(chances.shape) < chances)
        return flat.reshape(codes.shape)

    def pairs(self, rng: np.random.Generator) -> Callable[[Codes, Codes], Codes]:
        """Results of one search for each pair of codes."""
        shift = (len(self.chances).bit_length() - 1) // 2
        return lambda x, y: self.read((x << shift) | y, rng)

    def _results(self, bits: NDArray[np.bool_]) -> Codes:
        return from_gray(bits @ (1 << np.arange(bits.shape[1])), bits.shape[1], self.depth)


def table_searches(table: Table, errors: BoundErrors, rng: np.random.Generator) -> Searches:
    """Searches in a table whose inputs are codes.

    Parameters
    ----------
    table
        As it is meant.
    errors
        Of its bounds.
    rng
        Draws those that stay.
    """
    codes = np.arange(1 << table.bits)
    chances = []
    for ranges in table.ranges:
        moved = ranges + errors.bounds * table.width * rng.standard_normal(ranges.shape)
        chances.append(_one_of(_inside(codes, moved, errors.search * table.width)))
    return Searches(np.stack(chances, axis=1), table.depth)


def pair_searches(
    rectangles: Sequence[Rectangles], bits: int, depth: int, errors: BoundErrors, rng: np.random.Generator
) -> Searches:
    """Searches for pairs of codes x, y: the place of a pair is 2^bits x + y.

    Parameters
    ----------
    rectangles
        Of each bit of the result, the lowest first: x from, x to, y from, y to, int64 (n, 4).
    bits
        Of an operand.
    depth
        How often results are Gray-coded.
    errors
        Of bounds; those at the first and the last code are left open, and have none.
    rng
        Draws those that stay.
    """
    codes = np.arange(1 << bits)
    width = (1 << bits) - 1
    chances = []
    for of_bit in rectangles:
        edges = of_bit + np.array([-0.5, 0.5, -0.5, 0.5])
        moved = edges + errors.bounds * width * rng.standard_normal(edges.shape)
        moved = np.where(edges < 0, -np.inf, np.where(edges > width, np.inf, moved))
        x, y = (_inside(codes, moved[:, axis : axis + 2], errors.search * width) for axis in (0, 2))
        chances.append(_one_of(x[:, None] * y[None, :]).ravel())
    return Searches(np.stack(chances, axis=1), depth)


def _inside(codes: Codes, bounds: Values, sigma: float) -> Values:
    """Chances that codes lie between bounds (rows, 2) that move by sigma, (codes, rows)."""
    above, below = codes[:, None] - bounds[:, 0], bounds[:, 1] - codes[:, None]
    if not sigma:
        return ((above >= 0) & (below > 0)).astype(np.float64)
    return _below(above / sigma) * _below(below / sigma)


def _below(deviations: Values) -> Values:
    """Shares of normal numbers that are below; those that no draw would reach are none or all."""
    shares = np.array([erfc(-x / sqrt(2)) / 2 for x in deviations.ravel()]).reshape(deviations.shape)
    return np.where(shares < _NEVER, 0.0, np.where(shares > 1 - _NEVER, 1.0, shares))


def _one_of(chances: Values) -> Values:
    """That at least one of the last axis holds."""
    return np.asarray(1 - np.prod(1 - chances, axis=-1))
