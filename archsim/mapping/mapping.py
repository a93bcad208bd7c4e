"""Mapping: a Graph on a Machine, legal and complete. Data types only."""

from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from functools import cached_property

from archsim.graph.graph import Graph
from archsim.graph.operators import Linear, Operator
from archsim.machine.fits import Layout
from archsim.machine.machine import Machine
from archsim.mapping.mesh import Grid
from archsim.mapping.tiling import Tiling

Keys = Callable[[Operator], int]
"""The most positions that an operator may see."""


@dataclass(frozen=True)
class Placed:
    """A projection: its tiles, copy by copy, as (chip, first tile, number) runs, one per chip that it touches."""

    linear: Linear
    tiling: Tiling
    runs: tuple[tuple[int, int, int], ...]

    @property
    def first_copy(self) -> tuple[tuple[int, int, int], ...]:
        """Runs of the tiles of one copy."""
        found, left = [], self.tiling.tiles
        for chip, first, number in self.runs:
            if left:
                found.append((chip, first, min(number, left)))
                left -= min(number, left)
        return tuple(found)

    def input_bits(self, machine: Machine) -> int:
        """Bits of one of its inputs."""
        return self.tiling.inputs or int(machine.precision.inputs)

    def tiles_on(self, chip: int) -> int:
        """Tiles on a chip."""
        return sum(number for where, _, number in self.runs if where == chip)

    def taken(self, values: int) -> int:
        """Of a source's values at a position, those that the tile that takes in most of them takes."""
        most = max(load.tile_inputs for load, _ in self.tiling.loads)
        return min(values, -(-most * values // self.linear.in_features))


@dataclass(frozen=True, slots=True)
class Region:
    """The tiles of a chip that belong to one layer: those of its projections, and a share of those left over."""

    chip: int
    first: int
    number: int


@dataclass(frozen=True)
class Group:
    """The units that work for one or more layers, in step: numbers on the chip by seat; cores by function."""

    name: str
    chip: int
    units: Dict[str, tuple[int, ...]]
    function_cores: Dict[str, int]


@dataclass(frozen=True, slots=True)
class Home:
    """Where the keys and values of an attention live: `part` in `module`; `shared` by all layers of the chip.

    capacity: bits there for this attention; per_position: bits that one position takes.
    """

    module: str
    part: str
    shared: bool
    capacity: int
    per_position: int


@dataclass(frozen=True)
class Mapping:
    """Where everything is. fused: activations by the projection that computes them in its conversion.

    rounds: by layer, where chips are written anew for some; empty where all weights fit.
    """

    machine: Machine
    graph: Graph
    chips: int
    grid: Grid | None
    tiles_per_chip: int
    layout: Layout
    placed: Dict[str, Placed]
    groups: Dict[str, Group]
    fused: Dict[str, str]
    homes: Dict[str, Home]
    notes: tuple[str, ...]
    rounds: Dict[str, int] = field(default_factory=dict)

    def round_of(self, layer: str) -> int:
        """The round in which a layer is on its chip, where weights are written in turn."""
        return self.rounds.get(self.groups[layer].name, 0)

    @cached_property
    def named(self) -> Dict[str, Group]:
        """Groups by name."""
        return {group.name: group for group in self.groups.values()}

    @cached_property
    def _keeping(self) -> frozenset[str]:
        return frozenset(home.module for home in self.homes.values() if not home.shared)

    def keeps_in(self, module: str) -> bool:
        """Whether keys and values live in the memories of a kind of module."""
        return module in self._keeping

    def fused_with(self, linear: str) -> list[str]:
        """Activations that a projection computes in its conversion."""
        return [reader.key for reader in self.graph.readers.get(linear, ()) if self.fused.get(reader.key) == linear]

    def group(self, layer: str) -> Group:
        """The units that serve a layer."""
        return self.groups[layer]
