"""What is not ideal about cells and converters: parameters of value runs, which cost no time and no energy."""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from archsim import units
from archsim.errors import quoted
from archsim.parts.quantity import field_type


def _share(text: str) -> Fraction:
    value = units.number(text)
    if not 0 <= value <= 1:
        raise units.UnitError(f"found {quoted(text)}; expected a share from 0 to 1")
    return value


def _ratio(text: str) -> Fraction:
    value = units.number(text)
    if value <= 1:
        raise units.UnitError(f"found {quoted(text)}; expected a ratio above 1")
    return value


def _positive(text: str) -> Fraction:
    value = units.number(text)
    if value < 0:
        raise units.UnitError(f"found {quoted(text)}; it must not be negative")
    return value


Age = Annotated[Fraction, field_type(lambda text: units.parse(text, "time"), Fraction, int)]
"""Picoseconds, however many."""
Portion = Annotated[Fraction, field_type(_share, Fraction, int)]
"""A share of one."""
Ratio = Annotated[Fraction, field_type(_ratio, Fraction, int)]
"""More than 1."""
Positive = Annotated[Fraction, field_type(_positive, Fraction, int)]
"""A number, 0 or more."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProgrammingError(_Strict):
    """Of a programmed conductance: `additive` (sigma of the largest), `proportional` (of its own), `pcm`, `table`.

    points: of a table, measured pairs of (conductance, deviation), both over the largest conductance.
    """

    model: Literal["additive", "proportional", "pcm", "table"]
    sigma: Positive = Fraction(0)
    points: tuple[tuple[Portion, Positive], ...] = ()

    @model_validator(mode="after")
    def _has_what_its_model_needs(self) -> "ProgrammingError":
        if self.model == "table" and not self.points:
            raise PydanticCustomError("errors", "found no 'points'; expected some, such as [[0, 0.01], [1, 0.03]]", {})
        if self.model in ("additive", "proportional") and not self.sigma:
            raise PydanticCustomError("errors", "found no 'sigma'; expected one, such as 0.02", {})
        return self


class DriftError(_Strict):
    """Conductances fall as (t / t0)^-nu; `compensated`: outputs are scaled back as a whole."""

    time: Age
    nu: Positive = Fraction("0.06")
    nu_sigma: Positive = Fraction("0.02")
    t0: Age = Fraction(20 * 10**12)
    compensated: Literal["yes", "no"] = "no"


class CellErrors(_Strict):
    """Of crossbar cells.

    programming, drift: see there. read: deviation at each read, stuck_on, stuck_off: shares. on_off: ratio of the
    largest to the smallest conductance. wire: resistance between two cells times the largest conductance.
    """

    programming: ProgrammingError | None = None
    read: Portion = Fraction(0)
    drift: DriftError | None = None
    stuck_on: Portion = Fraction(0)
    stuck_off: Portion = Fraction(0)
    on_off: Ratio | None = None
    wire: Positive = Fraction(0)


class ConverterErrors(_Strict):
    """Of converters.

    range: `full`, all that an array can give; `clipped`, `share` of it; `calibrated`, the quantile `share` of samples.
    noise, offset: deviations in steps of the converter.
    """

    range: Literal["full", "clipped", "calibrated"] = "full"
    share: Portion = Field(default=Fraction(1))
    noise: Positive = Fraction(0)
    offset: Positive = Fraction(0)


class BoundErrors(_Strict):
    """Of what analog CAMs store.

    bounds, search: deviations of a stored bound as shares of the input's range, drawn when it is programmed and at each
    search.
    """

    bounds: Portion = Fraction(0)
    search: Portion = Fraction(0)


class AcamErrors(ConverterErrors, BoundErrors):
    """Of analog CAMs: as of converters, and of what they store."""
