"""Integers into cells: slices, signs, and tiles of arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.kernels.spec import ArraySpec

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cells:
    """Numbers in cells of one block of rows.

    plus, minus: int64 (slices, rows, cols), in positive and negative cells; `minus` is None with `offset` signs.
    flipped: bool (slices, cols), columns stored inverted.
    """

    plus: Ints
    minus: Ints | None
    flipped: NDArray[np.bool_]

    @property
    def difference(self) -> Ints:
        """What a read of a column adds up, (slices, rows, cols)."""
        return self.plus if self.minus is None else self.plus - self.minus


def blocks(spec: ArraySpec, rows: int) -> list[slice]:
    """Rows that are driven together: parts of an array, and of the next where it is full."""
    found = []
    for top in range(0, rows, spec.rows):
        bottom = min(top + spec.rows, rows)
        found += [slice(start, min(start + spec.block_rows, bottom)) for start in range(top, bottom, spec.block_rows)]
    return found


def encode(spec: ArraySpec, weights: Ints) -> list[Cells]:
    """Cells of each block of rows for integer weights (rows, cols).

    Raises ArchsimError for weights that `weight_bits` cannot hold.
    """
    largest = (1 << (spec.weight_bits - 1)) - 1
    lowest = -largest - (spec.signs == "offset")
    if weights.size and (weights.max() > largest or weights.min() < lowest):
        found = f"weights from {weights.min()} to {weights.max()}"
        raise ArchsimError(f"array: found {found}; {spec.weight_bits} bits hold {lowest} to {largest}")
    return [_cells(spec, weights[rows]) for rows in blocks(spec, weights.shape[0])]


def _cells(spec: ArraySpec, weights: Ints) -> Cells:
    none = np.zeros((spec.n_slices, weights.shape[1]), np.bool_)
    if spec.slicing == "analog":
        held = balanced(spec, weights)
        return Cells(np.maximum(held, 0), np.maximum(-held, 0), none)
    if spec.signs != "offset":
        return Cells(_slices(spec, np.maximum(weights, 0)), _slices(spec, np.maximum(-weights, 0)), none)
    plus = _slices(spec, weights + (1 << (spec.weight_bits - 1)))
    if not spec.flipped:
        return Cells(plus, None, none)
    flipped = 2 * plus.sum(axis=1) > spec.top_level * weights.shape[0]
    return Cells(np.where(flipped[:, None, :], spec.top_level - plus, plus), None, flipped)


def balanced(spec: ArraySpec, numbers: Ints) -> Ints:
    """Signed digits, the lowest first: the highest is the nearest, each next the nearest to what is left over."""
    left = numbers
    found = []
    for place in reversed(range(spec.n_slices)):
        unit = 1 << (spec.cell_bits * place)
        digit = np.clip(np.rint(left / unit).astype(np.int64), -spec.top_level, spec.top_level)
        found.append(digit)
        left = left - digit * unit
    return np.stack(found[::-1])


def _slices(spec: ArraySpec, numbers: Ints) -> Ints:
    """Groups of `cell_bits` bits, the lowest first."""
    return np.stack([(numbers >> (spec.cell_bits * place)) & spec.top_level for place in range(spec.n_slices)])


def check_inputs(spec: ArraySpec, inputs: Ints) -> None:
    """Raise ArchsimError for inputs that `input_bits` cannot hold."""
    lowest = -(1 << (spec.input_bits - 1)) if spec.signed_inputs else 0
    largest = (1 << (spec.input_bits - spec.signed_inputs)) - 1
    if inputs.size and (inputs.max() > largest or inputs.min() < lowest):
        found = f"inputs from {inputs.min()} to {inputs.max()}"
        kind = "signed" if spec.signed_inputs else "unsigned"
        raise ArchsimError(f"array: found {found}; {spec.input_bits} {kind} bits hold {lowest} to {largest}")


def digits(spec: ArraySpec, inputs: Ints) -> Ints:
    """What is driven at each read, int64 (reads, ...)."""
    return np.stack([(inputs >> low) & ((1 << number) - 1) for low, number, _ in spec.reads()])
