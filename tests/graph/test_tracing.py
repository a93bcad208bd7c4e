"""At which positions nodes work, and which of others they wait for."""

import numpy as np

from archsim.graph.axes import Axis, Shape, dim
from archsim.graph.builder import Builder
from archsim.graph.graph import Graph, make_graph
from archsim.graph.nodes import Unknown
from archsim.graph.operators import Matmul, Operator


def made(builder: Builder, *outputs: str) -> Graph:
    weights = list(builder.weights.values())
    return make_graph("test", "", builder.inputs, builder.nodes, weights, outputs, digest="")


def axes(**sizes: int) -> Shape:
    return tuple(dim(Axis(name, size)) for name, size in sizes.items())


def test_a_row_before_the_pixels_of_a_map_is_one_more_position() -> None:
    """4 x 4 pixels in one dimension and a row of constants are 17 positions; number n waits for pixel n - 1."""
    builder = Builder()
    x = builder.input("x", axes(height=4, width=4, channels=3))
    y = builder.reshape(builder.linear("patches", x, 8), (16, 8))
    builder.weight("token", (1, 8))
    joined = builder.concat(["token", y], 0)
    graph = made(builder, builder.elementwise("act", "relu", joined))
    operator = graph.operators[-1]
    assert operator.stream.length == 17
    (edge,) = operator.inputs
    assert (edge.source, edge.scope) == ("input/patches", "window")
    assert edge.window is not None
    assert edge.window.last(np.arange(17)).tolist() == [0, *range(16)]
    assert not graph.notes


def test_an_input_says_which_of_its_dimensions_are_positions() -> None:
    """A norm in heads would take them for positions; the input says that only the first dimension is one."""
    builder = Builder()
    x = builder.input("x", axes(time=6, values=8), positions=1)
    operator = made(builder, builder.softmax("shares", builder.split(x, 1, 2, 4))).operators[0]
    assert operator.stream.length == 6
    assert operator.values_out(1) == 8


def test_what_is_unknown_may_be_a_view() -> None:
    """It has no time; positions that are not those of its operand wait for all of it."""
    builder = Builder()
    x = builder.linear("first", builder.input("x", axes(time=6, values=8)), 4)
    shape = axes(others=3, more=5)
    view = builder.add(Unknown(layer="input", name="other", kind="view", inputs=(x,), shape=shape, why="of a test"))
    first, second = made(builder, builder.linear("second", view, 2)).operators
    assert (first.stream.length, second.stream.length) == (6, 3)
    assert [edge.scope for edge in second.inputs] == ["all"]


def test_scores_of_a_single_key_are_scores() -> None:
    builder = Builder()
    query = builder.input("q", axes(time=6, head=4))
    key = builder.input("k", ((), *axes(key_head=4)))
    operators: tuple[Operator, ...] = made(builder, builder.contraction("scores", query, key, "qd,kd->qk")).operators
    assert isinstance(operators[0], Matmul)
    assert (operators[0].scores, operators[0].head_dim, operators[0].macs(1)) == (True, 4, 4)
