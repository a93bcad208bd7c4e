"""Sample-and-hold: keeps one column's result while the crossbar goes on."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place


class SampleHold(Part):
    """One `sample` per column and read; held until the converter has taken it."""

    place: ClassVar[Place] = "hold"
    actions: ClassVar[tuple[str, ...]] = ("sample",)

    sample: Action
