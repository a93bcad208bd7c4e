"""A projection: its tiles run in step, a task per position."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from archsim.errors import ArchsimError
from archsim.lowering.floor import Floor, merge, whole
from archsim.mapping.mapping import Placed
from archsim.parts.base import Burst


@dataclass(frozen=True)
class Room:
    """A store in the tiles of a projection, and what one position takes of it."""

    store: int
    bits: int


@dataclass(frozen=True)
class Rooms:
    """Equal shares of each tile's memory for what comes in and for results; None where nothing moves that way."""

    inputs: Room | None
    results: Room | None


def rooms(floor: Floor, placed: Placed, *, filled: bool, emptied: bool) -> Rooms:
    """Stores for a projection that transfers fill, or empty; keys and values, where they live there, have half.

    Raises ArchsimError where not one position fits.
    """
    machine = floor.mapping.machine
    tile = machine.modules[machine.tile]
    if tile.memory is None:
        return Rooms(None, None)
    size = getattr(machine.parts[tile.memory], "size", 0)
    kept = any(home.module == tile.name and not home.shared for home in floor.mapping.homes.values())
    half = int(size * tile.members[tile.memory]) // (4 if kept else 2)
    loads = [load for load, _ in placed.tiling.loads]
    incoming = max(load.tile_inputs for load in loads) * int(machine.precision.inputs)
    outgoing = max(load.tile_outputs for load in loads) * int(machine.precision.outputs)
    for bits in (incoming, outgoing):
        if bits > half:
            found = (
                f"{placed.linear.key}: one position needs {bits} b, its share of {tile.name}.{tile.memory} is {half} b"
            )
            raise ArchsimError(f"{found}. Try parts.{tile.memory}.size: {2 * bits} b.")
    return Rooms(
        Room(floor.builder.store(f"{placed.linear.key} inputs", half), incoming) if filled else None,
        Room(floor.builder.store(f"{placed.linear.key} results", half), outgoing) if emptied else None,
    )


def projection(floor: Floor, placed: Placed, space: Rooms) -> int:
    """The kind of a projection's tasks."""
    timings = [(floor.timer.time(load), number) for load, number in placed.tiling.loads]
    counts: dict[str, int] = {}
    for timing, number in timings:
        merge(counts, timing.counts, number)
    latency = max(timing.latency for timing, _ in timings)
    interval = max(timing.interval for timing, _ in timings)
    if placed.tiling.partial_tiles > 1:
        spent, pace, counted = _reduction(floor, placed)
        latency, interval = latency + spent, max(interval, pace)
        merge(counts, counted)
    return floor.builder.kind(
        placed.linear.key,
        station=floor.station(placed.linear.key),
        latency=latency,
        interval=interval,
        takes={space.results.store: space.results.bits} if space.results else {},
        gives={space.inputs.store: space.inputs.bits} if space.inputs else {},
        counts=counts,
        operator=placed.linear.key,
    )


def _reduction(floor: Floor, placed: Placed) -> tuple[int, int, dict[str, int]]:
    """Partial sums of a column block go to one of its tiles and are added there: latency, interval, counts."""
    machine = floor.mapping.machine
    tile = machine.modules[machine.tile]
    senders = placed.tiling.partial_tiles - 1
    values = max(load.tile_outputs for load, _ in placed.tiling.loads)
    total = values * senders * max(1, placed.tiling.tiles // placed.tiling.partial_tiles)
    counts: dict[str, int] = {}
    latency = pace = Fraction(0)
    mesh = next((m.mesh for m in machine.modules.values() if m.mesh), None)
    if mesh is not None:
        router = machine.parts[mesh.router]
        width = int(getattr(router, "width"))  # noqa: B009
        flits = ceil(values * int(machine.precision.outputs) / width)
        burst = Burst("hop", senders * flits, 0, router.cost("hop").latency, router.cost("hop").interval)
        latency, pace = burst.latency * 1, burst.occupancy
        holder = machine.holder(mesh.router)
        counts[f"{holder}.{mesh.router}.hop"] = 2 * flits * senders * (total // (values * senders))
    for name in machine.find("combine", tile.name):
        add = machine.parts[name].burst("add", values * senders, int(tile.members[name]))
        latency, pace = latency + add.latency, max(pace, add.occupancy)
        counts[f"{tile.name}.{name}.add"] = total
        break
    return (*whole(latency, pace), counts)
