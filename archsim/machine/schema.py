"""The shape of a machine file: what may stand where. Parts are checked by their own classes."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from archsim import units
from archsim.errors import quoted
from archsim.parts.quantity import Count, Name, Period, Resolution, Share, count, field_type

Where = Literal["analog", "digital"]


def _portion(text: str) -> Fraction:
    value = units.ratio(text)
    if value > 1:
        raise units.UnitError(f"found {quoted(text)}; expected a share from 0 to 1")
    return value


Portion = Annotated[Fraction, field_type(_portion, Fraction)]
"""From none to all."""


def _count_or_auto(text: str) -> int | str:
    if text == "auto":
        return text
    try:
        return count(text)
    except units.UnitError:
        found = quoted(text) if text else "nothing"
        raise units.UnitError(f"found {found}; expected 'auto' or a whole number of at least 1") from None


CountOrAuto = Annotated[int | Literal["auto"], field_type(_count_or_auto, int)]


def _deviations(text: str) -> Fraction:
    value = units.number(text)
    if not 0 < value <= _MOST_DEVIATIONS:
        found = f"found {quoted(text)}; expected standard deviations, more than 0 and at most {_MOST_DEVIATIONS}"
        raise units.UnitError(f"{found}, such as 2.5")
    return value


_MOST_DEVIATIONS = 1000
Deviations = Annotated[Fraction, field_type(_deviations, Fraction, int)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Precision(_Strict):
    """Bits of the numbers that the machine computes with."""

    weights: Resolution = Fraction(8)
    inputs: Resolution = Fraction(8)
    outputs: Resolution = Fraction(8)


class Combine(_Strict):
    """Where partial results are put together."""

    bits: Where = "digital"
    slices: Where = "digital"
    signs: Where = "digital"


class Mesh(_Strict):
    """Routers on a grid of `columns`, numbered along a snake so that neighbours in number are neighbours in place.

    partial_sums: of tiles that share columns: gather, all send theirs to one; chain, each adds its own to what comes
    and passes it on as results come.
    """

    router: Name
    columns: Count
    partial_sums: Literal["gather", "chain"] = "gather"


class ModuleSpec(_Strict):
    """Parts and modules with counts, and the way of the data through them; `cycle` is in ps.

    one_at_a_time: of the tiles in it one works at a time. overlap: of a tile, whether a product begins before the one
    before is through. slices_in: where the slices of a weight lie, beside each other: in columns of an array, in arrays
    of a core, or in cores, each of which may hold slices of other weights.
    """

    parts: dict[str, Share]
    path: Name | None = None
    cycle: Period | None = None
    memory: Name | None = None
    mesh: Mesh | None = None
    combine: Combine | None = None
    slices_in: Literal["columns", "arrays", "cores"] = "columns"
    one_at_a_time: bool = False
    overlap: bool = True
    signs: Literal["offset", "flipped", "columns", "arrays"] = "offset"


class Chips(_Strict):
    """How many of the outermost module there are, the part that links them, and what is split over them.

    layers: each chip has some layers, whole; projections: each chip has a part of every projection. reprogram: the
    memory from which weights that do not fit are written into the crossbars, layers after layers. hands_over: what
    goes on to the next chip, each position by itself or a sequence (a prompt, or a token after it) when all of it is
    done.
    """

    count: CountOrAuto = "auto"
    link: Name | None = None
    split: Literal["layers", "projections"] = "layers"
    reprogram: Name | None = None
    hands_over: Literal["positions", "sequences"] = "positions"


class Narrower(_Strict):
    """Bits of one projection's weights and inputs, where they are fewer than the machine's."""

    weights: Resolution | None = None
    inputs: Resolution | None = None


class Choices(_Strict):
    """How models are put on the machine.

    replicate: greedy gives the slowest projection another copy of its weights while tiles are left; copies: by
    projection or layer, how many copies it has; bits: likewise, bits of its weights and inputs. order: sequential runs
    operators one after another. pack: blocks of several projections share an array where they fit beside each other.
    digital: likewise, the share of its output channels that digital units compute. A projection's own name goes before
    its layer's. clip: weights are cut off at so many standard deviations of their projection's before they are written;
    None: never.
    """

    replicate: Literal["none", "greedy"] = "none"
    copies: dict[str, Count] = Field(default_factory=dict)
    bits: dict[str, Narrower] = Field(default_factory=dict)
    order: Literal["pipelined", "sequential"] = "pipelined"
    pack: bool = False
    digital: dict[str, Portion] = Field(default_factory=dict)
    clip: Deviations | None = None


class StepSpec(_Strict):
    """A step of a recipe in full.

    by: the part or module that does it. free: it costs nothing, as what another step costs covers it.
    """

    by: Name
    free: bool = False

    @model_validator(mode="before")
    @classmethod
    def _by_alone(cls, value: object) -> object:
        """A text is who does it."""
        return {"by": value} if isinstance(value, str) else value


class MachineFile(_Strict):
    """The whole file, but for the labels that say where its numbers come from.

    digital_weights: the memory that holds the weights of digital projections, which are read for each position.
    """

    schema_id: Literal["archsim.machine/1"] = Field(alias="schema")
    name: Name
    description: str = ""
    precision: Precision = Precision()
    parts: dict[str, dict[str, Any]]
    modules: dict[str, ModuleSpec]
    chips: Chips = Chips()
    mapping: Choices = Choices()
    recipes: dict[str, list[dict[Name, StepSpec]]] = Field(default_factory=dict)
    digital: Name | None = None
    digital_weights: Name | None = None
    fusion: Literal["auto", "off", "required"] = "auto"
    function_cores: CountOrAuto = "auto"
    kv_cache: list[Name] = Field(default_factory=list)
