"""Number formats that a digital unit's file may name, and the arithmetic that they give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from archsim.parts.quantity import choice

if TYPE_CHECKING:
    from archsim.steps.formats import InFormat

NAMES = ("fp32", "tf32", "bf16", "fp16", "fp8_e5m2", "fp8_e4m3", "int4", "int8", "int12", "int16", "int24", "int32")

Format = Annotated[str, choice(NAMES)]
"""A name of `archsim.steps.formats.FORMATS`."""


def in_format(name: str, accumulator: str | None) -> InFormat:
    """The arithmetic of a unit.

    Parameters
    ----------
    name
        Of the format of operands and results.
    accumulator
        Of the format of sums; None: fp32, or int32 of whole numbers.
    """
    from archsim.steps.formats import FORMATS, InFormat

    usual = "int32" if name.startswith("int") else "fp32"
    return InFormat(FORMATS[name], FORMATS[accumulator or usual])
