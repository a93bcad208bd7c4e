"""Searches in analog CAMs whose bounds are not where they were meant: errors that stay, and new ones at each search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.compiling import compiled
from archsim.kernels.acam_gray import bit_planes, from_gray, to_gray
from archsim.kernels.draws import generator, key, normals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from archsim.kernels.acam_gray import Codes
    from archsim.kernels.acam_table import Table
    from archsim.kernels.conversion import Range
    from archsim.kernels.spec import ArraySpec

    Values = NDArray[np.float64]
    Errors = NDArray[np.float32]

_FARTHEST = 6.67
"""Deviations beyond which no draw of `normals` goes: the largest is sqrt(64 ln 2) = 6.66."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Ranges of all bits, one behind the other.

    Parameters
    ----------
    bounds
        Where they begin and end, float64 (rows, 2); those of a bit grow.
    starts
        The first row of each bit, the lowest first, and the number of all, int64 (bits + 1,).
    """

    bounds: Values
    starts: Codes


def rows_of(ranges: Sequence[Values]) -> Rows:
    """Rows of the ranges of each bit, the lowest first."""
    return Rows(np.concatenate(ranges), np.cumsum([0, *(len(of_bit) for of_bit in ranges)]))


def identity_rows(largest: int, bits: int) -> Rows:
    """What makes a converter of an analog CAM: code k begins at k, Gray-coded once; (2^(bits - 1),) rows.

    Parameters
    ----------
    largest
        The code that has no end; ranges of codes above are not programmed, and begin at infinity.
    bits
        Of a code.
    """
    codes = np.arange(1 << bits)
    ranges = []
    for plane in bit_planes(to_gray(codes), bits):
        change = np.diff(np.concatenate([[False], plane, [False]]).astype(np.int8))
        ends = np.stack([np.flatnonzero(change == 1), np.flatnonzero(change == -1)], axis=1)
        ranges.append(np.where(ends > largest, np.inf, ends))
    return rows_of(ranges)


@dataclass(frozen=True, eq=False)
class Converters:
    """Analog CAMs that convert the sums of columns, of deviations above 0.

    Parameters
    ----------
    bounds
        Of each sum, float64 (sums, rows, 2), in its steps from half a step below its lowest code.
    starts
        Of bits, as of `Rows`.
    deviations
        Of bounds: of those that stay and of those at each search, float64 (sums, 2), in steps.
    errors
        Standard normal, that stay: by blocks of rows and halves, float32 (cols, rows, 2).
    far
        How far a bound can be off, of each sum: by blocks and halves, float64 (sums,) in steps.
    word
        Key of the draws at each search.
    """

    bounds: Values
    starts: Codes
    deviations: Values
    errors: list[list[Errors]]
    far: list[list[Values]]
    word: int


def converters(spec: ArraySpec, span: Range, shape: tuple[int, int, int], seed: int, part: str) -> Converters | None:
    """Converters with errors of bounds; None where they have none.

    Parameters
    ----------
    spec
        Of the arrays.
    span
        Of each sum.
    shape
        Blocks of rows, halves that are converted apart, and columns. Each has an analog CAM of its own, for all sums.
    seed, part
        By which errors are drawn.
    """
    adc = spec.adc
    if adc.bits is None or not (adc.bounds or adc.search):
        return None
    widths = (span.high - span.low) * (1.0 / span.step)
    programmed = [identity_rows(int(np.floor(width + 0.5)), adc.bits) for width in widths]
    blocks, apart, cols = shape
    size = (cols, len(programmed[0].bounds), 2)
    errors = [
        [
            generator(seed, f"{part}/{block}/{half}", "bounds").standard_normal(size, np.float32)
            if adc.bounds
            else np.zeros((cols, 0, 2), np.float32)
            for half in range(apart)
        ]
        for block in range(blocks)
    ]
    deviations = widths[:, None] * np.array([adc.bounds, adc.search])
    return Converters(
        np.stack([rows.bounds for rows in programmed]),
        programmed[0].starts,
        deviations,
        errors,
        [[np.array([_reach(of_half, of_sum) for of_sum in deviations]) for of_half in halves] for halves in errors],
        key(seed, part, "search"),
    )


@dataclass(frozen=True, eq=False)
class TableSearches:
    """Searches in one table, each with draws of its own.

    Parameters
    ----------
    table
        As it is meant.
    bounds, search
        Deviations of a bound, of the range of inputs: of those that stay, and of those at each search.
    seed, drawn_as
        By which errors are drawn.
    """

    table: Table
    bounds: float
    search: float
    seed: int
    drawn_as: str

    def codes(self, x: Values, first: int) -> Codes:
        """Output codes for inputs of any shape.

        Parameters
        ----------
        x
            Inputs.
        first
            Number of the first of these searches among all; equal numbers get equal draws.
        """
        table = self.table
        rows = rows_of(table.ranges)
        errors = table.errors(self.seed, self.drawn_as) if self.bounds else np.zeros((0, 2))
        deviations = np.array([self.bounds, self.search]) * table.width
        word = key(self.seed, self.drawn_as, "search")
        stored = np.empty(x.size, np.int64)
        inputs = np.ascontiguousarray(x, np.float64).ravel()
        far, stream = _reach(errors, deviations), np.array([word, first], np.uint64)
        _search(inputs, rows.bounds, rows.starts, errors, deviations, far, stream, stored)
        return from_gray(stored, table.bits, table.depth).reshape(x.shape)


def _reach(errors: Values | Errors, deviations: Values) -> float:
    """How far from where it was meant a bound can be, and a little more than sums are rounded by."""
    return 1.001 * float(deviations[0] * np.abs(errors).max(initial=0) + deviations[1] * _FARTHEST)


@compiled()
def stored_bits(
    x: Any,  # noqa: ANN401
    bounds: Any,  # noqa: ANN401
    starts: Any,  # noqa: ANN401
    errors: Any,  # noqa: ANN401
    deviations: Any,  # noqa: ANN401
    far: Any,  # noqa: ANN401
    counter: Any,  # noqa: ANN401
    lane: Any,  # noqa: ANN401
    word: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Bits of the ranges in which x lies, of one search.

    Bounds that are farther than `far` from x cannot be on its other side, and need no draw. A range whose end has moved
    before its beginning holds nothing.
    """
    stored = 0
    for bit in range(starts.size - 1):
        row, last = starts[bit], starts[bit + 1]
        while row < last:
            middle = (row + last) // 2
            if bounds[middle, 1] < x - far:
                row = middle + 1
            else:
                last = middle
        while row < starts[bit + 1] and bounds[row, 0] <= x + far:
            begin, end = bounds[row, 0], bounds[row, 1]
            if deviations[0] > 0.0:
                begin += deviations[0] * np.float64(errors[row, 0])
                end += deviations[0] * np.float64(errors[row, 1])
            if deviations[1] > 0.0:
                one, other = normals(counter, lane + (np.uint64(row) << np.uint64(32)), word)
                begin += deviations[1] * one
                end += deviations[1] * other
            if begin <= x < end:
                stored |= 1 << bit
                break
            row += 1
    return stored


@compiled()
def _search(
    x: Any,  # noqa: ANN401
    bounds: Any,  # noqa: ANN401
    starts: Any,  # noqa: ANN401
    errors: Any,  # noqa: ANN401
    deviations: Any,  # noqa: ANN401
    far: Any,  # noqa: ANN401
    stream: Any,  # noqa: ANN401
    stored: Any,  # noqa: ANN401
) -> None:
    """All of x (n,) into stored (n,)."""
    for n in range(x.size):
        counter = stream[1] + np.uint64(n)
        stored[n] = stored_bits(x[n], bounds, starts, errors, deviations, far, counter, np.uint64(0), stream[0])
