"""Nodes on values that pick numbers by their index, put them at an index, rank them, or run along an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.index_nodes import Cumulated, Gathered, Ranked, Scattered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archsim.graph.nodes import Node
    from archsim.values.running import Array, Run


def _rows(*operands: Array) -> Iterator[tuple[Array, ...]]:
    """Of each entry of the batch; what is the same for all of it, again and again."""
    batch = max(map(len, operands))
    return zip(*(np.broadcast_to(x, (batch, *x.shape[1:])) for x in operands), strict=True)


def _within(node: Node, indices: Array, size: int) -> Array:
    """Indices counted from the first. Raises ArchsimError for those that are not there, or are no whole numbers."""
    if indices.dtype.kind not in "iu":
        raise ArchsimError(f"{node.key}: found {indices.dtype} numbers as indices; expected whole ones")
    found = np.where(indices < 0, indices + size, indices)
    if found.size and not 0 <= found.min() <= found.max() < size:
        wrong = indices[(found < 0) | (found >= size)][0]
        raise ArchsimError(f"{node.key}: found index {wrong}; expected {-size} to {size - 1}")
    return np.asarray(found)


def _gathered(node: Gathered, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001 - as all are called
    return np.stack([_picked(node, x, indices) for x, indices in _rows(*operands)])


def _picked(node: Gathered, x: Array, indices: Array) -> Array:
    if node.by == "axis":
        return np.take(x, _within(node, indices, x.shape[node.dim]), axis=node.dim)
    if node.by == "element":
        return x[_of_elements(node, x, indices, node.dim)]
    same = np.indices(indices.shape[:-1], sparse=True)[: node.dim]
    return x[(*same, *_of_tuples(node, x, indices, node.dim))]


def _of_elements(node: Node, x: Array, indices: Array, dim: int) -> tuple[Array, ...]:
    """An index of each dimension: as they are, except of one."""
    places: list[Array] = list(np.indices(indices.shape, sparse=True))
    places[dim] = _within(node, indices, x.shape[dim])
    return tuple(places)


def _of_tuples(node: Node, x: Array, indices: Array, first: int) -> tuple[Array, ...]:
    """An index of each of so many dimensions, which the last dimension of the indices has."""
    return tuple(_within(node, indices[..., at], x.shape[first + at]) for at in range(indices.shape[-1]))


_TOGETHER = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


def _scattered(node: Scattered, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    made = []
    for x, indices, new in _rows(*operands):
        places = _of_elements(node, x, indices, node.dim) if node.by == "element" else _of_tuples(node, x, indices, 0)
        there = x.copy()
        if node.function == "replace":
            there[places] = new
        else:
            _TOGETHER[node.function].at(there, places, new)
        made.append(there)
    return np.stack(made)


def _ranked(node: Ranked, operands: Sequence[Array], run: Run) -> Array:
    """Largest first by sorting the reversed row, so that of equal numbers the first comes first either way."""
    x, number = np.moveaxis(operands[0], 1 + node.dim, -1), run.size(node.shape[node.dim])
    if node.largest:
        order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    else:
        order = np.argsort(x, axis=-1, kind="stable")
    return np.moveaxis(order[..., :number], -1, 1 + node.dim)


def _cumulated(node: Cumulated, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    x = np.moveaxis(operands[0], 1 + node.dim, -1)
    x = x[..., ::-1] if node.backward else x
    made = np.cumsum(x, axis=-1) if node.function == "sum" else np.cumprod(x, axis=-1)
    if node.exclusive:
        first = np.full_like(made[..., :1], 0 if node.function == "sum" else 1)
        made = np.concatenate([first, made[..., :-1]], axis=-1)
    return np.moveaxis(made[..., ::-1] if node.backward else made, -1, 1 + node.dim)


INDEXED: dict[type[Node], Callable[[Any, Sequence[Array], Run], Array]] = {
    Gathered: _gathered,
    Scattered: _scattered,
    Ranked: _ranked,
    Cumulated: _cumulated,
}
