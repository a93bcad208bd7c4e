"""Norms of queries and keys in each head: one, as in a preset, where a file has them apart."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.axes import size_of
from archsim.graph.nodes import Normalise
from archsim.graph.onnx.constants import Reader
from archsim.graph.onnx.edit import Edit
from archsim.graph.onnx.projections import Attention
from archsim.graph.sequence_nodes import RotaryOf
from archsim.graph.views import Slice
from archsim.graph.weights import Weight


def join_head_norms(edit: Edit, attention: Attention, arrays: dict[str, Reader]) -> None:
    """Normalise queries and keys of an attention as one tensor.

    Parameters
    ----------
    edit
        Of the Graph.
    attention
        Whose queries and keys they are: [..., values] where they are normalised, with a dimension of heads.
    arrays
        By name of a weight, gives its numbers.
    """
    query, key = (_behind(edit, name) for name in attention.operands()[:2])
    heads = None if query is None or key is None or not _alike(edit, query, key) else _heads(query, key)
    if query is None or key is None or heads is None:
        return
    builder, place, dims = edit.builder, edit.places[query.key], len(query.shape)
    numbers = [size_of(norm.shape[heads]) or 1 for norm in (query, key)]
    order = [*(at for at in range(dims - 1) if at != heads), heads, dims - 1]  # numbers of a head have a scale each
    builder.layer = query.layer
    with edit.adding(place):
        both = builder.transpose(builder.concat([query.inputs[0], key.inputs[0]], heads), order)
    vectors = [_repeated(edit, pair, numbers, arrays) for pair in zip(query.inputs[1:], key.inputs[1:], strict=True)]
    whole = replace(query, inputs=(both, *vectors), shape=builder.of(both), name=builder.name("qk norm"))
    edit.put(whole, place)
    with edit.adding(place):
        back = builder.transpose(whole.key, np.argsort(order).tolist())
    for part, start in ((query, 0), (key, numbers[0])):
        piece = Slice(
            layer=part.layer, name=builder.name("view"), inputs=(back,), shape=part.shape, dim=heads, start=start
        )
        edit.rename({part.key: edit.put(piece, place)})
        edit.remove(part.key)
    read = {name for node in edit.nodes.values() for name in node.inputs}
    for name in {*query.inputs[1:], *key.inputs[1:]} - read:
        del builder.weights[name]


def _behind(edit: Edit, name: str) -> Normalise | None:
    """The norm of a tensor before views and rotary positions; of several ways, one leads to it."""
    node = edit.nodes.get(name)
    if node is None or isinstance(node, Normalise):
        return node
    if isinstance(node, RotaryOf):
        return _behind(edit, node.inputs[0])
    if not node.free:
        return None
    norms = [norm for operand in edit.moving(node) if (norm := _behind(edit, operand)) is not None]
    return norms[0] if len(norms) == 1 else None


def _alike(edit: Edit, query: Normalise, key: Normalise) -> bool:
    """Whether two norms do the same to each head, with numbers that are known, in the same layer."""
    if query is key or query.function not in ("layernorm", "rmsnorm") or len(query.shape) != len(key.shape):
        return False
    last = len(query.shape) - 1
    plain = [replace(norm, layer="", name="", inputs=(), shape=()) for norm in (query, key)]
    rows = all(
        edit.builder.weights[name].numbers == size_of(norm.shape[last])
        for norm in (query, key)
        for name in norm.inputs[1:]
    )
    return (
        rows
        and plain[0] == plain[1]
        and query.dims == (last,)
        and size_of(query.shape[last]) == size_of(key.shape[last])
    )


def _heads(query: Normalise, key: Normalise) -> int | None:
    """The dimension of heads: the only one that is not the same in both, as each comes from a product of its own."""
    apart = [at for at in range(len(query.shape) - 1) if query.shape[at] != key.shape[at]]
    return apart[0] if len(apart) == 1 else None


def _repeated(edit: Edit, names: Sequence[str], numbers: Sequence[int], arrays: dict[str, Reader]) -> str:
    """A weight with a row for each head: of queries, then of keys. It is there already where layers share both."""
    weights, name = edit.builder.weights, " and ".join(names)
    if name not in weights:
        own = [weights[one] for one in names]
        size = own[0].numbers
        trained = sum(weight.numbers if weight.trained is None else weight.trained for weight in own)
        weights[name] = Weight(name, (sum(numbers), size), trained)
        arrays[name] = _rows([arrays[one] for one in names], numbers)
    return name


def _rows(readers: Sequence[Reader], numbers: Sequence[int]) -> Callable[[], NDArray[Any]]:
    def read() -> NDArray[Any]:
        parts = [np.tile(one().reshape(1, -1), (number, 1)) for one, number in zip(readers, numbers, strict=True)]
        return np.concatenate(parts)

    return read
