"""A projection: its tiles run in step, a task per position."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from archsim.core.timing import Timer
from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.operators import Linear
from archsim.lowering.floor import Floor, Tasks, Work, ids, merge, shares
from archsim.lowering.partial_sums import partial_sums
from archsim.machine.machine import Machine
from archsim.mapping.functions import in_passing
from archsim.mapping.mapping import Placed
from archsim.mapping.tiling import Tiling
from archsim.parts.base import Burst


@dataclass(frozen=True)
class Filling:
    """What one input brings to a projection: `values` a position, at most `needed` positions at a time.

    freed: positions that each task of the projection is the last to need, int64 (tasks,).
    """

    source: str
    values: int
    needed: int
    freed: NDArray[np.int64]


@dataclass(frozen=True)
class Room:
    """A store in the tiles of a projection, and what one position takes of it."""

    store: int
    bits: int


@dataclass(frozen=True)
class Rooms:
    """Shares of each tile's memory for what comes in and for results; empty where nothing moves that way.

    inputs: by source its room, and the positions of it that each task frees.
    """

    inputs: Mapping[str, tuple[Room, NDArray[np.int64]]]
    results: Room | None


def rooms(floor: Floor, placed: Placed, fillings: Sequence[Filling], *, emptied: bool) -> Rooms:
    """Stores for a projection that transfers fill, or empty; keys and values, where they live there, have half.

    Half of the rest is for what comes in, more if that needs more. Raises ArchsimError where it does not fit.
    """
    machine = floor.mapping.machine
    tile = machine.modules[machine.tile]
    if tile.memory is None:
        return Rooms({}, None)
    size = getattr(machine.parts[tile.memory], "size", 0)
    kept = floor.mapping.keeps_in(tile.name)
    half = int(size * tile.members[tile.memory]) // (4 if kept else 2)
    loads = [load for load, _ in placed.tiling.loads]
    bits = [placed.taken(filling.values) * placed.input_bits(machine) for filling in fillings]
    needs = [filling.needed * each for filling, each in zip(fillings, bits, strict=True)]
    outgoing = max(load.tile_outputs for load in loads) * int(machine.precision.outputs)
    incoming = max(half, sum(needs))
    if incoming + outgoing > 2 * half:
        found = (
            f"{placed.linear.key}: needs {sum(needs):,} b at a time for what comes in and {outgoing:,} b for a result, "
            f"its share of {tile.name}.{tile.memory} is {2 * half:,} b"
        )
        wanted = ceil(Fraction(sum(needs) + outgoing) * (2 if kept else 1))
        raise ArchsimError(f"{found}. Try parts.{tile.memory}.size: {wanted} b.")
    more = (incoming - sum(needs)) // max(1, len(fillings))
    inputs = {
        filling.source: (
            Room(_store(floor, placed, filling, len(fillings), placed.tiling.copies * (need + more)), each),
            filling.freed,
        )
        for filling, each, need in zip(fillings, bits, needs, strict=True)
    }
    left = placed.tiling.copies * (2 * half - incoming)
    results = Room(floor.builder.store(f"{placed.linear.key} results", left), outgoing) if emptied else None
    return Rooms(inputs, results)


def _store(floor: Floor, placed: Placed, filling: Filling, number: int, capacity: int) -> int:
    of = f" of {filling.source}" if number > 1 else ""
    return floor.builder.store(f"{placed.linear.key} inputs{of}", capacity)


def tasks_that_free(floor: Floor, space: Rooms, number: int, kind_for: Callable[[Mapping[int, int]], int]) -> Tasks:
    """`number` tasks, each giving back the room of the positions that it frees; `kind_for(gives)` makes their kinds."""
    if not space.inputs:
        return ids(floor.builder.tasks(kind_for({}), number))
    held = [room for room, _ in space.inputs.values()]
    patterns, which = _patterns(np.stack([freed for _, freed in space.inputs.values()], 1))
    kinds = [
        kind_for({room.store: int(n) * room.bits for room, n in zip(held, pattern, strict=True) if n})
        for pattern in patterns
    ]
    if len(kinds) == 1:
        return ids(floor.builder.tasks(kinds[0], number))
    return ids(floor.builder.tasks_each([kinds[at] for at in which.ravel().tolist()]))


def _patterns(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Distinct rows, and which of them each row is."""
    if len(rows) and (rows == rows[0]).all():
        return rows[:1], np.zeros(len(rows), np.intp)
    patterns, which = np.unique(rows, axis=0, return_inverse=True)
    return patterns, which


def projection(floor: Floor, placed: Placed, space: Rooms) -> Tasks:
    """A projection's tasks."""
    mapping = floor.mapping
    passed = passed_by(mapping.machine, mapping.graph, placed.linear, placed.tiling, mapping.fused)
    work = product(mapping.machine, floor.timer, placed.tiling, passed)
    latency, interval = work.latency, work.interval
    station = floor.station(placed.linear.key, placed.tiling.copies)
    turns = tiles_in_turn(floor, placed)
    if turns is not None:
        station, tiles = turns
        latency, interval = latency + (tiles - 1) * interval, tiles * interval

    def kind_for(gives: Mapping[int, int]) -> int:
        return floor.builder.kind(
            placed.linear.key,
            station=station,
            latency=latency,
            interval=interval,
            takes={space.results.store: space.results.bits} if space.results else {},
            gives=gives,
            counts=work.counts,
            operator=placed.linear.key,
            spent=work.spent,
        )

    return tasks_that_free(floor, space, len(floor.job.places(placed.linear)), kind_for)


def product(machine: Machine, timer: Timer, tiling: Tiling, passed: Sequence[tuple[str, Burst]]) -> Work:
    """One product on one copy of the weights: its tiles in step, what they add up, what results pass."""
    timings = [(timer.time(load, inputs=tiling.inputs), number) for load, number in tiling.loads]
    counts: dict[str, int] = {}
    for timing, number in timings:
        merge(counts, timing.counts, number)
    slowest = max((timing for timing, _ in timings), key=lambda timing: timing.latency)
    busiest = max((timing for timing, _ in timings), key=lambda timing: timing.interval)
    latency, interval, spent = slowest.latency, busiest.interval, shares(slowest.latency_by, busiest.interval_by)
    if tiling.partial_tiles > 1:
        more = partial_sums(machine, tiling)
        latency_by = dict(slowest.latency_by)
        merge(latency_by, more.latency_by)
        spent = shares(latency_by, more.interval_by if more.interval > interval else busiest.interval_by)
        latency, interval = latency + more.latency, max(interval, more.interval)
        merge(counts, more.counts)
    for name, burst in passed:
        merge(counts, {name: burst.total})
        latency, interval = latency + ceil(burst.first), max(interval, ceil(burst.occupancy))
    if not machine.modules[machine.tile].overlap:
        interval = max(interval, latency)
    return Work(latency, interval, counts, spent)


def passed_by(
    machine: Machine, graph: Graph, linear: Linear, tiling: Tiling, fused: Mapping[str, str]
) -> list[tuple[str, Burst]]:
    """Activations by units on the path: of each the action and its burst. Results stream: the first delays all."""
    found = []
    for operator in graph.readers.get(linear.key, ()):
        name = in_passing(machine, operator) if fused.get(operator.key) == linear.key else None
        if name is not None:
            holder = str(machine.holder(name))
            units = int(machine.count(name, machine.tile)) * tiling.tiles
            part = machine.parts[name]
            action = part.steps[machine.paid(operator.kind, operator.role)[0].function]
            found.append((f"{holder}.{name}.{action}", part.burst(action, linear.out_features, units)))
    return found


def tiles_in_turn(floor: Floor, placed: Placed) -> tuple[int, int] | None:
    """Where tiles work one at a time: the station that they share, and how many there a position passes.

    Of several groups of tiles that take turns the one with most of the projection stands for all.
    """
    machine = floor.mapping.machine
    module = machine.taking_turns
    if module is None:
        return None
    together = int(machine.count(machine.tile, module))
    tiles: Counter[tuple[int, int]] = Counter()
    for chip, first, number in placed.first_copy:
        tiles.update((chip, tile // together) for tile in range(first, first + number))
    (chip, group), most = tiles.most_common(1)[0]
    return floor.station(f"{module} {chip}.{group}"), most
