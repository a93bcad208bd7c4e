"""Networks as files of layers: convolutions, pooling, residual blocks; the shape of such a file, and its Graph."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from archsim import units
from archsim.errors import did_you_mean, quoted
from archsim.graph.graph import Graph
from archsim.graph.weave import Kernel, Size, Value, Weaver
from archsim.parts.quantity import Count, Name, Truth, choice, count, field_type

SCHEMA = "archsim.network/1"
_PLAIN = ("relu", "relu6", "sigmoid", "tanh", "softmax", "hardswish", "silu", "gelu", "lrn")
_WORDS = ("globalpool", "flatten")
_WITH_SIZES = ("conv", "maxpool", "avgpool", "linear", "residual")
_MOST_OPERATORS = 20_000


def _pair(least: int) -> Callable[[object], Size]:
    def parse(given: object) -> Size:
        texts = given if isinstance(given, list) else [given, given]
        if isinstance(given, tuple):
            return given
        try:
            sizes = [units.whole(str(text)) for text in texts]
        except units.UnitError as error:
            raise PydanticCustomError("pair", "{why}", {"why": str(error)}) from None
        if len(sizes) != 2 or min(sizes) < least:  # noqa: PLR2004 - height and width
            found = "found {given}; expected a whole number of at least {least}, or [height, width] of such"
            raise PydanticCustomError("pair", found, {"given": ", ".join(map(str, texts[:3])), "least": least})
        return sizes[0], sizes[1]

    return parse


Pair = Annotated[tuple[int, int], PlainValidator(_pair(1))]
PairOrNone = Annotated[tuple[int, int], PlainValidator(_pair(0))]
"""Height and width: one number for both, or two."""


def _groups(text: str) -> int | str:
    if text == "depthwise":
        return text
    try:
        return count(text)
    except units.UnitError:
        raise units.UnitError(f"found {quoted(text)}; expected 'depthwise' or a whole number of at least 1") from None


Groups = Annotated[int | str, field_type(_groups, int)]


def _input(given: object) -> tuple[int, int, int]:
    texts = given if isinstance(given, list) else [given, "1", "1"]
    try:
        sizes = [count(str(text)) for text in texts]
    except units.UnitError as error:
        raise PydanticCustomError("input", "{why}", {"why": str(error)}) from None
    if len(sizes) != 3:  # noqa: PLR2004 - channels, height, width
        raise PydanticCustomError("input", "found {n} sizes; expected [channels, height, width]", {"n": len(sizes)})
    return sizes[0], sizes[1], sizes[2]


Input = Annotated[tuple[int, int, int], PlainValidator(_input)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Conv(_Strict):
    """out: channels; kernel, stride, pad: of both directions, or [height, width]; groups: a count, or `depthwise`.

    norm: a batch norm follows, which is folded into the weights (and stands for the bias).
    """

    out: Count | None = None
    kernel: Pair
    stride: Pair = (1, 1)
    pad: PairOrNone = (0, 0)
    groups: Groups = 1
    bias: Truth | None = None
    norm: Truth = False


class Pool(_Strict):
    """kernel, stride (the kernel's, if not given), pad: of both directions, or [height, width]. ceil: a part counts."""

    kernel: Pair
    stride: Pair | None = None
    pad: PairOrNone = (0, 0)
    ceil: Truth = False


class Dense(_Strict):
    """out: values."""

    out: Count
    bias: Truth = True


class Residual(_Strict):
    """`main` and `shortcut` (nothing, if not given) from the same input, added, `then` acted on; `repeat` times."""

    main: list["Layer"]
    shortcut: list["Layer"] = Field(default_factory=list)
    then: Annotated[str, choice(_PLAIN)] | None = None
    repeat: Count = 1


class Layer(_Strict):
    """One layer; exactly one of its keys."""

    conv: Conv | None = None
    maxpool: Pool | None = None
    avgpool: Pool | None = None
    linear: Dense | None = None
    residual: Residual | None = None
    plain: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _word(cls, data: Any) -> Any:  # noqa: ANN401 - what a YAML file holds
        words = (*_PLAIN, *_WORDS)
        if isinstance(data, str) and data in words:
            return {"plain": data}
        if isinstance(data, dict) and len(data) != 1:
            message = "found {n} keys; expected one layer, such as relu or conv: {{…}}"
            raise PydanticCustomError("layer", message, {"n": len(data)})
        name = next(iter(data), "") if isinstance(data, dict) else str(data)
        if name not in _WITH_SIZES:
            known = did_you_mean(name, (*words, *_WITH_SIZES))
            raise PydanticCustomError("layer", "found {name}. {known}", {"name": quoted(name), "known": known})
        return data


class Network(_Strict):
    """A network by its layers; `input` is [channels, height, width], or the values of a vector."""

    schema_id: Literal["archsim.network/1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: Name | None = None
    input: Input
    layers: list[Layer]

    @model_validator(mode="after")
    def _has_layers(self) -> "Network":
        if not self.layers:
            raise PydanticCustomError("layers", "'layers' is empty; expected at least one layer", {})
        return self


class LayerError(ValueError):
    """A layer whose sizes do not fit what comes before it; `index` of the outermost list."""


def network(described: Network, digest: str) -> Graph:
    """Make the Graph; raises LayerError with what does not fit."""
    channels, height, width = described.input
    weaver = Weaver()
    value = Value((), channels, (height, width))
    for index, layer in enumerate(described.layers):
        try:
            value = _layer(weaver, layer, value)
        except LayerError as error:
            raise LayerError(f"layers[{index}]: {error}") from None
    return Graph(
        name=described.name,
        description=described.description,
        source=described.source,
        operators=tuple(weaver.operators),
        feedback=None,
        max_positions=1,
        digest=digest,
    )


def _layer(weaver: Weaver, layer: Layer, value: Value) -> Value:
    if len(weaver.operators) > _MOST_OPERATORS:
        raise LayerError(f"more than {_MOST_OPERATORS:,} operators; expected fewer")
    if layer.conv is not None:
        return _conv(weaver, layer.conv, value)
    if layer.linear is not None:
        return weaver.product("linear", value.flat(), layer.linear.out, bias=layer.linear.bias)
    for kind, pool in (("maxpool", layer.maxpool), ("avgpool", layer.avgpool)):
        if pool is not None:
            return _pool(weaver, kind, pool, value)
    if layer.residual is not None:
        return _residual(weaver, layer.residual, value)
    return _plain(weaver, str(layer.plain), value)


def _plain(weaver: Weaver, kind: str, value: Value) -> Value:
    if kind == "globalpool":
        return weaver.pooled("avgpool", value, (1, 1), Kernel(value.size, value.size))
    return value if kind == "flatten" else weaver.rowwise(kind, value)


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


def _pool(weaver: Weaver, kind: str, pool: Pool, value: Value) -> Value:
    kernel = Kernel(pool.kernel, pool.stride or pool.kernel, pool.pad)
    size = _out_size(value.size, kernel, lambda span, step: -(-span // step) if pool.ceil else span // step)
    return weaver.pooled(kind, value, size, kernel)


def _residual(weaver: Weaver, block: Residual, value: Value) -> Value:
    for _ in range(block.repeat):
        main, shortcut = (_chain(weaver, layers, value) for layers in (block.main, block.shortcut))
        if (main.width, main.size) != (shortcut.width, shortcut.size):
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
