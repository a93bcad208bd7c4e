"""Products in written arrays: a write per position, then a product per position; an array does one at a time."""

from typing import TYPE_CHECKING, cast

from archsim.graph.operators import Matmul
from archsim.lowering.floor import Floor, Tasks, ids, merge, whole
from archsim.mapping.dynamic import cores_for, of_one_head
from archsim.mapping.tiling import tile

if TYPE_CHECKING:
    from archsim.core.timing import Timing
    from archsim.parts.rewritable_crossbar import RewritableCrossbar


def station_of(floor: Floor, operator: Matmul) -> int:
    """The arrays of an operator, all heads in step."""
    group = floor.mapping.group(operator.layer)
    return floor.station(f"{group.name}/{floor.mapping.machine.core} {operator.name}")


def write(floor: Floor, operator: Matmul, arrived: Tasks) -> Tasks:
    """Write what each position adds: a column of `head_dim` rows to the scores' arrays, one row to the context's."""
    layout, machine = floor.mapping.layout, floor.mapping.machine
    crossbar = cast("RewritableCrossbar", layout.crossbar)
    cells = (
        operator.heads
        * operator.head_dim
        * layout.columns_per_output
        * layout.arrays_per_block
        * layout.cores_per_block
    )
    key = f"{machine.core}.{layout.array}"
    burst = crossbar.written(operator.head_dim if operator.scores else 1, cells)
    latency, interval = whole(burst.latency, burst.occupancy)
    kind = floor.builder.kind(
        f"{operator.key} write",
        station=station_of(floor, operator),
        latency=latency,
        interval=interval,
        counts={f"{key}.write": burst.total},
        operator=operator.key,
        spent={key: (1, 1)},
    )
    tasks = ids(floor.builder.tasks(kind, len(arrived)))
    floor.builder.after(tasks, arrived)
    return tasks


def product(floor: Floor, operator: Matmul, keys: int) -> tuple["Timing", "Timing", dict[str, int]]:
    """Of one position's product with the arrays of all heads: the slowest, the busiest, and all counts."""
    layout = floor.mapping.layout
    cores = cores_for(operator, layout, keys) // operator.heads
    tiling = tile(of_one_head(operator, keys), layout, cores)
    counts: dict[str, int] = {}
    timings = [(floor.timer.time(load, with_tile=False), number) for load, number in tiling.loads]
    for timing, number in timings:
        merge(counts, timing.counts, number * operator.heads)
    slowest = max((timing for timing, _ in timings), key=lambda timing: timing.latency)
    busiest = max((timing for timing, _ in timings), key=lambda timing: timing.interval)
    return slowest, busiest, counts
