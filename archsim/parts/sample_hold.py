"""Sample-and-hold: keeps one column's result while the crossbar goes on."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place


class SampleHold(Part):
    """Holds a column's result until the converter has taken it.

    Actions: sample, of one column at one read. Steps: none.
    """

    place: ClassVar[Place] = "hold"
    actions: ClassVar[tuple[str, ...]] = ("sample",)

    sample: Action
