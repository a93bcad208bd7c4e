"""Digital multiply-accumulate array, for products of two operands that are made at run time."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Count


class Mac(Part):
    """Multiplies and accumulates, on many lanes side by side.

    lanes: a count. Without an energy, an action costs its lane's share of the power.
    Actions: mac, of one product. Steps: multiply_accumulate.
    """

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("mac",)
    steps: ClassVar[dict[str, str]] = {"multiply_accumulate": "mac"}

    lanes: Count
    mac: Action

    @property
    def parallel(self) -> int:
        """Lanes."""
        return self.lanes
