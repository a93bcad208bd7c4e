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
from archsim.graph.layers import Conv, Dense, Embedding, Layer, Lstm, Network, Pool, Residual, Size, Skip
from archsim.graph.nodes import Normalise
from archsim.graph.recurrent import lstm
from archsim.graph.sequence_nodes import Embedding as Rows
from archsim.graph.streams import TOKENS, Stream
from archsim.graph.views import Pad, Stack
from archsim.graph.windows import Interval

_MOST_NODES = 20_000
_SEQUENCE, _MAP = 2, 3
"""Dimensions."""
_LRN = (5, 1e-4, 0.75, 1.0)
"""Of AlexNet: channels, alpha, beta, bias."""


class LayerError(ValueError):
    """A layer whose sizes do not fit what comes before it; `index` of the outermost list."""


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
            x = made.layer(layer, x)
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
    """Whole numbers where the first layer looks them up in a table."""
    table = described.layers[0].embedding
    rows = None if table is None else table.rows
    sizes = described.input if prod(described.input[1:]) > 1 else described.input[:1]
    if rows is not None and sizes != (1,):
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

    recurrences: of a network that generates, the LSTMs yet to come; chosen: by tensor, its last position.
    """

    builder: Builder
    recurrences: int | None
    products: int = 0
    chosen: dict[str, str] = field(default_factory=dict)

    def layer(self, layer: Layer, x: str) -> str:
        """One layer more; its result."""
        if len(self.builder.nodes) > _MOST_NODES:
            raise LayerError(f"more than {_MOST_NODES:,} operators; expected fewer")
        name = next(iter(layer.model_fields_set))
        return _MADE[name](self, getattr(layer, name), self.needed(x))

    def chain(self, layers: Sequence[Layer], x: str) -> str:
        """Layers in a row."""
        for layer in layers:
            x = self.layer(layer, x)
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
        return self.builder.reduce("argmax", "argmax", self.needed(x), "argmax", [1])

    def begin(self, name: str) -> None:
        """A layer of the Graph."""
        self.products += 1
        self.builder.layer = f"{self.products} {name}"

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
    made.begin("linear")
    return made.builder.linear("product", made.flat(x), dense.out, bias=dense.bias)


def _conv(made: _Layers, conv: Conv, x: str) -> str:
    channels, height, width = made.sizes(x)
    groups = channels if conv.groups == "depthwise" else int(conv.groups)
    out = conv.out or (channels if groups > 1 else None)
    if out is None:
        raise LayerError("conv: is missing 'out'")
    if channels % groups or out % groups:
        raise LayerError(f"conv: {groups} groups do not divide {channels} channels in and {out} out")
    windows = _windows((height, width), conv.kernel, conv.stride, conv.pad)
    x = made.map("conv", x)
    made.begin("conv")
    builder, key = made.builder, f"{made.builder.layer}/product"
    weight = builder.weight(f"{key}.weight", (out, channels // groups, *conv.kernel))
    has_bias = not conv.norm if conv.bias is None else conv.bias
    trained = out * (has_bias + 2 * conv.norm)  # a batch norm, which is folded in, has a scale and a shift
    bias = builder.weight(f"{key}.bias", (out,), trained=trained) if trained else None
    taps = [(row, tap, *window) for row, tap, window in zip("hw", "kl", windows, strict=True)]
    if groups == 1:
        return builder.contraction("product", x, weight, "ihw,oikl->ohw", windows=taps, bias=bias)
    sizes = {"g": groups, "o": out // groups, "i": channels // groups, "k": conv.kernel[0], "l": conv.kernel[1]}
    x = builder.split(x, 0, groups, channels // groups)
    x = builder.contraction("product", x, weight, "gihw,goikl->gohw", sizes=sizes, windows=taps, bias=bias)
    return builder.merge(x, 0, 2)


def _pool(kind: str, made: _Layers, pool: Pool, x: str) -> str:
    if any(pad >= kernel for pad, kernel in zip(pool.pad, pool.kernel, strict=True)):
        raise LayerError(f"{kind}: a window would lie in the padding alone; expected a pad less than the kernel")
    windows = _windows(made.sizes(x)[1:], pool.kernel, pool.stride or pool.kernel, pool.pad, ceil=pool.ceil)
    function = "maximum" if kind == "maxpool" else "mean"
    numbered = [(at, *window) for at, window in enumerate(windows, 1)]
    return made.builder.pool(kind, kind, made.map(kind, x), function, numbered)


def _windows(size: Size, kernel: Size, stride: Size, pad: Size, *, ceil: bool = False) -> list[tuple[Interval, int]]:
    """Of height and width, with the size of the result. ceil: a window that lies partly outside counts."""
    found = []
    for length, wide, step, before in zip(size, kernel, stride, pad, strict=True):
        span = length + 2 * before - wide
        if span < 0:
            raise LayerError(f"a kernel of {wide} does not fit {length} positions padded by {before}")
        number = span // step + 1
        if ceil and span % step and number * step < length + before:  # it begins inside
            number += 1
        found.append((Interval(wide, step, before), number))
    return found


def _plain(made: _Layers, kind: str, x: str) -> str:
    builder, at = made.builder, made.channels(x)
    if kind == "globalpool":
        size = made.sizes(x)[1:]
        return _pool("avgpool", made, Pool(kernel=size), x)
    if kind == "flatten":
        return made.flat(x)
    if kind == "softmax":
        return builder.softmax(kind, x, at)
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


def _skip(made: _Layers, skip: Skip, x: str) -> str:
    """Zeros are channels on both sides, as many before as after."""
    channels, *size = made.sizes(x)
    more = skip.out - channels
    if more < 0:
        raise LayerError(f"skip: gives {skip.out} channels of {channels}; expected no fewer")
    builder, x = made.builder, made.map("skip", x)
    for at, (length, step) in enumerate(zip(size, skip.stride, strict=True), 1):
        x = builder.slice(x, at, 0, -(-length // step), step=step)
    if not more:
        return x
    name, before = builder.name("pad"), more // 2
    shape = (dim(Axis(f"{builder.layer}/{name}:", skip.out)), *builder.of(x)[1:])
    sides = {"before": (before, 0, 0), "after": (more - before, 0, 0)}
    return builder.add(Pad(layer=builder.layer, name=name, inputs=(x,), shape=shape, **sides))


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
    "plain": _plain,
}
"""By the one key that a layer has."""
