"""Products of PyTorch of two tensors: matrices of batches, attention, masks of scores."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.nodes import Contraction, Mask, Normalise
from archsim.graph.torch_importer import Call, Constant, Importer, Made, UnknownError
from archsim.graph.torch_products import BATCHES, product
from archsim.graph.torch_views import MOVED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HIDDEN = -1e30
"""What is added to scores that are to be hidden is less."""
_SCALABLE = {
    "matmul": ("self", "other"),
    "mm": ("self", "mat2"),
    "mv": ("self", "vec"),
    "bmm": ("self", "mat2"),
    "baddbmm": ("batch1", "batch2"),
}
"""Products of two tensors, by their operands."""


def _matmul(importer: Importer, call: Call) -> Made:
    first, second = _SCALABLE[call.kind]
    return _multiplied(importer, call, call[first], call[second])


def _multiplied(importer: Importer, call: Call, first: Any, second: Any, scale: float = 1.0) -> str:  # noqa: ANN401
    """The last dimension of the first with the last but one of the second; those before them go together."""
    shapes = [tuple(each.meta["val"].shape) for each in (first, second)]
    dims = max(len(shape) for shape in shapes) - 2
    batch = BATCHES[:dims] if dims > 0 else ""
    ends = ("mk" if len(shapes[0]) > 1 else "k", "kn" if len(shapes[1]) > 1 else "k")
    letters = [batch[len(batch) - max(0, len(shape) - 2) :] + end for shape, end in zip(shapes, ends, strict=True)]
    result = batch + ends[0][:-1] + ends[1][1:]
    for source in (first, second):
        scale *= importer.scales.get(source.name, 1.0)
    return contracted(importer, call, (first, second), letters, result, scale)


def contracted(
    importer: Importer, call: Call, sources: Sequence[Any], letters: Sequence[str], result: str, scale: float = 1.0
) -> str:
    """A product in Einstein's notation; dimensions of one index go together with any."""
    sizes = [tuple(each.meta["val"].shape) for each in sources]
    wide: dict[str, int] = {}
    for given, shape in zip(letters, sizes, strict=True):
        wide |= {letter: max(size, wide.get(letter, 1)) for letter, size in zip(given, shape, strict=True)}
    kept = [
        [at for at, letter in enumerate(given) if shape[at] == wide[letter]]
        for given, shape in zip(letters, sizes, strict=True)
    ]
    own = ["".join(given[at] for at in there) for given, there in zip(letters, kept, strict=True)]
    shapes = [tuple(shape[at] for at in there) for shape, there in zip(sizes, kept, strict=True)]
    constants = [importer.fixed(each) for each in sources]
    if constants[0] is not None:  # weights stand second
        sources, own, shapes, constants = sources[::-1], own[::-1], shapes[::-1], constants[::-1]
    builder = importer.builder
    x = builder.reshape(importer.operand(sources[0]), shapes[0])
    weight = constants[1]
    if weight is not None:
        order = sorted(range(len(own[1])), key=lambda at: own[1][at] not in result)  # outputs come first
        turned = weight.reshaped(shapes[1]).mapped(tuple(shapes[1][at] for at in order), lambda w: w.transpose(order))
        plain = len(order) == 2 and result.endswith(own[1][order[0]])  # noqa: PLR2004 - a matrix
        ordered = "".join(own[1][at] for at in order)
        at = -1 if plain else len(call.shape)
        return product(importer, call, x, f"{own[0]},{ordered}->{result}", (turned, None), at=at, scale=scale)
    y = builder.reshape(importer.operand(sources[1]), shapes[1])
    softened = isinstance(made := importer.node(importer.origin(x)), Normalise) and made.function == "softmax"
    return builder.contraction("context" if softened else "scores", x, y, f"{own[0]},{own[1]}->{result}", scale=scale)


def _baddbmm(importer: Importer, call: Call) -> Made:
    """A product, and something added, each times a number."""
    made = _multiplied(importer, call, call["batch1"], call["batch2"], float(call["alpha"]))
    return made if call["beta"] == 0 else added(importer, made, call["self"], float(call["beta"]), alone=True)


def added(importer: Importer, x: str, source: Any, times: float, *, alone: bool) -> str:  # noqa: ANN401
    """A sum with another tensor times a number. alone: nothing else reads the first operand."""
    constant = importer.fixed(source)
    if constant is None and times != 1:
        raise UnknownError("a sum of scaled tensors")
    if constant is None:
        return importer.builder.elementwise("add", "add", x, importer.operand(source))
    name = source.name
    if times != 1:
        name, constant = f"{name} x {times}", constant.mapped(constant.shape, lambda y: y * np.float32(times))
    if alone:
        return hidden(importer, x, constant, name)
    return importer.builder.elementwise("add", "add", x, importer.weight(name, constant))


def hidden(importer: Importer, x: str, constant: Constant, name: str) -> str:
    """Scores with a constant added; a mask of the product that makes them, where that is all that it does.

    Nothing else may read the scores.
    """
    made = importer.node(x)
    if isinstance(made, Contraction) and not made.stationary and not constant.parameters and made.mask is None:
        y = constant.read()
        queries, keys = y.shape[-2:] if y.ndim > 1 else (1, 1)
        if not np.any(y):
            return x
        causal = np.arange(keys) <= np.arange(queries)[:, None]
        if (
            queries == keys > 1
            and np.array_equal(np.broadcast_to(causal, y.shape), y == 0)
            and np.all(y[y != 0] < HIDDEN)
        ):
            return importer.change(made, mask=Mask(causal=True))
    return importer.builder.elementwise("add", "add", x, importer.weight(name, constant))


def _einsum(importer: Importer, call: Call) -> Made:
    """Of two tensors, all of whose letters are in the result or in both."""
    operands, _, result = call["equation"].replace(" ", "").partition("->")
    letters = operands.split(",")
    plain = len(letters) == 2 and all(x.isalpha() and len(set(x)) == len(x) for x in letters) and bool(result)  # noqa: PLR2004
    if not plain or any(letter not in result for letter in set(letters[0]) ^ set(letters[1])):
        raise UnknownError(f"einsum ({call['equation']})")
    scale = prod(importer.scales.get(each.name, 1.0) for each in call["tensors"])
    return contracted(importer, call, call["tensors"], letters, result, scale)


def _attention(importer: Importer, call: Call) -> Made:
    """Scores, softmax and context of [batches, heads, positions, values of a head]; keys may have fewer heads."""
    builder = importer.builder
    if any(importer.fixed(call[name]) for name in ("query", "key", "value")):
        raise UnknownError("scaled_dot_product_attention of constants")
    query, key, value = (importer.operand(call[name]) for name in ("query", "key", "value"))
    sizes = {name: tuple(call[name].meta["val"].shape) for name in ("query", "key", "value")}
    dims = len(sizes["query"]) - 2
    batch = BATCHES[:dims]
    scale = sizes["query"][-1] ** -0.5 if call["scale"] is None else float(call["scale"])
    for name in ("query", "key"):
        scale *= importer.scales.get(call[name].name, 1.0)
    heads = sizes["query"][dims - 1] if dims else 1
    kept = sizes["key"][dims - 1] if dims else 1
    batches = [sizes[name][: max(0, dims - 1)] for name in ("query", "key", "value")]
    if len(set(batches)) > 1 or sizes["key"][:dims] != sizes["value"][:dims] or heads % kept:
        raise UnknownError("scaled_dot_product_attention of other batches")
    if heads != kept:
        query = builder.split(query, dims - 1, kept, heads // kept)
    group = "g" if heads != kept else ""
    scores = builder.contraction("scores", query, key, f"{batch}{group}qd,{batch}kd->{batch}{group}qk", scale=scale)
    scores = _masked(importer, call, scores, (sizes["query"][-2], sizes["key"][-2]), bool(group))
    shares = builder.softmax("softmax", scores)
    made = builder.contraction("context", shares, value, f"{batch}{group}qk,{batch}kd->{batch}{group}qd")
    return builder.merge(made, dims - 1, 2) if group else made


def _masked(importer: Importer, call: Call, scores: str, sizes: tuple[int, int], grouped: bool) -> str:  # noqa: FBT001
    if call["is_causal"]:
        if sizes[0] != sizes[1]:
            raise UnknownError("scaled_dot_product_attention (causal, of other positions)")
        return importer.change(_product(importer, scores), mask=Mask(causal=True))
    source = call["attn_mask"]
    if source is None:
        return scores
    truth = not source.meta["val"].is_floating_point()
    constant = importer.fixed(source)
    if constant is None and (truth or grouped):
        raise UnknownError("scaled_dot_product_attention (a mask of truth values that is made at run time)")
    if constant is None:
        return importer.builder.elementwise("add", "add", scores, importer.operand(source))
    if truth:
        constant = constant.mapped(constant.shape, lambda y: np.where(y != 0, 0, -np.inf).astype(np.float32))
    if grouped and len(constant.shape) > 2:  # noqa: PLR2004 - heads, queries, keys
        *first, heads, rows, keys = constant.shape
        if heads != 1:
            raise UnknownError("scaled_dot_product_attention (a mask for each of heads that share keys)")
        constant = constant.reshaped((*first, 1, 1, rows, keys))
    return hidden(importer, scores, constant, source.name)


def _product(importer: Importer, name: str) -> Contraction:
    node = importer.node(name)
    if not isinstance(node, Contraction):
        raise ArchsimError(f"{name}: expected a product")
    return node


def feeds_product(importer: Importer, node: Any) -> bool:  # noqa: ANN401
    """Whether all that reads a tensor, through views, is a product of two tensors, which may scale it as well."""
    while len(node.users) == 1:
        reader = next(iter(node.users))
        call = Call.of(reader)
        if call.kind in MOVED and reader.meta["val"].is_floating_point():
            node = reader
            continue
        if call.kind == "scaled_dot_product_attention":
            return node in (call["query"], call["key"]) and node is not call["value"]
        operands = call["tensors"] if call.kind == "einsum" else [call[name] for name in _SCALABLE.get(call.kind, ())]
        return (
            node in operands
            and operands[0] is not operands[1]
            and all(each.name not in importer.constants for each in operands)
        )
    return False


PRODUCTS: Mapping[str, Callable[[Importer, Call], Made]] = {
    **dict.fromkeys(("mm", "bmm", "matmul", "mv"), _matmul),
    "baddbmm": _baddbmm,
    "einsum": _einsum,
    "scaled_dot_product_attention": _attention,
}
