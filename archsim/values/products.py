"""Contractions on values: the activation as rows, the weights as matrices, one for each index that both share."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.arithmetic import FloatArithmetic, of_group
from archsim.values.running import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.graph.axes import Shape
    from archsim.graph.nodes import Contraction, Mask
    from archsim.graph.windows import Interval
    from archsim.values.arithmetic import Arithmetic
    from archsim.values.running import Run

Grouped = Callable[[Array], Array]
"""Takes (batch, shared, rows, summed), gives (batch, shared, rows, outputs)."""
_CHUNK = 1 << 23
"""Bytes of windows that are made at a time: caches hold them."""


def surrounded(x: Array, before: Sequence[int], after: Sequence[int], fill: float = 0) -> Array:
    """So many numbers before and after the indices of each dimension; it lies in memory in the order of the array.

    Channels that lie side by side stay so: windows of them are then copied in long pieces.
    """
    if not any((*before, *after)):
        return x
    order = sorted(range(x.ndim), key=lambda at: -abs(x.strides[at]))
    sizes = [x.shape[at] + before[at] + after[at] for at in order]
    found = np.full(sizes, fill, x.dtype).transpose(np.argsort(order))
    found[tuple(slice(begin, begin + size) for begin, size in zip(before, x.shape, strict=True))] = x
    return found


def windowed(x: Array, windows: Sequence[tuple[int, Interval, int]], fill: float = 0) -> Array:
    """Dimensions as windows, with a new last dimension of the taps of each; `fill` lies outside.

    The result is a view of the array, or of one with what lies outside put around it. windows: dimension, interval,
    number of windows.
    """
    before, after = [0] * x.ndim, [0] * x.ndim
    for at, interval, size in windows:
        last = (ceil(size / interval.grow) - 1) * interval.stride - interval.pad + interval.span - 1
        before[at], after[at] = max(0, interval.pad), max(0, last + 1 - x.shape[at])
    found = surrounded(x, before, after, fill)
    for at, interval, size in windows:
        number, step = ceil(size / interval.grow), found.strides[at]
        strides = [*found.strides, interval.apart * step]
        strides[at] = interval.stride * step
        shape = (*found.shape[:at], number, *found.shape[at + 1 :], interval.taps)
        begin = found[(slice(None),) * at + (slice(max(0, -interval.pad), None),)]
        found = np.lib.stride_tricks.as_strided(begin, shape, strides, writeable=False)
        if interval.grow > 1:
            found = np.repeat(found, interval.grow, axis=at).take(range(size), axis=at)
    return found


def _inner(node: Contraction) -> str:
    """Letters that are summed over, in the order of a matrix's columns: taps, then what lies side by side."""
    taps = "".join(tap for _, tap, _ in node.windows)
    return taps + "".join(x for x in node.summed if x not in taps)


def prepared(node: Contraction, weight: Array, bias: Array | None, arithmetic: Arithmetic) -> Grouped:
    """The product with weights; one for each index that is shared, unless all are in float32 and can be done at once.

    Raises ArchsimError for a bias of another size.
    """
    sizes = dict(zip(node.second, node.second_sizes, strict=True))
    letters = node.shared + node.outputs + _inner(node)
    shared, outputs = (prod(sizes[x] for x in of) for of in (node.shared, node.outputs))
    ordered = weight.reshape(node.second_sizes).transpose([node.second.index(x) for x in letters])
    matrices = ordered.reshape(shared, outputs, -1)
    vectors = None
    if bias is not None:
        if bias.size != shared * outputs:
            raise ArchsimError(f"{node.key}: found a bias of {bias.size} numbers; expected {shared * outputs}")
        own = [x for x in node.result if x in node.second]
        spread = bias.reshape([sizes[x] for x in own])
        vectors = spread.transpose([own.index(x) for x in node.shared + node.outputs]).reshape(shared, outputs)
    if shared > 1 and type(arithmetic).linear is FloatArithmetic.linear:
        stacked = np.ascontiguousarray(matrices.transpose(0, 2, 1))
        return lambda x: x @ stacked if vectors is None else x @ stacked + vectors[:, None]
    products = [
        arithmetic.linear(
            node.key if shared == 1 else of_group(node.key, group),
            matrices[group],
            None if vectors is None else vectors[group],
        )
        for group in range(shared)
    ]

    def one_by_one(x: Array) -> Array:
        out = np.zeros((*x.shape[:3], outputs), np.float32)
        if not out.size:
            return out
        if shared == 1:
            return products[0](x.reshape(-1, x.shape[3])).reshape(out.shape)
        for group, product in enumerate(products):
            out[:, group] = product(x[:, group].reshape(-1, x.shape[3])).reshape(len(x), -1, outputs)
        return out

    return one_by_one


def between(node: Contraction, second: Array, arithmetic: Arithmetic) -> Grouped:
    """The product with another tensor."""
    letters = node.shared + _inner(node) + node.outputs
    ordered = second.transpose(0, *(1 + node.second.index(x) for x in letters))
    sizes = dict(zip(node.second, second.shape[1:], strict=True))
    shared, summed = (prod(sizes[x] for x in of) for of in (node.shared, node.summed))
    matrices = ordered.reshape(len(second), shared, summed, -1)

    def product(x: Array) -> Array:
        batch = max(len(x), len(matrices))
        first, other = (np.broadcast_to(each, (batch, *each.shape[1:])) for each in (x, matrices))
        return arithmetic.matmul(node.key, first, other)

    return product


def rows_of(node: Contraction, first: Array, summed: str, run: Run) -> Array:
    """A view of the first operand: (batch, shared, rows, summed), each with as many dimensions as it has letters.

    summed: those letters in the order that is wanted.
    """
    letters = node.first + "".join(tap for _, tap, _ in node.windows)
    windows = [
        (1 + node.first.index(letter), interval, run.size(node.shape[node.result.index(letter)]))
        for letter, _, interval in node.windows
    ]
    order = node.shared + node.rows + summed
    return windowed(first, windows).transpose(0, *(1 + letters.index(x) for x in order))


def contract(node: Contraction, first: Array, product: Grouped, outputs: Sequence[int], run: Run) -> Array:
    """Rows of the first operand multiplied. outputs: sizes of those letters."""
    shared, rows = len(node.shared), len(node.rows)
    view = rows_of(node, first, _inner(node), run)
    inner = view.shape[1 + shared + rows :]

    def multiplied(part: Array) -> Array:
        middle = part.shape[1 : 1 + shared + rows]
        out = product(part.reshape(len(part), prod(middle[:shared]), prod(middle[shared:]), prod(inner)))
        return out.reshape(len(out), *middle, *outputs)

    parts = ceil(view.size * view.itemsize / _CHUNK) if node.windows else 1
    along = 0 if len(view) > 1 or not rows else 1 + shared
    pieces = [multiplied(part) for part in np.array_split(view, max(1, min(parts, view.shape[along])), along)]
    out = pieces[0] if len(pieces) == 1 else np.concatenate(pieces, along)
    made = node.shared + node.rows + node.outputs
    return out.transpose(0, *(1 + made.index(x) for x in node.result))


def finished(node: Contraction, x: Array, bias: Array | None, run: Run) -> Array:
    """With a bias that is made at run time, the scale, the cap and the mask."""
    if bias is not None:
        own = iter(bias.shape[1:])
        x = x + bias.reshape(len(bias), *(next(own) if letter in node.second else 1 for letter in node.result))
    if node.scale != 1:
        x = x * np.float32(node.scale)
    if node.cap is not None:
        x = np.float32(node.cap) * np.tanh(x / np.float32(node.cap))
    return x if node.mask is None or not node.mask.applied else masked(node.mask, x, node.shape, run)


def masked(mask: Mask, x: Array, shape: Shape, run: Run) -> Array:
    """Scores [..., queries, keys], minus infinity where a query does not see a key."""
    queries, keys = (run.start(one) + np.arange(size) for one, size in zip(shape[-2:], x.shape[-2:], strict=True))
    ahead = keys - queries[:, None] - mask.past
    seen = ahead <= 0 if mask.causal else np.ones(ahead.shape, np.bool_)
    if mask.span is not None and mask.sight == "chunk":
        seen &= keys // mask.span == ((queries + mask.past) // mask.span)[:, None]
    elif mask.span is not None:
        seen &= np.abs(ahead) <= mask.span // 2 if mask.sight == "around" else ahead > -mask.span
    return np.where(seen, x, np.float32(-np.inf))
