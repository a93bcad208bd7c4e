"""Weights that do not fit: chips hold some layers at a time, and are written anew for the next (chips.reprogram)."""

from collections.abc import Mapping as Dict
from dataclasses import replace

from archsim.errors import ArchsimError
from archsim.machine.machine import Machine
from archsim.mapping.mapping import Placed, Region


def in_rounds(
    machine: Machine, chips: int, placed: Dict[str, Placed], regions: Dict[str, Region], per_chip: int
) -> tuple[dict[str, Placed], dict[str, Region], dict[str, int]]:
    """Of layers placed on more chips than there are: the same on `chips` of them, and by layer the round it is in.

    Raises ArchsimError for a layer that is larger than a chip.
    """
    for key, each in placed.items():
        if len(each.runs) > 1:
            layer = key.partition("/")[0]
            found = f"{layer} needs more than the {per_chip:,} tiles of a chip, and cannot be written in one round"
            raise ArchsimError(f"{found}. Try more tiles on a chip, or chips.count: auto ({machine.file}).")
    moved = {
        key: replace(each, runs=tuple((chip % chips, first, number) for chip, first, number in each.runs))
        for key, each in placed.items()
    }
    there = {layer: replace(region, chip=region.chip % chips) for layer, region in regions.items()}
    return moved, there, {layer: region.chip // chips for layer, region in regions.items()}
