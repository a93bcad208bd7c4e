"""Operators on digital units: the steps of their recipes, as tasks of the parts that do them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import ceil

from archsim.graph.operators import Matmul, Operator, Rowwise
from archsim.lowering.floor import Floor, Tasks, merge, whole
from archsim.machine.machine import Step
from archsim.mapping.placement import Group
from archsim.parts.base import Burst
from archsim.vocabulary import PAIRING, REDUCING


@dataclass(frozen=True, slots=True)
class Work:
    """Values that one position takes from memory and puts back, and the size that each step works on."""

    read: int
    written: int
    sizes: tuple[int, ...]


def work(operator: Operator, steps: Sequence[Step], keys: int) -> Work:
    """What an operator does at a position that sees `keys` positions."""
    if isinstance(operator, Matmul):
        read = operator.values_in(keys) + operator.stored * keys
        return Work(read, operator.values_out(keys), tuple(operator.macs(keys) for _ in steps))
    if isinstance(operator, Rowwise):
        values = operator.values(keys)
        return Work(values * max(1, len(operator.inputs)), values, tuple(_sizes(steps, values, operator.rows)))
    raise TypeError(operator.kind)


def _sizes(steps: Sequence[Step], values: int, rows: int) -> Iterator[int]:
    """A reducing step leaves one value a row; later steps work on those, until a step on two operands comes."""
    reduced = False
    for step in steps:
        if step.step in PAIRING:
            reduced = False
        yield rows if reduced else values
        if step.step in REDUCING:
            reduced = True


def module_of(floor: Floor, operator: Operator) -> str:
    """The module whose parts finish an operator."""
    machine = floor.mapping.machine
    return str(machine.holder(machine.recipes[operator.kind][-1].by))


def lower_digital(floor: Floor, operator: Operator) -> tuple[Tasks, Tasks]:
    """First and last task of every position; steps in a row on the same part are one task."""
    steps = floor.mapping.machine.recipes[operator.kind]
    group = floor.mapping.group(operator.layer)
    runs = [(by, [index for index, _ in found]) for by, found in groupby(enumerate(steps), key=lambda s: s[1].by)]
    first: Tasks | None = None
    previous: Tasks | None = None
    for number, (by, indices) in enumerate(runs):
        ends = number == 0, number == len(runs) - 1

        def kind_for(keys: int, by: str = by, indices: list[int] = indices, ends: tuple[bool, bool] = ends) -> int:
            return _kind(floor, operator, group, by, [steps[i] for i in indices], indices, keys, ends)

        tasks = floor.per_position(operator, kind_for)
        if previous is not None:
            floor.builder.after(tasks, previous)
        first = tasks if first is None else first
        previous = tasks
    assert first is not None and previous is not None  # noqa: S101, PT018 - recipes are never empty
    return first, previous


def _kind(
    floor: Floor,
    operator: Operator,
    group: Group,
    by: str,
    steps: list[Step],
    indices: list[int],
    keys: int,
    ends: tuple[bool, bool],
) -> int:
    machine = floor.mapping.machine
    part, module = machine.parts[by], machine.holder(by)
    units = int(machine.modules[str(module)].members[by]) * len(group.units[str(module)])
    job = work(operator, machine.recipes[operator.kind], keys)
    counts: dict[str, int] = {}
    latency = occupancy = Fraction(0)
    for step, index in zip(steps, indices, strict=True):
        burst = part.burst(part.steps[step.step], job.sizes[index], units)
        latency, occupancy = latency + burst.latency, occupancy + burst.occupancy
        merge(counts, {f"{module}.{by}.{burst.action}": burst.total})
    for action, values in (("read", job.read if ends[0] else 0), ("write", job.written if ends[1] else 0)):
        traffic = memory_burst(floor, group, str(module), action, values)
        if values and traffic is not None:
            key, burst = traffic
            latency, occupancy = max(latency, burst.latency), max(occupancy, burst.occupancy)
            merge(counts, {f"{key}.{action}": burst.total})
    spent, pace = whole(latency, occupancy)
    return floor.builder.kind(
        operator.key,
        station=floor.station(f"{group.name}/{module}.{by}"),
        latency=spent,
        interval=pace,
        counts=counts,
        operator=operator.key,
    )


def memory_burst(floor: Floor, group: Group, module: str, action: str, values: int) -> tuple[str, Burst] | None:
    """Reading or writing `values` values in the group's memories, spread evenly; None without a memory."""
    machine = floor.mapping.machine
    holder = machine.modules[module]
    if holder.memory is None:
        return None
    memory = machine.parts[holder.memory]
    words = ceil(values * int(machine.precision.outputs) / int(getattr(memory, "width")))  # noqa: B009
    units = int(holder.members[holder.memory]) * len(group.units[module])
    return f"{module}.{holder.memory}", memory.burst(action, words, units)


def room_of(floor: Floor, group: Group, module: str) -> int:
    """Bits that the group's memories hold; 0 without a memory."""
    holder = floor.mapping.machine.modules[module]
    if holder.memory is None:
        return 0
    size = getattr(floor.mapping.machine.parts[holder.memory], "size", 0)
    return int(size * holder.members[holder.memory] * len(group.units[module]))
