"""Groups: the digital units, tiles and function cores that work for a layer, all in its region of the chip."""

from collections.abc import Mapping as Dict
from math import ceil

from archsim.graph.graph import Graph
from archsim.machine.fits import Layout
from archsim.machine.machine import Machine
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
    """A group for every layer. One without weights, or without a unit of some module, shares its neighbour's."""
    modules = sorted(_performing(machine))
    complete: dict[str, Group] = {}
    for layer, region in regions.items():
        units = {module: _inside(machine, module, region) for module in modules}
        if all(units.values()):
            free = _free_cores(machine, graph, layer, placed, region, layout)
            cores = allot(machine, graph, layer, fused, free, keys)
            complete[layer] = Group(layer, region.chip, units, cores)
    if not complete:
        everything = {module: tuple(range(int(machine.count(module)))) for module in modules}
        complete[graph.layers[0]] = Group("all", 0, everything, {})
    order = list(graph.layers)
    at = {layer: index for index, layer in enumerate(order)}
    return {
        layer: complete[min(complete, key=lambda other: (abs(at[layer] - at[other]), at[other]))] for layer in order
    }


def _performing(machine: Machine) -> set[str]:
    """Modules that hold what does steps; a core stands in a tile."""
    found: set[str] = set()
    for steps in machine.recipes.values():
        for step in steps:
            if step.by != machine.core:
                found.add(str(machine.holder(step.by)))
            elif step.step != "mvm":
                found.add(machine.tile)
    return found


def _inside(machine: Machine, module: str, region: Region) -> tuple[int, ...]:
    """Units of a module, spread evenly over the chip's tiles, that stand in a region."""
    total, tiles = int(machine.count(module)), int(machine.count(machine.tile))
    first = ceil(region.first * total / tiles)
    last = ceil((region.first + region.number) * total / tiles)
    return tuple(range(first, last))


def _free_cores(
    machine: Machine, graph: Graph, layer: str, placed: Dict[str, Placed], region: Region, layout: Layout
) -> int:
    """Cores of a region that hold no weights."""
    cores = int(machine.count(machine.core, machine.tile))
    linears = (placed[linear.key] for linear in graph.linears if linear.layer == layer)
    return region.number * cores - sum(ceil(found.tiling.blocks / layout.blocks) for found in linears)
