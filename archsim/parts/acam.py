"""Analog content-addressable memory as converter: digitises a column, with a function programmed into its ranges."""

from typing import TYPE_CHECKING, ClassVar

from archsim.parts.base import Action, Part, Place
from archsim.parts.errors import AcamErrors
from archsim.parts.quantity import Count, Resolution
from archsim.parts.ranges import FUNCTIONS, Ranges

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Setting, StepArithmetic


class Acam(Part):
    """`cells` ranges for one column; one `convert` gives `bits` bits of the programmed function of the column.

    Programmed with the identity it is an ADC. What is programmed stays for the run: the mapping allots functions.

    bits: of a result, such as 8 b. cells: a count of ranges. arrays: rows of the array of each bit of a result; without
    them all bits share the cells. ranges: inputs of functions, such as {exp: [-8, 0]}; without them as calibrated.
    errors: its range, noise, bounds, search, for values.
    Actions: convert, of one column. Steps: convert, and the functions that can be programmed.
    """

    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert",)
    steps: ClassVar[dict[str, str]] = {"convert": "convert"} | dict.fromkeys(FUNCTIONS, "convert")

    bits: Resolution
    cells: Count
    arrays: tuple[Count, ...] = ()
    ranges: Ranges = ()
    convert: Action
    errors: AcamErrors = AcamErrors()

    def arithmetic(self, setting: "Setting") -> "StepArithmetic":
        """Tables as large as a column's arrays."""
        from archsim.kernels.acam_steps import TableArithmetic, column_sizes

        bits = int(self.bits)
        sizes = column_sizes(self.arrays, bits) if self.arrays else None
        sigmas = float(self.errors.bounds), float(self.errors.search)
        return TableArithmetic(bits, 1, sizes, int(self.cells), *sigmas, dict(self.ranges), setting.part, setting.seed)
