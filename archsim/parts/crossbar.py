"""Memristor crossbar: a matrix in conductances, multiplied by a vector in one read."""

from fractions import Fraction
from math import ceil
from typing import ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from archsim.parts.base import Action, Part, Place
from archsim.parts.errors import CellErrors
from archsim.parts.quantity import Count, Resolution


class Crossbar(Part):
    """`rows` x `cols` cells; one `read` multiplies all columns by the driven rows.

    rows, cols: counts of cells. cell_bits: bits that one holds, such as 2 b (default 1 b). slices: a count, of the
    cells that hold one weight (default: the weight's bits over the cell's). slicing: `digital` cells hold some bits of
    a weight each; `analog` ones a value and its scaled residuals. rows_per_read: a count, of rows driven at a time
    (default: all); more take several reads, each with conversions of its own. errors: what is not ideal, for values.
    Actions: read, of the whole array. Steps: mvm.
    """

    place: ClassVar[Place] = "array"
    actions: ClassVar[tuple[str, ...]] = ("read",)
    steps: ClassVar[dict[str, str]] = {"mvm": "read"}

    rows: Count
    cols: Count
    cell_bits: Resolution = Field(default=Fraction(1))
    slicing: Literal["digital", "analog"] = "digital"
    slices: Count | None = None
    rows_per_read: Count | None = None
    read: Action
    errors: CellErrors = CellErrors()

    @model_validator(mode="after")
    def _reads_its_rows(self) -> "Crossbar":
        if self.rows_per_read is not None and self.rows_per_read > self.rows:
            raise PydanticCustomError("crossbar", "'rows_per_read' is more than 'rows', of which they are a share", {})
        return self

    def energy_share(self, action: str) -> Fraction:
        """A read of some rows takes its share of the energy of a read of all."""
        if action != "read" or self.rows_per_read is None:
            return Fraction(1)
        return Fraction(self.rows_per_read, self.rows)

    def reads_for(self, rows: int) -> int:
        """Reads that it takes to drive so many rows."""
        return 1 if self.rows_per_read is None else ceil(rows / self.rows_per_read)

    def slices_for(self, weight_bits: int) -> int:
        """Cells per weight, its sign aside."""
        return self.slices if self.slices is not None else ceil(weight_bits / self.cell_bits)
