"""What each projection of a model takes on a machine, by its bits: tiles, times and energy, for a search to weigh.

Times are the simulator's own, of products, vector units and transfers; how these wait for each other is left out.
Digital units and transfers are taken from the model with the machine's own bits and one copy of each projection, and
stand with the projection before them. With copies a layer has more of the chip, its units are faster than that, and
transfers go other ways: on ResNet-18 latency is up to 15 % too long, and an input each up to 20 % too short where links
of the mesh decide, else within 1 % (docs/lrmp.md). More copies than gain anything do more: ResNet-20 with w6a6 takes
42.7 us an input by this, 43.5 when run on the 1,986 tiles that this needs, 80.3 with more copies on 4,086.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from archsim.core.timing import Timer
from archsim.graph.graph import Graph
from archsim.graph.job import Job
from archsim.graph.operators import Linear
from archsim.lowering.floor import Work as Product
from archsim.lowering.linear import passed_by, product
from archsim.lowering.lower import lower
from archsim.machine.load import change
from archsim.machine.machine import Machine
from archsim.mapping.bits import Bits, Cutter, bits_of
from archsim.mapping.mapping import Mapping
from archsim.mapping.placement import place
from archsim.mapping.replication import Work
from archsim.mapping.tiling import Tiling
from archsim.parts.base import Burst
from archsim.program import Program
from archsim.program.arrays import JOIN
from archsim.result.ledger import costs


def works(machine: Machine, graph: Graph, job: Job, bits: Dict[str, Bits] | None = None) -> tuple[Work, ...]:
    """The works of all projections, in their order.

    bits: by projection; those left out have what the machine's file says. The first call for a machine, model and job
    places and lowers them; later ones look up what is remembered of each shape and number of bits. For many calls pass
    `bits`, instead of changing the machine.
    """
    return _priced(_Case(machine.digest, id(graph), job, machine, graph)).works(bits or {})


def tiles_of_chips(machine: Machine, graph: Graph, job: Job) -> int:
    """Tiles of all chips that the model takes with one copy of each projection."""
    mapping = _priced(_Case(machine.digest, id(graph), job, machine, graph)).mapping
    return mapping.chips * mapping.tiles_per_chip


@dataclass(frozen=True)
class _Case:
    """What is priced; the graph is kept, so that its id stays its own."""

    digest: str
    model: int
    job: Job
    machine: Machine = field(compare=False)
    graph: Graph = field(compare=False)


@lru_cache(maxsize=16)
def _priced(case: _Case) -> "_Prices":
    return _Prices(case)


class _Prices:
    """All that is known of one machine, model and job."""

    def __init__(self, case: _Case) -> None:
        bare = change(case.machine, ("mapping.copies={}", "mapping.replicate=none"))
        self.machine, self.job, self.timer = bare, case.job, Timer(bare)
        self.mapping = place(bare, case.graph, case.job)
        self.cutter = Cutter(bare, self.timer)
        self.bits = bits_of(bare, self.mapping.graph)
        self.costs = costs(bare)
        self.beside = _beside(self.mapping, lower(self.mapping, self.job, self.timer), self.costs)
        self.found: dict[tuple[str, Bits], Work] = {}
        self._product = lru_cache(maxsize=None)(self._of_tiling)

    def _of_tiling(self, tiling: Tiling, passed: tuple[tuple[str, Burst], ...]) -> Product:
        """Of one shape and number of bits, which many projections may have."""
        return product(self.machine, self.timer, tiling, passed)

    def works(self, bits: Dict[str, Bits]) -> tuple[Work, ...]:
        return tuple(
            self._work(linear, bits.get(linear.key, self.bits[linear.key])) for linear in self.mapping.graph.linears
        )

    def _work(self, linear: Linear, bits: Bits) -> Work:
        key = linear.key, bits
        if key not in self.found:
            tiling = self.cutter.tiling(linear, bits)
            passed = passed_by(self.machine, self.mapping.graph, linear, tiling, self.mapping.fused)
            one = self._product(tiling, tuple(passed))
            vectors, beside = len(self.job.places(linear)), self.beside[linear.key]
            energy = vectors * sum(number * self.costs[action] for action, number in one.counts.items())
            self.found[key] = Work(
                name=linear.key,
                vectors=max(1, vectors),
                time=one.interval,
                tiles=tiling.tiles,
                rest=beside.after + max(0, one.latency - one.interval),
                floor=beside.floor,
                apart=beside.apart,
                energy=energy + beside.energy,
            )
        return self.found[key]


@dataclass
class _Beside:
    """What stands beside a projection: ps after it, of the transfers from it, of the busiest station; zJ of all."""

    after: int = 0
    floor: int = 0
    apart: int = 0
    energy: int = 0


@dataclass
class _Spent:
    """By stations, ps: what the first task takes before others can follow it, and how long all of them keep it busy."""

    fill: dict[int, int] = field(default_factory=dict)
    busy: dict[int, int] = field(default_factory=dict)

    def add(self, station: int, fill: int, busy: int) -> None:
        self.fill[station] = max(self.fill.get(station, 0), fill)
        self.busy[station] = self.busy.get(station, 0) + busy

    @property
    def longest(self) -> int:
        return max(self.busy.values(), default=0)


def _beside(mapping: Mapping, program: Program, each: Dict[str, int]) -> dict[str, _Beside]:
    """By projection. What comes before the first stands with it.

    Results move on as they come, so that a transfer takes time only where it takes longer than what makes its data.
    """
    own, moved, energy = _spent(mapping, program, each)
    busy = Counter[int]()
    for spent in (*own.values(), *moved.values()):
        busy.update(spent.busy)
    found = {linear.key: _Beside() for linear in mapping.graph.linears}
    order = [operator.key for operator in mapping.graph.operators]
    current = found[mapping.graph.linears[0].key]
    for key, after in zip(order, [*order[1:], ""], strict=True):
        current = found.get(key, current)
        current.energy += energy[key]
        current.apart = max(current.apart, *(busy[at] for at in (*own[key].busy, *moved[key].busy)), 0)
        current.after += sum(own[key].fill.values()) + sum(moved[key].fill.values())
        if key in found:
            current.floor = moved[after].longest
        else:
            current.after += max(own[key].longest, moved[after].longest)
    return found


def _spent(
    mapping: Mapping, program: Program, each: Dict[str, int]
) -> tuple[defaultdict[str, _Spent], defaultdict[str, _Spent], defaultdict[str, int]]:
    """By operator: what it takes, products with weights aside; what transfers to it take; zJ of both."""
    own, moved, energy = defaultdict[str, _Spent](_Spent), defaultdict[str, _Spent](_Spent), defaultdict[str, int](int)
    number = program.tasks_per_kind()
    for kind in np.flatnonzero((program.station != JOIN) & (number > 0)).tolist():
        operator, station = program.operators[program.operator[kind]], int(program.station[kind])
        if program.stations[station].name == operator:
            continue
        latency, interval = int(program.latency[kind]), int(program.interval[kind])
        busy = int(number[kind]) * interval // program.stations[station].servers
        (moved if _moves(mapping.machine, program, kind) else own)[operator].add(station, latency - interval, busy)
        for at in range(program.counts_start[kind], program.counts_start[kind + 1]):
            action = program.actions[program.counts_action[at]]
            energy[operator] += int(number[kind] * program.counts_number[at]) * each[action]
    return own, moved, energy


def _moves(machine: Machine, program: Program, kind: int) -> bool:
    """Whether a kind is part of a transfer."""
    parts = [part.rpartition(".")[2] for part in program.spent(kind, occupied=True)]
    return all(part not in machine.parts or machine.parts[part].place in ("route", "link") for part in parts)
