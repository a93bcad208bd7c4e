"""Analog-to-digital converter, shared by the columns upstream of it."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Bits


class Adc(Part):
    """One `convert` turns one column's result into `bits` bits."""

    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert",)
    steps: ClassVar[dict[str, str]] = {"convert": "convert"}

    bits: Bits
    convert: Action
