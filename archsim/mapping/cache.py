"""Where keys and values live: in the memories beside the units that read them, else where the machine says."""

from collections.abc import Iterator
from collections.abc import Mapping as Dict

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.operators import Linear, Matmul, Operator, Product
from archsim.machine.machine import Machine
from archsim.mapping.dynamic import is_written
from archsim.mapping.mapping import Group, Home, Keys

Projection = Linear | Product
Kept = list[tuple[Projection, tuple[Matmul, ...]]]


def attentions(graph: Graph) -> Iterator[tuple[Projection, tuple[Matmul, ...]]]:
    """Each projection whose result is kept, with the products that read many positions of it."""
    for linear in (each for each in graph.operators if isinstance(each, Linear | Product)):
        readers = tuple(
            operator
            for operator in graph.readers.get(linear.key, ())
            if isinstance(operator, Matmul)
            and any(edge.source == linear.key and edge.scope != "same" for edge in operator.inputs)
        )
        if readers:
            yield linear, readers


def homes(
    machine: Machine, graph: Graph, groups: Dict[str, Group], keys: Keys, sequences: int, rounds: int
) -> dict[str, Home]:
    """A Home for each kept projection; raises ArchsimError where not even what is needed at a time fits."""
    found: dict[str, Home] = {}
    kept = list(attentions(graph))
    for linear, readers in kept:
        if all(is_written(machine, reader) for reader in readers):
            continue  # they live in the arrays
        own, whole = (sum(each.values_out(0) for each in parts) for parts in ((linear,), _parts(kept, readers)))
        offered = [
            (*offer[:3], offer[3] // (1 if offer[2] else rounds) * own // whole)
            for offer in _offers(machine, groups, readers[0], kept)
        ]
        if not offered:
            continue
        read = sum(reader.stored for reader in readers) * own // whole
        values = min(own, read) if linear.stream.causal else own  # scores and contexts may read the same latent
        bits = values * int(machine.precision.outputs)
        positions = max(keys(reader) for reader in readers)
        needed = bits * positions * sequences
        fitting = [(module, part, shared, room) for module, part, shared, room in offered if needed <= room]
        if not fitting:
            raise ArchsimError(_does_not_fit(machine, linear, positions, sequences, needed, offered[-1]))
        module, part, shared, room = fitting[0]
        found[linear.key] = Home(module, part, shared, room, bits)
    return found


def _parts(kept: Kept, readers: tuple[Matmul, ...]) -> list[Projection]:
    """Those that the same products read: of a projection that is split, both."""
    return [each for each, others in kept if others == readers]


def performer(machine: Machine, operator: Operator) -> str:
    """The seat of what finishes an operator."""
    return machine.seat(machine.recipe(operator.kind, operator.role)[-1].by)


def _offers(
    machine: Machine,
    groups: Dict[str, Group],
    reader: Matmul,
    kept: Kept,
) -> Iterator[tuple[str, str, bool, int]]:
    """(module, memory, shared by the chip?, bits for one attention), in the order in which they are tried."""
    group = groups[reader.layer]
    near = performer(machine, reader)
    for part in machine.kv_cache or (machine.memory_at(near),):
        if part is None:
            continue
        size = int(getattr(machine.parts[part], "size", 0))
        if part == machine.memory_at(near):
            sharing = len({readers for _, readers in kept if groups[readers[0].layer] is group})
            all_of_it = size * machine.at_seat(part, near) * len(group.units[near])
            # a tile's memory also holds what its projections take in and give: half of it is for those
            yield near, part, False, all_of_it // (2 if near == machine.tile else 1) // sharing
            continue
        holder = str(machine.holder(part))
        chips = len({readers for _, readers in kept if groups[readers[0].layer].chip == group.chip})
        yield holder, part, True, int(size * machine.count(part)) // chips


def _does_not_fit(
    machine: Machine, linear: Projection, keys: int, sequences: int, needed: int, last: tuple[str, str, bool, int]
) -> str:
    module, part, _, room = last
    kept = f"{keys:,} positions" if sequences == 1 else f"{sequences} sequences of {keys:,} positions"
    found = f"{linear.key}: keys and values of {kept} need {needed:,} b, {module}.{part} has {room:,} b for them"
    times = -(-needed // max(1, room))
    return f"{found}. Try a shorter --seq, or {times} times the size or number of {part} ({machine.file})."
