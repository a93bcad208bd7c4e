"""The product of arrays that are not ideal: conductances, fresh read noise, converters with noise and offsets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.compiling import compiled
from archsim.kernels.acam_noise import Converters, stored_bits
from archsim.kernels.conversion import Range, sums
from archsim.kernels.draws import normals
from archsim.kernels.encode import Ints, blocks, check_inputs
from archsim.kernels.spec import ArraySpec

_BATCH = 16
"""Inputs that are worked on while a slice's conductances stay in the second cache."""

Held = list[list[NDArray[np.float32]]]
"""Per block of rows, what is converted apart: float32 (slices, rows, cols)."""


@dataclass(frozen=True, eq=False)
class Arrays:
    """What is programmed.

    Parameters
    ----------
    held
        What cells conduct.
    flipped
        Of each block, columns that are stored inverted, (slices, cols).
    factors
        Of each block, by which its sums are scaled back.
    cams
        Analog CAMs that convert, where their bounds have errors.
    """

    held: Held
    flipped: list[NDArray[np.bool_]]
    factors: list[float]
    cams: Converters | None


def multiply(
    spec: ArraySpec, arrays: Arrays, span: Range, inputs: Ints, word: int, first: int
) -> tuple[NDArray[np.float64], int]:
    """Product of inputs (batch, rows): float64 (batch, cols), and saturated conversions.

    word: key of the draws; first: number of the first input in the stream of all, so that each has draws of its own.
    Read noise of a column is drawn once, with the variance that all its cells give together. Nothing is kept for each
    read and slice, and sums are added in one order on any number of threads.
    """
    check_inputs(spec, inputs)
    plan = sums(spec)
    reads = np.array([(low, (1 << number) - 1) for low, number, _ in spec.reads()], np.int64)
    starts = np.cumsum([0, *(len(found.parts) for found in plan)])
    parts = np.array([part for found in plan for part in found.parts], np.int64)
    spans = np.stack([span.low, span.high, span.step, [float(found.weight) for found in plan]])
    cells_apart = 2 if spec.signs == "differential" else 1
    noise = np.array([cells_apart * (spec.non_ideal.read * spec.top_level) ** 2, spec.adc.noise, spec.top_level])
    out = np.zeros((inputs.shape[0], arrays.held[0][0].shape[2]))
    lost = np.zeros(-(-inputs.shape[0] // _BATCH), np.int64)
    lane = 0
    for block, rows in enumerate(blocks(spec, inputs.shape[1])):
        x = np.ascontiguousarray(inputs[:, rows], np.int32)
        for half, numbers in enumerate(arrays.held[block]):
            factor = -arrays.factors[block] if half else arrays.factors[block]
            columns = numbers, arrays.flipped[block], _offsets(spec, word, lane, len(plan), out.shape[1])
            cams = _cams(arrays.cams, block, half)
            stream = np.array([word, first, lane, arrays.cams.word if arrays.cams else 0], np.uint64)
            quantised = spec.adc.bits is not None
            _add(x, reads, starts, parts, spans, noise, *columns, *cams, quantised, stream, factor, out, lost)
            lane += len(plan)
    if spec.signs == "offset":
        out -= (1 << (spec.weight_bits - 1)) * inputs.sum(axis=1, keepdims=True)
    return out, int(lost.sum())


def _offsets(spec: ArraySpec, word: int, lane: int, n_sums: int, cols: int) -> NDArray[np.float64]:
    """Offsets of the converters (sums, cols), in their steps: a column's is the same at each sum and each product."""
    if not spec.adc.offset:
        return np.zeros((n_sums, cols))
    rng = np.random.Generator(np.random.Philox(key=word, counter=[0, 0, 0, lane + 1]))
    return np.broadcast_to(rng.normal(0, spec.adc.offset, cols), (n_sums, cols)).copy()


_Cams = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


def _cams(cams: Converters | None, block: int, half: int) -> _Cams:
    """Bounds, where bits start, errors, deviations, and how far bounds can be off; empty where there are none."""
    if cams is None:
        none = np.zeros((0, 0, 2))
        return none, np.zeros(0, np.int64), none.astype(np.float32), np.zeros((0, 2)), np.zeros(0)
    return cams.bounds, cams.starts, cams.errors[block][half], cams.deviations, cams.far[block][half]


@compiled(inlined="source")
def _gather(x: Any, low: Any, mask: Any, weight: Any, held: Any, total: Any) -> Any:  # noqa: ANN401
    """Add weight times one read of one input (rows) over its cells (rows, cols); the sums of what is driven."""
    squares = count = 0
    for row in range(x.size):
        driven = (np.int64(x[row]) >> low) & mask
        if driven:
            squares += driven * driven
            count += driven
            scale = np.float32(weight * driven)
            for col in range(total.size):
                total[col] += scale * held[row, col]
    return squares, count


@compiled(inlined="source")
def _disturb(total: Any, sigma: Any, offsets: Any, counter: Any, lane: Any, word: Any) -> None:  # noqa: ANN401
    """Add noise and offsets to the sums of all columns; two columns share a draw of two numbers."""
    for col in range(total.size):
        total[col] += np.float32(offsets[col])
    if sigma > 0.0:
        for pair in range((total.size + 1) // 2):
            low, beyond = np.uint64(pair & 0xFFFF), np.uint64(pair >> 16) << np.uint64(32)
            one, other = normals(counter * np.uint64(65536) + low, lane + beyond, word)
            total[2 * pair] += np.float32(sigma * one)
            if 2 * pair + 1 < total.size:
                total[2 * pair + 1] += np.float32(sigma * other)


@compiled()
def _add(  # noqa: PLR0913, PLR0917 (one loop nest, all its arrays)
    x: Any,  # noqa: ANN401
    reads: Any,  # noqa: ANN401
    starts: Any,  # noqa: ANN401
    parts: Any,  # noqa: ANN401
    spans: Any,  # noqa: ANN401
    noise: Any,  # noqa: ANN401
    held: Any,  # noqa: ANN401
    flipped: Any,  # noqa: ANN401
    offsets: Any,  # noqa: ANN401
    bounds: Any,  # noqa: ANN401
    bits: Any,  # noqa: ANN401
    errors: Any,  # noqa: ANN401
    deviations: Any,  # noqa: ANN401
    far: Any,  # noqa: ANN401
    quantised: bool,  # noqa: FBT001
    stream: Any,  # noqa: ANN401
    factor: float,
    out: Any,  # noqa: ANN401
    lost: Any,  # noqa: ANN401
) -> None:
    """Add one block's product to `out`; the sums of a column are converted one after the other."""
    batch, cols = out.shape
    for chunk in range(lost.size):
        total = np.zeros(cols, np.float32)
        outside = 0
        for index in range(starts.size - 1):
            low, high, step, weight = spans[0, index], spans[1, index], spans[2, index], spans[3, index]
            inverse = 1.0 / step
            flips = flipped[parts[starts[index], 1]]
            for n in range(chunk * _BATCH, min(chunk * _BATCH + _BATCH, batch)):
                total[:] = 0
                variance = whole = 0.0
                for at in range(starts[index], starts[index + 1]):
                    read, place, scale = parts[at, 0], parts[at, 1], parts[at, 2]
                    squares, count = _gather(x[n], reads[read, 0], reads[read, 1], scale, held[place], total)
                    variance += noise[0] * np.float64(scale * scale * squares)
                    whole += noise[2] * np.float64(scale * count)
                sigma = np.sqrt(variance + (noise[1] * step) ** 2)
                counter = stream[1] + np.uint64(n)
                _disturb(total, sigma, step * offsets[index], counter, stream[2] + np.uint64(index), stream[0])
                over = 0
                for col in range(cols):
                    value = np.float64(total[col])
                    if quantised:
                        over += (value < low) | (value > high)
                        place = (min(max(value, low), high) - low) * inverse + 0.5
                        if far.size > 0:
                            at_column = counter * np.uint64(1 << 20) + np.uint64(col)
                            code = stored_bits(
                                place,
                                bounds[index],
                                bits,
                                errors[col],
                                deviations[index],
                                far[index],
                                at_column,
                                stream[2] + np.uint64(index),
                                stream[3],
                            )
                            for shift in (1, 2, 4, 8):
                                code ^= code >> shift
                            value = low + step * code
                        else:
                            value = low + step * np.floor(place)
                    if flips[col]:
                        value = whole - value
                    out[n, col] += factor * weight * value
                outside += over
        lost[chunk] += outside
