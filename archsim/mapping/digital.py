"""Projections that are not for arrays: those for which the machine has a recipe of its own, such as depth-wise ones."""

from dataclasses import replace

from archsim.graph.graph import Graph
from archsim.graph.operators import Linear, Product
from archsim.machine.machine import Machine


def digitised(machine: Machine, graph: Graph) -> Graph:
    """The Graph with such projections as products of digital units."""
    if "depthwise" not in machine.recipes:
        return graph
    operators = (_product(each) if isinstance(each, Linear) and depthwise(each) else each for each in graph.operators)
    return replace(graph, operators=tuple(operators))


def depthwise(linear: Linear) -> bool:
    """Whether it is a convolution of each channel by itself."""
    if linear.groups == 1 or len(linear.inputs) != 1:
        return False
    window = linear.inputs[0].window
    return window is not None and linear.in_features // linear.groups == window.kernel[0] * window.kernel[1]


def _product(linear: Linear) -> Product:
    return Product(
        layer=linear.layer,
        name=linear.name,
        kind="depthwise",
        inputs=linear.inputs,
        positions=linear.positions,
        stream=linear.stream,
        linear=linear,
    )
