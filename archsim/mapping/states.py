"""Where the states of recurrences live: in the memories beside the units that update them. They do not grow."""

from collections.abc import Mapping as Dict
from math import prod

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.operators import Operator
from archsim.machine.machine import Machine
from archsim.mapping.cache import performer
from archsim.mapping.mapping import Group

_BITS_PER_KIB = 8 * 1024


def state_notes(machine: Machine, graph: Graph, groups: Dict[str, Group], sequences: int) -> tuple[str, ...]:
    """What the states of a sequence take, and where. Raises ArchsimError where those of all sequences do not fit."""
    held: dict[tuple[str, str | None], int] = {}
    whole: dict[str, int] = {}
    for updated, number in _updated(graph):
        bits = number * updated.values_out(1) * int(machine.precision.outputs)
        seat = performer(machine, updated)
        memory = machine.memory_at(seat)
        where = f"{seat}.{memory}" if memory is not None else "no memory that the machine's file names"
        whole[where] = whole.get(where, 0) + bits
        if memory is None:
            continue
        group = groups[updated.layer]
        held[group.name, memory] = held.get((group.name, memory), 0) + bits * sequences
        each = int(getattr(machine.parts[memory], "size", 0)) * machine.at_seat(memory, seat)
        room = each * len(group.units[seat])
        if held[group.name, memory] > room:
            needed = f"states of {sequences} sequences need {held[group.name, memory]:,} b"
            found = f"{updated.key}: {needed}, {where} has {room:,} b for {group.name}"
            raise ArchsimError(f"{found}. Try a smaller --batch, or a larger parts.{memory}.size ({machine.file}).")
    return tuple(
        f"a sequence keeps {bits / _BITS_PER_KIB:,.6g} KiB of states of recurrences, in {where}: how they are read and "
        "written there is not counted"
        for where, bits in whole.items()
    )


def _updated(graph: Graph) -> list[tuple[Operator, int]]:
    """Operators whose results the next position needs, in order; of how many sequences side by side in a job's one."""
    beside = {
        edge.source: 1 if edge.window is None else prod(edge.window.out) // edge.window.out[edge.window.pad.index(1)]
        for each in graph.operators
        for edge in each.inputs
        if edge.scope == "before"
    }
    return [(each, beside[each.key]) for each in graph.operators if each.key in beside]
