"""Vector unit: digital lanes for all that is no product of matrices."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Count

_OF_ONE = ("square", "absolute", "scale", "clip")
_OF_ROWS = ("maximum", "minimum", "argmax", "sum", "mean")
_LINEAR = ("add", "subtract", "multiply", *_OF_ONE, *_OF_ROWS)
_PRODUCT = ("multiply_accumulate",)
_SPECIAL = ("exp", "log", "reciprocal", "rsqrt", "power", "sigmoid", "tanh", "gelu", "silu", "relu")


class Vector(Part):
    """Works on many values side by side.

    lanes: a count. Without an energy, an action costs its lane's share of the power.
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
    linear: Action
    special: Action

    @property
    def parallel(self) -> int:
        """Lanes."""
        return self.lanes
