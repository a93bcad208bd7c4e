"""Projections split over all chips: each chip has a part of the columns of every projection (tensor parallel).

All chips are laid out alike. Where the rows of a column block take several tiles, these stay on one chip, so that no
partial sum crosses a link. Units that do the rest of a layer stand on one chip, layer by layer on the next.
"""

from collections.abc import Mapping as Dict
from math import ceil

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.operators import Linear
from archsim.machine.machine import Machine
from archsim.mapping.mapping import Placed, Region
from archsim.mapping.tiling import Tiling

_MOST_CHIPS = 4096


def share(tiling: Tiling, chips: int) -> int:
    """Tiles of a projection on a chip that has most of it."""
    together = tiling.partial_tiles
    return ceil(ceil(tiling.tiles / together) / chips) * together


def chips_needed(machine: Machine, graph: Graph, tilings: Dict[str, Tiling], spare: Dict[str, int]) -> int:
    """The fewest chips on which all parts fit; raises ArchsimError where there are too few."""
    per_chip = int(machine.count(machine.tile))
    fixed = machine.chips.count if isinstance(machine.chips.count, int) else None
    for chips in range(1, _MOST_CHIPS + 1) if fixed is None else (fixed,):
        if sum(_sizes(graph, tilings, spare, chips).values()) <= per_chip:
            return chips
    needed = sum(tiling.tiles for tiling in tilings.values())
    has = f"{fixed or _MOST_CHIPS} chips have {(fixed or _MOST_CHIPS) * per_chip:,}"
    message = f"{graph.name} does not fit with its projections split: they need {needed:,} tiles, {has}"
    raise ArchsimError(f"{message}. Try more chips (chips.count), or chips.split: layers.")


def _sizes(graph: Graph, tilings: Dict[str, Tiling], spare: Dict[str, int], chips: int) -> dict[str, int]:
    return {
        layer: ceil(spare[layer] / chips)
        + sum(share(tilings[each.key], chips) for each in graph.by_layer[layer] if isinstance(each, Linear))
        for layer in graph.layers
    }


def split(
    machine: Machine, graph: Graph, tilings: Dict[str, Tiling], spare: Dict[str, int], chips: int
) -> tuple[dict[str, Placed], dict[str, Region]]:
    """Tiles of every projection on every chip; what is left of a chip is shared out in proportion."""
    per_chip = int(machine.count(machine.tile))
    sizes = _sizes(graph, tilings, spare, chips)
    used = sum(sizes.values())
    placed: dict[str, Placed] = {}
    regions: dict[str, Region] = {}
    done = 0
    for number, (layer, size) in enumerate((layer, size) for layer, size in sizes.items() if size):
        first = done + (per_chip - used) * done // used
        done += size
        after = done + (per_chip - used) * done // used
        regions[layer] = Region(number % chips, first, after - first)
        at = first
        for linear in (each for each in graph.by_layer[layer] if isinstance(each, Linear)):
            tiling = tilings[linear.key]
            each_has = share(tiling, chips)
            runs = tuple(
                (chip, at, min(each_has, tiling.tiles - chip * each_has))
                for chip in range(chips)
                if chip * each_has < tiling.tiles
            )
            placed[linear.key] = Placed(linear, tiling, runs)
            at += each_has
    return placed, regions
