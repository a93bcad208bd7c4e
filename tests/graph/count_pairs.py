"""The multiplications of a Graph of fixed sizes, counted one by one from what products mean."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.axes import sizes_of
from archsim.graph.nodes import Contraction, Normalise
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.running import Run

if TYPE_CHECKING:
    from archsim.graph.graph import Graph
    from archsim.graph.nodes import Mask, Node

Marks = NDArray[np.float32]


def pairs_of(graph: Graph) -> dict[str, int]:
    """By key of a product: pairs of an index of the result and one of those that are summed over.

    A pair that a mask hides is none; nor is one with a share of attention that a mask hid.
    """
    hidden: dict[str, Marks] = {}
    found = {}
    for node in graph.nodes:
        if isinstance(node, Contraction):
            found[node.key] = _counted(graph, node, hidden)
        elif node.inputs[0] in hidden and (node.free or isinstance(node, Normalise)):
            marks = hidden[node.inputs[0]]
            hidden[node.key] = marks if isinstance(node, Normalise) else _viewed(graph, node, marks)
    return found


def _counted(graph: Graph, node: Contraction, hidden: dict[str, Marks]) -> int:
    shapes = {each.name: each.shape for each in graph.inputs} | {each.key: each.shape for each in graph.nodes}
    first, second = node.inputs[:2]
    of_second = node.second_sizes if node.stationary else sizes_of(shapes[second])
    sizes: dict[str, Any] = dict(zip(node.second, of_second, strict=True))
    sizes |= dict(zip(node.first, sizes_of(shapes[first]), strict=True))
    sizes |= dict(zip(node.result, sizes_of(node.shape), strict=True))
    own = np.zeros([sizes[letter] for letter in node.result], np.float32)
    there = hidden.get(first, np.zeros([sizes[letter] for letter in node.first], np.float32))
    letters = list(sizes)
    of_result, of_first = ([letters.index(letter) for letter in of] for of in (node.result, node.first))
    number = 0
    for at in product(*map(range, sizes.values())):
        index = tuple(at[place] for place in of_result)
        if node.mask is not None and not _sees(node.mask, *index[-2:]):
            own[index] = 1
        elif not there[tuple(at[place] for place in of_first)]:
            number += 1
    if node.mask is not None:
        hidden[node.key] = own
    return number


def _sees(mask: Mask, query: int, key: int) -> bool:
    ahead = key - (query + mask.past)
    return not (mask.causal and ahead > 0) and (mask.span is None or ahead > -mask.span)


def _viewed(graph: Graph, node: Node, marks: Marks) -> Marks:
    """A view rearranges marks as it does numbers."""
    weights = {name: np.zeros(weight.shape, np.float32) for name, weight in graph.weights.items()}
    known = dict.fromkeys(node.inputs, marks[None])
    executor = Executor(graph, weights, FloatArithmetic())
    made: Marks = executor.execute(Run(FloatArithmetic()), {}, [node.key], known)[node.key]
    first: Marks = made[0]
    return first
