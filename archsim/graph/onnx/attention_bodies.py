"""ONNX's Attention in simpler operators, as exporters write it out."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.onnx.file import BOOLEAN, Sizes
from archsim.graph.onnx.writing import Write, Writing

_MASK, _PAST_KEY, _PAST_VALUE, _LENGTHS = 3, 4, 5, 6
"""Places among the inputs, after queries, keys and values."""
_LARGEST = 1 << 24
"""Numbers of a mask that is worked out."""
_RAW, _CAPPED, _MASKED, _SHARES = range(4)
"""What the last result is."""


@dataclass(frozen=True)
class _Mask:
    """What is added to scores.

    fixed: what is known before the run. moving: what is not, its name.
    """

    fixed: NDArray[Any] | None
    moving: str


def attention(writing: Writing) -> None:
    """Scores of queries and keys in heads, scaled, capped, masked; softmax; the context of values."""
    node = writing.node
    if node.input(_LENGTHS) and writing.known(node.input(_LENGTHS)) is None:
        return  # ONNX's own definition works out which keys are there
    flat = len(writing.sizes(node.inputs[0])) == 3  # noqa: PLR2004 - positions and values of all heads
    query, key, value = (
        _in_heads(writing, name, node.whole(count, 0) if flat else 0)
        for name, count in zip(node.inputs, ("q_num_heads", "kv_num_heads", "kv_num_heads"), strict=False)
    )
    (_, heads, queries, width), (batch, kept, own, depth) = query[1], key[1]
    if width != depth or heads % kept or value[1][1] != kept:
        found = f"{heads} heads of {width}, {kept} of {depth} keys and {value[1][1]} of values"
        raise writing.refused(f"found {found}; expected keys as wide as queries, in a number of heads that divides")
    past = writing.sizes(node.input(_PAST_KEY))[2] if node.input(_PAST_KEY) else 0
    keys, keys_sizes = _present(writing, key, _PAST_KEY, 1, past)
    values, values_sizes = _present(writing, value, _PAST_VALUE, 2, past)
    mask = _mask(writing, (batch, heads, queries, past + own), past)
    keys = _repeated(writing, keys, keys_sizes, heads // kept)
    values = _repeated(writing, values, values_sizes, heads // kept)
    scores = _scores(writing, query[0], keys, mask, width)
    shares = _guarded(writing, writing.op("Softmax", scores, axis=-1), mask)
    _told(writing, _SHARES, shares)
    if not flat:
        writing.op("MatMul", shares, values, to=node.outputs[0])
        return
    context = writing.op("Transpose", writing.op("MatMul", shares, values), perm=[0, 2, 1, 3])
    writing.reshape(context, (batch, queries, heads * values_sizes[3]), to=node.outputs[0])


def _in_heads(writing: Writing, name: str, heads: int) -> tuple[str, Sizes]:
    """[batch, heads, positions, values] of what may be [batch, positions, heads x values]; and the sizes."""
    sizes = writing.sizes(name)
    if not heads:
        if len(sizes) != 4:  # noqa: PLR2004
            raise writing.refused(f"found {list(sizes)} and no number of heads; expected four dimensions, or heads")
        return name, sizes
    batch, positions, wide = sizes
    if wide % heads:
        raise writing.refused(f"found {wide} values in {heads} heads; expected as many in each")
    made = writing.reshape(name, (batch, positions, heads, wide // heads))
    return writing.op("Transpose", made, perm=[0, 2, 1, 3]), (batch, heads, positions, wide // heads)


def _present(writing: Writing, new: tuple[str, Sizes], at: int, result: int, past: int) -> tuple[str, Sizes]:
    """Those kept so far, then the new ones; it is a result too."""
    (name, sizes), before, to = new, writing.node.input(at), writing.wanted(result)
    if not before:
        if to:
            writing.op("Identity", name, to=to)
        return name, sizes
    return writing.op("Concat", before, name, to=to, axis=2), (*sizes[:2], past + sizes[2], sizes[3])


def _repeated(writing: Writing, x: str, sizes: Sizes, times: int) -> str:
    """Each head for so many heads of queries."""
    if times == 1:
        return x
    batch, heads, positions, width = sizes
    single = writing.over("Unsqueeze", x, (2,))
    shape = np.array((batch, heads, times, positions, width), np.int64)
    return writing.reshape(
        writing.op("Expand", single, writing.number(shape)), (batch, heads * times, positions, width)
    )


def _scores(writing: Writing, query: str, keys: str, mask: _Mask, width: int) -> str:
    node, like = writing.node, writing.node.inputs[0]
    scale = node.number_of("scale", 0.0) or 1 / sqrt(width)
    product = writing.op("MatMul", query, writing.op("Transpose", keys, perm=[0, 1, 3, 2]))
    scores = writing.op("Mul", product, writing.number(scale, like))
    _told(writing, _RAW, scores)
    cap = node.number_of("softcap", 0.0)
    if cap > 0:
        bent = writing.op("Tanh", writing.op("Div", scores, writing.number(cap, like)))
        scores = writing.op("Mul", bent, writing.number(cap, like))
    _told(writing, _CAPPED, scores)
    if mask.moving and writing.file.types.get(mask.moving) == BOOLEAN:
        scores = writing.op("Where", mask.moving, scores, writing.number(-np.inf, like))
    elif mask.moving:
        scores = writing.op("Add", scores, mask.moving)
    if mask.fixed is not None:
        scores = writing.op("Add", scores, writing.number(mask.fixed, like))
    _told(writing, _MASKED, scores)
    return scores


def _told(writing: Writing, mode: int, name: str) -> None:
    """The last result, where it is this one."""
    to = writing.wanted(3)
    if to and writing.node.whole("qk_matmul_output_mode", 0) == mode:
        writing.op("Identity", name, to=to)


def _mask(writing: Writing, sizes: Sizes, past: int) -> _Mask:
    """What is known of it before the run, and what is not."""
    node, name = writing.node, writing.node.input(_MASK)
    queries, keys = sizes[2:]
    fixed = _limits(writing, queries, keys, past)
    moving = ""
    if name:
        shape = writing.sizes(name)
        missing = keys - shape[-1]
        try:
            np.broadcast_shapes((*shape[:-1], keys), sizes)
        except ValueError:
            missing = -1
        if missing < 0 or len(shape) > len(sizes):
            raise writing.refused(f"found a mask {list(shape)} of scores {list(sizes)}; expected one that fits")
        constant = writing.constants.get(name) if name in writing.file.constant else None
        if constant is not None and constant.numbers <= _LARGEST:
            given = constant.read()
            added = np.where(given, 0, -np.inf) if given.dtype.kind == "b" else given.astype(np.float32)
            added = np.pad(added, [(0, 0)] * (added.ndim - 1) + [(0, missing)], constant_values=-np.inf)
            fixed = added if fixed is None else fixed + added
        elif missing:
            fill = writing.number(np.bool_(0) if not writing.is_float(name) else -np.inf, name)
            pads = [0] * (2 * len(shape) - 1) + [missing]
            moving = writing.op("Pad", name, writing.number(np.array(pads, np.int64)), fill)
        else:
            moving = name
    if node.input(_LENGTHS):
        lengths = writing.known(node.input(_LENGTHS))
        assert lengths is not None  # noqa: S101
        there = np.arange(keys) < lengths.reshape(-1, 1, 1, 1)
        hidden = np.where(there, 0, -np.inf)
        fixed = hidden if fixed is None else fixed + hidden
    return _Mask(None if fixed is None or not fixed.any() else fixed.astype(np.float32), moving)


def _limits(writing: Writing, queries: int, keys: int, past: int) -> NDArray[Any] | None:
    """Of each query and key minus infinity where the key comes after, or is further off than is seen."""
    node = writing.node
    before, after = node.whole("left_window_size", -1), node.whole("right_window_size", -1)
    causal = bool(node.whole("is_causal", 0))
    if not causal and max(before, after) < 0:
        return None
    first: Any = past
    if node.input(_LENGTHS) and not node.input(_PAST_KEY):
        lengths = writing.known(node.input(_LENGTHS))
        assert lengths is not None  # noqa: S101
        first = lengths.reshape(-1, 1, 1, 1) - queries
    if queries * keys > _LARGEST:
        raise writing.refused(f"found {queries:,} queries of {keys:,} keys; expected at most {_LARGEST:,} scores")
    ahead = np.arange(keys) - np.arange(queries)[:, None] - first
    hidden = np.zeros(ahead.shape, np.bool_)
    if causal:
        hidden |= ahead > 0
    if before >= 0:
        hidden |= -ahead > before
    if after >= 0:
        hidden |= ahead > after
    return np.where(hidden, -np.inf, 0.0)


def _guarded(writing: Writing, shares: str, mask: _Mask) -> str:
    """Zeros for a query that sees no key."""
    name, like = mask.moving, writing.node.inputs[0]
    if not name and (mask.fixed is None or np.isfinite(mask.fixed.max(axis=-1)).all()):
        return shares
    zero = writing.number(0.0, like)
    if not name:
        assert mask.fixed is not None  # noqa: S101
        seen = writing.number(np.isfinite(mask.fixed.max(axis=-1, keepdims=True)))
        return writing.op("Where", seen, shares, zero)
    if writing.file.types.get(name) == BOOLEAN:
        name = writing.op("Where", name, zero, writing.number(-np.inf, like))
    if mask.fixed is not None:
        name = writing.op("Add", name, writing.number(mask.fixed, like))
    most = writing.over("ReduceMax", name, (-1,), keepdims=1)
    return writing.op("Where", writing.op("Equal", most, writing.number(-np.inf, like)), zero, shares)


ATTENTION: dict[str, Write] = {"Attention": attention}
