"""Mapping: where each operator lives. Projections on tiles of their own, in order; all else near its layer's tiles."""

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from math import ceil

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.operators import Linear
from archsim.machine.fits import Layout, layout
from archsim.machine.machine import Machine
from archsim.mapping.mesh import Grid, grid_of
from archsim.mapping.tiling import Tiling, tile


@dataclass(frozen=True)
class Placed:
    """A projection: its tiles as (chip, first tile, number) runs, one per chip that it touches."""

    linear: Linear
    tiling: Tiling
    runs: tuple[tuple[int, int, int], ...]

    @property
    def chip(self) -> int:
        """The chip that holds it, or its first part."""
        return self.runs[0][0]


@dataclass(frozen=True)
class Group:
    """The digital units of one or more layers, which work in step: units (numbers on the chip) by their module."""

    name: str
    chip: int
    units: Dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Mapping:
    """A Graph on a Machine: legal, and complete."""

    machine: Machine
    graph: Graph
    chips: int
    grid: Grid | None
    tiles_per_chip: int
    layout: Layout
    placed: Dict[str, Placed]
    groups: Dict[str, Group]

    def group(self, layer: str) -> Group:
        """The digital units that serve a layer."""
        return self.groups[layer]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the mapping takes for granted."""
        found = ["biases start in the adders that gather partial sums: they cost nothing"]
        if any(operator.kind == "embedding" for operator in self.graph.operators):
            found.append("rows of embedding tables come with the input: their look-up is not counted")
        return tuple(found)


def place(machine: Machine, graph: Graph) -> Mapping:
    """Place a Graph; raises ArchsimError with what would make it fit."""
    _require_recipes(machine, graph)
    lay = layout(machine.modules[machine.core], machine.parts, machine.precision)
    cores = int(machine.count(machine.core, machine.tile))
    per_chip = int(machine.count(machine.tile))
    tilings = {linear.key: tile(linear, lay, cores) for linear in graph.linears}
    placed = _place_linears(graph, tilings, per_chip)
    needed = 1 + max((chip for p in placed.values() for chip, _, _ in p.runs), default=0)
    chips = needed if machine.chips.count == "auto" else machine.chips.count
    if needed > chips:
        weights = sum(linear.in_features * linear.out_features for linear in graph.linears)
        tiles = sum(tiling.tiles for tiling in tilings.values())
        has = f"{chips} chip has" if chips == 1 else f"{chips} chips have"
        message = f"{graph.name} does not fit: {weights:,} weights need {tiles:,} tiles, {has} {chips * per_chip:,}."
        raise ArchsimError(f"{message} Try chips.count: {needed}.")
    if needed > 1 and machine.chips.link is None:
        raise ArchsimError(
            f"{graph.name} needs {needed} chips, but no link joins them. Try chips.link: a part of class link."
        )
    grid = grid_of(machine)
    groups = _groups(machine, graph, placed, per_chip)
    return Mapping(machine, graph, chips, grid, per_chip, lay, placed, groups)


def _require_recipes(machine: Machine, graph: Graph) -> None:
    missing = sorted({operator.kind for operator in graph.operators} - set(machine.recipes))
    if missing:
        names = ", ".join(missing)
        known = ", ".join(machine.recipes)
        raise ArchsimError(f"{machine.file}: no recipe for {names}, which {graph.name} needs. There are: {known}.")


def _place_linears(graph: Graph, tilings: Dict[str, Tiling], per_chip: int) -> dict[str, Placed]:
    """In order of the Graph. A layer that fits on one chip is not split over two."""
    placed: dict[str, Placed] = {}
    free = 0
    for layer in graph.layers:
        linears = [linear for linear in graph.linears if linear.layer == layer]
        needed = sum(tilings[linear.key].tiles for linear in linears)
        if needed <= per_chip < free % per_chip + needed:
            free = ceil(free / per_chip) * per_chip
        for linear in linears:
            tiling = tilings[linear.key]
            placed[linear.key] = Placed(linear, tiling, tuple(_runs(free, tiling.tiles, per_chip)))
            free += tiling.tiles
    return placed


def _runs(first: int, number: int, per_chip: int) -> list[tuple[int, int, int]]:
    runs: list[tuple[int, int, int]] = []
    while number:
        chip, start = divmod(first, per_chip)
        here = min(number, per_chip - start)
        runs.append((chip, start, here))
        first, number = first + here, number - here
    return runs


def _groups(machine: Machine, graph: Graph, placed: Dict[str, Placed], per_chip: int) -> dict[str, Group]:
    """Each digital unit serves the layer whose tiles stand at its router; a layer without one shares a neighbour's."""
    modules = sorted(
        {
            m
            for steps in machine.recipes.values()
            for step in steps
            if (m := machine.holder(step.by)) and step.by in machine.parts
        }
    )
    home: dict[str, tuple[int, int, int]] = {}
    for layer in graph.layers:
        runs = [run for p in placed.values() if p.linear.layer == layer for run in p.runs]
        if runs:
            chip = max({run[0] for run in runs}, key=lambda c: sum(n for where, _, n in runs if where == c))
            first = min(start for where, start, _ in runs if where == chip)
            last = max(start + n for where, start, n in runs if where == chip)
            home[layer] = (chip, first, last)
    owned: dict[str, dict[str, tuple[int, ...]]] = {layer: {} for layer in home}
    for module in modules:
        total = int(machine.count(module))
        for layer, (chip, _, _) in home.items():
            owned[layer][module] = tuple(
                unit
                for unit in range(total)
                if _owner(home, chip, unit * per_chip // total, per_chip // total) == layer
            )
    return _shared(graph, home, owned)


def _owner(home: Dict[str, tuple[int, int, int]], chip: int, tile_number: int, reach: int) -> str | None:
    """The layer with the most tiles among the `reach` tiles beside a unit."""
    reach = max(1, reach)

    def overlap(layer: str) -> int:
        where, first, last = home[layer]
        return min(last, tile_number + reach) - max(first, tile_number) if where == chip else 0

    best = max(home, key=overlap, default=None)
    return best if best is not None and overlap(best) > 0 else None


def _shared(
    graph: Graph, home: Dict[str, tuple[int, int, int]], owned: Dict[str, dict[str, tuple[int, ...]]]
) -> dict[str, Group]:
    """Layers without weights, or without a unit of some module, work on the group of the layer before (or after)."""
    complete = {layer: Group(layer, home[layer][0], units) for layer, units in owned.items() if all(units.values())}
    groups: dict[str, Group] = {}
    layers = list(graph.layers)
    for index, layer in enumerate(layers):
        if layer in complete:
            groups[layer] = complete[layer]
            continue
        nearest = sorted((abs(index - i), i) for i, other in enumerate(layers) if other in complete)
        if nearest:
            groups[layer] = complete[layers[nearest[0][1]]]
        else:
            units = {module: (0,) for found in owned.values() for module in found}
            groups[layer] = Group("all", 0, units)
    return groups
