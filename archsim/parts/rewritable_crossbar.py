"""Crossbar that is written during a run, with an operand that is made at run time."""

from fractions import Fraction
from typing import ClassVar

from archsim.parts.base import Action, Burst
from archsim.parts.crossbar import Crossbar
from archsim.parts.quantity import Count


class RewritableCrossbar(Crossbar):
    """A crossbar; a `write` programs one row of cells: its time is a row's, its energy is per cell.

    endurance: a count, of the writes that a cell bears.
    Actions: read, write. Steps: mvm, write.
    """

    actions: ClassVar[tuple[str, ...]] = ("read", "write")
    steps: ClassVar[dict[str, str]] = {"mvm": "read", "write": "write"}

    write: Action
    endurance: Count

    def written(self, rows: int, cells: int) -> Burst:
        """`rows` rows one after another in each array, `cells` cells in all of them together."""
        cost = self.cost("write")
        return Burst("write", max(1, rows), cells, cost.latency, cost.interval)

    def peak_power(self) -> Fraction:
        """Power of reading without pause, nW: a run writes now and then."""
        return self.power if self.power is not None else self.leakage + self._draw("read")
