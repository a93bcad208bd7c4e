"""Recurrent operators of ONNX position by position, where they are no layer of weights and a state of zeros."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.writing import UnknownSizesError, Write, Writing

_MOST_STATE = 1 << 20
"""Numbers of a state, of all sequences of a batch together."""
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
ACTIVATIONS = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh"), "RNN": ("tanh",)}
"""The usual ones: of gates, of the candidate, of what is given out."""
_KNOWN = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softsign": "Softsign", "softplus": "Softplus"}
_LENGTHS, _HIDDEN, _CELL, _PEEPHOLES = 4, 5, 6, 7
"""Places among the inputs, after data, weights, recurrent weights and biases."""
_MOST, _MOST_OF_WEIGHTS = 1 << 14, 16
"""Nodes in which an operator may be written out; positions at which weights that are kept may stand."""


@dataclass(frozen=True)
class _Half:
    """A direction: its tensors, and functions.

    given: of all positions, with weights and biases, [positions, batch, gates x hidden]. again: recurrent weights
    [hidden, gates x hidden]. after: recurrent bias that a reset gate multiplies too.
    """

    given: str
    again: str
    after: str
    peepholes: tuple[str, ...]
    functions: tuple[str, ...]
    hidden: int


def recurrent(writing: Writing) -> None:
    """Written out where weights or states are made at run time, or where it has more than a plain layer has."""
    node, kind = writing.node, writing.node.operator
    if plain(writing):
        return
    batch_first = bool(node.whole("layout", 0))
    sizes = writing.sizes(node.inputs[0])
    again = writing.sizes(node.inputs[2])
    halves = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}.get(
        node.word("direction", "forward"), ()
    )
    if len(sizes) != 3 or len(again) != 3 or again[0] != len(halves):  # noqa: PLR2004
        raise writing.refused(f"found {list(sizes)} and recurrent weights {list(again)}, which do not fit")
    _require_fit(writing, sizes[2], len(halves), again[2])
    x = writing.op("Transpose", node.inputs[0], perm=[1, 0, 2]) if batch_first else node.inputs[0]
    steps, batch = (sizes[1], sizes[0]) if batch_first else sizes[:2]
    if batch * again[2] > _MOST_STATE:
        raise writing.refused(f"has a state of {batch * again[2]:,} numbers; expected at most {_MOST_STATE:,}")
    if steps * len(halves) * 24 > _MOST or (node.inputs[1] in writing.file.constant and steps > _MOST_OF_WEIGHTS):
        raise writing.refused(f"has a first state, lengths or functions of its own, at {steps} positions")
    hidden, rows, ends, cells = again[2], [], [], []
    lengths = _lengths(writing, steps, batch)
    for half, backward in enumerate(halves):
        part = _half(writing, x, half, len(halves))
        states = [_first(writing, at, half, (batch, hidden), batch_first=batch_first) for at in (_HIDDEN, _CELL)]
        made = [""] * steps
        for step in reversed(range(steps)) if backward else range(steps):
            given = writing.op("Gather", part.given, writing.number(np.array(step)), axis=0)
            after = _STEPS[kind](writing, part, given, *states)
            made[step] = after[0]
            if lengths:
                there = writing.op("Less", writing.number(np.array(step, np.int32)), lengths)
                made[step] = writing.op("Where", there, after[0], writing.number(0.0, node.inputs[0]))
                after = [writing.op("Where", there, new, old) for new, old in zip(after, states, strict=False)]
            states = [*after, *states[len(after) :]]
        shaped = [writing.reshape(name, (1, 1, batch, hidden)) for name in made]
        rows.append(writing.op("Concat", *shaped, axis=0))
        ends.append(writing.reshape(states[0], (1, batch, hidden)))
        cells.append(writing.reshape(states[1], (1, batch, hidden)))
    orders = ((2, 0, 1, 3), (1, 0, 2), (1, 0, 2)) if batch_first else (None, None, None)
    for at, (parts, order) in enumerate(zip((rows, ends, cells), orders, strict=True)):
        if writing.wanted(at):
            whole = writing.op("Concat", *parts, axis=0 if at else 1)
            writing.op(
                "Transpose" if order else "Identity", whole, to=node.outputs[at], **({"perm": order} if order else {})
            )


def _require_fit(writing: Writing, width: int, halves: int, hidden: int) -> None:
    """Raise ArchsimError where weights or biases do not fit, before anything is made of their sizes."""
    gates = GATES[writing.node.operator]
    expected = {
        1: (halves, gates * hidden, width),
        2: (halves, gates * hidden, hidden),
        3: (halves, 2 * gates * hidden),
        _PEEPHOLES: (halves, 3 * hidden),
    }
    for at, sizes in expected.items():
        with suppress(UnknownSizesError):
            if writing.node.input(at) and writing.sizes(writing.node.inputs[at]) != sizes:
                found = f"found {list(writing.sizes(writing.node.inputs[at]))} at input {at + 1}"
                raise writing.refused(f"{found}; expected {list(sizes)}")


def plain(writing: Writing) -> bool:
    """Whether it is a layer of weights, a state that begins at zero, and the usual functions."""
    node, constant = writing.node, writing.file.constant
    if any(name not in constant for name in filter(None, node.inputs[1:])) or node.input(_PEEPHOLES):
        return False
    if "clip" in node.attributes or node.whole("input_forget", 0):
        return False
    if words(node) not in ((), ACTIVATIONS[node.operator], 2 * ACTIVATIONS[node.operator]):
        return False
    for at in (_HIDDEN, _CELL):
        first = writing.constants.get(node.input(at)) if node.input(at) else None
        if first is not None and first.read().any():
            return False
    lengths = writing.known(node.input(_LENGTHS)) if node.input(_LENGTHS) else None
    steps = writing.sizes(node.inputs[0])[1 if node.whole("layout", 0) else 0]
    return lengths is None or bool((lengths == steps).all())


def words(node: FileNode) -> tuple[str, ...]:
    """Names of its functions, in small letters; none where they are the usual ones."""
    named = node.attributes.get("activations", [])
    return tuple((word.decode(errors="replace") if isinstance(word, bytes) else str(word)).lower() for word in named)


def _half(writing: Writing, x: str, half: int, halves: int) -> _Half:
    """The tensors of a direction; the products with weights of all positions at once."""
    node = writing.node
    if "clip" in node.attributes:
        raise writing.refused("has a clip, which archsim does not know")
    kind, hidden = node.operator, writing.sizes(node.inputs[2])[2]
    wide, usual = GATES[kind] * hidden, ACTIVATIONS[kind]
    named = words(node) or usual * halves
    functions = named[half * len(usual) : (half + 1) * len(usual)]
    unknown = [word for word in functions if word not in _KNOWN]
    if unknown or len(functions) != len(usual) or "activation_alpha" in node.attributes:
        raise writing.refused(f"found functions {', '.join(named)}; expected {', '.join(_KNOWN)} without numbers")

    def own(at: int, *sizes: int) -> str:
        part = writing.slice(node.inputs[at], 0, half, half + 1) if halves > 1 else node.inputs[at]
        return writing.reshape(part, sizes)

    weights = writing.op("Transpose", own(1, wide, writing.sizes(node.inputs[0])[2]), perm=[1, 0])
    given, after = writing.op("MatMul", x, weights), ""
    if node.input(3):
        biases = own(3, 2, wide)
        first, second = (writing.reshape(writing.slice(biases, 0, at, at + 1), (wide,)) for at in (0, 1))
        if node.whole("linear_before_reset", 0):
            after = writing.slice(second, 0, wide - hidden, wide)
            nothing = writing.number(np.zeros(hidden, np.float32), node.inputs[0])
            second = writing.op("Concat", writing.slice(second, 0, 0, wide - hidden), nothing, axis=0)
        given = writing.op("Add", given, writing.op("Add", first, second))
    peepholes: tuple[str, ...] = ()
    if node.input(_PEEPHOLES):
        all_of_them = own(_PEEPHOLES, 3 * hidden)
        peepholes = tuple(writing.slice(all_of_them, 0, at * hidden, (at + 1) * hidden) for at in range(3))
    again = writing.op("Transpose", own(2, wide, hidden), perm=[1, 0])
    return _Half(given, again, after, peepholes, functions, hidden)


def _first(writing: Writing, at: int, half: int, sizes: tuple[int, int], *, batch_first: bool) -> str:
    """The state before the first position: zeros where none comes in."""
    name = writing.node.input(at)
    if not name:
        return writing.number(np.zeros(sizes, np.float32), writing.node.inputs[0])
    return writing.reshape(writing.slice(name, 1 if batch_first else 0, half, half + 1), sizes)


def _lengths(writing: Writing, steps: int, batch: int) -> str:
    """Positions of each sequence, [batch, 1]; "" where all have all."""
    name = writing.node.input(_LENGTHS)
    known = writing.known(name) if name else None
    if not name or (known is not None and bool((known == steps).all())):
        return ""
    return writing.reshape(name, (batch, 1))


def _lstm(writing: Writing, half: _Half, given: str, hidden: str, cell: str) -> list[str]:
    """Gates in the order in which the file has them: in, out, forget, candidate."""
    gate, bend, out = (_KNOWN[word] for word in half.functions)
    summed = writing.op("Add", given, writing.op("MatMul", hidden, half.again))
    let_in, let_out, keep, new = (_part(writing, summed, at, half.hidden) for at in range(4))

    def seen(x: str, at: int, state: str) -> str:
        return writing.op("Add", x, writing.op("Mul", half.peepholes[at], state)) if half.peepholes else x

    entering = writing.op(gate, seen(let_in, 0, cell))
    if writing.node.whole("input_forget", 0):
        kept = writing.op("Sub", writing.number(1.0, writing.node.inputs[0]), entering)
    else:
        kept = writing.op(gate, seen(keep, 2, cell))
    after = writing.op("Add", writing.op("Mul", kept, cell), writing.op("Mul", entering, writing.op(bend, new)))
    leaving = writing.op(gate, seen(let_out, 1, after))
    return [writing.op("Mul", leaving, writing.op(out, after)), after]


def _gru(writing: Writing, half: _Half, given: str, hidden: str, cell: str) -> list[str]:  # noqa: ARG001 - has no cell
    """Gates in the order in which the file has them: update, reset, candidate."""
    gate, bend = (_KNOWN[word] for word in half.functions)
    wide = half.hidden
    both = writing.slice(half.again, 1, 0, 2 * wide)
    summed = writing.op("Add", writing.slice(given, 1, 0, 2 * wide), writing.op("MatMul", hidden, both))
    update, reset = (writing.op(gate, _part(writing, summed, at, wide)) for at in (0, 1))
    last = writing.slice(half.again, 1, 2 * wide, 3 * wide)
    if writing.node.whole("linear_before_reset", 0):
        seen = writing.op("MatMul", hidden, last)
        seen = writing.op("Mul", reset, writing.op("Add", seen, half.after) if half.after else seen)
    else:
        seen = writing.op("MatMul", writing.op("Mul", reset, hidden), last)
    new = writing.op(bend, writing.op("Add", _part(writing, given, 2, wide), seen))
    rest = writing.op("Sub", writing.number(1.0, writing.node.inputs[0]), update)
    return [writing.op("Add", writing.op("Mul", rest, new), writing.op("Mul", update, hidden))]


def _rnn(writing: Writing, half: _Half, given: str, hidden: str, cell: str) -> list[str]:  # noqa: ARG001 - has no cell
    (function,) = (_KNOWN[word] for word in half.functions)
    return [writing.op(function, writing.op("Add", given, writing.op("MatMul", hidden, half.again)))]


def _part(writing: Writing, x: str, at: int, hidden: int) -> str:
    return writing.slice(x, 1, at * hidden, (at + 1) * hidden)


_STEPS: dict[str, Callable[[Writing, _Half, str, str, str], list[str]]] = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}
RECURRENT: dict[str, Write] = dict.fromkeys(GATES, recurrent)
