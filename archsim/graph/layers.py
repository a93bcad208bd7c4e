"""The shape of a file of layers: convolutions, pooling, residual blocks, LSTMs."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from archsim import units
from archsim.errors import did_you_mean, quoted
from archsim.parts.quantity import Count, Name, Truth, choice, count, field_type

SCHEMA = "archsim.network/1"
Size = tuple[int, int]
"""Height and width."""
_PLAIN = ("relu", "relu6", "sigmoid", "tanh", "softmax", "hardswish", "silu", "gelu", "lrn")
_WORDS = ("globalpool", "flatten", "layernorm")
_WITH_SIZES = (
    *("conv", "maxpool", "avgpool", "linear", "residual", "scale", "embedding", "lstm", "stack", "skip"),
    *("attention", "block"),
)


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


class LayerError(ValueError):
    """A layer whose sizes do not fit what comes before it."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Conv(_Strict):
    """out: channels; kernel, stride, pad: of both directions, or [height, width]; groups: a count, or `depthwise`.

    norm: a batch norm follows, which is folded into the weights (and stands for the bias). scaled: a trained number
    for each channel multiplies it, and is folded in too.
    """

    out: Count | None = None
    kernel: Pair
    stride: Pair = (1, 1)
    pad: PairOrNone = (0, 0)
    groups: Groups = 1
    bias: Truth | None = None
    norm: Truth = False
    scaled: Truth = False


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


class Skip(_Strict):
    """Every `stride`-th pixel, with channels of zeros up to `out`, as many before as after: a shortcut without work."""

    out: Count
    stride: Pair = (1, 1)


class Embedding(_Strict):
    """A table of `rows`, of which each position brings one of `out` values."""

    rows: Count
    out: Count


class Lstm(_Strict):
    """out: values of the hidden state; biases: trained vectors, of which some libraries have two."""

    out: Count
    biases: Count = 1


class Attention(_Strict):
    """Attention of the pixels of a map to each other, in windows [height, width] (all of the map, if not given).

    shift: the map is moved up and left by so much before, and back after, with a mask between what is not next to each
    other. distances: scores get a trained bias by the distance in a window. bias: of both projections.
    """

    heads: Count
    window: Pair | None = None
    shift: PairOrNone = (0, 0)
    distances: Truth = False
    bias: Truth = True


class Layer(_Strict):
    """One layer; exactly one of its keys.

    scale: layers by whose result each channel is multiplied; stack: so many positions of a sequence become one; block:
    layers that share the digital units of a place on the chip, where else each product has its own.
    """

    conv: Conv | None = None
    maxpool: Pool | None = None
    avgpool: Pool | None = None
    linear: Dense | None = None
    residual: Residual | None = None
    scale: list["Layer"] | None = None
    embedding: Embedding | None = None
    lstm: Lstm | None = None
    stack: Count | None = None
    skip: Skip | None = None
    attention: Attention | None = None
    block: list["Layer"] | None = None
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
    """A network by its layers; `input` is [channels, height, width], or the values of a vector.

    positions: of the longest sequence, where the input is one of vectors; how long one is, a job says. generates: the
    largest of the last values is the next position's input. classes: columns of the last product, for a file that
    extends another.
    """

    schema_id: Literal["archsim.network/1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: Name | None = None
    input: Input
    positions: Count | None = None
    generates: Truth = False
    classes: Count | None = None
    layers: list[Layer]

    @model_validator(mode="after")
    def _has_layers(self) -> "Network":
        if not self.layers:
            raise PydanticCustomError("layers", "'layers' is empty; expected at least one layer", {})
        if self.classes is not None and self.layers[-1].linear is None:
            raise PydanticCustomError("classes", "'classes' needs a 'linear' as the last layer", {})
        if self.positions is not None and self.input[1:] != (1, 1):
            raise PydanticCustomError("positions", "'positions' are of a sequence; expected 'input' as one number", {})
        if self.generates and self.positions is None:
            raise PydanticCustomError("generates", "what generates needs 'positions', such as positions: 1024", {})
        return self
