"""When sums are converted, and over which range: the plan of a product, and the converter's steps."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.spec import ArraySpec


@dataclass(frozen=True, slots=True)
class Sum:
    """What is added up before one conversion: (read, slice, weight) of each part, and the weight of the result."""

    parts: tuple[tuple[int, int, int], ...]
    weight: int


def sums(spec: ArraySpec) -> tuple[Sum, ...]:
    """All conversions of a column: reads and slices that are combined in the analog domain share one."""
    reads = list(enumerate(spec.reads()))
    places = [(place, 1 << (spec.cell_bits * place)) for place in range(spec.n_slices)]
    if spec.bits == "analog" and spec.slices == "analog":
        return (Sum(tuple((r, s, bit * at) for s, at in places for r, (_, _, bit) in reads), 1),)
    if spec.bits == "analog":
        return tuple(Sum(tuple((r, s, bit) for r, (_, _, bit) in reads), at) for s, at in places)
    if spec.slices == "analog":
        return tuple(Sum(tuple((r, s, at) for s, at in places), bit) for r, (_, _, bit) in reads)
    return tuple(Sum(((r, s, 1),), at * bit) for s, at in places for r, (_, _, bit) in reads)


@dataclass(frozen=True, eq=False)
class Range:
    """Of each sum's conversion: float64 (sums,) lowest and highest value, and the step between two codes."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    step: NDArray[np.float64]


def full_range(spec: ArraySpec) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest value that each sum can have with all rows driven; flipped columns hold half at most."""
    lows, highs = [], []
    reads = spec.reads()
    for part in sums(spec):
        cell = spec.top_level * spec.block_rows
        if spec.signs == "offset" and spec.flipped:
            cell = ceil(cell / 2)
        ups = [weight * ((1 << reads[read][1]) - 1) * cell for read, _, weight in part.parts]
        positive, negative = sum(up for up in ups if up > 0), sum(up for up in ups if up < 0)
        if spec.signs == "differential":
            positive, negative = positive - negative, negative - positive
        lows.append(negative)
        highs.append(positive)
    return np.array(lows, np.float64), np.array(highs, np.float64)


def make_range(spec: ArraySpec, low: NDArray[np.float64], high: NDArray[np.float64]) -> Range:
    """Steps for a range: of 1 where the codes suffice for all integers, else as many as there are codes."""
    if spec.adc.bits is None:
        return Range(low, high, np.ones_like(low))
    codes = (1 << spec.adc.bits) - 1
    return Range(low, high, np.maximum(1.0, (high - low) / codes))


def clipped_range(spec: ArraySpec) -> Range:
    """The full range, or `share` of it."""
    low, high = full_range(spec)
    share = spec.adc.share if spec.adc.range == "clipped" else 1.0
    return make_range(spec, np.ceil(low * share), np.floor(high * share))
