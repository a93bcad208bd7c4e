"""The oracle: a product as it is done in the array, in plain numpy, one read and one conversion after the other."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.conversion import Range, sums
from archsim.kernels.encode import Cells, Ints, blocks, check_inputs, digits
from archsim.kernels.spec import ArraySpec


def convert(values: NDArray[np.float64], low: float, high: float, step: float) -> tuple[Ints, int]:
    """Codes of values, from 0, and how many values lay outside the range."""
    codes = np.floor((np.clip(values, low, high) - low) * (1.0 / step) + 0.5).astype(np.int64)
    return codes, int(((values < low) | (values > high)).sum())


Search = Callable[[NDArray[np.float64], int, int, int], Ints]
"""Codes of (batch, cols) numbers of steps above half a step below the lowest code, of a block, a half and a sum."""


@cache
def cam_ranges(bits: int) -> tuple[tuple[int, int, int], ...]:
    """What an analog CAM holds as a converter: an output bit, the code that sets it, and the next that does not."""
    ranges = []
    for bit in range(bits):
        is_set = [bool((code ^ (code >> 1)) >> bit & 1) for code in range(1 << bits)] + [False]
        begins = [code for code in range(1, 1 << bits) if is_set[code] and not is_set[code - 1]]
        ends = [code for code in range(1, (1 << bits) + 1) if is_set[code - 1] and not is_set[code]]
        ranges += [(bit, begin, end) for begin, end in zip(begins, ends, strict=True)]
    return tuple(ranges)


def cam_search(x: float, bits: int, largest: int, stay: NDArray[np.float64], new: NDArray[np.float64]) -> int:
    """The code that an analog CAM gives as a converter whose bounds are off.

    Parameters
    ----------
    x
        Steps above half a step below the lowest code.
    bits
        Of a code.
    largest
        Code; bounds above are not programmed.
    stay, new
        Errors of bounds in steps, from programming and of this search, (ranges, 2) in the order of `cam_ranges`.
    """
    gray = 0
    for row, (bit, begin, end) in enumerate(cam_ranges(bits)):
        begun = begin <= largest and x >= begin + stay[row, 0] + new[row, 0]
        ended = end <= largest and x >= end + stay[row, 1] + new[row, 1]
        gray |= (begun and not ended) << bit
    return [code ^ (code >> 1) for code in range(1 << bits)].index(gray)


def multiply(
    spec: ArraySpec, cells: list[Cells], span: Range, inputs: Ints, search: Search | None = None
) -> tuple[NDArray[np.float64], int]:
    """Product of inputs (batch, rows) with encoded weights: float64 (batch, cols), and saturated conversions.

    Every sum of every block is converted by itself, then put together: without noise, or by a search of one's own.
    """
    check_inputs(spec, inputs)
    driven = digits(spec, inputs)
    total = np.zeros((inputs.shape[0], cells[0].plus.shape[2]))
    saturated = 0
    for index, (rows, block) in enumerate(zip(blocks(spec, inputs.shape[1]), cells, strict=True)):
        x = driven[:, :, rows]
        if spec.signs == "sign_magnitude" and block.minus is not None:
            halves = [(block.plus, 1), (block.minus, -1)]
        else:
            halves = [(block.difference, 1)]
        for half, (held, sign) in enumerate(halves):
            value, lost = _block(spec, held, block.flipped, span, x, (search, index, half))
            total += sign * value
            saturated += lost
    if spec.signs == "offset":
        total -= (1 << (spec.weight_bits - 1)) * inputs.sum(axis=1, keepdims=True)
    return total, saturated


def _block(
    spec: ArraySpec,
    held: Ints,
    flipped: NDArray[np.bool_],
    span: Range,
    x: Ints,
    by: tuple[Search | None, int, int],
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
            search, block, half = by
            if search is not None:
                steps = (np.clip(analog, low, float(span.high[index])) - low) * (1.0 / step) + 0.5
                codes = search(steps, block, half, index)
            value = np.asarray(low + step * codes, np.float64)
        # A flipped column holds what is missing to the largest number in every cell.
        total += part.weight * np.where(flipped[part.parts[0][1]], whole - value, value)
    return total, saturated
