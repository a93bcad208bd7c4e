"""Contractions on values: the activation as rows, the weights as matrices, one for each index that both share."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.running import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.graph.nodes import Contraction, Mask
    from archsim.graph.windows import Interval
    from archsim.values.arithmetic import Arithmetic
    from archsim.values.running import Run

Grouped = Callable[[Array], Array]
"""Takes (batch, shared, rows, summed), gives (batch, shared, rows, outputs)."""
_CHUNK = 1 << 26
"""Bytes of windows that are made at a time."""


def windowed(x: Array, at: int, interval: Interval, size: int, fill: float = 0) -> Array:
    """A dimension as `size` windows, with a new last dimension of their taps; `fill` lies outside.

    The result is a view of the array, or of one with what lies outside put around it.
    """
    windows = ceil(size / interval.grow)
    last = (windows - 1) * interval.stride - interval.pad + interval.span - 1
    around = [(0, 0)] * x.ndim
    around[at] = (max(0, interval.pad), max(0, last + 1 - x.shape[at]))
    padded = np.pad(x, around, constant_values=fill) if any(around[at]) else x
    step = padded.strides[at]
    strides = [*padded.strides, interval.apart * step]
    strides[at] = interval.stride * step
    shape = (*x.shape[:at], windows, *x.shape[at + 1 :], interval.taps)
    begin = padded[(slice(None),) * at + (slice(max(0, -interval.pad), None),)]
    found = np.lib.stride_tricks.as_strided(begin, shape, strides, writeable=False)
    return found if interval.grow == 1 else np.repeat(found, interval.grow, axis=at).take(range(size), axis=at)


def prepared(node: Contraction, weight: Array, bias: Array | None, arithmetic: Arithmetic) -> Grouped:
    """The product with weights; one for each index that is shared, unless all are in float32 and can be done at once.

    Raises ArchsimError for a bias of another size.
    """
    sizes = dict(zip(node.second, node.second_sizes, strict=True))
    letters = node.shared + node.outputs + node.summed
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
            node.key if shared == 1 else f"{node.key} group {group}",
            matrices[group],
            None if vectors is None else vectors[group],
        )
        for group in range(shared)
    ]

    def one_by_one(x: Array) -> Array:
        out = np.zeros((*x.shape[:3], outputs), np.float32)
        if out.size:
            for group, product in enumerate(products):
                out[:, group] = product(x[:, group].reshape(-1, x.shape[3])).reshape(len(x), -1, outputs)
        return out

    return one_by_one


def between(node: Contraction, second: Array, arithmetic: Arithmetic) -> Grouped:
    """The product with another tensor."""
    letters = node.shared + node.summed + node.outputs
    ordered = second.transpose(0, *(1 + node.second.index(x) for x in letters))
    sizes = dict(zip(node.second, second.shape[1:], strict=True))
    shared, summed = (prod(sizes[x] for x in of) for of in (node.shared, node.summed))
    matrices = ordered.reshape(len(second), shared, summed, -1)

    def product(x: Array) -> Array:
        batch = max(len(x), len(matrices))
        first, other = (np.broadcast_to(each, (batch, *each.shape[1:])) for each in (x, matrices))
        return arithmetic.matmul(first, other)

    return product


def contract(node: Contraction, first: Array, product: Grouped, outputs: Sequence[int], run: Run) -> Array:
    """Rows of the first operand multiplied. outputs: sizes of those letters."""
    letters = node.first
    for letter, tap, interval in node.windows:
        one = node.shape[node.result.index(letter)]
        at = 1 + letters.index(letter)
        first = windowed(first, at, interval, run.size(one))
        letters += tap
    shared, rows = len(node.shared), len(node.rows)
    order = (0, *(1 + letters.index(x) for x in node.shared + node.rows + node.summed))
    view = first.transpose(order)
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
    if node.mask is not None:
        begins = run.start(node.shape[-2]) + node.mask.past, run.start(node.shape[-1])
        x = np.where(_visible(node.mask, begins, (x.shape[-2], x.shape[-1])), x, np.float32(-np.inf))
    return x


def _visible(mask: Mask, begins: tuple[int, int], sizes: tuple[int, int]) -> Array:
    """Which keys queries see, [queries, keys]."""
    ahead = (begins[1] + np.arange(sizes[1])) - (begins[0] + np.arange(sizes[0]))[:, None]
    seen = ahead <= 0 if mask.causal else np.ones(sizes, np.bool_)
    return seen if mask.span is None else seen & (ahead > -mask.span)
