"""Building a Graph: nodes one after the other, each with the shape of its result; sizes that do not fit are refused."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

from archsim.errors import ArchsimError
from archsim.graph.axes import Axis, Dim, Factor, Shape, completed, cut, dim, reshaped, shown, size_of, sizes_of
from archsim.graph.nodes import Contraction, Elementwise, Mask, Node, Normalise, Pool, Reduce
from archsim.graph.streams import Stream
from archsim.graph.views import Chosen, Concat, Keep, Reshape, Slice, Transpose
from archsim.graph.weights import Input, Weight
from archsim.graph.windows import SAME, Interval

_LETTERS = "abcdefghjklmnpqrstuvwxyz"
"""Of dimensions, but i and o, the inputs and outputs of a projection."""
_OUTPUTS = 1 << 16
"""Order of axes of outputs: where a reshape makes positions of them, they are counted after those that were there."""
Sizes = Sequence[int | None]


@dataclass
class Builder:
    """Nodes so far.

    Parameters
    ----------
    layer
        The layer that nodes are of.
    nodes, weights, inputs
        In order.
    shapes
        Of inputs and of what nodes make, by name.
    """

    layer: str = "input"
    nodes: list[Node] = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    _names: Counter[str] = field(default_factory=Counter)

    def input(
        self,
        name: str,
        shape: Shape,
        *,
        whole: int | None = None,
        stream: Stream | None = None,
        positions: int | None = None,
    ) -> str:
        """An input; whole: of whole numbers below so many; positions: dimensions that are such."""
        self.inputs.append(Input(name, shape, whole, stream, positions))
        self.shapes[name] = shape
        return name

    def axes(self, name: str, sizes: Sequence[int]) -> Shape:
        """Dimensions that are axes of their own, in the order in which positions are counted."""
        begin = 16 * len(self.inputs)
        return tuple(dim(Axis(f"{name} {at}", size, begin + at)) for at, size in enumerate(sizes))

    def weight(
        self, name: str, shape: Sequence[int], *, trained: int | None = None, tied: str | None = None
    ) -> str:
        """Numbers that are known before the run: added, or those of that name that are there."""
        self.weights.setdefault(name, Weight(name, tuple(shape), 0 if tied else trained, tied))
        return name

    def name(self, wanted: str) -> str:
        """A name that no node of the layer has yet."""
        self._names[f"{self.layer}/{wanted}"] += 1
        number = self._names[f"{self.layer}/{wanted}"]
        return wanted if number == 1 else f"{wanted} {number}"

    def add(self, node: Node) -> str:
        """A node; its key."""
        if node.key in self.shapes:
            raise ArchsimError(f"{node.key}: stands twice; expected one node of a name")
        node = replace(node, shape=completed(node.shape, node.inside, node.key))
        self.nodes.append(node)
        self.shapes[node.key] = node.shape
        return node.key

    def of(self, name: str) -> Shape:
        """The shape of a tensor; of weights, with axes of their own."""
        if name in self.shapes:
            return self.shapes[name]
        return tuple(dim(Axis(f"{name}:{at}", size)) for at, size in enumerate(self.weights[name].shape))

    # Products

    def contraction(
        self,
        name: str,
        first: str,
        second: str,
        letters: str,
        *,
        sizes: Mapping[str, int] | None = None,
        windows: Sequence[tuple[str, str, Interval, int]] = (),
        axes: Mapping[str, Axis] | None = None,
        bias: str | None = None,
        scale: float = 1.0,
        cap: float | None = None,
        mask: Mask | None = None,
        kind: str | None = None,
    ) -> str:
        """A product in Einstein's notation, such as `si,oi->so`. Raises ArchsimError for sizes that do not fit.

        Parameters
        ----------
        name
            Of the node; made unique.
        first, second
            Names of the operands; the second may be weights.
        letters
            Of their dimensions, and of the result's.
        sizes
            Of weights: indices of letters into which they are reshaped.
        windows
            (letter of first, letter of its taps in second, interval, indices of the result).
        axes
            By letter, for dimensions of the result that are new.
        """
        operands, _, result = letters.partition("->")
        one, _, other = operands.partition(",")
        stationary = second in self.weights
        key = f"{self.layer}/{self.name(name)}"
        sizes = dict(sizes or {})
        own = self._second_sizes(key, second, other, sizes) if stationary else ()
        there = dict(zip(other, own, strict=True)) if stationary else dict(zip(other, sizes_of(self.of(second)), strict=True))
        here = dict(zip(one, self.of(first), strict=True)) if len(one) == len(self.of(first)) else None
        if here is None or any(x in there and there[x] != size_of(each) for x, each in here.items()):
            found = f"{key}: {shown(self.of(first))} of {first!r} and {shown(self.of(second))} of {second!r}"
            raise ArchsimError(f"{found} do not fit: expected the same number of inputs in both")
        spans = {x: (interval, size) for x, _, interval, size in windows}

        def made(x: str) -> Dim:
            if x in (axes or {}):
                return dim((axes or {})[x])
            if x in spans and spans[x] != (SAME, size_of(here[x])):
                return dim(Axis(f"{key}:{x}", spans[x][1], here[x][0].axis.order if here[x] else 0))
            if x in here:
                return here[x]
            if stationary:
                return dim(Axis(f"{key}:{x}", there[x], _OUTPUTS))
            kept = self.of(second)[other.index(x)]
            if x in one or any(factor.axis.seen for factor in kept):
                return kept
            # keys may be counted as the queries are: in the result they are another axis
            return dim(Axis(f"{key}:{x}", size_of(kept))) if kept else ()

        layer, _, own_name = key.rpartition("/")
        return self.add(
            Contraction(
                layer=layer,
                name=own_name,
                kind=kind or ("linear" if stationary else "matmul"),
                inputs=(first, second) if bias is None else (first, second, bias),
                shape=tuple(made(x) for x in result),
                first=one,
                second=other,
                result=result,
                stationary=stationary,
                second_sizes=own,
                windows=tuple((x, tap, interval) for x, tap, interval, _ in windows),
                scale=scale,
                cap=cap,
                mask=mask,
            )
        )

    def _second_sizes(self, key: str, name: str, letters: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
        shape = self.weights[name].shape
        if not sizes and len(letters) == len(shape):
            return shape
        own = tuple(sizes[x] for x in letters)
        if prod(own) != prod(shape):
            raise ArchsimError(f"{key}: weights {name!r} are {list(shape)}; expected {prod(own):,} numbers, {list(own)}")
        return own

    def linear(
        self,
        name: str,
        x: str,
        outputs: int,
        *,
        bias: bool = True,
        trained_bias: int | None = None,
        tied: str | None = None,
        weight: str | None = None,
    ) -> str:
        """A projection of the last dimension: weights (outputs, inputs) of the node's name, and a bias.

        trained_bias: trained numbers of the bias, if not as many as it has. tied: the weight whose numbers it has.
        """
        key = f"{self.layer}/{name}"
        shape = self.of(x)
        inputs = size_of(shape[-1]) or 1
        matrix = self.weight(weight or f"{key}.weight", (outputs, inputs), tied=tied)
        vector = self.weight(f"{key}.bias", (outputs,), trained=trained_bias) if bias else None
        rows = _LETTERS[: len(shape) - 1]
        return self.contraction(name, x, matrix, f"{rows}i,oi->{rows}o", bias=vector)

    # Work on rows and single numbers

    def norm(
        self,
        name: str,
        x: str,
        function: Literal["layernorm", "rmsnorm"],
        *,
        epsilon: float,
        shape: Sequence[int] | None = None,
        trained: int | None = None,
    ) -> str:
        """A norm of the last dimension, with a scale and, of a layer norm, a shift, of the shape of a row.

        shape, trained: of the scale, if it is another for each head.
        """
        key = f"{self.layer}/{name}"
        row = tuple(shape or (size_of(self.of(x)[-1]) or 1,))
        shifted = function == "layernorm"
        vectors = [self.weight(f"{key}.scale", row, trained=trained)]
        vectors += [self.weight(f"{key}.shift", row, trained=trained)] if shifted else []
        return self.add(
            Normalise(
                layer=self.layer,
                name=self.name(name),
                kind=function,
                inputs=(x, *vectors),
                shape=self.of(x),
                function=function,
                dims=(len(self.of(x)) - 1,),
                epsilon=epsilon,
                scaled=True,
                shifted=shifted,
            )
        )

    def softmax(self, name: str, x: str, at: int = -1, function: Literal["softmax", "log_softmax"] = "softmax") -> str:
        """Over a dimension."""
        shape = self.of(x)
        return self.add(
            Normalise(
                layer=self.layer,
                name=self.name(name),
                kind="softmax",
                inputs=(x,),
                shape=shape,
                function=function,
                dims=(at % len(shape),),
            )
        )

    def elementwise(self, name: str, kind: str, *xs: str, function: str = "", parameters: Sequence[float] = ()) -> str:
        """A function of numbers at the same index. Raises ArchsimError where shapes do not go together."""
        key = f"{self.layer}/{name}"
        return self.add(
            Elementwise(
                layer=self.layer,
                name=self.name(name),
                kind=kind,
                inputs=xs,
                shape=self._together(key, [self.of(x) for x in xs], [x in self.weights for x in xs]),
                function=function or kind,
                parameters=tuple(parameters),
            )
        )

    def _together(self, key: str, shapes: Sequence[Shape], constant: Sequence[bool]) -> Shape:
        """The dimensions of the first operand that has more than one index there; of weights only where none has."""
        dims = max(map(len, shapes))
        ordered = [shape for _, shape in sorted(zip(constant, shapes, strict=True), key=lambda each: each[0])]
        padded = [((),) * (dims - len(shape)) + shape for shape in ordered]
        found: list[Dim] = []
        for here in zip(*padded, strict=True):
            wide = [each for each in here if size_of(each) != 1]
            if any(size_of(each) != size_of(wide[0]) for each in wide):
                sizes = " and ".join(map(shown, shapes))
                raise ArchsimError(f"{key}: shapes {sizes} do not go together; expected the same sizes, or 1")
            found.append(wide[0] if wide else here[0])
        return tuple(found)

    def reduce(
        self,
        name: str,
        kind: str,
        x: str,
        function: Literal["sum", "mean", "maximum", "minimum", "argmax", "prod", "l2"],
        dims: Sequence[int],
        *,
        kept: bool = False,
    ) -> str:
        """One number of each row, which these dimensions make."""
        shape = self.of(x)
        rows = tuple(sorted(at % len(shape) for at in dims))
        left = tuple(() if at in rows else one for at, one in enumerate(shape) if kept or at not in rows)
        return self.add(
            Reduce(
                layer=self.layer,
                name=self.name(name),
                kind=kind,
                inputs=(x,),
                shape=left,
                function=function,
                dims=rows,
                kept=kept,
            )
        )

    def pool(
        self,
        name: str,
        kind: str,
        x: str,
        function: Literal["maximum", "mean"],
        windows: Sequence[tuple[int, Interval, int]],
        *,
        padding_counts: bool = False,
    ) -> str:
        """The largest or the mean under windows: (dimension, interval, indices of the result)."""
        layer, own = self.layer, self.name(name)
        shape = list(self.of(x))
        for at, _, size in windows:
            order = shape[at][0].axis.order if shape[at] else 0
            shape[at] = dim(Axis(f"{layer}/{own}:{at}", size, order))
        return self.add(
            Pool(
                layer=layer,
                name=own,
                kind=kind,
                inputs=(x,),
                shape=tuple(shape),
                function=function,
                windows=tuple((at, interval) for at, interval, _ in windows),
                padding_counts=padding_counts,
            )
        )

    # Views

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
        return self.add(
            Transpose(layer=self.layer, name=self.name(name), inputs=(x,), shape=moved, order=tuple(order))
        )

    def slice(self, x: str, at: int, start: int, number: int, *, step: int = 1, name: str = "view") -> str:
        """`number` indices of a dimension, each `step` after the one before."""
        shape = list(self.of(x))
        at %= len(shape)
        if (start, number, step) == (0, size_of(shape[at]), 1):
            return x
        layer, own = self.layer, self.name(name)
        shape[at] = self._resized(shape[at], f"{layer}/{own}", number)
        return self.add(
            Slice(layer=layer, name=own, inputs=(x,), shape=tuple(shape), dim=at, start=start, step=step)
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
        return self.add(
            Concat(layer=layer, name=own, inputs=tuple(xs), shape=tuple(made), dim=at, starts=starts)
        )

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

    def keep(self, x: str, span: int | None = None, name: str = "kept") -> str:
        """All positions so far of the first dimension; a position sees the last `span` of them."""
        axis = self.of(x)[0][0].axis
        seen = Axis(f"{axis.name} seen {span or ''}".strip(), axis.size, axis.order, axis.stream, seen=True, span=span)
        shape = ((Factor(seen, 1, axis.size),), *self.of(x)[1:])
        return self.add(Keep(layer=self.layer, name=self.name(name), inputs=(x,), shape=shape))
