"""Recurrent layers as nodes that run position by position: a product and the update of a state."""

from archsim.graph.axes import Axis, dim
from archsim.graph.builder import Builder
from archsim.graph.sequence_nodes import Previous, Recurrence

GATES = 4
"""Of an LSTM: how much is let in, kept and given out, and what is let in."""


def lstm(builder: Builder, x: str, hidden: int, biases: int = 1, *, backward: bool = False, cells: bool = False) -> str:
    """The hidden states [positions, ..., hidden] of an LSTM with forget gates (S. Hochreiter, J. Schmidhuber, 1997).

    One product of the position's values and the hidden state before it, [values + hidden] x [4 hidden], whose outputs
    are the input gate, the forget gate, the candidate and the output gate; three sigmoids and a tanh of its result;
    the cell, of what is kept of the one before and what is let in; its tanh, given out.

    Parameters
    ----------
    builder
        Its layer is the LSTM's.
    x
        A sequence [positions, ..., values].
    biases
        Vectors of as many numbers as the product has outputs; some libraries train one for each half. Here they are
        one, their sum.
    backward
        Whether the last position comes first.
    cells
        Whether the cells are given too, after the hidden states of the same position.
    """
    layer, begin = builder.layer, len(builder.nodes)
    state = (*builder.of(x)[:-1], dim(Axis(f"{layer}/state", hidden)))

    def before(name: str) -> str:
        return builder.add(Previous(layer=layer, name=f"{name} before", inputs=(f"{layer}/{name}",), shape=state))

    def part(x: str, first: int, number: int = 1) -> str:
        return builder.slice(x, -1, first * hidden, number * hidden)

    def times(name: str, one: str, other: str) -> str:
        return builder.elementwise(name, "mul", one, other)

    columns = GATES * hidden
    joined = builder.concat([x, before("hidden")], -1)
    summed = builder.linear("product", joined, columns, bias=biases > 0, trained_bias=biases * columns)
    gates = builder.elementwise("gates", "sigmoid", builder.concat([part(summed, 0, 2), part(summed, 3)], -1))
    candidate = builder.elementwise("candidate", "tanh", part(summed, 2))
    kept = times("kept", part(gates, 1), before("cell"))
    added = times("added", part(gates, 0), candidate)
    cell = builder.elementwise("cell", "add", kept, added)
    squashed = builder.elementwise("squashed", "tanh", cell)
    result = times("hidden", part(gates, 2), squashed)
    result = builder.concat([result, cell], -1) if cells else result
    body = tuple(builder.nodes[begin:])
    del builder.nodes[begin:]
    shape = builder.of(result)
    return builder.add(
        Recurrence(layer=layer, name="lstm", inputs=(x,), shape=shape, body=body, result=result, backward=backward)
    )
