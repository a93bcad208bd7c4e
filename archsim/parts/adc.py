"""Analog-to-digital converter, shared by the columns upstream of it."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.errors import ConverterErrors
from archsim.parts.quantity import Resolution


class Adc(Part):
    """Turns columns' results into numbers.

    bits: of a result, such as 8 b. errors: its range, noise and offset, for values.
    Actions: convert, of one column. Steps: convert.
    """

    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert",)
    steps: ClassVar[dict[str, str]] = {"convert": "convert"}

    bits: Resolution
    convert: Action
    errors: ConverterErrors = ConverterErrors()
