"""The oracle: a product as it is done in the array, in plain numpy, one read and one conversion after the other."""

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.conversion import Range, sums
from archsim.kernels.encode import Cells, Ints, blocks, check_inputs, digits
from archsim.kernels.spec import ArraySpec


def convert(values: NDArray[np.float64], low: float, high: float, step: float) -> tuple[Ints, int]:
    """Codes of values, from 0, and how many values lay outside the range."""
    codes = np.floor((np.clip(values, low, high) - low) * (1.0 / step) + 0.5).astype(np.int64)
    return codes, int(((values < low) | (values > high)).sum())


def multiply(spec: ArraySpec, cells: list[Cells], span: Range, inputs: Ints) -> tuple[NDArray[np.float64], int]:
    """Product of inputs (batch, rows) with encoded weights: float64 (batch, cols), and saturated conversions.

    Noise-free. Every sum of every block is converted by itself, then put together.
    """
    check_inputs(spec, inputs)
    driven = digits(spec, inputs)
    total = np.zeros((inputs.shape[0], cells[0].plus.shape[2]))
    saturated = 0
    for rows, block in zip(blocks(spec, inputs.shape[1]), cells, strict=True):
        x = driven[:, :, rows]
        if spec.signs == "sign_magnitude" and block.minus is not None:
            halves = [(block.plus, 1), (block.minus, -1)]
        else:
            halves = [(block.difference, 1)]
        for held, sign in halves:
            value, lost = _block(spec, held, block.flipped, span, x)
            total += sign * value
            saturated += lost
    if spec.signs == "offset":
        total -= (1 << (spec.weight_bits - 1)) * inputs.sum(axis=1, keepdims=True)
    return total, saturated


def _block(
    spec: ArraySpec, held: Ints, flipped: NDArray[np.bool_], span: Range, x: Ints
) -> tuple[NDArray[np.float64], int]:
    """One block of rows: every sum is converted, and its weighted value added; x is (reads, batch, rows)."""
    total = np.zeros((x.shape[1], held.shape[2]))
    saturated = 0
    for index, part in enumerate(sums(spec)):
        analog: NDArray[np.float64] = np.zeros(total.shape)
        whole = np.zeros((x.shape[1], 1))
        for read, place, weight in part.parts:
            analog += weight * (x[read] @ held[place])
            whole += weight * spec.top_level * x[read].sum(axis=1, keepdims=True)
        value = analog
        if spec.adc.bits is not None:
            low, step = float(span.low[index]), float(span.step[index])
            codes, lost = convert(analog, low, float(span.high[index]), step)
            saturated += lost
            value = np.asarray(low + step * codes, np.float64)
        # A flipped column holds what is missing to the largest number in every cell.
        total += part.weight * np.where(flipped[part.parts[0][1]], whole - value, value)
    return total, saturated
