"""Groups: the digital units, tiles and function cores that work for a layer, all in its region of the chip."""

from collections.abc import Mapping as Dict
from math import ceil

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.machine.fits import Layout
from archsim.machine.machine import Machine
from archsim.mapping.dynamic import arrays_of
from archsim.mapping.functions import allot
from archsim.mapping.mapping import Group, Placed, Region


def make_groups(
    machine: Machine,
    graph: Graph,
    placed: Dict[str, Placed],
    regions: Dict[str, Region],
    fused: Dict[str, str],
    layout: Layout,
    keys: int,
) -> dict[str, Group]:
    """A group for every layer. One without weights, or without a unit of some seat, shares its neighbour's."""
    seats = sorted(_seats(machine))
    units = {layer: {seat: _inside(machine, seat, region) for seat in seats} for layer, region in regions.items()}
    complete = {layer for layer, found in units.items() if all(found.values())}
    order = list(graph.layers)
    if not complete:
        everything = {seat: tuple(range(int(machine.count(seat)))) for seat in seats}
        return dict.fromkeys(order, Group("all", 0, everything, {}))
    at = {layer: index for index, layer in enumerate(order)}
    served = {layer: min(complete, key=lambda o: (abs(at[layer] - at[o]), at[o])) for layer in order}
    groups = {}
    for owner in complete:
        layers = [layer for layer in order if served[layer] == owner]
        free = _free_cores(machine, graph, owner, placed, regions[owner], layout)
        arrays = {name: n for layer in layers for name, n in arrays_of(machine, graph, layer, layout, keys).items()}
        _require_arrays(owner, arrays, free, keys)
        # what generates is programmed once, for as long a sequence as it can become
        longest = graph.max_positions if graph.feedback is not None else keys
        cores = allot(machine, graph, layers, fused, free - sum(arrays.values()), longest)
        groups[owner] = Group(owner, regions[owner].chip, units[owner], cores | arrays)
    return {layer: groups[served[layer]] for layer in order}


def _require_arrays(layer: str, arrays: Dict[str, int], free: int, keys: int) -> None:
    needed = sum(arrays.values())
    if needed > free:
        found = f"{layer}: operands of {keys:,} positions are written into {needed:,} cores, {free:,} are free"
        raise ArchsimError(f"{found}. Try a shorter --seq, or more tiles on a chip.")


def _seats(machine: Machine) -> set[str]:
    """Seats of all that does steps, the product with weights aside."""
    steps = (step for recipe in machine.recipes.values() for step in recipe)
    return {machine.seat(step.by) for step in steps if (step.by, step.step) != (machine.core, "mvm")}


def _inside(machine: Machine, seat: str, region: Region) -> tuple[int, ...]:
    """Units of a seat, spread evenly over the chip's tiles, that stand in a region."""
    total, tiles = int(machine.count(seat)), int(machine.count(machine.tile))
    first = ceil(region.first * total / tiles)
    last = ceil((region.first + region.number) * total / tiles)
    return tuple(range(first, last))


def _free_cores(
    machine: Machine, graph: Graph, layer: str, placed: Dict[str, Placed], region: Region, layout: Layout
) -> int:
    """Cores of a region that hold no weights."""
    cores = int(machine.count(machine.core, machine.tile))
    linears = (placed[linear.key] for linear in graph.linears if linear.layer == layer)
    return max(0, region.number * cores - sum(ceil(found.tiling.blocks / layout.blocks) for found in linears))
