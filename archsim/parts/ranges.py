"""Ranges of inputs that a machine's file fixes for functions in tables."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Annotated

from pydantic import PlainValidator
from pydantic_core import PydanticCustomError

from archsim import units
from archsim.errors import did_you_mean, quoted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FUNCTIONS = ("exp", "log", "reciprocal", "rsqrt", "sigmoid", "tanh", "gelu", "silu", "relu")
"""Of one variable, that tables are made of."""
_ABOVE_ZERO = ("log", "reciprocal", "rsqrt")
_ENDS = 2


def _read(value: object) -> tuple[tuple[str, tuple[float, float]], ...]:
    """Raise PydanticCustomError for what is no mapping of functions to two numbers, the lower first."""
    if isinstance(value, tuple):
        return value
    expected = "expected functions with two numbers, such as {exp: [-8, 0]}"
    if not isinstance(value, dict):
        raise PydanticCustomError("ranges", "found {found}; {expected}", {"found": _kind(value), "expected": expected})
    return tuple((str(name), _ends(str(name), ends)) for name, ends in value.items())


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else quoted(str(value))


def _ends(name: str, ends: object) -> tuple[float, float]:
    if name not in FUNCTIONS:
        known = did_you_mean(name, FUNCTIONS)
        raise PydanticCustomError(
            "ranges", "found {name}, which no table is made of. {known}", {"name": quoted(name), "known": known}
        )
    if not isinstance(ends, list) or len(ends) != _ENDS or not all(isinstance(end, str) for end in ends):
        raise PydanticCustomError("ranges", "{name}: expected two numbers, such as [-8, 0]", {"name": name})
    try:
        low, high = (float(units.number(end)) for end in ends)
    except units.UnitError as error:
        raise PydanticCustomError("ranges", "{name}: {reason}", {"name": name, "reason": str(error)}) from None
    least = "above 0 and " if name in _ABOVE_ZERO else ""
    if not low < high or (least and low <= 0):
        text = "{name}: found {low} to {high}; expected {least}the lower number first"
        raise PydanticCustomError("ranges", text, {"name": name, "low": low, "high": high, "least": least})
    if not all(isfinite(end) for end in _results(name, low, high)):
        text = "{name}: found {low} to {high}, in which it is too large for a number; expected a narrower range"
        raise PydanticCustomError("ranges", text, {"name": name, "low": low, "high": high})
    return low, high


def _results(name: str, low: float, high: float) -> NDArray[np.float64]:
    """Of a function at the ends of a range."""
    import numpy as np

    from archsim.steps.functions import FUNCTIONS as DEFINED
    from archsim.steps.functions import Attributes

    with np.errstate(all="ignore"):
        results = DEFINED[name].compute(np.array([low, high]), Attributes())
    return np.asarray(getattr(results, "magnitude", results))


Ranges = Annotated[tuple[tuple[str, tuple[float, float]], ...], PlainValidator(_read)]
"""Of each function (low, high), in the function's own units."""
