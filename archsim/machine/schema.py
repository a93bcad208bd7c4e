"""The shape of a machine file: what may stand where. Parts are checked by their own classes."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from archsim.parts.quantity import Bits, Count, Share, Time

SCHEMA = "archsim.machine/1"
Where = Literal["analog", "digital"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Precision(_Strict):
    """Bits of the numbers that the machine computes with."""

    weights: Bits = Fraction(8)
    inputs: Bits = Fraction(8)
    outputs: Bits = Fraction(8)


class Combine(_Strict):
    """Where partial results are put together."""

    bits: Where = "digital"
    slices: Where = "digital"
    signs: Where = "digital"


class Mesh(_Strict):
    """Routers on a grid of `columns`, numbered along a snake so that neighbours in number are neighbours in place."""

    router: str
    columns: Count


class ModuleSpec(_Strict):
    """Parts and modules with counts, and the way of the data through them."""

    parts: dict[str, Share]
    path: str | None = None
    cycle: Time | None = None
    memory: str | None = None
    mesh: Mesh | None = None
    combine: Combine | None = None
    slices_in: Literal["columns", "arrays"] = "columns"
    signs: Literal["offset", "columns", "arrays"] = "offset"


def _count_or_auto(value: object) -> object:
    from pydantic_core import PydanticCustomError

    from archsim import units

    if value == "auto" or not isinstance(value, str):
        return value
    try:
        return units.whole(value)
    except units.UnitError:
        message = "found '{found}'; expected 'auto' or a whole number of at least 1"
        raise PydanticCustomError("quantity", message, {"found": value}) from None


class Chips(_Strict):
    """How many of the outermost module there are, and the part that links them."""

    count: Annotated[int | Literal["auto"], PlainValidator(_count_or_auto)] = "auto"
    link: str | None = None


CountOrAuto = Annotated[int | Literal["auto"], PlainValidator(_count_or_auto)]


class MachineFile(_Strict):
    """The whole file."""

    schema_id: Literal["archsim.machine/1"] = Field(alias="schema")
    name: str
    description: str = ""
    source: str | None = None
    status: str | None = None
    note: str | None = None
    precision: Precision = Precision()
    parts: dict[str, dict[str, Any]]
    modules: dict[str, ModuleSpec]
    chips: Chips = Chips()
    recipes: dict[str, list[dict[str, str]]]
    fusion: Literal["auto", "off", "required"] = "auto"
    function_cores: CountOrAuto = "auto"
    kv_cache: list[str] = Field(default_factory=list)
