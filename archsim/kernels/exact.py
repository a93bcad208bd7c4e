"""The noise-free product on packed bits: AND and population count, many columns at once. Equal to the oracle's bits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.compiling import compiled, population_count
from archsim.kernels.conversion import Range, sums
from archsim.kernels.encode import Cells, Ints, blocks, check_inputs, digits
from archsim.kernels.spec import ArraySpec

_BATCH = 16
"""Inputs that are worked on while a slice's planes stay in the first cache."""
_UNROLLED = 4


@dataclass(frozen=True, eq=False)
class Packed:
    """Weights as bit planes: uint64 (blocks, planes, words, cols), and the plan of sums as flat arrays.

    parts: int64 (parts, 3) of input plane, weight plane and weight; rows of sum i are starts[i]:starts[i + 1].
    weights: int64 (sums, 3) of weight, slice, and the first read. halves: 2 where positive and negative cells are
    converted apart; per_half: planes of each.
    """

    planes: NDArray[np.uint64]
    starts: Ints
    parts: Ints
    weights: Ints
    flipped: NDArray[np.bool_]
    halves: int
    per_half: int


def pack(spec: ArraySpec, cells: list[Cells]) -> Packed:
    """Pack encoded weights; done once."""
    halves = 2 if spec.signs == "sign_magnitude" else 1
    signed = spec.signs == "differential"
    n_planes = spec.cell_bits + signed
    words = _words(spec)
    per_half = spec.n_slices * n_planes
    planes = np.zeros((len(cells), halves * per_half, words, cells[0].plus.shape[2]), np.uint64)
    for index, block in enumerate(cells):
        minus = block.minus if block.minus is not None else block.plus
        held = [block.difference] if halves == 1 else [block.plus, minus]
        for half, numbers in enumerate(held):
            for place in range(spec.n_slices):
                for plane in range(n_planes):
                    bits = (numbers[place] >> plane) & 1
                    planes[index, half * per_half + place * n_planes + plane] = _pack(bits.T, words).T
    starts, parts, weights = [0], [], []
    for found in sums(spec):
        for read, place, weight in found.parts:
            low, number, _ = spec.reads()[read]
            for bit in range(number):
                for plane in range(n_planes):
                    sign = -1 if signed and plane == n_planes - 1 else 1
                    at = place * n_planes + plane
                    parts.append((low + bit, at, (sign * weight) << (bit + plane)))
        starts.append(len(parts))
        weights.append((found.weight, found.parts[0][1], found.parts[0][0]))
    return Packed(
        planes,
        np.array(starts, np.int64),
        np.array(parts, np.int64),
        np.array(weights, np.int64),
        np.stack([block.flipped for block in cells]),
        halves,
        per_half,
    )


def multiply(spec: ArraySpec, packed: Packed, span: Range, inputs: Ints) -> tuple[NDArray[np.float64], int]:
    """As `reference.multiply`, of the same bits."""
    check_inputs(spec, inputs)
    words = _words(spec)
    rows = blocks(spec, inputs.shape[1])
    x = np.zeros((inputs.shape[0], len(rows), spec.input_bits, words), np.uint64)
    whole = _sums_of_inputs(spec, inputs) if spec.flipped else np.zeros((1, 1, 1))
    unsigned = inputs.astype(np.uint16)  # two's complement, if signed
    for index, block in enumerate(rows):
        for bit in range(spec.input_bits):
            x[:, index, bit] = _pack((unsigned[:, block] >> np.uint16(bit)) & np.uint16(1), words)
    out = np.zeros((inputs.shape[0], packed.planes.shape[3]))
    lost = np.zeros(-(-inputs.shape[0] // _BATCH), np.int64)
    _multiply(
        x,
        packed.planes,
        packed.starts,
        packed.parts,
        packed.weights,
        packed.flipped,
        whole,
        np.stack([span.low, span.high, span.step, 1.0 / span.step]),
        spec.adc.bits is not None,
        packed.halves,
        packed.per_half,
        out,
        lost,
    )
    if spec.signs == "offset":
        out -= (1 << (spec.weight_bits - 1)) * inputs.sum(axis=1, keepdims=True)
    return out, int(lost.sum())


def _sums_of_inputs(spec: ArraySpec, inputs: Ints) -> NDArray[np.float64]:
    """What a column of full cells gives, (batch, blocks, reads): at each read; the first is all where bits add up."""
    rows = blocks(spec, inputs.shape[1])
    found = np.zeros((inputs.shape[0], len(rows), len(spec.reads())))
    for index, block in enumerate(rows):
        for read, driven in enumerate(digits(spec, inputs[:, block])):
            found[:, index, read] = spec.top_level * driven.sum(axis=1)
    if spec.bits == "analog":
        found[:, :, 0] = found @ np.array([weight for _, _, weight in spec.reads()], np.float64)
    return found


def _words(spec: ArraySpec) -> int:
    words = -(-spec.block_rows // 64)
    return words if words < _UNROLLED else -(-words // _UNROLLED) * _UNROLLED


def _pack(bits: NDArray[np.integer], words: int) -> NDArray[np.uint64]:
    """Bits (n, rows) as words (n, words), the first row lowest."""
    padded = np.zeros((bits.shape[0], words * 64), np.uint8)
    padded[:, : bits.shape[1]] = bits
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


@compiled(inlined="source")
def _count(words: Any, planes: Any, weight: Any, total: Any) -> None:  # noqa: ANN401
    """Add to `total` (cols) how often an input's bits meet those of each column, times `weight`."""
    if len(words) % 4 == 0:
        for w in range(0, len(words), 4):
            a, b, c, d = words[w], words[w + 1], words[w + 2], words[w + 3]
            for col in range(total.size):
                n = population_count(a & planes[w, col]) + population_count(b & planes[w + 1, col])
                n += population_count(c & planes[w + 2, col]) + population_count(d & planes[w + 3, col])
                total[col] += weight * np.int64(n)
    else:
        for w in range(len(words)):
            a = words[w]
            for col in range(total.size):
                total[col] += weight * np.int64(population_count(a & planes[w, col]))


@compiled()
def _multiply(  # noqa: C901, PLR0913, PLR0917 (one loop nest, all its arrays)
    x: Any,  # noqa: ANN401
    planes: Any,  # noqa: ANN401
    starts: Any,  # noqa: ANN401
    parts: Any,  # noqa: ANN401
    weights: Any,  # noqa: ANN401
    flipped: Any,  # noqa: ANN401
    whole: Any,  # noqa: ANN401
    span: Any,  # noqa: ANN401
    quantised: bool,  # noqa: FBT001
    halves: int,
    per_half: int,
    out: Any,  # noqa: ANN401
    lost: Any,  # noqa: ANN401
) -> None:
    batch, n_blocks = x.shape[0], x.shape[1]
    cols = out.shape[1]
    for chunk in range(lost.size):
        first = chunk * _BATCH
        last = min(first + _BATCH, batch)
        part = np.zeros((_BATCH, cols))
        total = np.zeros(cols, np.int64)
        outside = 0
        for block in range(n_blocks):
            for half in range(halves):
                part[:] = 0
                for index in range(weights.shape[0]):
                    low, high, step, inverse = span[0, index], span[1, index], span[2, index], span[3, index]
                    flips = flipped[block, weights[index, 1]]
                    for n in range(first, last):
                        total[:] = 0
                        for at in range(starts[index], starts[index + 1]):
                            _count(
                                x[n, block, parts[at, 0]],
                                planes[block, half * per_half + parts[at, 1]],
                                parts[at, 2],
                                total,
                            )
                        weight = np.float64(weights[index, 0])
                        row = part[n - first]
                        over = 0
                        for col in range(cols):
                            value = np.float64(total[col])
                            if quantised:
                                over += (value < low) | (value > high)
                                kept = min(max(value, low), high)
                                value = low + step * np.floor((kept - low) * inverse + 0.5)
                            if flips[col]:
                                value = whole[n, block, weights[index, 2]] - value
                            row[col] += weight * value
                        outside += over
                sign = -1.0 if half else 1.0
                for n in range(first, last):
                    for col in range(cols):
                        out[n, col] += sign * part[n - first, col]
        lost[chunk] = outside
