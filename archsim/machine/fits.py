"""Whether the ends on a path fit each other, and all is there that a core's way of combining needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import cast

from archsim.errors import did_you_mean, quoted
from archsim.machine.checks import check_whole
from archsim.machine.draft import Draft
from archsim.machine.machine import Module
from archsim.machine.schema import Combine, Precision
from archsim.parts.base import Part
from archsim.parts.crossbar import Crossbar

BESIDE = ("compute", "route", "link")
"""Places of parts that do not carry data along a path."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How weights of so many bits lie in a core: what one block of crossbar rows and columns holds.

    cores_per_block: more than 1 where each slice of a weight lies in a core of its own.
    """

    array: str
    crossbar: Crossbar
    arrays: int
    columns_per_output: int
    arrays_per_block: int
    conversions_per_output: int
    weights: int
    cores_per_block: int = 1

    @property
    def outputs_per_block(self) -> int:
        """Outputs that one block of arrays gives."""
        return self.crossbar.cols // self.columns_per_output

    @property
    def blocks(self) -> int:
        """Blocks, or slices of them, that one core holds."""
        return self.arrays // self.arrays_per_block


def layout(core: Module, parts: Mapping[str, Part], precision: Precision, weights: int | None = None) -> Layout:
    """Work out how a weight's slices and signs are spread over columns, arrays and cores.

    weights: bits of a weight that has fewer than the machine's: it takes fewer slices where each holds some bits.
    """
    array = next(name for name in core.flat if name in parts and parts[name].place == "array")
    crossbar = cast("Crossbar", parts[array])
    slices = crossbar.slices_for(int(precision.weights))
    if weights is not None and weights < precision.weights and crossbar.slicing == "digital":
        slices = min(slices, ceil(weights / crossbar.cell_bits))
    pairs = 2 if core.paired else 1
    apart = slices if core.slices_in == "cores" else 1
    slices //= apart
    in_columns = (slices if core.slices_in == "columns" else 1) * (2 if core.signs == "columns" else 1)
    combine = core.combine or Combine()
    conversions = (1 if combine.slices == "analog" else slices) * (1 if combine.signs == "analog" else pairs)
    return Layout(
        array=array,
        crossbar=crossbar,
        arrays=int(core.members[array]),
        columns_per_output=in_columns,
        arrays_per_block=slices * pairs // in_columns,
        conversions_per_output=conversions,
        weights=weights or int(precision.weights),
        cores_per_block=apart,
    )


def check_path(draft: Draft) -> None:
    """Paths run through whole members of their module, and through parts that carry data."""
    for module in draft.modules.values():
        loc = ("modules", module.name, "path")
        for name in dict.fromkeys(module.flat):
            if not name:
                draft.fault(loc, "found nothing between two marks; expected names joined by '>' and '+'")
            elif name not in module.members:
                draft.fault(loc, f"{quoted(name)} is not in this module. {did_you_mean(name, module.members)}")
            elif draft.place(name) in BESIDE:
                kind = f"{quoted(name)} is of class {quoted(type(draft.parts[name]).__name__)}"
                draft.fault(loc, f"{kind}, which stands beside paths, not on them")
            else:
                check_whole(draft, loc, module.name, name)


def check_core(draft: Draft, core: Module) -> None:
    """Lanes upstream over lanes downstream are whole; blocks fit arrays; digital combining has its adder."""
    loc = ("modules", core.name)
    combine = core.combine
    if combine is None:
        draft.fault(loc, "is missing 'combine', such as {bits: digital, slices: digital, signs: digital}", key=True)
        return
    if sum(draft.place(name) == "array" for name in core.flat) > 1:
        draft.fault((*loc, "path"), "goes through more than one crossbar; expected one")
        return
    lay = layout(core, draft.parts, draft.file.precision)
    digital = "digital" in (combine.bits, combine.slices) or (combine.signs == "digital" and core.paired)
    digital = digital or lay.crossbar.reads_for(lay.crossbar.rows) > 1
    if digital and not any(draft.place(name) == "combine" for name in core.flat):
        draft.fault((*loc, "path"), "bits, slices or signs are combined digitally, but no shift-add stands on the path")
    if lay.cores_per_block > 1 and combine.slices == "analog":
        draft.fault(
            (*loc, "combine", "slices"), "found analog; slices that lie in several cores are combined digitally"
        )
    if _weights_fit(draft, core, lay):
        _check_lanes(draft, core, lay)


def _weights_fit(draft: Draft, core: Module, lay: Layout) -> bool:
    """Cells hold a weight's bits, and an array or a core has room for them."""
    loc = ("modules", core.name)
    bits = draft.file.precision.weights
    weight = f"a weight of {bits} bits"
    held = (lay.crossbar.slices or bits) * lay.crossbar.cell_bits
    if lay.crossbar.slicing == "digital" and held < bits - core.paired:  # which cell of a pair says the sign
        cells = f"{lay.crossbar.slices} x {lay.crossbar.cell_bits} bits of cells"
        draft.fault(("parts", lay.array, "slices"), f"{weight} does not fit {cells}; expected more slices")
    if lay.outputs_per_block < 1:
        found = f"{lay.columns_per_output} columns, {quoted(lay.array)} has {lay.crossbar.cols}"
        draft.fault(loc, f"{weight} needs {found}", key=True)
    if lay.blocks < 1:
        found = f"{lay.arrays_per_block} arrays, a core has {lay.arrays} of {quoted(lay.array)}"
        draft.fault(loc, f"{weight} needs {found}", key=True)
    return lay.outputs_per_block >= 1 and lay.blocks >= 1


def _check_lanes(draft: Draft, core: Module, lay: Layout) -> None:
    previous: tuple[str, Fraction] | None = None
    for name in core.flat:
        ends = _lanes(core, draft, lay, name)
        if ends is None:
            continue
        lanes_in, lanes_out = ends
        if previous is not None and (previous[1] / lanes_in).denominator != 1:
            who, out = previous
            given = f"{quoted(who)} gives {out} lane{'' if out == 1 else 's'}, {quoted(name)} takes {lanes_in}"
            found = f"{given}; expected a whole number of the first for each of the second"
            draft.fault(("modules", core.name, "path"), found)
        previous = (name, lanes_out)


def _lanes(core: Module, draft: Draft, lay: Layout, name: str) -> tuple[Fraction, Fraction] | None:
    """Values that a part of the path takes and gives at once; None where words, not values, are moved."""
    if draft.place(name) in (None, "memory", "wire", "function"):
        return None
    number = core.members[name]
    if draft.place(name) == "array":
        cells = lay.columns_per_output * lay.arrays_per_block // lay.conversions_per_output
        return number * lay.crossbar.rows, number * lay.crossbar.cols / max(1, cells)
    return number, number
