"""Networks as files of layers: from such a file to its Graph."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from archsim.graph.graph import Graph
from archsim.graph.layers import Conv, Dense, Embedding, Layer, Lstm, Network, Pool, Residual, Skip
from archsim.graph.recurrent import lstm
from archsim.graph.streams import TOKENS, Stream
from archsim.graph.weave import Kernel, Size, Value, Weaver

_MOST_OPERATORS = 20_000


class LayerError(ValueError):
    """A layer whose sizes do not fit what comes before it; `index` of the outermost list."""


def network(described: Network, digest: str) -> Graph:
    """Make the Graph; raises LayerError with what does not fit."""
    channels, height, width = described.input
    weaver = Weaver()
    value = Value((), channels, (height, width), stream=_sequence(described))
    layers = described.layers
    if described.classes is not None and (last := layers[-1].linear) is not None:
        layers = [*layers[:-1], Layer(linear=last.model_copy(update={"out": described.classes}))]
    for index, layer in enumerate(layers):
        try:
            value = _layer(weaver, layer, value)
        except LayerError as error:
            raise LayerError(f"layers[{index}]: {error}") from None
    feedback = _feedback(weaver, value) if described.generates else None
    return Graph(
        name=described.name,
        description=described.description,
        source=described.source,
        operators=tuple(weaver.operators),
        feedback=feedback,
        max_positions=described.positions or 1,
        digest=digest,
    )


def _sequence(described: Network) -> Stream | None:
    if described.positions is None:
        return None
    return Stream(TOKENS.name, causal=described.generates, grows=described.generates)


def _feedback(weaver: Weaver, value: Value) -> tuple[str, str]:
    """By which a new position comes back in. Of a prompt, what no later position needs is done for its last alone."""
    if value.stream is None or value.stream.every != 1:
        raise LayerError("generates: expected a result at each position")
    weaver.rowwise("argmax", value)
    kept = {edge.source for operator in weaver.operators for edge in operator.inputs if edge.scope == "before"}
    head = max((at + 1 for at, operator in enumerate(weaver.operators) if operator.key in kept), default=0)
    weaver.operators[head:] = [replace(operator, positions="last") for operator in weaver.operators[head:]]
    return weaver.operators[-1].key, weaver.operators[0].key


def _layer(weaver: Weaver, layer: Layer, value: Value) -> Value:
    if len(weaver.operators) > _MOST_OPERATORS:
        raise LayerError(f"more than {_MOST_OPERATORS:,} operators; expected fewer")
    name = next(iter(layer.model_fields_set))
    return _MADE[name](weaver, getattr(layer, name), value)


def _linear(weaver: Weaver, dense: Dense, value: Value) -> Value:
    return weaver.product("linear", value.flat(), dense.out, bias=dense.bias)


def _embedding(weaver: Weaver, table: Embedding, value: Value) -> Value:
    return weaver.rowwise("embedding", replace(value, width=table.out), trained=table.rows * table.out)


def _lstm(weaver: Weaver, layer: Lstm, value: Value) -> Value:
    _require_sequence("lstm", value)
    return lstm(weaver, value, layer.out, layer.biases)


def _plain(weaver: Weaver, kind: str, value: Value) -> Value:
    if kind == "globalpool":
        return weaver.pooled("avgpool", value, (1, 1), Kernel(value.size, value.size))
    return value if kind == "flatten" else weaver.rowwise(kind, value)


def _require_sequence(name: str, value: Value) -> None:
    if value.stream is None:
        raise LayerError(f"{name}: needs a sequence; expected 'positions' beside 'input', such as positions: 1024")


def _stacked(weaver: Weaver, number: int, value: Value) -> Value:
    _require_sequence("stack", value)
    if value.window is not None or not value.sources:
        raise LayerError("stack: expected a layer before it that works at each position")
    return weaver.stacked(value, number)


def _scaled(weaver: Weaver, layers: Sequence[Layer], value: Value) -> Value:
    """Channels times what other layers make of them: one value for all positions of a channel, or one for each."""
    by = _chain(weaver, layers, value)
    if by.width != value.width or by.size not in (value.size, (1, 1)) or by.stream != value.stream:
        raise LayerError(f"scale: gives {_shape(by)} for {_shape(value)}; expected a value for each channel")
    return weaver.rowwise("mul", value, by)


def _conv(weaver: Weaver, conv: Conv, value: Value) -> Value:
    groups = value.width if conv.groups == "depthwise" else int(conv.groups)
    out = conv.out or (value.width if groups > 1 else None)
    if out is None:
        raise LayerError("conv: is missing 'out'")
    if value.width % groups or out % groups:
        raise LayerError(f"conv: {groups} groups do not divide {value.width} channels in and {out} out")
    kernel = Kernel(conv.kernel, conv.stride, conv.pad)
    bias = not conv.norm if conv.bias is None else conv.bias
    size = _out_size(value.size, kernel, lambda span, step: span // step)
    folded = 2 * out if conv.norm else 0
    return weaver.product("conv", value, out, size=size, kernel=kernel, groups=groups, bias=bias, folded=folded)


def _pool(kind: str, weaver: Weaver, pool: Pool, value: Value) -> Value:
    kernel = Kernel(pool.kernel, pool.stride or pool.kernel, pool.pad)
    size = _out_size(value.size, kernel, lambda span, step: -(-span // step) if pool.ceil else span // step)
    return weaver.pooled(kind, value, size, kernel)


def _skip(weaver: Weaver, skip: Skip, value: Value) -> Value:
    if value.window is not None or skip.out < value.width:
        raise LayerError(
            f"skip: gives {skip.out} channels of {value.width}; expected no fewer, of an operator's result"
        )
    return weaver.skipped(value, skip.out, skip.stride)


def _residual(weaver: Weaver, block: Residual, value: Value) -> Value:
    for _ in range(block.repeat):
        main, shortcut = (_chain(weaver, layers, value) for layers in (block.main, block.shortcut))
        if (main.width, main.size, main.stream) != (shortcut.width, shortcut.size, shortcut.stream):
            raise LayerError(f"residual: main gives {_shape(main)}, shortcut {_shape(shortcut)}; expected the same")
        value = weaver.rowwise("add", main, shortcut)
        value = weaver.rowwise(block.then, value) if block.then is not None else value
    return value


def _chain(weaver: Weaver, layers: Sequence[Layer], value: Value) -> Value:
    for layer in layers:
        value = _layer(weaver, layer, value)
    return value


def _shape(value: Value) -> str:
    return f"{value.width} x {value.size[0]} x {value.size[1]}"


def _out_size(size: Size, kernel: Kernel, divide: Callable[[int, int], int]) -> Size:
    down, across = _sizes(size, kernel, divide)
    return down, across


def _sizes(size: Size, kernel: Kernel, divide: Callable[[int, int], int]) -> Iterator[int]:
    for length, wide, step, pad in zip(size, kernel.size, kernel.stride, kernel.pad, strict=True):
        span = length + 2 * pad - wide
        if span < 0:
            raise LayerError(f"a kernel of {wide} does not fit {length} positions padded by {pad}")
        yield divide(span, step) + 1


_MADE: Mapping[str, Callable[[Weaver, Any, Value], Value]] = {
    "conv": _conv,
    "maxpool": partial(_pool, "maxpool"),
    "avgpool": partial(_pool, "avgpool"),
    "linear": _linear,
    "residual": _residual,
    "scale": _scaled,
    "embedding": _embedding,
    "lstm": _lstm,
    "stack": _stacked,
    "skip": _skip,
    "plain": _plain,
}
"""By the one key that a layer has."""
