"""Projections of queries, keys and values that share an input are one product, as they are in a preset."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.axes import Axis, dim, sizes_of
from archsim.graph.nodes import Contraction, Elementwise, Node, Normalise
from archsim.graph.onnx.constants import Reader
from archsim.graph.onnx.edit import Edit
from archsim.graph.sequence_nodes import RotaryOf
from archsim.graph.views import Slice
from archsim.graph.weights import Weight


@dataclass(frozen=True)
class Attention:
    """Both products of an attention and the softmax between them; `values`: which operand of the second are values."""

    scores: Contraction
    softmax: Normalise
    context: Contraction
    values: int

    def operands(self) -> tuple[str, str, str]:
        """Queries, keys and values."""
        queries, keys = self.scores.inputs[:2]
        return queries, keys, self.context.inputs[self.values]


def attentions(edit: Edit) -> Iterator[Attention]:
    """All of a Graph, in order."""
    for node in list(edit.nodes.values()):
        if isinstance(node, Contraction) and not node.stationary:
            for at in (0, 1):
                softmax = _behind(edit, node.inputs[at], Normalise)
                if not isinstance(softmax, Normalise) or softmax.function != "softmax":
                    continue
                scores = _behind(edit, softmax.inputs[0], Contraction)
                if isinstance(scores, Contraction) and not scores.stationary:
                    yield Attention(scores, softmax, node, 1 - at)


def _behind(edit: Edit, name: str, kind: type[Node]) -> Node | None:
    """The node of a kind that makes a tensor, but for views and what works number by number."""
    node = edit.nodes.get(name)
    while node is not None and not isinstance(node, kind) and (node.free or isinstance(node, Elementwise)):
        node = edit.nodes.get(next(iter(edit.moving(node)), ""))
    return node


def projection(edit: Edit, name: str) -> Contraction | None:
    """The product with weights that an operand of an attention comes from, turned and normalised maybe.

    Of several operands of a node, as where keys come after others that were there before, one alone comes from a
    product.
    """
    node = edit.nodes.get(name)
    while node is not None:
        if isinstance(node, Contraction):
            return node if node.stationary else None
        if not (node.free or isinstance(node, Elementwise | Normalise | RotaryOf)):
            return None
        sources = dict.fromkeys(each for each in edit.moving(node) if each in edit.nodes)
        if len(sources) != 1:
            ends = [end for each in sources if (end := projection(edit, each)) is not None]
            return ends[0] if ends and all(end is ends[0] for end in ends) else None
        node = edit.nodes[next(iter(sources))]
    return None


def merge_projections(edit: Edit, arrays: dict[str, Reader]) -> None:
    """Put one product in the place of those of queries, keys and values whose inputs are the same tensor.

    Parameters
    ----------
    edit
        The Graph's nodes.
    arrays
        By name of a weight: gives its numbers. Those of new weights are added.
    """
    for attention in list(attentions(edit)):
        ends = [projection(edit, name) for name in attention.operands()]
        products = list(dict.fromkeys(end for end in ends if end is not None and _plain(end)))
        while products:
            first, *others = products
            alike = [first, *(each for each in others if _alike(edit, first, each))]
            products = [each for each in others if each not in alike]
            if len(alike) > 1:
                _merge(edit, alike, arrays)


def _plain(node: Contraction) -> bool:
    return not node.windows and not node.shared and len(node.outputs) == 1 and (node.scale, node.cap) == (1.0, None)


def _alike(edit: Edit, one: Contraction, other: Contraction) -> bool:
    """Whether two products differ in their weights alone."""
    rows = [[size for x, size in zip(each.second, each.second_sizes, strict=True) if x not in each.outputs]
            for each in (one, other)]  # fmt: skip
    letters = {(each.first, each.second, each.result) for each in (one, other)}
    biased = {name in edit.builder.weights for each in (one, other) for name in each.inputs[2:]}
    return len(letters) == 1 and rows[0] == rows[1] and biased <= {True} and same(edit, one.inputs[0], other.inputs[0])


def same(edit: Edit, one: str, other: str) -> bool:
    """Whether two tensors are the same numbers: one tensor, or the same view of one."""
    while one != other:
        a, b = edit.nodes.get(one), edit.nodes.get(other)
        if a is None or b is None or not (a.free and b.free) or type(a) is not type(b) or len(a.inputs) != 1:
            return False
        plain = [replace(each, layer="", name="", inputs=(), shape=()) for each in (a, b)]
        if plain[0] != plain[1] or sizes_of(a.shape) != sizes_of(b.shape) or len(b.inputs) != 1:
            return False
        one, other = a.inputs[0], b.inputs[0]
    return True


def _merge(edit: Edit, parts: Sequence[Contraction], arrays: dict[str, Reader]) -> None:
    """One product; each of the former is a slice of it."""
    builder = edit.builder
    place = min(edit.places[part.key] for part in parts)
    first = next(part for part in parts if edit.places[part.key] == place)
    letter = first.outputs
    at, column = first.result.index(letter), first.second.index(letter)
    sizes = [part.second_sizes[column] for part in parts]
    starts = list(accumulate(sizes, initial=0))[:-1]
    wide = (*first.second_sizes[:column], sum(sizes), *first.second_sizes[column + 1 :])
    names = [part.inputs[1] for part in parts]
    rows = [part.second_sizes for part in parts]
    matrix = _joined(edit, names, wide, _columns([arrays[name] for name in names], rows, column), arrays)
    inputs = [first.inputs[0], matrix]
    if any(part.inputs[2:] for part in parts):
        biases = [part.inputs[2] if part.inputs[2:] else "" for part in parts]
        readers = [arrays.get(name) for name in biases]
        inputs.append(_joined(edit, biases, (sum(sizes),), _numbers(readers, sizes), arrays))
    axis = dim(Axis(f"{first.key}:all", sum(sizes), first.shape[at][0].axis.order if first.shape[at] else 0))
    shape = (*first.shape[:at], axis, *first.shape[at + 1 :])
    slices = {}
    for part, start in zip(parts, starts, strict=True):
        builder.layer = part.layer
        slices[part.key] = Slice(
            layer=part.layer, name=builder.name("view"), inputs=(first.key,), shape=part.shape, dim=at, start=start
        )
    edit.rename({old: piece.key for old, piece in slices.items()})
    for part in parts:
        edit.remove(part.key)
    edit.put(replace(first, inputs=tuple(inputs), shape=shape, second_sizes=wide), place)
    for piece in slices.values():
        edit.put(piece, place)
    read = {name for node in edit.nodes.values() for name in node.inputs}
    for name in {*names, *(part.inputs[2] for part in parts if part.inputs[2:])} - read:
        del builder.weights[name]


def _joined(edit: Edit, names: Sequence[str], shape: tuple[int, ...], read: Reader, arrays: dict[str, Reader]) -> str:
    """A weight of several, side by side; that of the same ones is there already where layers share them."""
    name, weights = " and ".join(each or "zeros" for each in names), edit.builder.weights
    if name not in weights:
        trained = sum(weights[part].numbers for part in names if part)
        weights[name] = Weight(name, shape, trained)
        arrays[name] = read
    return name


def _columns(readers: Sequence[Reader], sizes: Sequence[tuple[int, ...]], at: int) -> Callable[[], NDArray[Any]]:
    def read() -> NDArray[Any]:
        return np.concatenate([one().reshape(own) for one, own in zip(readers, sizes, strict=True)], axis=at)

    return read


def _numbers(readers: Sequence[Reader | None], sizes: Sequence[int]) -> Callable[[], NDArray[Any]]:
    """Biases side by side; zeros of a product without."""

    def read() -> NDArray[Any]:
        parts = (np.zeros(n, np.float32) if one is None else one().reshape(-1)
                 for one, n in zip(readers, sizes, strict=True))  # fmt: skip
        return np.concatenate(list(parts))

    return read
