"""Do the ends on a core's path fit each other? And is all there that its way of combining needs?"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from archsim.machine.checks import Checker
from archsim.machine.machine import Module
from archsim.machine.schema import Combine, Precision
from archsim.parts.base import Part
from archsim.parts.crossbar import Crossbar


@dataclass(frozen=True, slots=True)
class Layout:
    """How weights lie in a core: what one block of crossbar rows and columns holds."""

    array: str
    crossbar: Crossbar
    arrays: int
    columns_per_output: int
    arrays_per_block: int
    conversions_per_output: int

    @property
    def outputs_per_block(self) -> int:
        """Outputs that one block of arrays gives."""
        return self.crossbar.cols // self.columns_per_output

    @property
    def blocks(self) -> int:
        """Blocks that one core holds."""
        return self.arrays // self.arrays_per_block


def layout(core: Module, parts: Mapping[str, Part], precision: Precision) -> Layout:
    """Work out how a weight's slices and signs are spread over columns and arrays."""
    array = next(name for stage in core.path for name in stage if name in parts and parts[name].place == "array")
    crossbar = cast("Crossbar", parts[array])
    slices = crossbar.slices_for(int(precision.weights))
    pairs = 1 if core.signs == "offset" else 2
    in_columns = (slices if core.slices_in == "columns" else 1) * (2 if core.signs == "columns" else 1)
    combine = core.combine or Combine()
    conversions = (1 if combine.slices == "analog" else slices) * (1 if combine.signs == "analog" else pairs)
    return Layout(array, crossbar, int(core.members[array]), in_columns, slices * pairs // in_columns, conversions)


def check_core(check: Checker, core: Module, parts: Mapping[str, Part], precision: Precision) -> None:
    """Lanes upstream over lanes downstream are whole; blocks fit arrays; digital combining has its adder."""
    loc = ("modules", core.name)
    flat = [name for stage in core.path for name in stage]
    if core.combine is None:
        check.fault(loc, "is missing 'combine', such as {bits: digital, slices: digital, signs: digital}", key=True)
        return
    lay = layout(core, parts, precision)
    weight = f"a weight of {precision.weights} bits"
    if lay.outputs_per_block < 1:
        found = f"{lay.columns_per_output} columns, '{lay.array}' has {lay.crossbar.cols}"
        check.fault(loc, f"{weight} needs {found}")
    if lay.blocks < 1:
        check.fault(loc, f"{weight} needs {lay.arrays_per_block} arrays, a core has {lay.arrays} of '{lay.array}'")
    adds = any(name in parts and parts[name].place == "combine" for name in flat)
    if "digital" in (core.combine.bits, core.combine.slices) and not adds:
        message = "bits or slices are combined digitally, but no shift-add stands on the path"
        check.fault((*loc, "path"), message)
    previous: tuple[str, Fraction] | None = None
    for name in flat:
        ends = _lanes(core, parts, lay, name)
        if ends is None:
            continue
        lanes_in, lanes_out = ends
        if previous is not None and (previous[1] / lanes_in).denominator != 1:
            who, out = previous
            given, taken = f"'{who}' gives {out} lane{'' if out == 1 else 's'}", f"'{name}' takes {lanes_in}"
            check.fault(
                (*loc, "path"),
                f"{given}, {taken}; expected a whole number of the first for each of the second",
            )
        previous = (name, lanes_out)


def _lanes(core: Module, parts: Mapping[str, Part], lay: Layout, name: str) -> tuple[Fraction, Fraction] | None:
    """Values that a part of the path takes and gives at once; None where words, not values, are moved."""
    if name not in parts or parts[name].place in ("memory", "wire", "function"):
        return None
    number = core.members[name]
    if parts[name].place == "array":
        cells = lay.columns_per_output * lay.arrays_per_block // lay.conversions_per_output
        return number * lay.crossbar.rows, number * lay.crossbar.cols / max(1, cells)
    return number, number
