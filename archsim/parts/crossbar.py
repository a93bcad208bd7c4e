"""Memristor crossbar: a matrix in conductances, multiplied by a vector in one read."""

from fractions import Fraction
from math import ceil
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Bits, Count


class Crossbar(Part):
    """`rows` x `cols` cells of `cell_bits` bits; one `read` multiplies all columns by the driven rows.

    `slices` is the number of cells that hold one weight; by default the weight's bits over the cell's.
    """

    place: ClassVar[Place] = "array"
    actions: ClassVar[tuple[str, ...]] = ("read",)
    steps: ClassVar[dict[str, str]] = {"mvm": "read"}

    rows: Count
    cols: Count
    cell_bits: Annotated[Bits, Field(default=Fraction(1))]
    slicing: Literal["digital", "analog"] = "digital"
    slices: Count | None = None
    read: Action

    def slices_for(self, weight_bits: int) -> int:
        """Cells per weight, its sign aside."""
        return self.slices if self.slices is not None else ceil(weight_bits / self.cell_bits)
