"""Analog content-addressable memory as converter: digitises a column, with a function programmed into its ranges."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.errors import AcamErrors
from archsim.parts.quantity import Count, Resolution

FUNCTIONS = ("exp", "log", "reciprocal", "rsqrt", "sigmoid", "tanh", "gelu", "silu", "relu")


class Acam(Part):
    """`cells` ranges for one column; one `convert` gives `bits` bits of the programmed function of the column.

    Programmed with the identity it is an ADC. What is programmed stays for the run: the mapping allots functions.

    bits: of a result, such as 8 b. cells: a count of ranges. errors: its range, noise, bounds, for values.
    Actions: convert, of one column. Steps: convert, and the functions that can be programmed.
    """

    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert",)
    steps: ClassVar[dict[str, str]] = {"convert": "convert"} | dict.fromkeys(FUNCTIONS, "convert")

    bits: Resolution
    cells: Count
    convert: Action
    errors: AcamErrors = AcamErrors()
