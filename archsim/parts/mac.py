"""Digital multiply-accumulate array, for products of two operands that are made at run time."""

from typing import TYPE_CHECKING, ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.number_format import Format, in_format
from archsim.parts.quantity import Count

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Setting, StepArithmetic


class Mac(Part):
    """Multiplies and accumulates, on many lanes side by side.

    lanes: a count. Without an energy, an action costs its lane's share of the power.
    format: of numbers, such as bf16 or int8, by default fp32. accumulator: of sums, by default fp32, or int32 of whole
    numbers.
    Actions: mac, of one product. Steps: multiply_accumulate.
    """

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("mac",)
    steps: ClassVar[dict[str, str]] = {"multiply_accumulate": "mac"}

    lanes: Count
    format: Format = "fp32"
    accumulator: Format | None = None
    mac: Action

    @property
    def parallel(self) -> int:
        """Lanes."""
        return self.lanes

    def arithmetic(self, setting: "Setting") -> "StepArithmetic":  # noqa: ARG002 - digital units have no errors
        """In its number format."""
        return in_format(self.format, self.accumulator)
