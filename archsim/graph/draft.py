"""A Graph being written: inputs, weights and nodes so far, and views of their tensors."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

from archsim.errors import ArchsimError
from archsim.graph.axes import Axis, Dim, Factor, Shape, completed, cut, dim, reshaped, shown, size_of, sizes_of
from archsim.graph.bounds import MOST_NODES, require_tensor
from archsim.graph.nodes import Node
from archsim.graph.streams import Sight, Stream
from archsim.graph.views import Chosen, Concat, Keep, Picked, Reshape, Slice, Transpose
from archsim.graph.weights import Input, Weight
from archsim.graph.windows import around

Sizes = Sequence[int | None]


@dataclass
class Draft:
    """Nodes so far.

    Parameters
    ----------
    layer
        The layer that nodes are of.
    nodes, weights, inputs
        In order.
    shapes
        Of inputs and of what nodes make, by name.
    shared
        Of layers that have the weights of another layer: that one.
    """

    layer: str = "input"
    nodes: list[Node] = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    _names: Counter[str] = field(default_factory=Counter)

    def input(
        self,
        name: str,
        shape: Shape,
        *,
        whole: int | None = None,
        stream: Stream | None = None,
        positions: int | None = None,
        least: int = 0,
    ) -> str:
        """An input; whole: of whole numbers from `least` to below so many; positions: dimensions that are such."""
        require_tensor(name, sizes_of(shape))
        self.inputs.append(Input(name, shape, whole, stream, positions, least))
        self.shapes[name] = shape
        return name

    def axes(self, name: str, sizes: Sequence[int]) -> Shape:
        """Dimensions that are axes of their own, in the order in which positions are counted."""
        begin = 16 * len(self.inputs)
        return tuple(dim(Axis(f"{name} {at}", size, begin + at)) for at, size in enumerate(sizes))

    def weight(self, name: str, shape: Sequence[int], *, trained: int | None = None, tied: str | None = None) -> str:
        """Numbers that are known before the run: added, or those of that name that are there."""
        require_tensor(name, shape)
        layer, _, own = name.partition("/")
        if layer in self.shared and tied is None:
            tied = f"{self.shared[layer]}/{own}"
        self.weights.setdefault(name, Weight(name, tuple(shape), 0 if tied else trained, tied))
        return name

    def name(self, wanted: str) -> str:
        """A name that no node of the layer has yet."""
        self._names[f"{self.layer}/{wanted}"] += 1
        number = self._names[f"{self.layer}/{wanted}"]
        return wanted if number == 1 else f"{wanted} {number}"

    def add(self, node: Node) -> str:
        """A node; its key."""
        if node.key in self.shapes or node.key in self.weights:
            raise ArchsimError(f"{node.key}: stands twice; expected one node of a name")
        if len(self.nodes) >= MOST_NODES:
            raise ArchsimError(f"more than {MOST_NODES:,} operators; expected fewer")
        require_tensor(node.key, sizes_of(node.shape))
        node = replace(node, shape=completed(node.shape, node.inside, node.key))
        self.nodes.append(node)
        self.shapes[node.key] = node.shape
        return node.key

    def of(self, name: str) -> Shape:
        """The shape of a tensor; of weights, with axes of their own."""
        if name in self.shapes:
            return self.shapes[name]
        return tuple(dim(Axis(f"{name}:{at}", size)) for at, size in enumerate(self.weights[name].shape))

    def reshape(self, x: str, sizes: Sizes, name: str = "view") -> str:
        """The same numbers in other dimensions. None: the size of what a job says. No node where nothing changes."""
        shape = self.of(x)
        return self._reshape(x, sizes, reshaped(shape, sizes), name)

    def _reshape(self, x: str, sizes: Sizes, made: Shape | None, name: str) -> str:
        """made: the dimensions, where none is cut across."""
        shape = self.of(x)
        if tuple(sizes) == sizes_of(shape):
            return x
        layer, own = self.layer, self.name(name)
        fixed = [size for size in sizes if size is not None]
        if made is None and len(fixed) < len(sizes):
            raise ArchsimError(f"{layer}/{own}: {shown(shape)} cannot have the shape {list(sizes)}")
        after = made or cut(shape, fixed, f"{layer}/{own}")
        return self.add(Reshape(layer=layer, name=own, inputs=(x,), shape=after, cuts=made is None))

    def split(self, x: str, at: int, *sizes: int, name: str = "view") -> str:
        """A dimension as several."""
        shape = self.of(x)
        at %= len(shape)
        before, after = shape[:at], shape[at + 1 :]
        parts = reshaped(shape[at : at + 1], sizes)
        made = None if parts is None else (*before, *parts, *after)
        return self._reshape(x, (*sizes_of(before), *sizes, *sizes_of(after)), made, name)

    def merge(self, x: str, at: int, number: int, name: str = "view") -> str:
        """`number` dimensions from `at` on as one."""
        shape = self.of(x)
        before, joined, after = shape[:at], shape[at : at + number], shape[at + number :]
        size = prod(size for size in sizes_of(joined) if size is not None)
        parts = reshaped(joined, (size,))
        made = None if parts is None else (*before, *parts, *after)
        return self._reshape(x, (*sizes_of(before), size, *sizes_of(after)), made, name)

    def transpose(self, x: str, order: Sequence[int], name: str = "view") -> str:
        """Dimensions in another order."""
        shape = self.of(x)
        if tuple(order) == tuple(range(len(shape))):
            return x
        moved = tuple(shape[at] for at in order)
        return self.add(Transpose(layer=self.layer, name=self.name(name), inputs=(x,), shape=moved, order=tuple(order)))

    def slice(self, x: str, at: int, start: int, number: int, *, step: int = 1, name: str = "view") -> str:
        """`number` indices of a dimension, each `step` after the one before."""
        shape = list(self.of(x))
        at %= len(shape)
        if (start, number, step) == (0, size_of(shape[at]), 1):
            return x
        layer, own = self.layer, self.name(name)
        shape[at] = self._resized(shape[at], f"{layer}/{own}", number)
        return self.add(Slice(layer=layer, name=own, inputs=(x,), shape=tuple(shape), dim=at, start=start, step=step))

    def pick(self, x: str, at: int, indices: Sequence[int], name: str = "view") -> str:
        """Indices of a dimension in any order: those at equal steps are a slice."""
        shape = list(self.of(x))
        at %= len(shape)
        size = size_of(shape[at]) or 1
        step = indices[1] - indices[0] if len(indices) > 1 else 1
        if step > 0 and list(indices) == list(range(indices[0], indices[-1] + 1, step)):
            return self.slice(x, at, indices[0], len(indices), step=step, name=name)
        layer, own = self.layer, self.name(name)
        shape[at] = self._resized(shape[at], f"{layer}/{own}", len(indices))
        return self.add(
            Picked(
                layer=layer,
                name=own,
                inputs=(x,),
                shape=tuple(shape),
                dim=at,
                indices=tuple(indices),
                within=around(indices, size),
            )
        )

    def concat(self, xs: Sequence[str], at: int, name: str = "view", axis: Axis | None = None) -> str:
        """One after the other along a dimension."""
        shapes = [self.of(x) for x in xs]
        at %= len(shapes[0])
        layer, own = self.layer, self.name(name)
        lengths = [size_of(shape[at]) or 0 for shape in shapes]
        starts = tuple(sum(lengths[:number]) for number in range(len(xs)))
        moving = next((shape for x, shape in zip(xs, shapes, strict=True) if x not in self.weights), shapes[0])
        made = list(moving)
        made[at] = dim(axis) if axis else self._resized(moving[at], f"{layer}/{own}", sum(lengths))
        return self.add(Concat(layer=layer, name=own, inputs=tuple(xs), shape=tuple(made), dim=at, starts=starts))

    @staticmethod
    def _resized(one: Dim, name: str, size: int) -> Dim:
        """A dimension of another size, which is counted as the one that it is of."""
        return dim(Axis(f"{name}:", size, one[0].axis.order if one else 0))

    def choose(self, x: str, at: Literal["first", "last"], name: str = "view") -> str:
        """The first position of a sequence (the first dimension), or those that are not followed by others."""
        axis = self.of(x)[0][0].axis
        chosen = Axis(f"{axis.name} {at}", 1 if at == "first" else None, axis.order, axis.stream, at)
        shape = (dim(chosen), *self.of(x)[1:])
        return self.add(Chosen(layer=self.layer, name=self.name(name), inputs=(x,), shape=shape, dim=0))

    def keep(self, x: str, span: int | None = None, name: str = "kept", sight: Sight = "past") -> str:
        """All positions so far of the first dimension; a position sees `span` of them, as `sight` says."""
        axis = self.of(x)[0][0].axis
        said = "" if span is None else f" {span}" if sight == "past" else f" {sight} {span}"
        name_of = f"{axis.name} seen{said}"
        seen = Axis(name_of, axis.size, axis.order, axis.stream, seen=True, span=span, sight=sight)
        shape = ((Factor(seen, 1, axis.size),), *self.of(x)[1:])
        return self.add(Keep(layer=self.layer, name=self.name(name), inputs=(x,), shape=shape))
