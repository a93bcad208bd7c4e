"""Flex-SFU: unit for activation functions, each a table of line segments."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.ranges import FUNCTIONS


class FlexSfu(Part):
    """Piecewise-linear functions of one value at a time; another function is another table of segments.

    Actions: evaluate, of one value. Steps: the functions of one variable that an analog CAM can be programmed with.
    """

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("evaluate",)
    steps: ClassVar[dict[str, str]] = dict.fromkeys(FUNCTIONS, "evaluate")

    evaluate: Action
