"""Flex-SFU: unit for activation functions, each a table of line segments."""

from typing import TYPE_CHECKING, ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.number_format import Format, in_format
from archsim.parts.quantity import Count
from archsim.parts.ranges import FUNCTIONS

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Setting, StepArithmetic


class FlexSfu(Part):
    """Piecewise-linear functions of one value at a time; another function is another table of segments.

    segments: a count, of each function; without it values are those of the function itself. format: of numbers, such
    as bf16 or int8, by default fp32.
    Actions: evaluate, of one value. Steps: the functions of one variable that an analog CAM can be programmed with.
    """

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("evaluate",)
    steps: ClassVar[dict[str, str]] = dict.fromkeys(FUNCTIONS, "evaluate")

    evaluate: Action
    segments: Count | None = None
    format: Format = "fp32"

    def arithmetic(self, setting: "Setting") -> "StepArithmetic":
        """Line segments, in its number format."""
        from archsim.steps.segments import SegmentArithmetic

        unit = in_format(self.format, None)
        return unit if self.segments is None else SegmentArithmetic(self.segments, unit, setting.part)
