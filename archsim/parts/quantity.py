"""Pydantic field types that read archsim's own scalars: exact quantities with units, whole numbers, choices."""

from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, TypeVar

from pydantic import AfterValidator, PlainValidator
from pydantic_core import PydanticCustomError

from archsim import units

T = TypeVar("T")


def _reader(parse: Callable[[str], T]) -> Callable[[object], T | object]:
    """Turn a parser of text into a validator that says its errors in archsim's words."""

    def read(value: object) -> T | object:
        if not isinstance(value, str):
            if isinstance(value, (dict, list)):
                found = "a mapping" if isinstance(value, dict) else "a list"
                raise PydanticCustomError("quantity", "found {found}; expected one value", {"found": found})
            return value
        try:
            return parse(value)
        except units.UnitError as error:
            raise PydanticCustomError("quantity", "{reason}", {"reason": str(error)}) from None

    return read


def _positive(value: object) -> object:
    if value == 0:
        raise PydanticCustomError("quantity", "found 0; expected more than 0", {})
    return value


def _whole(value: Fraction) -> Fraction:
    if value.denominator != 1:
        raise PydanticCustomError("quantity", "found {found} bits; expected a whole number", {"found": str(value)})
    return value


def _quantity(dimension: str) -> PlainValidator:
    return PlainValidator(_reader(lambda text: units.parse(text, dimension)))


Time = Annotated[Fraction, _quantity("time")]
"""Picoseconds."""
Rate = Annotated[Fraction, _quantity("frequency"), AfterValidator(_positive)]
"""Events per picosecond."""
Energy = Annotated[Fraction, _quantity("energy")]
"""Zeptojoules."""
Power = Annotated[Fraction, _quantity("power")]
"""Nanowatts."""
Area = Annotated[Fraction, _quantity("area")]
"""Square micrometres."""
Bits = Annotated[Fraction, _quantity("information"), AfterValidator(_positive), AfterValidator(_whole)]
"""Bits of storage or of one word."""
Share = Annotated[Fraction, PlainValidator(_reader(units.ratio))]
"""A count, or a fraction of a part that several modules share."""
Count = Annotated[int, PlainValidator(_reader(units.whole)), AfterValidator(_positive)]
"""A whole number of at least 1."""
Whole = Annotated[int, PlainValidator(_reader(units.whole))]
"""A whole number, 0 included."""
Truth = Annotated[bool, PlainValidator(_reader(units.truth))]
"""`true` or `false`."""
