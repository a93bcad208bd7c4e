"""Groups: the digital units, tiles and function cores that work for a layer, all in its region of the chip."""

from bisect import bisect_left
from collections.abc import Mapping as Dict
from math import ceil

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.operators import Linear
from archsim.machine.fits import Layout
from archsim.machine.machine import Machine
from archsim.mapping.dynamic import arrays_of
from archsim.mapping.functions import allot
from archsim.mapping.mapping import Group, Keys, Placed, Region


def make_groups(
    machine: Machine,
    graph: Graph,
    placed: Dict[str, Placed],
    regions: Dict[str, Region],
    fused: Dict[str, str],
    layout: Layout,
    keys: Keys,
) -> dict[str, Group]:
    """A group for every layer. One without weights, or without a unit of some seat, shares its neighbour's."""
    seats = sorted(_seats(machine))
    units = {layer: {seat: _inside(machine, seat, region) for seat in seats} for layer, region in regions.items()}
    complete = {layer for layer, found in units.items() if all(found.values())}
    order = list(graph.layers)
    if not complete:
        everything = {seat: tuple(range(int(machine.count(seat)))) for seat in seats}
        free = int(machine.count(machine.core))
        arrays = {name: n for layer in order for name, n in arrays_of(machine, graph, layer, layout, keys).items()}
        _require_arrays("all", arrays, free)
        cores = allot(machine, graph, order, fused, free - sum(arrays.values()), keys)
        return dict.fromkeys(order, Group("all", 0, everything, cores | arrays))
    served = _nearest(order, complete)
    groups = {}
    for owner, layers in served.items():
        free = _free_cores(machine, graph, owner, placed, regions[owner])
        arrays = {name: n for layer in layers for name, n in arrays_of(machine, graph, layer, layout, keys).items()}
        _require_arrays(owner, arrays, free)
        # what generates is programmed once, for as long a sequence as it can become
        longest = graph.longest if graph.feedback is not None else keys
        cores = allot(machine, graph, layers, fused, free - sum(arrays.values()), longest)
        groups[owner] = Group(owner, regions[owner].chip, units[owner], cores | arrays)
    return {layer: groups[owner] for owner, layers in served.items() for layer in layers}


def _nearest(order: list[str], complete: set[str]) -> dict[str, list[str]]:
    """By each layer that is complete, those that are nearest to it; of two as near, the one before."""
    owners = [index for index, layer in enumerate(order) if layer in complete]
    served: dict[str, list[str]] = {order[index]: [] for index in owners}
    for index, layer in enumerate(order):
        after = min(bisect_left(owners, index), len(owners) - 1)
        before = max(0, after - 1)
        owner = min(owners[before], owners[after], key=lambda at: (abs(at - index), at))
        served[order[owner]].append(layer)
    return served


def _require_arrays(layer: str, arrays: Dict[str, int], free: int) -> None:
    needed = sum(arrays.values())
    if needed > free:
        found = f"{layer}: operands that the run writes take {needed:,} cores, {free:,} are free"
        raise ArchsimError(f"{found}. Try a shorter --seq, or more tiles on a chip.")


def _seats(machine: Machine) -> set[str]:
    """Seats of all that does steps, the product with weights aside."""
    steps = (step for recipe in machine.recipes.values() for step in recipe)
    return {machine.seat(step.by) for step in steps if (step.by, step.function) != (machine.core, "mvm")}


def _inside(machine: Machine, seat: str, region: Region) -> tuple[int, ...]:
    """Units of a seat, spread evenly over the chip's tiles, that stand in a region."""
    total, tiles = int(machine.count(seat)), int(machine.count(machine.tile))
    first = ceil(region.first * total / tiles)
    last = ceil((region.first + region.number) * total / tiles)
    return tuple(range(first, last))


def _free_cores(machine: Machine, graph: Graph, layer: str, placed: Dict[str, Placed], region: Region) -> int:
    """Cores of a region that hold no weights."""
    cores = int(machine.count(machine.core, machine.tile))
    linears = (placed[each.key] for each in graph.by_layer[layer] if isinstance(each, Linear))
    if machine.chips.split == "projections":
        return max(0, region.number * cores - sum(found.tiles_on(region.chip) * cores for found in linears))
    used = (found.tiling.copies * ceil(found.tiling.blocks / found.tiling.layout.blocks) for found in linears)
    return max(0, region.number * cores - sum(used))
