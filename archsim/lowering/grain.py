"""The finer grain of a projection: a task for every core and position, instead of all tiles in step."""

from collections.abc import Mapping

from archsim.core.split import around_cores
from archsim.core.timing import Timing
from archsim.lowering.floor import Floor, Tasks, ids, shares
from archsim.lowering.linear import Rooms, tasks_that_free
from archsim.mapping.mapping import Placed
from archsim.mapping.tiling import loads_of_cores


def lower_cores(floor: Floor, placed: Placed, space: Rooms) -> tuple[Tasks, Tasks]:
    """First and last task of each position: each tile takes its inputs in, its cores work, it gathers their results.

    Column blocks that span tiles are not added up here.
    """
    builder, key, positions = floor.builder, placed.linear.key, len(floor.job.places(placed.linear))
    first_kind = builder.kind(
        key,
        station=floor.station(f"{key} begin"),
        latency=1,
        takes={space.results.store: space.results.bits} if space.results else {},
        operator=key,
    )
    first = ids(builder.tasks(first_kind, positions))
    lasts = []
    layout, inputs = placed.tiling.layout, placed.tiling.inputs
    path = floor.timer.path(inputs=inputs)
    for number, (load, of_cores) in enumerate(loads_of_cores(placed.linear, layout, placed.tiling.cores)):
        before, after = around_cores(path, load)
        tile = f"{key} tile {number}"
        taken = _tasks(floor, f"{tile} in", key, before, positions)
        builder.after(taken, first)
        given = _tasks(floor, f"{tile} out", key, after, positions)
        for core, core_load in enumerate(of_cores):
            timing = floor.timer.time(core_load, with_tile=False, inputs=inputs)
            tasks = _tasks(floor, f"{tile} core {core}", key, timing, positions)
            builder.after(tasks, taken)
            builder.after(given, tasks)
        lasts.append(given)

    def done(gives: Mapping[int, int]) -> int:
        return builder.kind(f"{key} done", station=None, gives=gives, operator=key)

    last = tasks_that_free(floor, space, positions, done)
    for given in lasts:
        builder.after(last, given)
    return first, last


def _tasks(floor: Floor, name: str, operator: str, times: Timing, number: int) -> Tasks:
    kind = floor.builder.kind(
        name,
        station=floor.station(name),
        latency=times.latency,
        interval=times.interval,
        counts=times.counts,
        operator=operator,
        spent=shares(times.latency_by, times.interval_by),
    )
    return ids(floor.builder.tasks(kind, number))
