"""Weights that are parts of larger tensors, or computed of several: experts side by side, what a latent is made to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.stored import Numbers, Stored, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Weight

    Change = Callable[[Sequence[Stored], Weight, Graph], Stored]


def of_expert(
    parts: Sequence[Stored], weight: Weight, graph: Graph, *, rows: slice = slice(None), across: bool = False
) -> Stored:
    """One expert's weights or bias, of a tensor [experts, outputs, inputs] or [experts, outputs].

    Parameters
    ----------
    parts
        That tensor.
    weight
        By its name `layer/expert NUMBER NODE.weight`.
    graph
        Of the weight.
    rows
        Of the outputs, which are those of gate and up: `GATE`, `UP`, or every second one.
    across
        Whether matrices are stored as [experts, inputs, outputs].

    Returns
    -------
    Stored
        Of the weight's shape.

    Raises
    ------
    ArchsimError
        Where the tensor has another shape.
    """
    one, layer, name = parts[0], *weight.name.split("/")
    number = int(name.split(" ")[1])
    experts = sum(key.startswith(f"{layer}/expert ") and key.endswith(" down.weight") for key in graph.weights)
    outputs = weight.shape[0] * (1 if rows == slice(None) else 2)
    matrix = (outputs, *weight.shape[1:])
    expected = (experts, *(matrix[::-1] if across else matrix))
    _require(one, expected, weight)
    return changed(one, weight.shape, partial(_expert, number=number, rows=rows, across=across))


def _expert(x: Numbers, number: int, rows: slice, across: bool) -> Numbers:  # noqa: FBT001 - by name
    matrix: Numbers = x[number].T if across else x[number]
    if rows in (GATE, UP):
        half = len(matrix) // 2
        return matrix[:half] if rows == GATE else matrix[half:]
    return matrix[rows]


GATE, UP = slice(0, -1), slice(-1, None)
"""The first half of rows, and the second."""


def of_latent(parts: Sequence[Stored], weight: Weight, graph: Graph) -> Stored:
    """What makes keys, or values, of a latent: of a tensor [heads x (keys, then values of a head), latent].

    weight: `key up` or `value up` of a layer. Raises ArchsimError where the tensor has another shape.
    """
    layer = weight.name.partition("/")[0]
    sizes = [graph.weights[f"{layer}/{name}.weight"].shape for name in ("key up", "value up")]
    heads, keys, width = sizes[0]
    _require(parts[0], (heads * (keys + sizes[1][1]), width), weight)
    first = "key up" in weight.name
    return changed(parts[0], weight.shape, partial(_of_head, heads=heads, keys=keys, first=first))


def _of_head(x: Numbers, heads: int, keys: int, first: bool) -> Numbers:  # noqa: FBT001
    of_heads: Numbers = x.reshape(heads, -1, x.shape[-1])
    return of_heads[:, :keys] if first else of_heads[:, keys:]


def of_query(parts: Sequence[Stored], weight: Weight, graph: Graph) -> Stored:  # noqa: ARG001 - as all are called
    """A learned query: a vector times the first third of rows of weights, plus that of a bias.

    parts: the vector, the weights, the bias. Raises ArchsimError where they have other shapes.
    """
    wide = weight.shape[-1]
    for one, shape in zip(parts, ((1, 1, wide), (3 * wide, wide), (3 * wide,)), strict=True):
        _require(one, shape, weight)
    vector, matrix, bias = parts
    return Stored(vector.path, vector.name, weight.shape, partial(_query, vector, matrix, bias))


def _query(vector: Stored, matrix: Stored, bias: Stored) -> Numbers:
    row = vector.read().reshape(1, -1)
    wide = row.shape[1]
    query: Numbers = row @ matrix.read()[:wide].T + bias.read()[:wide]
    return query


def after_query(parts: Sequence[Stored], weight: Weight, graph: Graph) -> Stored:  # noqa: ARG001
    """Keys' and values' rows, where those of queries stand before them. Raises ArchsimError for another shape."""
    begin = weight.shape[0] // 2
    _require(parts[0], (3 * begin, *weight.shape[1:]), weight)
    return changed(parts[0], weight.shape, partial(_rows_from, begin=begin))


def _rows_from(x: Numbers, begin: int) -> Numbers:
    return np.asarray(x[begin:])


def _require(one: Stored, shape: tuple[int, ...], weight: Weight) -> None:
    if one.shape != shape:
        found = f"{one.path}: {one.name} has the shape {list(one.shape)}"
        raise ArchsimError(f"{found}; expected {list(shape)}, of which {weight.name!r} is a part")
