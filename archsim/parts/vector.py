"""Vector unit: digital lanes for all that is no product of matrices."""

from typing import TYPE_CHECKING, ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.number_format import Format, in_format
from archsim.parts.quantity import Count

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Setting, StepArithmetic

_OF_ONE = ("square", "absolute", "scale", "clip")
_OF_ROWS = ("maximum", "minimum", "argmax", "sum", "mean")
_LINEAR = ("add", "subtract", "multiply", *_OF_ONE, *_OF_ROWS)
_PRODUCT = ("multiply_accumulate",)
_SPECIAL = ("exp", "log", "reciprocal", "rsqrt", "power", "sigmoid", "tanh", "gelu", "silu", "relu")


class Vector(Part):
    """Works on many values side by side.

    lanes: a count. Without an energy, an action costs its lane's share of the power.
    format: of numbers, such as bf16 or int8, by default fp32. accumulator: of sums, by default fp32, or int32 of whole
    numbers.
    Actions: linear, one value of a sum, a product, or both; special, one of a transcendental function.
    Steps: add, subtract, multiply, square, absolute, scale, clip, maximum, minimum, argmax, sum, mean,
    multiply_accumulate (linear); exp, log, reciprocal, rsqrt, power, sigmoid, tanh, gelu, silu, relu (special).
    """

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("linear", "special")
    steps: ClassVar[dict[str, str]] = dict.fromkeys((*_LINEAR, *_PRODUCT), "linear") | dict.fromkeys(
        _SPECIAL, "special"
    )

    lanes: Count
    format: Format = "fp32"
    accumulator: Format | None = None
    linear: Action
    special: Action

    @property
    def parallel(self) -> int:
        """Lanes."""
        return self.lanes

    def arithmetic(self, setting: "Setting") -> "StepArithmetic":  # noqa: ARG002 - digital units have no errors
        """In its number format."""
        return in_format(self.format, self.accumulator)
