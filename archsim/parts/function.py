"""Function unit on a path, such as a sigmoid or a pooling unit: passed by results that do not need it."""

from typing import TYPE_CHECKING, ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.number_format import Format, in_format

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Setting, StepArithmetic


class Function(Part):
    """Applies a function to one value at a time.

    format: of numbers, such as bf16 or int8, by default fp32.
    Actions: evaluate, of one value. Steps: sigmoid, relu, maximum.
    """

    place: ClassVar[Place] = "function"
    actions: ClassVar[tuple[str, ...]] = ("evaluate",)
    steps: ClassVar[dict[str, str]] = {"sigmoid": "evaluate", "relu": "evaluate", "maximum": "evaluate"}

    evaluate: Action
    format: Format = "fp32"

    def arithmetic(self, setting: "Setting") -> "StepArithmetic":  # noqa: ARG002 - digital units have no errors
        """In its number format."""
        return in_format(self.format, None)
