"""Weights of digital projections: read from their memory, all of them for each position, while the units compute."""

from archsim.graph.operators import Operator
from archsim.lowering.cache import memory_kind
from archsim.lowering.floor import Floor, Tasks, ids
from archsim.mapping.digital import held_bits, streamed


def with_weights(floor: Floor, operator: Operator, first: Tasks, last: Tasks) -> tuple[Tasks, Tasks]:
    """First and last task of every position, reading included: a position is through when both are.

    The units work on weights as they come, so that reading and computing begin together. Other operators stay as they
    are.
    """
    machine, builder = floor.mapping.machine, floor.builder
    for product in streamed((operator,)):
        bits = held_bits(machine, product)
        kind = memory_kind(floor, f"{product.key} weights", product, str(machine.digital_weights), "read", bits)
        joins = builder.kind(f"{product.key} begin and end", station=None, operator=product.key)
        reads, begin, end = (ids(builder.tasks(each, len(first))) for each in (kind, joins, joins))
        for tasks in (first, reads):
            builder.after(tasks, begin)
        for tasks in (last, reads):
            builder.after(end, tasks)
        first, last = begin, end
    return first, last
