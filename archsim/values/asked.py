"""What a node asks of a recipe: its operator's inputs with rows on the last axis, and how the result is put back."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.graph.nodes import Elementwise, Node, Normalise, Pool, Reduce
from archsim.graph.sequence_nodes import Embedding, Positions, Rotary, RotaryOf
from archsim.steps.functions import CURVES, Attributes
from archsim.values.arithmetic import OperatorCall
from archsim.values.products import windowed
from archsim.values.sequence import pairs_of, position_rows, table_rows, tables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.values.running import Array, Run

_SIX = Attributes(factor=1 / 6, bounds=(0.0, 6.0))
_OF_TWO = ("add", "sub", "mul", "div")


@dataclass(frozen=True, eq=False)
class Asked:
    """An operator's call. finish: makes the node's tensor of its result."""

    call: OperatorCall
    finish: Callable[[Array], Array]


def asked_of(node: Node, operands: Sequence[Array], run: Run) -> Asked | None:
    """The call of a node's operator.

    Parameters
    ----------
    node
        Of the Graph.
    operands
        Its tensors, the batch first.
    run
        With the positions at which it starts.

    Returns
    -------
    Asked or None
        None where the node does something else than its operator's definition, or on whole numbers.
    """
    make = _MAKERS.get(type(node))
    if make is None or any(x.dtype.kind != "f" for x in operands[:1]) != isinstance(node, Embedding):
        return None
    return make(node, operands, run)


def _same(result: Array) -> Array:
    return result


def _call(node: Node, form: str, *inputs: Array, attributes: Attributes | None = None) -> OperatorCall:
    return OperatorCall(node.key, node.kind, form, inputs, attributes or Attributes())


def _elementwise(node: Elementwise, operands: Sequence[Array], run: Run) -> Asked | None:  # noqa: ARG001
    dims = len(node.shape)
    aligned = [x.reshape(len(x), *(1,) * (dims + 1 - x.ndim), *x.shape[1:]) for x in operands]
    name = node.function
    if len(aligned) == 1 and (node.kind == name or (node.kind == "gelu" and name in CURVES)):
        attributes = _SIX if name in ("relu6", "hardswish") else Attributes()
        if name == "clip":
            low, high = node.parameters
            attributes = Attributes(bounds=(low, high))
        return Asked(_call(node, name, *aligned, attributes=attributes), _same)
    if len(aligned) == 1 + len(_OF_TWO[:1]) and node.kind == name in _OF_TWO and _finite(aligned):
        return Asked(_call(node, name, *aligned), _same)
    if node.kind == name == "batchnorm" and len(aligned) + len(node.parameters) == len(("x", "scale", "shift")):
        return Asked(_call(node, name, *aligned, *(np.array([y], np.float32) for y in node.parameters)), _same)
    return None


def _finite(operands: Sequence[Array]) -> bool:
    """Whether no mask is among them."""
    return all(x.dtype.kind == "f" and not np.isinf(x).any() for x in operands)


def _normalise(node: Normalise, operands: Sequence[Array], run: Run) -> Asked | None:  # noqa: ARG001
    x = operands[0]
    ends = range(-len(node.dims), 0)
    places = [1 + at for at in node.dims]
    moved = np.moveaxis(x, places, ends)
    rows = moved.reshape(*moved.shape[: x.ndim - len(node.dims)], -1)

    def back(result: Array) -> Array:
        return np.moveaxis(result.reshape(moved.shape), ends, places)

    if node.function == "softmax":
        if not node.sinks:
            return Asked(_softmax(node, rows), back)
        sinks = operands[1].reshape(1, *operands[1].shape[1:], *(1,) * (rows.ndim - operands[1].ndim))
        with_sinks = np.concatenate([rows, np.broadcast_to(sinks, (*rows.shape[:-1], 1))], axis=-1)
        return Asked(_softmax(node, with_sinks), lambda result: back(result[..., :-1]))
    if node.function == "lrn":
        size, alpha, beta, bias = node.parameters
        attributes = Attributes(power=(bias, alpha / size, -beta), neighbours=int(size))
        return Asked(_call(node, "lrn", rows, attributes=attributes), back)
    if node.function not in ("layernorm", "rmsnorm"):
        return None
    vectors = [y.reshape(len(y), *(1,) * (moved.ndim - y.ndim), *y.shape[1:]) for y in operands[1:]]
    spread = [np.broadcast_to(y, moved.shape).reshape(rows.shape) for y in vectors]
    scale = spread[0] if node.scaled else np.ones(rows.shape[-1:], np.float32)
    shift = spread[-1] if node.shifted else np.zeros(rows.shape[-1:], np.float32)
    if node.function == "rmsnorm" and node.shifted:
        return None
    inputs = (rows, scale, shift) if node.function == "layernorm" else (rows, scale)
    attributes = Attributes(epsilon=node.epsilon, factor=1 / rows.shape[-1])
    return Asked(_call(node, node.function, *inputs, attributes=attributes), back)


def _softmax(node: Node, rows: Array) -> OperatorCall:
    """What a mask hides is minus infinity; it counts as the row's largest number, and not at all in its sum."""
    visible = ~np.isneginf(rows)
    if visible.all():
        return _call(node, "softmax", rows)
    shown = np.where(visible, rows, rows.max(axis=-1, keepdims=True))
    return _call(node, "softmax", np.where(np.isneginf(shown), 0, shown), attributes=Attributes(visible=visible))


def _rotary(node: Rotary | RotaryOf, operands: Sequence[Array], run: Run) -> Asked:
    x = operands[0]
    cosines, sines = tables_of(node, operands, run)
    one, other = pairs_of(node)
    rows, turned = x[..., : node.turned], np.empty((*x.shape[:-1], node.turned), np.float32)
    turned[..., one], turned[..., other] = -rows[..., other], rows[..., one]

    def back(result: Array) -> Array:
        return np.concatenate(
            [result, np.broadcast_to(x[..., node.turned :], (*result.shape[:-1], x.shape[-1] - node.turned))], axis=-1
        )

    return Asked(_call(node, "rotary", rows, turned, cosines, sines), back)


def _embedding(node: Embedding, operands: Sequence[Array], run: Run) -> Asked | None:
    """Rows of tables are looked up; they are added by the recipe."""
    numbers, table, *others = operands
    rows = [table_rows(node, table, numbers, "number") * np.float32(node.scale)]
    if node.positions:
        rows.append(position_rows(node, others.pop(0), rows[0], run))
    if others:
        rows.append(others[0].reshape(-1, rows[0].shape[-1])[0])
    if len(rows) == 1:
        return None
    nothing = np.zeros(1, np.float32)
    return Asked(_call(node, "embedding", *rows, *[nothing] * (3 - len(rows))), _same)


def _positions(node: Positions, operands: Sequence[Array], run: Run) -> Asked | None:
    x, table = operands
    rows = position_rows(node, table, x, run)
    if node.kind == "embedding":
        return Asked(_call(node, "embedding", x, rows, np.zeros(1, np.float32)), _same)
    return Asked(_call(node, "add", x, rows), _same) if node.kind == "add" else None


def _pool(node: Pool, operands: Sequence[Array], run: Run) -> Asked | None:
    """Windows are rows. Zeros outside count in a mean, or there are none."""
    names = {"maximum": "maxpool", "mean": "avgpool"}
    if names.get(node.function) != node.kind:
        return None
    padded = any(interval.pad or interval.grow > 1 for _, interval in node.windows)
    sizes = [(1 + at, interval, run.size(node.shape[at])) for at, interval in node.windows]
    if node.function == "mean" and not node.padding_counts:
        reaches = ((size - 1) * of.stride + of.span - of.pad > operands[0].shape[at] for at, of, size in sizes)
        if padded or any(reaches):
            return None
    outside = -np.inf if node.function == "maximum" else 0
    x = windowed(operands[0], sizes, outside)
    rows = x.reshape(*x.shape[: operands[0].ndim], -1)
    hidden = np.isneginf(rows)
    attributes = Attributes(factor=1 / rows.shape[-1], visible=~hidden if hidden.any() else None)
    return Asked(_call(node, node.kind, np.where(hidden, 0, rows), attributes=attributes), _without_row)


def _without_row(result: Array) -> Array:
    return result[..., 0]


def _reduce(node: Reduce, operands: Sequence[Array], run: Run) -> Asked | None:  # noqa: ARG001
    names = {"maximum": "maxpool", "mean": "avgpool", "argmax": "argmax"}
    if names.get(node.function) != node.kind:
        return None
    x, over = operands[0], tuple(1 + at for at in node.dims)
    moved = np.moveaxis(x, over, range(-len(over), 0))
    rows = moved.reshape(*moved.shape[: x.ndim - len(over)], prod(x.shape[at] for at in over))
    kind: Any = np.int64 if node.function == "argmax" else np.float32

    def back(result: Array) -> Array:
        numbers = result[..., 0].astype(kind)
        return np.expand_dims(numbers, over) if node.kept else numbers

    return Asked(_call(node, node.kind, rows, attributes=Attributes(factor=1 / rows.shape[-1])), back)


_MAKERS: dict[type[Node], Callable[[Any, Sequence[Array], Run], Asked | None]] = {
    Elementwise: _elementwise,
    Normalise: _normalise,
    Rotary: _rotary,
    RotaryOf: _rotary,
    Embedding: _embedding,
    Positions: _positions,
    Pool: _pool,
    Reduce: _reduce,
}
