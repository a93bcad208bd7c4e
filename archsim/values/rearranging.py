"""Views on values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.graph.views import (
    CausalPad,
    Chosen,
    Concat,
    Keep,
    Pad,
    Patches,
    Picked,
    Repeat,
    Reshape,
    Slice,
    Stack,
    Transpose,
)
from archsim.values.products import surrounded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.graph.nodes import Node
    from archsim.values.running import Array, Run


def _reshape(node: Reshape, operands: Sequence[Array], run: Run) -> Array:
    x = operands[0]
    return x.reshape(len(x), *run.sizes(node.shape))


def _transpose(node: Transpose, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    return operands[0].transpose(0, *(1 + at for at in node.order))


def _of(dim: int, part: slice) -> tuple[slice, ...]:
    """An index of so much of a dimension."""
    return (slice(None),) * (1 + dim) + (part,)


def _slice(node: Slice, operands: Sequence[Array], run: Run) -> Array:
    stop = node.start + node.step * run.size(node.shape[node.dim])
    return operands[0][_of(node.dim, slice(node.start, None if stop < 0 else stop, node.step))]


def _picked(node: Picked, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    return operands[0].take(node.indices, axis=1 + node.dim)


def _chosen(node: Chosen, operands: Sequence[Array], run: Run) -> Array:
    x, axis = operands[0], node.shape[node.dim][0].axis
    begin = 0
    if axis.at == "first":
        x = x[_of(node.dim, slice(1))]
    elif axis.at == "last" and not run.everywhere:
        begin = x.shape[1 + node.dim] - 1
        x = x[_of(node.dim, slice(begin, None))]
    if axis.stream is not None:
        run.starts[axis] = run.past.get(axis.stream, 0) + begin
    return x


def _concat(node: Concat, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    batch = max(map(len, operands))
    return np.concatenate([np.broadcast_to(x, (batch, *x.shape[1:])) for x in operands], axis=1 + node.dim)


def _pad(node: Pad, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    before, after, sizes = (0, *node.before), (0, *node.after), operands[0].shape
    ends = zip(before, after, sizes, strict=True)
    inside = operands[0][tuple(slice(max(0, -first), size - max(0, -last)) for first, last, size in ends)]
    return surrounded(inside, [max(0, n) for n in before], [max(0, n) for n in after], node.number)


def _repeat(node: Repeat, operands: Sequence[Array], run: Run) -> Array:
    x = operands[0]
    for at, times in enumerate(node.times):
        x = x if times == 1 else np.repeat(x, times, axis=1 + at)
    if node.times:
        return x
    spread = x.reshape(len(x), *(1,) * (len(node.shape) + 1 - x.ndim), *x.shape[1:])
    return np.broadcast_to(spread, (len(x), *run.sizes(node.shape)))


def _keep(node: Keep, operands: Sequence[Array], run: Run) -> Array:
    """Of former runs too, in a session; what no later position sees is let go."""
    x, axis = operands[0], node.shape[node.dim][0].axis
    if run.state is None or axis.stream is None or not axis.stream.grows:
        return x
    at, new = 1 + node.dim, x.shape[1 + node.dim]
    if node.key in run.state:
        x = np.concatenate([run.state[node.key], x], axis=at)
    run.starts[axis] = run.past.get(axis.stream, 0) + new - x.shape[at]
    left = 0 if axis.span is None else max(0, x.shape[at] - axis.span)
    rest = x[_of(node.dim, slice(left, None))]
    run.state[node.key] = rest if rest.base is None else rest.copy()  # a view would keep all of another tensor
    return x


def _causal_pad(node: CausalPad, operands: Sequence[Array], run: Run) -> Array:
    """What comes before is kept for the next run."""
    x, kept = operands[0], run.state or {}
    zeros = np.zeros((len(x), node.before, *x.shape[2:]), x.dtype)
    x = np.concatenate([kept.get(node.key, zeros), x], axis=1)
    if run.state is not None:
        run.state[node.key] = x[:, x.shape[1] - node.before :].copy()
    return x


def _stack(node: Stack, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    x = operands[0]
    missing = -x.shape[1] % node.number
    padded = np.pad(x, [(0, 0), (0, missing), *[(0, 0)] * (x.ndim - 2)])
    return padded.reshape(len(x), -1, node.number * x.shape[2], *x.shape[3:])


def _patches(node: Patches, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    batch, channels, height, width = operands[0].shape
    down, across, size = height // node.size, width // node.size, node.size
    whole = operands[0][:, :, : down * size, : across * size].reshape(batch, channels, down, size, across, size)
    return whole.transpose(0, 2, 4, 1, 3, 5).reshape(batch, down * across, channels * size * size)


VIEWS: dict[type[Node], Callable[[Any, Sequence[Array], Run], Array]] = {
    Reshape: _reshape,
    Transpose: _transpose,
    Slice: _slice,
    Picked: _picked,
    Chosen: _chosen,
    Concat: _concat,
    Pad: _pad,
    Repeat: _repeat,
    Keep: _keep,
    CausalPad: _causal_pad,
    Stack: _stack,
    Patches: _patches,
}
