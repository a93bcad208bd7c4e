"""A projection: its tiles run in step, a task per position."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from archsim.core.timing import Timing
from archsim.errors import ArchsimError
from archsim.lowering.floor import Floor, Time, merge, shares, whole
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
    slowest = max((timing for timing, _ in timings), key=lambda timing: timing.latency)
    busiest = max((timing for timing, _ in timings), key=lambda timing: timing.interval)
    latency, interval, spent = slowest.latency, busiest.interval, shares(slowest.latency_by, busiest.interval_by)
    if placed.tiling.partial_tiles > 1:
        more = _reduction(floor, placed)
        latency_by = dict(slowest.latency_by)
        merge(latency_by, more.latency_by)
        spent = shares(latency_by, more.interval_by if more.interval > interval else busiest.interval_by)
        latency, interval = latency + more.latency, max(interval, more.interval)
        merge(counts, more.counts)
    return floor.builder.kind(
        placed.linear.key,
        station=floor.station(placed.linear.key),
        latency=latency,
        interval=interval,
        takes={space.results.store: space.results.bits} if space.results else {},
        gives={space.inputs.store: space.inputs.bits} if space.inputs else {},
        counts=counts,
        operator=placed.linear.key,
        spent=spent,
    )


def _reduction(floor: Floor, placed: Placed) -> Timing:
    """Partial sums of a column block go to one of its tiles and are added there."""
    machine = floor.mapping.machine
    tile = machine.modules[machine.tile]
    senders = placed.tiling.partial_tiles - 1
    values = max(load.tile_outputs for load, _ in placed.tiling.loads)
    total = values * senders * max(1, placed.tiling.tiles // placed.tiling.partial_tiles)
    counts: dict[str, int] = {}
    latency_by: dict[str, Time] = {}
    pace_by: dict[str, Time] = {}
    mesh = next((m.mesh for m in machine.modules.values() if m.mesh), None)
    if mesh is not None:
        router = machine.parts[mesh.router]
        width = int(getattr(router, "width"))  # noqa: B009
        flits = ceil(values * int(machine.precision.outputs) / width)
        burst = Burst("hop", senders * flits, 0, router.cost("hop").latency, router.cost("hop").interval)
        key = f"{machine.holder(mesh.router)}.{mesh.router}"
        latency_by[key], pace_by[key] = burst.latency, burst.occupancy
        counts[f"{key}.hop"] = 2 * flits * senders * (total // (values * senders))
    for name in machine.find("combine", tile.name):
        add = machine.parts[name].burst("add", values * senders, int(tile.members[name]))
        key = f"{tile.name}.{name}"
        latency_by[key], pace_by[key] = add.latency, add.occupancy
        counts[f"{key}.add"] = total
        break
    busiest = max(pace_by.items(), key=lambda of: of[1], default=("", Fraction(0)))
    latency, pace = whole(Fraction(sum(latency_by.values())), Fraction(busiest[1]))
    rounded = {key: round(time) for key, time in latency_by.items()}
    return Timing(latency, pace, counts, rounded, {busiest[0]: pace}, timeline=())
