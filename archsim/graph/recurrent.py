"""Recurrent layers as nodes that run position by position: a product and the update of a state."""

from archsim.graph.axes import Axis, Shape, dim
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
    begin = len(builder.nodes)
    state = _state(builder, x, hidden)

    def part(x: str, first: int, number: int = 1) -> str:
        return builder.slice(x, -1, first * hidden, number * hidden)

    def times(name: str, one: str, other: str) -> str:
        return builder.elementwise(name, "mul", one, other)

    columns = GATES * hidden
    joined = builder.concat([x, _before(builder, "hidden", state)], -1)
    summed = builder.linear("product", joined, columns, bias=biases > 0, trained_bias=biases * columns)
    gates = builder.elementwise("gates", "sigmoid", builder.concat([part(summed, 0, 2), part(summed, 3)], -1))
    candidate = builder.elementwise("candidate", "tanh", part(summed, 2))
    kept = times("kept", part(gates, 1), _before(builder, "cell", state))
    added = times("added", part(gates, 0), candidate)
    cell = builder.elementwise("cell", "add", kept, added)
    squashed = builder.elementwise("squashed", "tanh", cell)
    result = times("hidden", part(gates, 2), squashed)
    result = builder.concat([result, cell], -1) if cells else result
    return _recurrence(builder, "lstm", x, begin, result, backward=backward)


def gru(
    builder: Builder, x: str, hidden: int, biases: int = 1, *, backward: bool = False, reset_after: bool = False
) -> str:
    """The hidden states [positions, ..., hidden] of a gated recurrent unit (K. Cho et al., 2014).

    A product of the position's values and the state before it gives the update and the reset gate. The candidate is a
    product of the values and what the reset leaves of the state, and a tanh; the new state is between both.

    Parameters
    ----------
    builder, x, biases, backward
        As of `lstm`.
    reset_after
        Whether the reset gate multiplies the product of the state, not the state; this product has its own bias.
    """
    layer, begin = builder.layer, len(builder.nodes)
    before = _before(builder, "hidden", _state(builder, x, hidden))

    def product(name: str, x: str, columns: int, vectors: int = biases) -> str:
        return builder.linear(name, x, columns, bias=vectors > 0, trained_bias=vectors * columns)

    def times(name: str, one: str, other: str) -> str:
        return builder.elementwise(name, "mul", one, other)

    gates = builder.elementwise("gates", "sigmoid", product("product", builder.concat([x, before], -1), 2 * hidden))
    update, reset = (builder.slice(gates, -1, at * hidden, hidden) for at in (0, 1))
    if reset_after:
        seen = times("left", reset, product("state product", before, hidden, min(biases, 1)))
        summed = builder.elementwise("sum", "add", product("input product", x, hidden, min(biases, 1)), seen)
    else:
        joined = builder.concat([x, times("left", reset, before)], -1)
        summed = product("candidate product", joined, hidden)
    candidate = builder.elementwise("candidate", "tanh", summed)
    apart = builder.elementwise("apart", "sub", before, candidate)
    result = builder.elementwise("hidden", "add", candidate, times("kept", update, apart))
    assert result == f"{layer}/hidden"  # noqa: S101 - which is read before it is made
    return _recurrence(builder, "gru", x, begin, result, backward=backward)


def rnn(builder: Builder, x: str, hidden: int, biases: int = 1, *, backward: bool = False) -> str:
    """The hidden states [positions, ..., hidden]: a tanh of a product of a position's values and the state before it.

    Parameters are as of `lstm`.
    """
    begin = len(builder.nodes)
    joined = builder.concat([x, _before(builder, "hidden", _state(builder, x, hidden))], -1)
    summed = builder.linear("product", joined, hidden, bias=biases > 0, trained_bias=biases * hidden)
    return _recurrence(builder, "rnn", x, begin, builder.elementwise("hidden", "tanh", summed), backward=backward)


def _state(builder: Builder, x: str, hidden: int) -> Shape:
    return (*builder.of(x)[:-1], dim(Axis(f"{builder.layer}/state", hidden)))


def _before(builder: Builder, name: str, state: Shape) -> str:
    """A tensor of the body at the position before."""
    layer = builder.layer
    return builder.add(Previous(layer=layer, name=f"{name} before", inputs=(f"{layer}/{name}",), shape=state))


def _recurrence(builder: Builder, name: str, x: str, begin: int, result: str, *, backward: bool) -> str:
    """The nodes from one on as a body."""
    body, shape = tuple(builder.nodes[begin:]), builder.of(result)
    del builder.nodes[begin:]
    return builder.add(
        Recurrence(
            layer=builder.layer, name=name, inputs=(x,), shape=shape, body=body, result=result, backward=backward
        )
    )
