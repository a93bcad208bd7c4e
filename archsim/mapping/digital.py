"""Projections that are not for arrays: those for which the machine has a recipe of its own, such as depth-wise ones."""

from dataclasses import replace

from archsim.graph.graph import Graph
from archsim.graph.operators import Linear, Operator, Product
from archsim.machine.machine import Machine


def digitised(machine: Machine, graph: Graph) -> Graph:
    """The Graph with such projections as products of digital units."""
    if "depthwise" not in machine.recipes:
        return graph
    return replace(graph, operators=tuple(_product(each) if depthwise(each) else each for each in graph.operators))


def depthwise(operator: Operator) -> bool:
    """Whether it is a convolution of each channel by itself."""
    if not isinstance(operator, Linear) or operator.groups == 1 or len(operator.inputs) != 1:
        return False
    window = operator.inputs[0].window
    return window is not None and operator.in_features // operator.groups == window.kernel[0] * window.kernel[1]


def _product(operator: Operator) -> Operator:
    linear = operator if isinstance(operator, Linear) else None
    if linear is None:
        raise TypeError(operator.kind)
    return Product(
        layer=linear.layer,
        name=linear.name,
        kind="depthwise",
        inputs=linear.inputs,
        positions=linear.positions,
        stream=linear.stream,
        linear=linear,
    )
