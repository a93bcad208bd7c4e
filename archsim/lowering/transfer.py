"""Transfers: what moves between tiles, groups of digital units and chips, and which links it shares with others.

A transfer passes a channel of its own (it takes room at its end, and holds the way for as long as its flits need),
then the most loaded mesh link on its way, which it shares with all transfers that cross it. Flits follow each other
closely (cut-through): the channel takes the hops' time, the link the flits'.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from archsim.lowering.floor import Floor, Tasks, ids, merge, whole
from archsim.machine.machine import Machine
from archsim.mapping.mapping import Mapping as Placement
from archsim.mapping.mesh import Grid, Link, Traffic, route, sites


@dataclass(frozen=True)
class End:
    """One end of a transfer: unit numbers by chip, of `total` such units on a chip."""

    units: Mapping[int, tuple[int, ...]]
    total: int


@dataclass(frozen=True)
class Leg:
    """From one chip's units to another's: traffic on the meshes of both, chips passed on the way, bits over links."""

    chips: tuple[int, ...]
    meshes: tuple[tuple[int, Traffic], ...]
    bits: int


@dataclass(frozen=True)
class Transfer:
    """All that moves for one position: `sent` bits read at the source, `taken` bits written at the sinks."""

    legs: tuple[Leg, ...]
    sent: int
    taken: int


def plan(placement: Placement, source: End, sink: End, sent: int, per_unit: int, *, copies: bool) -> Transfer:
    """Legs from each source chip to each sink chip.

    sent: bits that leave the source; per_unit: bits that each sink unit takes in; copies: all take in the same.
    """
    machine, grid = placement.machine, placement.grid
    senders = sum(len(units) for units in source.units.values())
    legs = []
    for chip, units in source.units.items():
        share = Fraction(len(units), senders)
        for target, takers in sink.units.items():
            into = tuple((site, per_unit * (1 if copies else n)) for site, n in sites(grid, takers, sink.total))
            bits = _part(per_unit if copies else per_unit * len(takers), share)
            legs.append(
                _leg(
                    machine,
                    grid,
                    chip,
                    target,
                    sites(grid, units, source.total),
                    into,
                    share,
                    bits,
                    copies=copies,
                )
            )
    return Transfer(tuple(legs), sent, per_unit * sum(len(units) for units in sink.units.values()))


def _part(bits: int, share: Fraction) -> int:
    return -(-bits * share.numerator // share.denominator)


def _leg(
    machine: Machine,
    grid: Grid | None,
    chip: int,
    target: int,
    origin: tuple[tuple[int, int], ...],
    into: tuple[tuple[int, int], ...],
    share: Fraction,
    bits: int,
    *,
    copies: bool,
) -> Leg:
    step = 1 if target >= chip else -1
    chips = tuple(range(chip, target + step, step))
    if grid is None:
        return Leg(chips, (), bits)
    width = flit_bits(machine)
    shared = into if share == 1 else tuple((site, _part(need, share)) for site, need in into)
    if chip == target:
        return Leg(chips, ((chip, route(grid, width, origin, shared, copies=copies)),), bits)
    out, entry = (grid.routers - 1, 0) if step > 0 else (0, grid.routers - 1)
    leaving = route(grid, width, origin, ((out, bits),), copies=False)
    arriving = route(grid, width, ((entry, 1),), shared, copies=copies)
    return Leg(chips, ((chip, leaving), (target, arriving)), bits)


def _router(machine: Machine) -> tuple[str, str]:
    for module in machine.modules.values():
        if module.mesh is not None:
            return str(machine.holder(module.mesh.router)), module.mesh.router
    message = "a mesh"
    raise LookupError(message)


def flit_bits(machine: Machine) -> int:
    """Bits of a flit of the mesh."""
    return int(getattr(machine.parts[_router(machine)[1]], "width"))  # noqa: B009


def link_loads(transfers: "list[Transfer]") -> Counter[tuple[int, Link]]:
    """Flits per position over each (chip, link), of all transfers together."""
    loads: Counter[tuple[int, Link]] = Counter()
    for transfer in transfers:
        for leg in transfer.legs:
            for chip, traffic in leg.meshes:
                for link, flits in traffic.links:
                    loads[chip, link] += flits
    return loads


@dataclass(frozen=True)
class Ends:
    """What a transfer takes at its start and gives on arrival, amounts by store; what its memories count."""

    takes: Mapping[int, int]
    gives: Mapping[int, int]
    counts: Mapping[str, int]


def lower_transfer(
    floor: Floor,
    name: str,
    operator: str,
    transfer: Transfer,
    loads: Mapping[tuple[int, Link], int],
    source: Tasks,
    ends: Ends,
) -> Tasks:
    """Tasks of a transfer, one chain a leg and position; the last task of each position."""
    builder = floor.builder
    arrived = []
    for number, leg in enumerate(transfer.legs):
        hops = _Hops(floor, name if len(transfer.legs) == 1 else f"{name} {number}", operator, leg, loads)
        first = number == 0
        kinds = hops.kinds(ends if first else Ends({}, {}, {}), alone=len(transfer.legs) == 1)
        arrived.append(builder.chain(kinds, source))
    if len(arrived) == 1:
        return arrived[0]
    kind = builder.kind(name, station=None, operator=operator, gives=ends.gives)
    joined = ids(builder.tasks(kind, len(source)))
    for tasks in arrived:
        builder.after(joined, tasks)
    return joined


@dataclass(frozen=True)
class _Passed:
    """Something on the way: its station, the part that its time is spent in, ps, actions counted."""

    station: str
    part: str
    latency: int
    interval: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class _Hops:
    floor: Floor
    name: str
    operator: str
    leg: Leg
    loads: Mapping[tuple[int, Link], int]

    def kinds(self, ends: Ends, *, alone: bool) -> list[int]:
        """Channel, chip links, shared mesh link; what is given is given by the last."""
        machine = self.floor.mapping.machine
        stages: list[_Passed] = []
        if self.leg.meshes:
            stages.append(self._channel(machine))
        stages += self._chip_links(machine)
        stages += self._shared_link(machine)
        if not stages:
            stages.append(_Passed(f"{self.name} channel", "wires", 1, 1, {}))
        made = []
        for number, passed in enumerate(stages):
            last = number == len(stages) - 1
            counts = dict(passed.counts)
            if number == 0:
                merge(counts, ends.counts)
            made.append(
                self.floor.builder.kind(
                    passed.station,
                    station=self.floor.station(passed.station),
                    latency=passed.latency,
                    interval=passed.interval,
                    takes=dict(ends.takes) if number == 0 else {},
                    gives=dict(ends.gives) if last and alone else {},
                    counts=counts,
                    operator=self.operator,
                    spent={passed.part: (1, 1)} if passed.part else {},
                )
            )
        return made

    def _channel(self, machine: Machine) -> "_Passed":
        holder, router = _router(machine)
        hop = machine.parts[router].known_cost("hop")
        hops = sum(traffic.hops for _, traffic in self.leg.meshes)
        own = max(traffic.port_flits for _, traffic in self.leg.meshes)
        crossed = max(traffic.most_flits for _, traffic in self.leg.meshes)
        busy = max(own, crossed) * hop.interval
        latency = hops * hop.latency + (busy if not self.busiest else 0)
        counts = {f"{holder}.{router}.hop": sum(traffic.flit_hops for _, traffic in self.leg.meshes)}
        return _Passed(f"{self.name} channel", f"{holder}.{router}", *whole(latency, busy), counts)

    @cached_property
    def busiest(self) -> tuple[int, Link] | None:
        crossed = [(chip, link) for chip, traffic in self.leg.meshes for link, _ in traffic.links]
        return max(crossed, key=lambda at: (self.loads[at], at), default=None)

    def _shared_link(self, machine: Machine) -> list["_Passed"]:
        if self.busiest is None:
            return []
        holder, router = _router(machine)
        hop = machine.parts[router].known_cost("hop")
        chip, link = self.busiest
        flits = max(dict(traffic.links).get(link, 0) for where, traffic in self.leg.meshes if where == chip)
        most = max(max(t.port_flits, t.most_flits) for _, t in self.leg.meshes if t.links)
        x, y, to_x, to_y = link
        name = f"mesh of chip {chip}: {x},{y} > {to_x},{to_y}"
        return [_Passed(name, f"{holder}.{router}", *whole(most * hop.interval, flits * hop.interval), {})]

    def _chip_links(self, machine: Machine) -> list["_Passed"]:
        if machine.chips.link is None or len(self.leg.chips) == 1:
            return []
        name = machine.chips.link
        part, holder = machine.parts[name], machine.holder(name)
        packets = part.words(self.leg.bits) if hasattr(part, "words") else 1
        burst = part.burst("send", packets)
        times = whole(burst.latency, burst.occupancy)
        key = f"{holder}.{name}"
        return [_Passed(f"link {a} > {b}", key, *times, {f"{key}.send": packets}) for a, b in pairwise(self.leg.chips)]
