"""Operators by recipe: their steps, on digital units or in the function cores of their layer's group."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import ceil
from typing import cast

from archsim.core.load import function_pass
from archsim.graph.operators import Matmul, Operator, Product, Rowwise
from archsim.graph.steps import step_sizes, waits
from archsim.lowering.dynamic import product
from archsim.lowering.floor import Floor, Tasks, Work, merge, shares, whole
from archsim.machine.machine import Step
from archsim.mapping.mapping import Group
from archsim.parts.base import Burst


@dataclass(frozen=True)
class Turn:
    """Steps in a row that one performer does: a task per position. Its first turn reads operands, its last writes."""

    operator: Operator
    group: Group
    by: str
    steps: tuple[Step, ...]
    indices: tuple[int, ...]
    reads: bool
    writes: bool


def turns(floor: Floor, operator: Operator) -> list[Turn]:
    """An operator's recipe as turns; cores of different functions are different performers."""
    machine = floor.mapping.machine
    steps = machine.recipe(operator.kind, operator.role)
    group = floor.mapping.group(operator.layer)

    def performer(at: tuple[int, Step]) -> tuple[str, str]:
        return at[1].by, at[1].function if at[1].by == machine.core else ""

    numbered = [(index, step) for index, step in enumerate(steps) if step.function != "write" and not step.free]
    runs = [(by, list(found)) for (by, _), found in groupby(numbered, key=performer)]
    return [
        Turn(
            operator=operator,
            group=group,
            by=by,
            steps=tuple(step for _, step in found),
            indices=tuple(index for index, _ in found),
            reads=number == 0,
            writes=number == len(runs) - 1,
        )
        for number, (by, found) in enumerate(runs)
    ]


def lower_recipe(floor: Floor, operator: Operator, *, near: bool) -> tuple[Tasks, Tasks]:
    """First and last task of every position. `near`: a second operand is read from the units' own memory."""
    first: Tasks | None = None
    last: Tasks | None = None
    for turn in turns(floor, operator):
        in_core = turn.by == floor.mapping.machine.core
        lower_turn = _on_units if not in_core else _in_arrays if turn.steps[0].function == "mvm" else _in_cores

        def kind_for(keys: int, turn: Turn = turn) -> int:
            return lower_turn(floor, turn, keys, near)  # noqa: B023 - called at once, in this turn

        tasks = floor.per_position(operator, kind_for)
        if last is not None:
            floor.builder.after(tasks, last)
        first, last = tasks if first is None else first, tasks
    if first is None or last is None:
        raise LookupError(operator.key)
    return first, last


def _sizes(floor: Floor, turn: Turn, keys: int) -> list[int]:
    steps = floor.mapping.machine.recipe(turn.operator.kind, turn.operator.role)
    sizes = step_sizes(turn.operator, [step.step for step in steps], keys)
    return [sizes[index] for index in turn.indices]


def _side_by_side(floor: Floor, turn: Turn, keys: int) -> tuple[int, ...]:
    """Sizes of the steps of one function; of those that need not wait for each other together."""
    steps = floor.mapping.machine.recipe(turn.operator.kind, turn.operator.role)
    needs = waits(turn.operator, [step.step for step in steps])
    sizes: list[int] = []
    running: list[int] = []
    for index, size in zip(turn.indices, _sizes(floor, turn, keys), strict=True):
        if running and needs[index].isdisjoint(running):
            sizes[-1] += size
        else:
            sizes.append(size)
            running = []
        running.append(index)
    return tuple(sizes)


def _on_units(floor: Floor, turn: Turn, keys: int, near: bool) -> int:  # noqa: FBT001
    """A part of the group's units does the steps one after another, while their memory reads and writes."""
    machine = floor.mapping.machine
    seat = machine.seat(turn.by)
    at_work = _AtWork(turn.by, turn.steps, tuple(_sizes(floor, turn, keys)), *_moved(turn, keys, near))
    key = (at_work, len(turn.group.units[seat]))
    if key not in floor.remembered:
        floor.remembered[key] = _unit_work(floor, at_work, seat, len(turn.group.units[seat]))
    return _kind(floor, turn, f"{machine.holder(turn.by)}.{turn.by}", floor.remembered[key])


def _unit_work(floor: Floor, at_work: "_AtWork", seat: str, seats: int) -> Work:
    machine = floor.mapping.machine
    part = machine.parts[at_work.by]
    own = slowest = busiest = f"{machine.holder(at_work.by)}.{at_work.by}"
    units = machine.at_seat(at_work.by, seat) * seats
    counts: dict[str, int] = {}
    latency = occupancy = Fraction(0)
    for step, size in zip(at_work.steps, at_work.sizes, strict=True):
        burst = part.burst(part.steps[step.function], size, units)
        latency, occupancy = latency + burst.latency, occupancy + burst.occupancy
        merge(counts, {f"{own}.{burst.action}": burst.total})
    for action, values in (("read", at_work.read), ("write", at_work.written)):
        traffic = memory_burst(floor, seat, seats, action, values)
        if values and traffic is not None:
            key, burst = traffic
            slowest = key if burst.latency > latency else slowest
            busiest = key if burst.occupancy > occupancy else busiest
            latency, occupancy = max(latency, burst.latency), max(occupancy, burst.occupancy)
            merge(counts, {f"{key}.{action}": burst.total})
    return Work(*whole(latency, occupancy), counts, shares({slowest: latency}, {busiest: occupancy}))


def _in_cores(floor: Floor, turn: Turn, keys: int, near: bool) -> int:  # noqa: FBT001
    """Cores programmed with the function: passes of as many values as a core has outputs, spread over the cores."""
    machine = floor.mapping.machine
    name = turn.steps[0].function
    at_work = _AtWork(turn.by, turn.steps, _side_by_side(floor, turn, keys), *_moved(turn, keys, near))
    cores, seats = turn.group.function_cores[name], len(turn.group.units[machine.tile])
    key = (at_work, cores, seats)
    if key not in floor.remembered:
        floor.remembered[key] = _core_work(floor, at_work, cores, seats)
    return _kind(floor, turn, f"{machine.core} {name}", floor.remembered[key])


def _core_work(floor: Floor, at_work: "_AtWork", cores: int, seats: int) -> Work:
    layout, tile = floor.mapping.layout, floor.mapping.machine.tile
    lanes = layout.blocks * layout.outputs_per_block
    counts: dict[str, int] = {}
    latency = occupancy = 0
    latency_by: dict[str, int] = {}
    occupancy_by: dict[str, int] = {}
    for size in at_work.sizes:
        full, rest = divmod(size, lanes)
        timing = floor.timer.time(function_pass(layout, lanes if full else rest), with_tile=False)
        times = max(1, ceil(ceil(size / lanes) / cores))
        latency += timing.latency + (times - 1) * timing.interval
        occupancy += times * timing.interval
        merge(latency_by, timing.latency_by)
        merge(latency_by, timing.interval_by, times - 1)
        merge(occupancy_by, timing.interval_by, times)
        if full:
            merge(counts, timing.counts, full)
        if rest:
            merge(counts, floor.timer.time(function_pass(layout, rest), with_tile=False).counts)
    for action, values in (("read", at_work.read), ("write", at_work.written)):
        traffic = memory_burst(floor, tile, seats, action, values)
        if values and traffic is not None:
            merge(counts, {f"{traffic[0]}.{action}": traffic[1].total})
    return Work(max(1, latency), max(1, occupancy), counts, shares(latency_by, occupancy_by))


@dataclass(frozen=True, slots=True)
class _AtWork:
    """All that the work of one position depends on, whichever the layer: performer, steps and sizes, values moved."""

    by: str
    steps: tuple[Step, ...]
    sizes: tuple[int, ...]
    read: int
    written: int


def _moved(turn: Turn, keys: int, near: bool) -> tuple[int, int]:  # noqa: FBT001
    """Values that a turn reads and writes: its operator's operands if it is the first, its result if the last."""
    read, written = values_moved(turn.operator, keys, near=near)
    return read if turn.reads else 0, written if turn.writes else 0


def _in_arrays(floor: Floor, turn: Turn, keys: int, near: bool) -> int:  # noqa: ARG001, FBT001
    """A product with an operand that was written into arrays."""
    operator = cast("Matmul", turn.operator)
    slowest, busiest, counts = product(floor, operator, keys)
    spent = shares(slowest.latency_by, busiest.interval_by)
    work = Work(max(1, slowest.latency), max(1, busiest.interval), counts, spent)
    return _kind(floor, turn, f"{floor.mapping.machine.core} {operator.name}", work)


def _kind(floor: Floor, turn: Turn, performer: str, work: Work) -> int:
    return floor.builder.kind(
        turn.operator.key,
        station=floor.station(f"{turn.group.name}/{performer}"),
        latency=work.latency,
        interval=work.interval,
        counts=work.counts,
        operator=turn.operator.key,
        spent=work.spent,
    )


def values_moved(operator: Operator, keys: int, *, near: bool) -> tuple[int, int]:
    """Values that one position reads from the units' memory and writes to it."""
    if isinstance(operator, Matmul):
        second = operator.stored * keys if near else 0
        return operator.values_in(keys) + second, operator.values_out(keys)
    if isinstance(operator, Product):
        return operator.linear.in_features, operator.values_out(keys)
    if isinstance(operator, Rowwise):
        values = operator.values(keys)
        operands = max(1, len(operator.inputs)) if operator.operands is None else operator.operands
        return values * operands, operator.values_out(keys)
    raise TypeError(operator.kind)


def memory_burst(floor: Floor, seat: str, seats: int, action: str, values: int) -> tuple[str, Burst] | None:
    """Reading or writing `values` values in a group's memories, spread evenly; None without a memory."""
    machine = floor.mapping.machine
    name = machine.memory_at(seat)
    if name is None:
        return None
    memory = machine.parts[name]
    words = ceil(values * int(machine.precision.outputs) / int(getattr(memory, "width")))  # noqa: B009
    units = machine.at_seat(name, seat) * seats
    return f"{seat}.{name}", memory.burst(action, words, units)
