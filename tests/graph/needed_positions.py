"""Which positions of others an operator needs, found by changing their numbers; and which it waits for."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.axes import size_of
from archsim.graph.weights import moving
from archsim.values.running import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archsim.graph.axes import Axis, Shape
    from archsim.graph.graph import Graph
    from archsim.graph.nodes import Node
    from archsim.graph.operators import Edge
    from archsim.values.executor import Executor

Array = NDArray[Any]
Rows = NDArray[np.int64]


def rows_of(shape: Shape, axes: Sequence[Axis]) -> Rows:
    """Of each number of a tensor the position that it is of, counted along these axes, the last of which is fastest."""
    index = {axis: np.zeros((1,) * len(shape), np.int64) for axis in axes}
    for at, one in enumerate(shape):
        numbers = np.arange(size_of(one) or 0).reshape([-1 if here == at else 1 for here in range(len(shape))])
        for factor in reversed(one):
            if factor.axis in index:
                index[factor.axis] = index[factor.axis] + numbers % (factor.size or 0) * factor.inner
            numbers = numbers // (factor.size or 0)
    rows = np.zeros([size_of(one) or 0 for one in shape], np.int64)
    for axis in axes:
        rows = rows * (axis.size or 0) + index[axis]
    return rows


def feeding(graph: Graph, node: Node) -> set[str]:
    """Operators that make what a node reads, itself or through views."""
    nodes = {each.key: each for each in graph.nodes}
    found: set[str] = set()
    open_ends = [name for _, name in moving(node, graph.weights)]
    while open_ends:
        name = open_ends.pop()
        if name in nodes and nodes[name].free:
            open_ends += [source for _, source in moving(nodes[name], graph.weights)]
        elif name in nodes:
            found.add(name)
    return found


def needed(
    executor: Executor,
    tensors: Mapping[str, Array],
    source: tuple[str, Sequence[Axis]],
    reader: tuple[str, Sequence[Axis]],
) -> tuple[Rows, Rows]:
    """By position of a reader the first and the last position of a source that its numbers depend on; last -1: on none.

    tensors: of one run, inputs among them; all stay as they are, but for those of the source at one position each time.
    """
    of_source = rows_of(executor.shapes[source[0]], source[1])
    of_reader = rows_of(executor.shapes[reader[0]], reader[1])
    positions = prod(axis.size or 0 for axis in source[1])
    known = {name: np.repeat(x, positions, axis=0) for name, x in tensors.items() if name != reader[0]}
    inputs = {each.name: known.pop(each.name) for each in executor.graph.inputs}
    first = np.full(prod(axis.size or 0 for axis in reader[1]), positions, np.int64)
    last = np.full_like(first, -1)
    noise = np.random.default_rng(1).standard_normal(of_source.shape).astype(np.float32)
    at_one = of_source == np.arange(positions).reshape(-1, *(1,) * of_source.ndim)
    for change in (noise, 100 + 10 * noise, -100 + 10 * noise):
        changed = known | {source[0]: np.where(at_one, known[source[0]] + change, known[source[0]])}
        made = executor.execute(Run(executor.arithmetic), inputs, [reader[0]], changed)[reader[0]]
        for position in range(positions):
            same = np.isclose(made[position], tensors[reader[0]][0], rtol=1e-4, atol=1e-5)  # sums are rounded anew
            differs = of_reader[~same]
            first[differs] = np.minimum(first[differs], position)
            last[differs] = np.maximum(last[differs], position)
    return first, last


def waited(edge: Edge, readers: int, sources: int) -> Rows:
    """By position of a reader the last position of a source that it waits for."""
    rows = np.arange(readers)
    if edge.window is not None:
        last: Rows = np.minimum(edge.window.last(rows), sources - 1)
        return last
    if edge.scope == "all":
        return np.full(readers, sources - 1)
    return np.where(rows < sources, rows, -1)
