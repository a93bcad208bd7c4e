"""Making a Graph of layers with sizes, one after the other: what files of layers, ONNX and PyTorch have in common."""

from collections import Counter
from dataclasses import dataclass, field, replace
from math import prod

from archsim.graph.graph import MOST_POSITIONS
from archsim.graph.operators import Edge, Linear, Matmul, Operator, Rowwise, Scope
from archsim.graph.streams import Stream, Window

Size = tuple[int, int]
"""Height and width; a sequence has height 1."""


@dataclass(frozen=True, slots=True)
class Value:
    """What an operator gives: `width` values at each position of a map of `size`.

    sources: the operators that give them, each some of the values (several after a concatenation); none for what
    comes in from outside. window: how positions of the sources are seen where they are not the same; whole: each
    position needs all of theirs. stream: the positions of a sequence whose length a job says; None: those of the map.
    """

    sources: tuple[str, ...]
    width: int
    size: Size = (1, 1)
    window: Window | None = None
    whole: bool = False
    stream: Stream | None = None

    @property
    def positions(self) -> int:
        """Of the map."""
        return prod(self.size)

    def flat(self) -> "Value":
        """All values of all positions as those of a single one."""
        return self if self.positions == 1 else Value(self.sources, self.width * self.positions, whole=True)


@dataclass(frozen=True, slots=True)
class Kernel:
    """Of a convolution or pooling: (height, width) of the kernel, its stride, what is padded before the first.

    apart: from one value under the kernel to the next, in positions.
    """

    size: Size = (1, 1)
    stride: Size = (1, 1)
    pad: Size = (0, 0)
    apart: Size = (1, 1)

    @property
    def span(self) -> Size:
        """Positions from the first value to the last."""
        return (self.size[0] - 1) * self.apart[0] + 1, (self.size[1] - 1) * self.apart[1] + 1


@dataclass
class Weaver:
    """Operators so far. Each product with weights begins a layer, which is named after it."""

    operators: list[Operator] = field(default_factory=list)
    layer: str = "input"
    _names: Counter[str] = field(default_factory=Counter)

    def product(
        self,
        name: str,
        value: Value,
        out: int,
        *,
        size: Size | None = None,
        kernel: Kernel | None = None,
        groups: int = 1,
        bias: bool = True,
        folded: int = 0,
    ) -> Value:
        """A projection at each position, or a convolution whose result is a map of `size`."""
        self._begin(name)
        kernel = kernel or Kernel()
        size = size or value.size
        linear = Linear(
            layer=self.layer,
            name=self._unique("product"),
            inputs=self._edges(value, size, kernel),
            in_features=value.width * prod(kernel.size),
            out_features=out,
            groups=groups,
            bias=bias,
            folded=folded,
            stream=value.stream or _stream(size),
        )
        return self._put(linear, out, size)

    def multiplied(self, name: str, first: Value, second: Value, heads: int, out: int, *, scored: bool) -> Value:
        """A product of two operands made at run time: rows of the first with all positions of the second."""
        keys = second.positions if scored else first.width // heads
        matmul = Matmul(
            layer=self.layer,
            name=self._unique(name),
            inputs=(*self._edges(first, first.size, Kernel()), *(Edge(source, "all") for source in second.sources)),
            heads=heads,
            head_dim=first.width // heads if scored else out // heads,
            stored=second.width,
            scores=scored,
            stream=_stream(first.size),
            sees=_stream((1, keys)),
        )
        return self._put(matmul, out, first.size)

    def pooled(self, kind: str, value: Value, size: Size, kernel: Kernel) -> Value:
        """The largest or the mean of each window of each channel; a kernel as large as the map takes all of it."""
        inputs = self._edges(value, size, kernel)
        rows = Rowwise(
            layer=self.layer,
            name=self._unique(kind),
            kind=kind,
            inputs=inputs,
            rows=value.width,
            width=prod(kernel.size),
            out=value.width,
            operands=1,
            stream=_stream(size),
        )
        return self._put(rows, value.width, size)

    def rowwise(self, kind: str, *values: Value, rows: int = 1, trained: int = 0, name: str = "") -> Value:
        """Values worked on where they are, `rows` rows at each position.

        Several operands of one shape, or one for each channel, which all positions take.
        """
        first = max(values, key=lambda value: (bool(value.sources), value.positions, value.width))
        moving = [value for value in values if value.sources]
        edges = dict.fromkeys(edge for value in moving for edge in self._edges(value, first.size, Kernel()))
        made = Rowwise(
            layer=self.layer,
            name=self._unique(name or kind),
            kind=kind,
            inputs=tuple(edges),
            rows=rows,
            width=first.width // rows,
            operands=max(1, len(moving)),
            trained=trained,
            stream=first.stream or _stream(first.size),
        )
        return self._put(made, first.width, first.size)

    def stacked(self, value: Value, number: int) -> Value:
        """So many positions of a sequence in a row as one; no work, but it waits for the last of them."""
        stream = value.stream or _stream(value.size)
        longer = (1, MOST_POSITIONS)
        return replace(
            value,
            width=value.width * number,
            window=Window(longer, longer, kernel=(1, number), stride=(1, number)),
            stream=replace(stream, name=f"{stream.name} / {number}", every=stream.every * number),
        )

    def skipped(self, value: Value, width: int, stride: Size) -> Value:
        """Every so many positions of a map, with zeros up to `width` values; no work."""
        down, across = (-(-length // step) for length, step in zip(value.size, stride, strict=True))
        size = (down, across)
        return replace(value, width=width, size=size, window=Window(value.size, size, stride=stride), stream=None)

    def recurs(self, name: str, width: int) -> None:
        """Let the last operator also take `width` values of the position before, from one of its layer yet to come."""
        last = self.operators[-1]
        inputs = (*last.inputs, Edge(f"{self.layer}/{name}", "before"))
        if isinstance(last, Linear):
            self.operators[-1] = replace(last, inputs=inputs, in_features=last.in_features + width)
        elif isinstance(last, Rowwise):
            self.operators[-1] = replace(last, inputs=inputs, operands=(last.operands or 1) + 1)

    def gives(self, kind: str, value: Value) -> bool:
        """Whether a value comes from an operator of this kind."""
        return any(each.kind == kind for each in self.operators if each.key in value.sources)

    def fold(self, value: Value, trained: int) -> bool:
        """Make a scale or shift of each channel part of the product that it follows; False where there is none."""
        last = next(
            (at for at, each in reversed(list(enumerate(self.operators))) if value.sources == (each.key,)), None
        )
        if last is None or value.window is not None:
            return False
        product = self.operators[last]
        if not isinstance(product, Linear):
            return False
        self.operators[last] = replace(product, folded=product.folded + trained)
        return True

    def joined(self, *values: Value) -> Value:
        """Channels of several values side by side: no work, but whoever reads them waits for all."""
        sources = tuple(dict.fromkeys(source for value in values for source in value.sources))
        return Value(sources, sum(value.width for value in values), values[0].size, stream=values[0].stream)

    def _begin(self, name: str) -> None:
        number = sum(isinstance(operator, Linear) for operator in self.operators) + 1
        self.layer = f"{number} {name}"

    def _unique(self, name: str) -> str:
        self._names[f"{self.layer}/{name}"] += 1
        number = self._names[f"{self.layer}/{name}"]
        return name if number == 1 else f"{name} {number}"

    def _edges(self, value: Value, size: Size, kernel: Kernel) -> tuple[Edge, ...]:
        """The same position where nothing is moved; else what lies under the kernel, or all."""
        if value.whole or (value.window is not None and kernel != Kernel()):
            return tuple(Edge(source, "all") for source in value.sources)
        window = value.window
        if window is None and kernel != Kernel():
            window = Window(value.size, size, kernel.span, kernel.stride, kernel.pad)
        if window is not None:
            return tuple(Edge(source, "window", window) for source in value.sources)
        scope: Scope = "same" if prod(size) == value.positions else "all"
        return tuple(Edge(source, scope) for source in value.sources)

    def _put(self, operator: Operator, width: int, size: Size) -> Value:
        self.operators.append(operator)
        return Value((operator.key,), width, size, stream=operator.stream if operator.stream.length is None else None)


def grown(value: Value, width: int, times: Size) -> Value:
    """Each position becomes several, both ways: channels shuffled out, or values repeated."""
    size = (value.size[0] * times[0], value.size[1] * times[1])
    return replace(value, width=width, size=size, window=Window(value.size, size, grow=times))


def _stream(size: Size) -> Stream:
    return Stream(f"{size[0]} x {size[1]}", length=prod(size))
