"""Networks as files of layers: from such a file to its Graph.

A map of pixels is a tensor [channels, height, width], a sequence [positions, values]; else there are values alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import Any

from archsim.graph.axes import Axis, dim, size_of, sizes_of
from archsim.graph.builder import Builder
from archsim.graph.graph import Graph, make_graph
from archsim.graph.layers import (
    Attention,
    Conv,
    Dense,
    Embedding,
    Layer,
    LayerError,
    Lstm,
    Network,
    Pool,
    Residual,
    Skip,
)
from archsim.graph.maps import convolved, pooled, skipped
from archsim.graph.nodes import Normalise
from archsim.graph.recurrent import lstm
from archsim.graph.sequence_nodes import Embedding as Rows
from archsim.graph.streams import TOKENS, Stream
from archsim.graph.views import Stack
from archsim.graph.windowed import attended

_MOST_NODES = 8_000
_SEQUENCE, _MAP = 2, 3
"""Dimensions."""
_LRN = (5, 1e-4, 0.75, 1.0)
"""Of AlexNet: channels, alpha, beta, bias."""
_EPSILON = 1e-5
"""Of layer norms."""


def network(described: Network, digest: str) -> Graph:
    """Make the Graph; raises LayerError with what does not fit."""
    layers = described.layers
    if described.classes is not None and (last := layers[-1].linear) is not None:
        layers = [*layers[:-1], Layer(linear=last.model_copy(update={"out": described.classes}))]
    builder = Builder()
    x = _input(builder, described)
    made = _Layers(builder, _recurrences(layers) if described.generates else None)
    for index, layer in enumerate(layers):
        try:
            x = made.chain([layer], x)
        except LayerError as error:
            raise LayerError(f"layers[{index}]: {error}") from None
    graph = make_graph(
        described.name,
        described.description,
        builder.inputs,
        builder.nodes,
        list(builder.weights.values()),
        (x, made.token(x)) if described.generates else (x,),
        source=described.source,
        max_positions=described.positions or 1,
        digest=digest,
    )
    feedback = (graph.operators[-1].key, graph.operators[0].key) if described.generates else None
    return replace(graph, feedback=feedback)


def _input(builder: Builder, described: Network) -> str:
    """Where the first layer looks rows up in a table, one whole number, whatever the file says of its values."""
    table = described.layers[0].embedding
    rows = None if table is None else table.rows
    sizes = described.input if prod(described.input[1:]) > 1 else described.input[:1]
    if rows is not None and len(sizes) > 1:
        raise LayerError("layers[0]: embedding: takes one whole number at a position; expected input: 1")
    name = "vector" if len(sizes) == 1 else "image"
    shape = builder.axes(name, () if rows else sizes)
    if described.positions is None:
        return builder.input("tokens" if rows else name, shape, whole=rows)
    stream = Stream(TOKENS.name, causal=described.generates, grows=described.generates)
    shape = (dim(Axis(stream.name, None, stream=stream)), *shape)
    return builder.input("tokens" if rows else "sequence", shape, whole=rows, stream=stream)


def _recurrences(layers: Sequence[Layer]) -> int:
    """LSTMs of all layers."""
    found = 0
    for layer in layers:
        found += (layer.lstm is not None) + _recurrences(layer.scale or ())
        if (block := layer.residual) is not None:
            found += block.repeat * _recurrences([*block.main, *block.shortcut])
    return found


@dataclass
class _Layers:
    """Layers so far. Each product with weights begins a layer of the Graph, which is named after it.

    recurrences: of a network that generates, the LSTMs yet to come; chosen: by tensor, its last position. blocks: so
    far; inside: whether layers are those of a block.
    """

    builder: Builder
    recurrences: int | None
    products: int = 0
    chosen: dict[str, str] = field(default_factory=dict)
    blocks: int = 0
    inside: bool = False

    def chain(self, layers: Sequence[Layer], x: str) -> str:
        """Layers in a row; the last one's result."""
        if len(self.builder.nodes) > _MOST_NODES:
            raise LayerError(f"more than {_MOST_NODES:,} operators; expected fewer")
        for layer in layers:
            name = next(iter(layer.model_fields_set))
            x = _MADE[name](self, getattr(layer, name), self.needed(x))
        return self.needed(x)

    def needed(self, x: str) -> str:
        """Of a prompt, what no later position needs is done for its last alone."""
        if self.recurrences != 0 or self.builder.of(x)[0][0].axis.at == "last":
            return x
        if x not in self.chosen:
            self.chosen[x] = self.builder.choose(x, "last")
        return self.chosen[x]

    def token(self, x: str) -> str:
        """The index of the largest value, which is the next position's input."""
        stream = self.stream(x)
        if stream is None or stream.every != 1:
            raise LayerError("generates: expected a result at each position")
        return self.builder.reduce("argmax", "argmax", x, "argmax", [1])

    def begin(self, name: str) -> str:
        """A layer of the Graph, unless a block is one; the name of its product."""
        self.products += 1
        if self.inside:
            return f"{self.products} {name}"
        self.builder.layer = f"{self.products} {name}"
        return "product"

    def stream(self, x: str) -> Stream | None:
        """Of a sequence."""
        shape = self.builder.of(x)
        return shape[0][0].axis.stream if len(shape) == _SEQUENCE else None

    def sequence(self, name: str, x: str) -> Stream:
        """Of what must be a sequence."""
        stream = self.stream(x)
        if stream is None:
            raise LayerError(f"{name}: needs a sequence; expected 'positions' beside 'input', such as positions: 1024")
        return stream

    def channels(self, x: str) -> int:
        """The dimension of channels, or of values."""
        return 0 if self.stream(x) is None else 1

    def sizes(self, x: str) -> tuple[int, int, int]:
        """Channels, height, width."""
        found = sizes_of(self.builder.of(x)[self.channels(x) :])
        channels, height, width = (size or 1 for size in (*found, 1, 1)[:_MAP])
        return channels, height, width

    def map(self, name: str, x: str) -> str:
        """A map, or values as one of a single pixel."""
        if self.stream(x) is not None:
            raise LayerError(f"{name}: needs a map of pixels, found a sequence; expected 'input' without 'positions'")
        return self.builder.reshape(x, self.sizes(x))

    def flat(self, x: str) -> str:
        """All values of a map: of the first channel row by row, then of the next."""
        return x if self.stream(x) is not None else self.builder.reshape(x, (prod(self.sizes(x)),))

    def together(self, x: str, other: str) -> tuple[str, str]:
        """A map and values both as maps."""
        if {len(self.builder.of(x)), len(self.builder.of(other))} == {1, _MAP}:
            return self.map("", x), self.map("", other)
        return x, other

    def shown(self, x: str) -> str:
        """Sizes for a message."""
        return " x ".join(map(str, self.sizes(x)))


def _linear(made: _Layers, dense: Dense, x: str) -> str:
    name = made.begin("linear")
    return made.builder.linear(name, made.flat(x), dense.out, bias=dense.bias)


def _conv(made: _Layers, conv: Conv, x: str) -> str:
    x = made.map("conv", x)
    name = made.begin("conv")
    return convolved(made.builder, conv, x, name)


def _pool(kind: str, made: _Layers, pool: Pool, x: str) -> str:
    return pooled(made.builder, kind, pool, made.map(kind, x))


def _skip(made: _Layers, skip: Skip, x: str) -> str:
    return skipped(made.builder, skip, made.map("skip", x))


def _plain(made: _Layers, kind: str, x: str) -> str:
    builder, at = made.builder, made.channels(x)
    if kind == "globalpool":
        return pooled(builder, "avgpool", Pool(kernel=made.sizes(x)[1:]), made.map(kind, x))
    if kind == "flatten":
        return made.flat(x)
    if kind == "softmax":
        return builder.softmax(kind, x, at)
    if kind == "layernorm":
        return _layernorm(builder, x, at)
    if kind != "lrn":
        return builder.elementwise(kind, kind, x)
    name, shape = builder.name(kind), builder.of(x)
    return builder.add(
        Normalise(
            layer=builder.layer,
            name=name,
            kind=kind,
            inputs=(x,),
            shape=shape,
            function="lrn",
            dims=(at,),
            parameters=_LRN,
        )
    )


def _layernorm(builder: Builder, x: str, at: int) -> str:
    """Of the channels of each pixel."""
    name, shape = builder.name("layernorm"), builder.of(x)
    key = f"{builder.layer}/{name}"
    vectors = (builder.weight(f"{key}.{part}", (size_of(shape[at]) or 1,)) for part in ("scale", "shift"))
    return builder.add(
        Normalise(
            layer=builder.layer,
            name=name,
            kind="layernorm",
            inputs=(x, *vectors),
            shape=shape,
            function="layernorm",
            dims=(at,),
            epsilon=_EPSILON,
            scaled=True,
            shifted=True,
        )
    )


def _attention(made: _Layers, attention: Attention, x: str) -> str:
    return attended(made.builder, attention, made.map("attention", x), lambda: made.begin("linear"))


def _block(made: _Layers, layers: Sequence[Layer], x: str) -> str:
    if made.inside:
        raise LayerError("block: stands inside of a block; expected layers")
    made.inside = True
    made.blocks += 1
    made.builder.layer = f"block {made.blocks}"
    x = made.chain(layers, x)
    made.builder.layer, made.inside = f"after {made.builder.layer}", False
    return x


def _embedding(made: _Layers, table: Embedding, x: str) -> str:
    builder, tokens = made.builder, made.builder.inputs[0]
    if tokens.whole is None or x not in (tokens.name, made.chosen.get(tokens.name)):
        raise LayerError("embedding: takes whole numbers; expected it to be the first layer")
    key = f"{builder.layer}/embedding"
    weight = builder.weight(f"{key}.weight", (table.rows, table.out))
    shape = (*builder.of(x), dim(Axis(f"{key}:", table.out)))
    return builder.add(Rows(layer=builder.layer, name="embedding", kind="embedding", inputs=(x, weight), shape=shape))


def _lstm(made: _Layers, layer: Lstm, x: str) -> str:
    made.sequence("lstm", x)
    made.begin("lstm")
    if made.recurrences is not None:
        made.recurrences -= 1
    return lstm(made.builder, x, layer.out, layer.biases)


def _stack(made: _Layers, number: int, x: str) -> str:
    stream = made.sequence("stack", x)
    builder, (positions, values) = made.builder, made.builder.of(x)
    longer = replace(stream, name=f"{stream.name} / {number}", every=stream.every * number)
    axis = replace(positions[0].axis, name=longer.name, stream=longer)
    name = builder.name("stack")
    shape = (dim(axis), dim(Axis(f"{builder.layer}/{name}:", (size_of(values) or 1) * number)))
    return builder.add(Stack(layer=builder.layer, name=name, inputs=(x,), shape=shape, number=number))


def _residual(made: _Layers, block: Residual, x: str) -> str:
    for _ in range(block.repeat):
        main, shortcut = (made.chain(layers, x) for layers in (block.main, block.shortcut))
        main, shortcut = made.together(made.needed(main), shortcut)
        if made.sizes(main) != made.sizes(shortcut) or made.stream(main) != made.stream(shortcut):
            found = f"main gives {made.shown(main)}, shortcut {made.shown(shortcut)}"
            raise LayerError(f"residual: {found}; expected the same")
        x = made.builder.elementwise("add", "add", main, shortcut)
        x = _plain(made, block.then, x) if block.then is not None else x
    return x


def _scale(made: _Layers, layers: Sequence[Layer], x: str) -> str:
    """Channels times what other layers make of them: one value for all positions of a channel, or one for each."""
    by = made.chain(layers, x)
    x, by = made.together(made.needed(x), by)
    channels, *size = made.sizes(by)
    if (
        channels != made.sizes(x)[0]
        or tuple(size) not in (made.sizes(x)[1:], (1, 1))
        or made.stream(x) != made.stream(by)
    ):
        raise LayerError(f"scale: gives {made.shown(by)} for {made.shown(x)}; expected a value for each channel")
    return made.builder.elementwise("mul", "mul", x, by)


_MADE: Mapping[str, Callable[[_Layers, Any, str], str]] = {
    "conv": _conv,
    "maxpool": partial(_pool, "maxpool"),
    "avgpool": partial(_pool, "avgpool"),
    "linear": _linear,
    "residual": _residual,
    "scale": _scale,
    "embedding": _embedding,
    "lstm": _lstm,
    "stack": _stack,
    "skip": _skip,
    "attention": _attention,
    "block": _block,
    "plain": _plain,
}
"""By the one key that a layer has."""
