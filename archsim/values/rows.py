"""Work on rows of numbers: norms, softmax, sums and their like, pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.errors import ArchsimError, did_you_mean
from archsim.graph.nodes import Elementwise, Node, Normalise, Pool, Reduce
from archsim.graph.windows import Interval
from archsim.values.functions import COMBINING, ELEMENTWISE
from archsim.values.products import windowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.values.running import Array, Run


def elementwise(node: Elementwise, operands: Sequence[Array], run: Run) -> Array:
    """A function by its name. Raises ArchsimError for one that is not known."""
    dims = len(node.shape)
    aligned = [x.reshape(len(x), *(1,) * (dims + 1 - x.ndim), *x.shape[1:]) for x in operands]
    if node.function in ELEMENTWISE:
        return run.arithmetic.function(node.function, aligned[0])
    if node.function not in COMBINING:
        known = did_you_mean(node.function, (*ELEMENTWISE, *COMBINING))
        raise ArchsimError(f"{node.key}: found function '{node.function}', whose values are not known. {known}")
    return COMBINING[node.function](*aligned, *map(np.float32, node.parameters))


def normalise(node: Normalise, operands: Sequence[Array], run: Run) -> Array:
    """Rows are put last, and back."""
    x = operands[0]
    if node.function == "lrn":
        return _by_neighbours(node, x)
    ends = range(-len(node.dims), 0)
    rows = np.moveaxis(x, [1 + at for at in node.dims], ends)
    if node.function in ("softmax", "log_softmax"):
        flat = rows.reshape(*rows.shape[: x.ndim - len(node.dims)], -1)
        if node.sinks:
            sinks = operands[1].reshape(1, *operands[1].shape[1:], *(1,) * (flat.ndim - operands[1].ndim))
            own = np.broadcast_to(sinks, (*flat.shape[:-1], 1))
            made = run.arithmetic.softmax(np.concatenate([flat, own], axis=-1))[..., :-1]
        elif node.function == "softmax":
            made = run.arithmetic.softmax(flat)
        else:
            lowered = flat - flat.max(axis=-1, keepdims=True)
            made = lowered - np.log(np.exp(lowered).sum(axis=-1, keepdims=True))
        return np.moveaxis(made.reshape(rows.shape), ends, [1 + at for at in node.dims])
    over = tuple(ends)
    centred = rows - rows.mean(axis=over, keepdims=True) if node.function == "layernorm" else rows
    made = centred / np.sqrt((centred * centred).mean(axis=over, keepdims=True) + np.float32(node.epsilon))
    vectors = [y.reshape(len(y), *(1,) * (rows.ndim - y.ndim), *y.shape[1:]) for y in operands[1:]]
    if node.scaled:
        made = made * vectors[0]
    if node.shifted:
        made = made + vectors[-1]
    return np.moveaxis(made, ends, [1 + at for at in node.dims])


def _by_neighbours(node: Normalise, x: Array) -> Array:
    """Divided by a power of the sum of squares of the neighbours, as ONNX defines it."""
    size, alpha, beta, bias = node.parameters
    at = 1 + node.dims[0]
    around = Interval(taps=int(size), pad=(int(size) - 1) // 2)
    squares = windowed(x * x, [(at, around, x.shape[at])]).sum(axis=-1)
    found: Array = x / (np.float32(bias) + np.float32(alpha / size) * squares) ** np.float32(beta)
    return found


def _log_sum_exp(x: Array, axis: tuple[int, ...], *, keepdims: bool) -> Array:
    """With the largest taken off first, where that is finite."""
    most = x.max(axis=axis, keepdims=True)
    most = np.where(np.isfinite(most), most, 0)
    total = np.log(np.exp(x - most).sum(axis=axis, keepdims=keepdims))
    found: Array = total + (most if keepdims else most.squeeze(axis))
    return found


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "maximum": np.max,
    "minimum": np.min,
    "prod": np.prod,
    "log_sum_exp": _log_sum_exp,
    "l2": lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims)),
}


def reduce(node: Reduce, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001 - as all are called
    """One number of each row."""
    x, over = operands[0], tuple(1 + at for at in node.dims)
    if not node.function.startswith("arg"):
        found: Array = REDUCTIONS[node.function](x, axis=over, keepdims=node.kept)
        return found
    rows = np.moveaxis(x, over, range(-len(over), 0))
    rows = rows.reshape(*rows.shape[: x.ndim - len(over)], -1)
    search = np.argmin if node.function.startswith("argmin") else np.argmax
    if node.function.endswith("last"):
        most = rows.shape[-1] - 1 - search(rows[..., ::-1], axis=-1)
    else:
        most = search(rows, axis=-1)
    return np.expand_dims(most, over) if node.kept else most


def pool(node: Pool, operands: Sequence[Array], run: Run) -> Array:
    """One dimension after the other."""
    x = operands[0]
    for at, interval in node.windows:
        length, size = x.shape[1 + at], run.size(node.shape[at])
        if node.function == "maximum":
            x = windowed(x, [(1 + at, interval, size)], -np.inf).max(axis=-1)
            continue
        x = windowed(x, [(1 + at, interval, size)]).sum(axis=-1)
        if node.function == "sum":
            continue
        inside = windowed(np.ones((1, length), np.float32), [(1, interval, size)]).sum(axis=-1)[0]
        number = np.full(size, interval.taps) if node.padding_counts else inside
        x = x / number.astype(np.float32).reshape(-1, *(1,) * (x.ndim - at - 2))
    return x


ROWS: dict[type[Node], Callable[[Any, Sequence[Array], Run], Array]] = {
    Elementwise: elementwise,
    Normalise: normalise,
    Reduce: reduce,
    Pool: pool,
}
