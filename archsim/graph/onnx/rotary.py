"""Rotary positions that a file has written out: pairs of numbers turned by angles from tables (J. Su et al., 2021)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from archsim.graph.axes import size_of
from archsim.graph.nodes import Elementwise, Node
from archsim.graph.onnx.constants import Reader
from archsim.graph.onnx.edit import Edit
from archsim.graph.onnx.masks import free_angles
from archsim.graph.onnx.projections import Attention, same
from archsim.graph.sequence_nodes import RotaryOf
from archsim.graph.views import Concat, Reshape, Slice


class _Part(NamedTuple):
    """The first or the second number of each pair of a tensor. halves: whether pairs are (i, i + half)."""

    of: str
    second: bool
    halves: bool


class _Turned(NamedTuple):
    """What is turned, and by which tables; doubled: these have a number for each pair, not for each of its numbers."""

    of: str
    cosine: str
    sine: str
    halves: bool
    doubled: bool


@dataclass(frozen=True)
class _Finder:
    """Forms of rotary positions. arrays: by name of a weight, gives its numbers."""

    edit: Edit
    arrays: Mapping[str, Reader]

    def found(self, node: Node) -> _Turned | None:
        """What a node is the last of."""
        if isinstance(node, Elementwise) and node.function == "add" and len(node.inputs) == 2:  # noqa: PLR2004
            return next((each for order in (node.inputs, node.inputs[::-1]) for each in self._sum(*order)), None)
        pair = self._pair(node)
        return None if pair is None else self._apart(*pair)

    def _made(self, name: str, function: str) -> Elementwise | None:
        node = self.edit.nodes.get(name)
        return node if isinstance(node, Elementwise) and node.function == function else None

    def _sum(self, first: str, second: str) -> Iterator[_Turned]:
        """Of x, x * cosine + (-b, a) * sine."""
        left, right = self._made(first, "mul"), self._made(second, "mul")
        for x, cosine in _orders(left):
            for moved, sine in _orders(right):
                pair = self._pair(self.edit.nodes.get(moved))
                parts = None if pair is None else (self._negative(pair[0]), self._part(pair[1]))
                if pair is None or parts is None or None in parts:
                    continue
                b, a = parts
                if b == _Part(x, second=True, halves=pair[2]) and a == _Part(x, second=False, halves=pair[2]):
                    yield _Turned(x, cosine, sine, pair[2], doubled=False)

    def _apart(self, first: str, second: str, halves: bool) -> _Turned | None:  # noqa: FBT001
        """Of pairs (a, b), a * cosine - b * sine, and a * sine + b * cosine, side by side."""
        left, right = self._made(first, "sub"), self._made(second, "add")
        if left is None or right is None:
            return None
        minuend, subtrahend = (self._made(name, "mul") for name in left.inputs)
        for a, cosine in _orders(minuend):
            for b, sine in _orders(subtrahend):
                one, other = self._part(a), self._part(b)
                if one is None or other is None or other != one._replace(second=True) or one.second:
                    continue
                products = [self._made(name, "mul") for name in right.inputs]
                wanted = [{a, sine}, {b, cosine}]
                given = [set(each.inputs) if each is not None else set() for each in products]
                if one.halves == halves and wanted in (given, given[::-1]):
                    return _Turned(one.of, cosine, sine, halves, doubled=True)
        return None

    def _pair(self, node: Node | None) -> tuple[str, str, bool] | None:
        """Two tensors whose numbers are the first and second of each pair; and whether these are halves."""
        if isinstance(node, Reshape):
            inner = self.edit.nodes.get(node.inputs[0])
            if not isinstance(inner, Concat) or len(inner.inputs) != 2 or inner.dim != len(node.shape):  # noqa: PLR2004
                return None
            parts = [self.edit.nodes.get(name) for name in inner.inputs]
            if not all(isinstance(each, Reshape) and size_of(each.shape[-1]) == 1 for each in parts):
                return None
            return parts[0].inputs[0], parts[1].inputs[0], False  # type: ignore[union-attr]
        if isinstance(node, Concat) and len(node.inputs) == 2 and node.dim == len(node.shape) - 1:  # noqa: PLR2004
            return node.inputs[0], node.inputs[1], True
        return None

    def _negative(self, name: str) -> _Part | None:
        node = self._made(name, "neg")
        return None if node is None else self._part(node.inputs[0])

    def _part(self, name: str) -> _Part | None:
        node = self.edit.nodes.get(name)
        if not isinstance(node, Slice) or node.dim != len(node.shape) - 1:
            return None
        size, whole = size_of(node.shape[-1]) or 0, size_of(self.edit.builder.of(node.inputs[0])[-1])
        if whole != 2 * size or (node.step, node.start) not in ((1, 0), (1, size), (2, 0), (2, 1)):
            return None
        return _Part(node.inputs[0], bool(node.start), node.step == 1)


def _orders(node: Elementwise | None) -> Sequence[tuple[str, str]]:
    if node is None or len(node.inputs) != 2:  # noqa: PLR2004
        return ()
    return (node.inputs[0], node.inputs[1]), (node.inputs[1], node.inputs[0])


def find_rotary(edit: Edit, arrays: Mapping[str, Reader]) -> None:
    """Put one node in the place of those that turn pairs of numbers."""
    finder = _Finder(edit, arrays)
    for key in list(edit.nodes):
        node = edit.nodes[key]
        turned = finder.found(node)
        if turned is None or turned.of in edit.builder.weights or not _fits(edit, node, turned):
            continue
        cosine, sine = (
            _doubled(edit, node, name, turned.halves) if turned.doubled else name
            for name in (turned.cosine, turned.sine)
        )
        size = size_of(node.shape[-1]) or 0
        x, shape, last = turned.of, node.shape, node
        rest = _with_rest(edit, node, x)
        if rest is not None:
            x, last = edit.nodes[x].inputs[0], rest
            shape = rest.shape
        edit.builder.layer = node.layer
        made = RotaryOf(
            layer=node.layer,
            name=edit.builder.name("rotary"),
            kind="rotary",
            inputs=(x, cosine, sine),
            shape=shape,
            turned=size,
            halves=turned.halves,
        )
        edit.rename({last.key: edit.put(made, edit.places[last.key])})
        for name in (cosine, sine):
            free_angles(edit, name)


def _fits(edit: Edit, node: Node, turned: _Turned) -> bool:
    """Whether both tables have a number for each that is turned, or for each pair of them."""
    size = size_of(node.shape[-1])
    widths = {size_of(edit.builder.of(name)[-1]) for name in (turned.cosine, turned.sine)}
    return size is not None and widths == {size // 2 if turned.doubled else size}


def _with_rest(edit: Edit, node: Node, x: str) -> Concat | None:
    """Where only the first numbers of each row are turned: what puts the others after them."""
    part, reader = edit.nodes.get(x), edit.alone(node.key)
    after = edit.nodes.get(reader or "")
    if not isinstance(part, Slice) or not isinstance(after, Concat) or len(after.inputs) != 2:  # noqa: PLR2004
        return None
    rest = edit.nodes.get(after.inputs[1])
    last = len(node.shape) - 1
    if not isinstance(rest, Slice) or {part.dim, after.dim, rest.dim} != {last} or after.inputs[0] != node.key:
        return None
    whole = size_of(edit.builder.of(part.inputs[0])[-1])
    sizes = [(each.start, each.step, size_of(each.shape[-1]) or 0) for each in (part, rest)]
    fits = sizes == [(0, 1, sizes[0][2]), (sizes[0][2], 1, sizes[1][2])] and sizes[0][2] + sizes[1][2] == whole
    return after if fits and part.inputs == rest.inputs else None


def _doubled(edit: Edit, node: Node, name: str, halves: bool) -> str:  # noqa: FBT001
    """A table with a number for each pair as one with a number for each of its numbers."""
    builder = edit.builder
    builder.layer = node.layer
    with edit.adding(edit.places[node.key]):
        last = len(builder.of(name)) - 1
        if halves:
            return builder.concat([name, name], last)
        sizes = [size_of(one) or 1 for one in builder.of(name)]
        apart = builder.reshape(name, [*sizes, 1])
        return builder.reshape(builder.concat([apart, apart], last + 1), [*sizes[:-1], 2 * sizes[-1]])


def join_rotary(edit: Edit, attention: Attention) -> None:
    """Turn queries and keys of an attention as one tensor, as they are in a preset."""
    query, key = (_behind(edit, name) for name in attention.operands()[:2])
    if query is None or key is None or query is key:
        return
    alike = (query.turned, query.halves) == (key.turned, key.halves)
    tables = all(same(edit, *pair) for pair in zip(query.inputs[1:], key.inputs[1:], strict=True))
    if not alike or not tables or len(query.shape) != len(key.shape):
        return
    apart = [at for at, pair in enumerate(zip(query.shape[:-1], key.shape[:-1], strict=True)) if pair[0] != pair[1]]
    heads = apart[0] if len(apart) == 1 else len(query.shape)
    tabled = [edit.builder.of(name) for name in query.inputs[1:]]
    if heads == len(query.shape) or any(
        len(shape) + heads >= len(query.shape) and size_of(shape[heads - len(query.shape)]) != 1 for shape in tabled
    ):
        return
    builder, place = edit.builder, edit.places[query.key]
    builder.layer = query.layer
    with edit.adding(place):
        both = builder.concat([query.inputs[0], key.inputs[0]], heads)
    whole = replace(query, inputs=(both, *query.inputs[1:]), shape=builder.of(both), name=builder.name("rotary"))
    edit.put(whole, place)
    start = 0
    for part in (query, key):
        piece = Slice(
            layer=part.layer,
            name=builder.name("view"),
            inputs=(whole.key,),
            shape=part.shape,
            dim=heads,
            start=start,
        )
        start += size_of(part.shape[heads]) or 1
        edit.rename({part.key: edit.put(piece, place)})
        edit.remove(part.key)


def _behind(edit: Edit, name: str) -> RotaryOf | None:
    """What turns a tensor before views of it; of several, one is there."""
    node = edit.nodes.get(name)
    if node is None or isinstance(node, RotaryOf) or not node.free:
        return node if isinstance(node, RotaryOf) else None
    ends = [end for each in edit.moving(node) if (end := _behind(edit, each)) is not None]
    return ends[0] if len(ends) == 1 else None
