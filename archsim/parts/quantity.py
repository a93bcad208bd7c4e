"""Pydantic field types that read archsim's own scalars: exact quantities with units, whole numbers, choices."""

import unicodedata
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Final

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from archsim import units
from archsim.errors import did_you_mean, quoted

_LONGEST_TIME: Final = 10**15  # ps: a run's times must fit 64 bits
_LARGEST_MEMORY: Final = 2**50  # bits
_WIDEST_NUMBER: Final = 64  # bits
_LONGEST_NAME: Final = 1_000  # a source in words is a name too


def field_type(parse: Callable[[str], object], *kinds: type) -> PlainValidator:
    """Return what reads a YAML text with `parse`, whose UnitError becomes the message; code may give `kinds`."""

    def read(value: object) -> object:
        if type(value) in kinds:
            return value
        if not isinstance(value, str):
            found = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
            raise PydanticCustomError("quantity", "found {found}; expected one value", {"found": found})
        try:
            return parse(value)
        except units.UnitError as error:
            raise PydanticCustomError("quantity", "{reason}", {"reason": str(error)}) from None

    return PlainValidator(read)


def quantity_type(dimension: str) -> PlainValidator:
    """A field type of a quantity of `archsim.units.DIMENSIONS`, in its base unit."""
    return field_type(lambda text: units.parse(text, dimension), Fraction, int)


def _time(text: str) -> Fraction:
    value = units.parse(text, "time")
    if value > _LONGEST_TIME:
        raise units.UnitError(f"found {quoted(text)}; expected at most {_LONGEST_TIME // 10**12} s")
    return value


def _period(text: str) -> Fraction:
    value = _time(text)
    if not value:
        raise units.UnitError(f"found {quoted(text)}; expected more than 0")
    return value


def _rate(text: str) -> Fraction:
    value = units.parse(text, "frequency")
    if value * _LONGEST_TIME < 1:
        raise units.UnitError(f"found {quoted(text)}; expected at least 1 mHz")
    return value


def _bits(text: str, dimension: str = "information", most: int = _LARGEST_MEMORY) -> Fraction:
    value = units.parse(text, dimension)
    if value.denominator != 1 or not 1 <= value <= most:
        limit = f", at most {most}" if value > most else ", at least 1"
        raise units.UnitError(f"found {quoted(text)}; expected a whole number of bits{limit}")
    return value


def count(text: str) -> int:
    """Return a whole number of at least 1. Raises UnitError."""
    value = units.whole(text)
    if not value:
        raise units.UnitError(f"found {quoted(text)}; expected at least 1")
    return value


Time = Annotated[Fraction, field_type(_time, Fraction, int)]
"""Picoseconds."""
Period = Annotated[Fraction, field_type(_period, Fraction, int)]
"""Picoseconds, more than 0."""
Rate = Annotated[Fraction, field_type(_rate, Fraction, int)]
"""Events per picosecond, more than 0."""
Energy = Annotated[Fraction, quantity_type("energy")]
"""Zeptojoules."""
Power = Annotated[Fraction, quantity_type("power")]
"""Nanowatts."""
Area = Annotated[Fraction, quantity_type("area")]
"""Square micrometres."""
Bits = Annotated[Fraction, field_type(_bits, Fraction, int)]
"""Whole bits of storage or of one word, at least 1."""
Resolution = Annotated[Fraction, field_type(lambda text: _bits(text, "resolution", _WIDEST_NUMBER), Fraction, int)]
"""Whole bits of one number, from 1 to 64."""
Share = Annotated[Fraction, field_type(units.ratio, Fraction, int)]
"""A count, or a fraction of a part that several modules share."""
Count = Annotated[int, field_type(count, int)]
"""A whole number of at least 1."""
Whole = Annotated[int, field_type(units.whole, int)]
"""A whole number, 0 included."""
Number = Annotated[float, field_type(lambda text: float(units.number(text)), float, int)]
"""A number without a unit."""
Truth = Annotated[bool, field_type(units.truth, bool)]
"""`true` or `false`."""


def choice(known: tuple[str, ...]) -> PlainValidator:
    """A field type of one of some words, which are kept elsewhere."""

    def chosen(text: str) -> str:
        if text not in known:
            raise units.UnitError(f"found {quoted(text)}; expected one of them. {did_you_mean(text, known)}")
        return text

    return field_type(chosen)


def _name(text: str) -> str:
    if not text.strip():
        raise units.UnitError("found nothing; expected a name")
    if len(text) > _LONGEST_NAME:
        raise units.UnitError(f"found a name of {len(text):,} characters; expected at most {_LONGEST_NAME:,}")
    if any(unicodedata.category(mark) == "Cc" and mark not in "\t\n" for mark in text):
        raise units.UnitError(f"found {quoted(text)}; expected a name without control characters")
    return text


Name = Annotated[str, field_type(_name)]
"""Text that is not empty."""
