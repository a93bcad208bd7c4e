"""Partial sums of a projection whose rows lie in several tiles: gathered in one, or passed on along a chain."""

from fractions import Fraction
from math import ceil

from archsim.core.timing import Timing
from archsim.lowering.floor import Time, whole
from archsim.machine.machine import Machine
from archsim.mapping.tiling import Tiling
from archsim.parts.base import Burst


def partial_sums(machine: Machine, tiling: Tiling) -> Timing:
    """What it takes for all column blocks, each with its own tiles, and what it counts."""
    tile = machine.modules[machine.tile]
    senders = tiling.partial_tiles - 1
    values = max(load.tile_outputs for load, _ in tiling.loads)
    total = values * senders * max(1, tiling.tiles // tiling.partial_tiles)
    counts: dict[str, int] = {}
    latency_by: dict[str, Time] = {}
    pace_by: dict[str, Time] = {}
    mesh = next((m.mesh for m in machine.modules.values() if m.mesh), None)
    chained = mesh is not None and mesh.partial_sums == "chain"
    if mesh is not None:
        router = machine.parts[mesh.router]
        width = int(getattr(router, "width"))  # noqa: B009
        flits = ceil(values * int(machine.precision.outputs) / width)
        hop = router.known_cost("hop")
        key = f"{machine.holder(mesh.router)}.{mesh.router}"
        if mesh.partial_sums == "chain":  # flits follow each other as results come: of them only the way is left
            latency_by[key], pace_by[key] = senders * hop.latency, flits * hop.interval
        else:
            burst = Burst("hop", senders * flits, 0, hop.latency, hop.interval)
            latency_by[key], pace_by[key] = burst.latency, burst.occupancy
        counts[f"{key}.hop"] = 2 * flits * senders * (total // (values * senders))
    for name in machine.find("combine", tile.name):
        here = values if chained else values * senders
        add = machine.parts[name].burst("add", here, int(tile.members[name]))
        key = f"{tile.name}.{name}"
        latency_by[key], pace_by[key] = Fraction(0) if chained else add.latency, add.occupancy
        counts[f"{key}.add"] = total
        break
    busiest = max(pace_by.items(), key=lambda of: of[1], default=("", Fraction(0)))
    latency, pace = whole(Fraction(sum(latency_by.values())), Fraction(busiest[1]))
    rounded = {key: round(time) for key, time in latency_by.items()}
    return Timing(latency, pace, counts, rounded, {busiest[0]: pace}, timeline=())
