"""Digital-to-analog converter: drives one row of a crossbar during a read."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Bits


class Dac(Part):
    """Drives `bits` bits of one input a read; an input of more bits takes several reads."""

    place: ClassVar[Place] = "drive"
    actions: ClassVar[tuple[str, ...]] = ("drive",)

    bits: Bits
    drive: Action
