"""Attention of com.microsoft in ONNX's own operators: of one projection, of queries, keys and values, of groups."""

from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np

from archsim.graph.onnx.file import BOOLEAN, Sizes
from archsim.graph.onnx.microsoft.rotary import turned
from archsim.graph.onnx.writing import Write, Writing

_LOWEST = float(np.finfo(np.float32).min)
_FILTER = -10000.0
"""What hides a key that is padding, unless a node says otherwise."""
_BATCH, _HEADS, _POSITIONS, _SIZE = range(4)
_RANK_OF_HEADS, _RANK_OF_PACKED = 4, 5


@dataclass(frozen=True)
class Heads:
    """Queries, keys and values [batch, heads, positions, values], and how they attend to each other.

    Parameters
    ----------
    queries, keys, values
        Names of tensors; the keys of the past come first.
    past
        Keys of the past.
    scale
        Of scores.
    causal, span
        Whether a query sees no later keys; of those that it sees, the last so many.
    hiding
        Tensors that are added to the scores.
    cap
        Of scores: cap tanh(score / cap); 0: none.
    """

    queries: str
    keys: str
    values: str
    past: int
    scale: float
    causal: bool
    span: int | None = None
    hiding: tuple[str, ...] = ()
    cap: float = 0.0


def attend(writing: Writing, heads: Heads, positions: tuple[int, int], to: str) -> None:
    """Scores, a softmax, the context, and the heads side by side. positions: of queries, of keys with the past's."""
    keys = writing.op("Transpose", heads.keys, perm=[_BATCH, _HEADS, _SIZE, _POSITIONS])
    scores = writing.op("MatMul", heads.queries, keys)
    scores = writing.op("Mul", scores, writing.number(heads.scale, heads.queries))
    if heads.cap:
        cap = writing.number(heads.cap, heads.queries)
        scores = writing.op("Mul", writing.op("Tanh", writing.op("Div", scores, cap)), cap)
    if heads.causal:
        scores = writing.op("Add", scores, writing.number(_causal(positions, heads.past, heads.span), heads.queries))
    for each in heads.hiding:
        scores = writing.op("Add", scores, each)
    context = writing.op("MatMul", writing.op("Softmax", scores, axis=-1), heads.values)
    side_by_side(writing, context, to)


def _causal(positions: tuple[int, int], past: int, span: int | None) -> np.ndarray:
    """Numbers to be added [queries, keys]: 0, or the lowest."""
    queries, keys = positions
    seen = np.tri(queries, keys, past, dtype=np.bool_)
    if span is not None:
        seen &= ~np.tri(queries, keys, past - span, dtype=np.bool_)
    return np.where(seen, np.float32(0), np.float32(_LOWEST))


def apart(writing: Writing, x: str, heads: int) -> str:
    """[batch, positions, values] as [batch, heads, positions, values of a head]."""
    return writing.op("Transpose", writing.reshape(x, (0, 0, heads, -1)), perm=[_BATCH, _POSITIONS, _HEADS, _SIZE])


def side_by_side(writing: Writing, x: str, to: str = "") -> str:
    """The way back."""
    moved = writing.op("Transpose", x, perm=[_BATCH, _POSITIONS, _HEADS, _SIZE])
    return writing.reshape(moved, (0, 0, -1), to=to)


def with_past(writing: Writing, past: str, x: str, to: str) -> str:
    """Keys or values of the past, then new ones; `to`: the name of both as a result, if there is one."""
    if past and writing.sizes(past)[_POSITIONS]:
        return writing.op("Concat", past, x, axis=_POSITIONS, to=to)
    return writing.op("Identity", x, to=to) if to else x


def padding(writing: Writing, mask: str, positions: tuple[int, int]) -> str:
    """What hides keys that are padding, to be added to scores, by the numbers of keys or by 1 for each that is none.

    Raises ArchsimError for other forms of masks.
    """
    node = writing.node
    sizes = writing.sizes(mask)
    low = node.number_of("mask_filter_value", _FILTER)
    queries, keys = positions
    if len(sizes) == 1 and sizes == _batch(writing):
        places = writing.number(np.arange(keys, dtype=np.int32), mask)
        seen = writing.op("Less", places, writing.over("Unsqueeze", mask, [1]))
        spread = [1, 2]
    elif len(sizes) in (2, 3) and sizes[1:] in ((keys,), (queries, keys)):
        seen, spread = writing.cast(mask, BOOLEAN), [1, 2] if len(sizes) == 2 else [1]  # noqa: PLR2004
    else:
        expected = f"[batch], [batch, {keys}] or [batch, {queries}, {keys}]"
        raise writing.refused(f"found a mask {list(sizes)}; expected {expected}")
    like = node.inputs[0]
    added = writing.op("Where", seen, writing.number(0.0, like), writing.number(low, like))
    return writing.over("Unsqueeze", added, spread)


def _batch(writing: Writing) -> Sizes:
    return writing.sizes(writing.node.inputs[0])[:1]


def attention(writing: Writing) -> None:
    """Queries, keys and values by one projection, of which each has a part."""
    node = writing.node
    x, weights, bias, mask, past, added, length = (node.input(at) for at in range(7))
    made = writing.op("MatMul", x, weights)
    if bias:
        made = writing.op("Add", made, bias)
    of_one_projection(writing, made, writing.sizes(weights)[1], (mask, past, added, length))


def of_one_projection(writing: Writing, made: str, wide: int, others: tuple[str, str, str, str]) -> None:
    """Attention of the values of one projection. others: mask, past, what is added to scores, the past's length."""
    node = writing.node
    mask, past, added, length = others
    if node.whole("do_rotary", 0) or node.whole("past_present_share_buffer", 0) or length:
        raise writing.refused("turns queries and keys, or keeps the past in a buffer of its own; expected neither")
    heads = node.whole("num_heads", 0)
    pieces = node.wholes("qkv_hidden_sizes") or (wide // 3,) * 3
    if heads < 1 or len(pieces) != 3 or sum(pieces) != wide or pieces[0] != pieces[1] or any(n % heads for n in pieces):  # noqa: PLR2004
        raise writing.refused(f"found {list(pieces)} of {wide} values in {heads} heads; expected equal heads")
    ends = np.cumsum(pieces).tolist()
    parts = [writing.slice(made, -1, end - size, end) for size, end in zip(pieces, ends, strict=True)]
    queries, keys, values = (apart(writing, part, heads) for part in parts)
    new, before = writing.sizes(node.inputs[0])[1], 0
    if past:
        sizes = writing.sizes(past)
        before = sizes[-2]
        kept = [writing.over("Squeeze", writing.slice(past, 0, at, at + 1), [0]) for at in range(2)]
        keys, values = (
            writing.op("Concat", old, x, axis=_POSITIONS) for old, x in zip(kept, (keys, values), strict=True)
        )
    if writing.wanted(1):
        both = [writing.over("Unsqueeze", x, [0]) for x in (keys, values)]
        writing.op("Concat", *both, axis=0, to=writing.wanted(1))
    positions = new, before + new
    hiding = [padding(writing, mask, positions)] if mask else []
    found = Heads(
        queries,
        keys,
        values,
        before,
        node.number_of("scale", 0.0) or 1 / sqrt(pieces[0] // heads),
        bool(node.whole("unidirectional", 0)),
        hiding=(*hiding, *filter(None, (added,))),
    )
    attend(writing, found, positions, node.outputs[0])


def multi_head(writing: Writing) -> None:
    """Queries, keys and values as they come from their projections, maybe packed, and maybe without their biases."""
    node = writing.node
    query, key, value, bias, mask, added, past_key, past_value, length, beams = (node.input(at) for at in range(10))
    if length or beams or writing.wanted(3):
        raise writing.refused("keeps the past in a buffer of its own, searches with beams, or gives its scores")
    heads, sizes = node.whole("num_heads", 0), writing.sizes(query)
    packed = not key
    expected = _RANK_OF_PACKED if packed else 3
    if len(sizes) != expected or heads < 1 or (sizes[2] != heads if packed else sizes[-1] % heads) or (packed and bias):
        raise writing.refused(f"found queries {list(sizes)} in {heads} heads; expected equal heads, or packed ones")
    size = sizes[-1] if packed else sizes[-1] // heads
    biases = _of_bias(writing, bias, heads * size)
    if packed:
        parts = _unpacked(writing, query, 3)
    elif not value:
        parts = [_projected(writing, query, biases[0], heads), *_unpacked(writing, key, 2)]
    else:
        parts = [_projected(writing, x, each, heads) for x, each in zip((query, key, value), biases, strict=True)]
    keys = with_past(writing, past_key, parts[1], writing.wanted(1))
    values = with_past(writing, past_value, parts[2], writing.wanted(2))
    before = writing.sizes(past_key)[_POSITIONS] if past_key else 0
    kept = writing.sizes(key or query)
    positions = sizes[1], before + kept[_POSITIONS if len(kept) == _RANK_OF_HEADS else 1]
    hiding = [padding(writing, mask, positions)] if mask else []
    scale = node.number_of("scale", 0.0) or 1 / sqrt(size)
    causal = bool(node.whole("unidirectional", 0))
    found = Heads(parts[0], keys, values, before, scale, causal, hiding=(*hiding, *filter(None, (added,))))
    attend(writing, found, positions, node.outputs[0])


def _unpacked(writing: Writing, x: str, parts: int) -> list[str]:
    """[batch, positions, heads, parts, values of a head] as so many tensors [batch, heads, positions, values]."""
    sizes = writing.sizes(x)
    if len(sizes) != _RANK_OF_PACKED or sizes[3] != parts:
        raise writing.refused(f"found {list(sizes)} packed; expected [batch, positions, heads, {parts}, values]")
    pieces = [writing.over("Squeeze", writing.slice(x, 3, at, at + 1), [3]) for at in range(parts)]
    return [writing.op("Transpose", piece, perm=[_BATCH, _POSITIONS, _HEADS, _SIZE]) for piece in pieces]


def _of_bias(writing: Writing, bias: str, wide: int) -> list[str]:
    """The parts of a bias of queries, keys and values; "" where there is none."""
    if not bias:
        return ["", "", ""]
    ends = (0, wide, 2 * wide, writing.sizes(bias)[0])
    return [writing.slice(bias, 0, start, end) for start, end in pairwise(ends)]


def _projected(writing: Writing, x: str, bias: str, heads: int) -> str:
    """In heads, with a bias; what is in heads already, as keys of the past are, has had its bias."""
    if len(writing.sizes(x)) == _RANK_OF_HEADS:
        return x
    return apart(writing, writing.op("Add", x, bias) if bias else x, heads)


def grouped(writing: Writing) -> None:
    """Queries in more heads than keys and values, which are kept; queries and keys may be turned by their positions."""
    node = writing.node
    query, key, value, past_key, past_value, lengths, _, cosine, sine, places, added, *others = (
        node.input(at) for at in range(17)
    )
    if any(others) or writing.wanted(3) or node.whole("smooth_softmax", -1) > 0:
        raise writing.refused("has sinks, norms or quantised keys, or gives its scores; expected none of these")
    if node.whole("sliding_window_cache", 0):
        raise writing.refused("keeps a window of the past alone; expected all of it")
    heads, shared, sizes = node.whole("num_heads", 0), node.whole("kv_num_heads", 0), writing.sizes(query)
    in_all = heads + 2 * shared if not key else heads
    if min(heads, shared) < 1 or heads % shared or len(sizes) != 3 or sizes[-1] % in_all:  # noqa: PLR2004
        raise writing.refused(f"found {list(sizes)} in {heads} heads that share {shared}; expected equal heads")
    size = sizes[-1] // in_all
    wide = (heads * size, shared * size, shared * size)
    ends = np.cumsum((0, *wide)).tolist()
    names = (query, key, value) if key else [writing.slice(query, -1, *pair) for pair in pairwise(ends)]
    parts = [apart(writing, x, n) for x, n in zip(names, (heads, shared, shared), strict=True)]
    before = writing.sizes(past_key)[_POSITIONS] if past_key else 0
    _require_valid(writing, lengths, before + sizes[1])
    if node.whole("do_rotary", 0):
        rows = [_rows(writing, table, places, before, sizes[1]) for table in (cosine, sine)]
        angles = writing.sizes(cosine)[1]
        flat = bool(node.whole("rotary_interleaved", 0))
        parts[:2] = [turned(writing, x, rows[0], rows[1], angles, size, interleaved=flat) for x in parts[:2]]
    keys = with_past(writing, past_key, parts[1], writing.wanted(1))
    values = with_past(writing, past_value, parts[2], writing.wanted(2))
    span = node.whole("local_window_size", -1)
    found = Heads(
        parts[0],
        _shared(writing, keys, heads, shared, size),
        _shared(writing, values, heads, shared, size),
        before,
        node.number_of("scale", 0.0) or 1 / sqrt(size),
        bool(node.whole("causal", 1)),
        span if span > 0 else None,
        tuple(filter(None, (added,))),
        node.number_of("softcap", 0.0),
    )
    attend(writing, found, (sizes[1], before + sizes[1]), node.outputs[0])


def _require_valid(writing: Writing, lengths: str, keys: int) -> None:
    """All keys of the past are there: that is checked where their number is known, and said where it is not."""
    known = writing.known(lengths) if lengths else None
    if known is None:
        writing.notes.append("GroupQueryAttention: all positions of the past are taken to be filled")
    elif bool((known != keys - 1).any()):
        raise writing.refused(f"found {known.reshape(-1).tolist()} as last keys of {keys}; expected {keys - 1}")


def _rows(writing: Writing, table: str, places: str, before: int, number: int) -> str:
    """Of a table of angles those of the new positions: [batch or 1, 1, positions, values]."""
    if places:
        return writing.over("Unsqueeze", writing.op("Gather", table, places), [1])
    return writing.over("Unsqueeze", writing.slice(table, 0, before, before + number), [0, 1])


def _shared(writing: Writing, x: str, heads: int, shared: int, size: int) -> str:
    """Each head of keys or values once for every head of queries that shares it."""
    if heads == shared:
        return x
    spread = writing.number(np.array([1, 1, heads // shared, 1, 1], np.int64))
    x = writing.op("Expand", writing.over("Unsqueeze", x, [2]), spread)
    return writing.reshape(x, (0, heads, -1, size))


def rotary(writing: Writing) -> None:
    """Queries or keys turned by the positions that come in, or from one of these on."""
    node = writing.node
    x, places, cosine, sine = node.inputs
    heads, sizes, angles = node.whole("num_heads", 0), writing.sizes(x), writing.sizes(cosine)[1]
    if node.whole("is_packed_batching", 0) or node.number_of("scale", 1.0) != 1:
        raise writing.refused("packs positions of several sequences, or scales; expected neither")
    in_heads = len(sizes) == _RANK_OF_HEADS
    turning = node.whole("rotary_embedding_dim", 0) or 2 * angles
    if turning != 2 * angles or (turning < 2 * angles and not heads):
        raise writing.refused(
            f"found {turning} values of a head to be turned by {angles} angles; expected {2 * angles}"
        )
    size = sizes[-1] if in_heads else sizes[-1] // heads if heads else 2 * angles
    if not in_heads:
        x = apart(writing, x, sizes[-1] // size)
    positions = sizes[_POSITIONS] if in_heads else sizes[1]
    if writing.sizes(places) == (1,):
        places = writing.op("Add", places, writing.number(np.arange(positions, dtype=np.int64), places))
        places = writing.over("Unsqueeze", places, [0])
    rows = [_rows(writing, table, places, 0, positions) for table in (cosine, sine)]
    flat = bool(node.whole("interleaved", 0))
    made = turned(writing, x, rows[0], rows[1], angles, size, interleaved=flat, to=node.outputs[0] if in_heads else "")
    if not in_heads:
        side_by_side(writing, made, node.outputs[0])


ATTENTION: dict[str, Write] = {
    "Attention": attention,
    "MultiHeadAttention": multi_head,
    "GroupQueryAttention": grouped,
    "RotaryEmbedding": rotary,
}
