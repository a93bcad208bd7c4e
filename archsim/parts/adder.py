"""Adder: partial sums on a path, sums and differences as steps of operators."""

from typing import TYPE_CHECKING, ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.number_format import Format, in_format

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Setting, StepArithmetic


class Adder(Part):
    """Adds values of full width.

    format: of numbers, such as bf16 or int8, by default fp32. accumulator: of sums, by default fp32, or int32 of whole
    numbers.
    Actions: add, which takes one value in. Steps: shift_add, add, subtract, and sum (of what came before it).
    """

    place: ClassVar[Place] = "combine"
    actions: ClassVar[tuple[str, ...]] = ("add",)
    steps: ClassVar[dict[str, str]] = dict.fromkeys(("shift_add", "add", "subtract", "sum"), "add")

    add: Action
    format: Format = "fp32"
    accumulator: Format | None = None

    def arithmetic(self, setting: "Setting") -> "StepArithmetic":  # noqa: ARG002 - digital units have no errors
        """In its number format."""
        return in_format(self.format, self.accumulator)
