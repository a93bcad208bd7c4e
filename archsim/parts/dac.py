"""Digital-to-analog converter: drives one row of a crossbar during a read."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Resolution


class Dac(Part):
    """Drives one row; an input of more bits than it takes at once takes several reads.

    bits: of an input that are driven at once, such as 1 b.
    Actions: drive, of one row for one read. Steps: none.
    """

    place: ClassVar[Place] = "drive"
    actions: ClassVar[tuple[str, ...]] = ("drive",)

    bits: Resolution
    drive: Action
