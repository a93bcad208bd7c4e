"""Recurrent layers as operators: a product and the update of a state, which wait for the position before."""

from dataclasses import replace

from archsim.graph.weave import Value, Weaver

GATES = 4
"""Of an LSTM: how much is let in, kept and given out, and what is let in."""


def lstm(weaver: Weaver, value: Value, hidden: int, biases: int = 1) -> Value:
    """An LSTM layer of `hidden` values (S. Hochreiter and J. Schmidhuber, 1997, with forget gates).

    One product of the position's values and the hidden state before it, [values + hidden] x [4 hidden]; three
    sigmoids and a tanh of its result; the cell, of what is kept of the one before and what is let in; its tanh, given
    out. biases: vectors of as many numbers as the product has columns; some libraries train one for each half.
    """
    columns = GATES * hidden
    summed = weaver.product("lstm", value, columns, bias=biases > 0, folded=max(0, biases - 1) * columns)
    weaver.recurs("hidden", hidden)
    gates = weaver.rowwise("sigmoid", replace(summed, width=3 * hidden), rows=3, name="gates")
    gate = replace(gates, width=hidden)
    candidate = weaver.rowwise("tanh", replace(summed, width=hidden), name="candidate")
    kept = weaver.rowwise("mul", gate, name="kept")
    weaver.recurs("cell", hidden)
    added = weaver.rowwise("mul", gate, candidate, name="added")
    cell = weaver.rowwise("add", kept, added, name="cell")
    squashed = weaver.rowwise("tanh", cell, name="squashed")
    return weaver.rowwise("mul", gate, squashed, name="hidden")
