"""Mapping + Job -> Program."""

from dataclasses import dataclass, field

import numpy as np

from archsim.core.timing import Timer
from archsim.errors import ArchsimError
from archsim.graph.operators import Edge, Linear, Matmul, Operator, Rowwise
from archsim.lowering.digital import lower_digital, module_of, room_of
from archsim.lowering.floor import Floor, Tasks, Where, ids, merge
from archsim.lowering.job import Job
from archsim.lowering.linear import Room, Rooms, projection, rooms
from archsim.lowering.transfer import End, Ends, Transfer, link_loads, lower_transfer, plan
from archsim.mapping.placement import Mapping
from archsim.program import Program


def lower(mapping: Mapping, job: Job, timer: Timer) -> Program:
    """Make the Program of a Job."""
    return _Lowering(Floor(mapping, job, timer)).run()


Move = tuple[str, Where, str]
"""A transfer by its source, where it goes, and the positions that go."""


@dataclass
class _Lowering:
    floor: Floor
    ends: dict[str, Tasks] = field(default_factory=dict)
    transfers: dict[Move, Transfer] = field(default_factory=dict)
    moved: dict[Move, Tasks] = field(default_factory=dict)
    rooms: dict[str, Rooms] = field(default_factory=dict)
    kept: dict[str, Room] = field(default_factory=dict)
    joins: dict[tuple[str, str, int], Tasks] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.graph = self.floor.mapping.graph
        self.machine = self.floor.mapping.machine

    def run(self) -> Program:
        self._plan()
        self.loads = link_loads(list(self.transfers.values()))
        for operator in self.graph.operators:
            if isinstance(operator, Linear):
                self._linear(operator)
            else:
                self._digital(operator)
        return self.floor.builder.build()

    # Where data is, and what has to move.

    def _where(self, operator: Operator) -> Where:
        if isinstance(operator, Linear):
            return Where(operator.key, None)
        return Where(self.floor.mapping.group(operator.layer).name, module_of(self.floor, operator))

    def _end(self, where: Where) -> End:
        mapping = self.floor.mapping
        if where.module is None:
            runs = mapping.placed[where.name].runs
            return End({chip: tuple(range(first, first + n)) for chip, first, n in runs}, mapping.tiles_per_chip)
        group = next(group for group in mapping.groups.values() if group.name == where.name)
        return End({group.chip: group.units[where.module]}, int(self.machine.count(where.module)))

    def _plan(self) -> None:
        """All transfers first: the links that they share follow from all of them together."""
        moves = self.machine.chips.link is not None or self.floor.mapping.grid is not None
        for operator in self.graph.operators:
            here = self._where(operator)
            for edge in operator.inputs:
                source = self.graph.by_key[edge.source]
                at = self._where(source)
                move = (edge.source, here, operator.positions)
                if at != here and moves and move not in self.transfers:
                    self.transfers[move] = self._transfer(source, at, here)

    def _transfer(self, source: Operator, at: Where, here: Where) -> Transfer:
        precision = self.machine.precision
        sent = _values_out(source, self.floor.job.seq) * int(precision.outputs)
        sink = self._end(here)
        if here.module is None:
            placed = self.floor.mapping.placed[here.name]
            per_unit = max(load.tile_inputs for load, _ in placed.tiling.loads) * int(precision.inputs)
            return plan(self.floor.mapping, self._end(at), sink, sent, per_unit, copies=True)
        units = sum(len(found) for found in sink.units.values())
        return plan(self.floor.mapping, self._end(at), sink, sent, -(-sent // units), copies=False)

    def _arrive(self, source: str, operator: Operator) -> Tasks:
        """The tasks after which the positions of `source` that `operator` needs are where it needs them."""
        here = self._where(operator)
        move = (source, here, operator.positions)
        tasks = self._picked(operator, self.ends[source])
        if move not in self.transfers:
            return tasks
        if move not in self.moved:
            ends = self._ends(source, here, self.transfers[move])
            name = f"{source} > {here.name if here.module is None else f'{here.name} {here.module}'}"
            self.moved[move] = lower_transfer(
                self.floor, name, operator.key, self.transfers[move], self.loads, tasks, ends
            )
        return self.moved[move]

    def _picked(self, operator: Operator, source: Tasks) -> Tasks:
        """All positions of a source, or one of each sequence."""
        if operator.positions == "each" or len(source) == self.floor.job.batch:
            return source
        return source.reshape(self.floor.job.batch, -1)[:, 0 if operator.positions == "first" else -1]

    def _ends(self, source: str, here: Where, transfer: Transfer) -> Ends:
        takes: dict[int, int] = {}
        gives: dict[int, int] = {}
        counts: dict[str, int] = {}
        if here.module is None and (room := self.rooms[here.name].inputs) is not None:
            takes[room.store] = room.bits
        if here.module is not None and source in self.kept:
            takes[self.kept[source].store] = self.kept[source].bits
        if source in self.rooms and (room := self.rooms[source].results) is not None:
            gives[room.store] = room.bits
        self._memory(counts, self._where(self.graph.by_key[source]), "read", transfer.sent)
        self._memory(counts, here, "write", transfer.taken)
        return Ends(takes, gives, counts)

    def _memory(self, counts: dict[str, int], where: Where, action: str, bits: int) -> None:
        """Count what a transfer reads and writes; its time is hidden behind the links, which are narrower."""
        name = where.module or self.machine.tile
        module = self.machine.modules[name]
        if module.memory is not None:
            memory = self.machine.parts[module.memory]
            words = memory.words(bits) if hasattr(memory, "words") else 1
            merge(counts, {f"{name}.{module.memory}.{action}": words})

    # Operators.

    def _linear(self, operator: Linear) -> None:
        placed = self.floor.mapping.placed[operator.key]
        here = self._where(operator)
        filled = any((edge.source, here, operator.positions) in self.transfers for edge in operator.inputs)
        leaving = [positions for source, _, positions in self.transfers if source == operator.key]
        emptied = leaving == [operator.positions]
        self.rooms[operator.key] = rooms(self.floor, placed, filled=filled, emptied=emptied)
        arrivals = [(edge, self._arrive(edge.source, operator)) for edge in operator.inputs]
        kind = projection(self.floor, placed, self.rooms[operator.key])
        tasks = self.floor.per_position(operator, lambda _: kind)
        for edge, source in arrivals:
            self._depend(tasks, edge, source)
        self.ends[operator.key] = tasks
        self._keep(operator)

    def _digital(self, operator: Operator) -> None:
        arrivals = [(edge, self._arrive(edge.source, operator)) for edge in operator.inputs]
        first, last = lower_digital(self.floor, operator)
        for edge, source in arrivals:
            self._depend(first, edge, source)
        self.ends[operator.key] = last
        for kept in [edge.source for edge in operator.inputs if edge.scope != "same"]:
            if kept in self.kept and self._last_reader(kept) is operator:
                self._release(kept, last)

    def _last_reader(self, source: str) -> Operator | None:
        """The last operator that needs many positions of `source`."""
        readers = [
            operator
            for operator in self.graph.operators
            if any(edge.source == source and edge.scope != "same" for edge in operator.inputs)
        ]
        return readers[-1] if readers else None

    def _keep(self, operator: Linear) -> None:
        """Queries, keys and values stay in the memory of the units that read them until their sequence is done."""
        reader = self._last_reader(operator.key)
        if reader is None:
            return
        here = self._where(reader)
        if here.module is None or (operator.key, here, reader.positions) not in self.transfers:
            return
        group = self.floor.mapping.group(reader.layer)
        sharing = sum(other is group for other in self.floor.mapping.groups.values() if other.name == group.name)
        capacity = room_of(self.floor, group, here.module) // sharing
        bits = operator.out_features * int(self.machine.precision.outputs)
        needed = bits * self.floor.job.seq
        if not capacity:
            return
        if needed > capacity:
            memory = self.machine.modules[here.module].memory
            found = f"{operator.key}: {self.floor.job.seq} positions need {needed:,} b, the memories of its units hold"
            advice = f"Try a shorter --seq, or modules.{here.module}.parts.{memory} times {-(-needed // capacity)}."
            raise ArchsimError(f"{found} {capacity:,} b. {advice}")
        self.kept[operator.key] = Room(self.floor.builder.store(f"{operator.key} kept", capacity), bits)

    def _release(self, source: str, last: Tasks) -> None:
        """When the last reader is through with a sequence, its room is free again."""
        room, seq = self.kept[source], self.floor.job.seq
        builder = self.floor.builder
        kind = builder.kind(f"{source} freed", station=None, gives={room.store: room.bits * seq}, operator=source)
        for sequence in range(self.floor.job.batch):
            freed = builder.tasks(kind)[0]
            builder.after(freed, last[sequence * seq : (sequence + 1) * seq])

    # Dependencies.

    def _depend(self, tasks: Tasks, edge: Edge, source: Tasks) -> None:
        """Let `tasks` wait for the positions of `source` that `edge` names."""
        builder = self.floor.builder
        if edge.scope == "same":
            builder.after(tasks, source)
        else:
            builder.after(tasks, self._gathered(edge, source))

    def _gathered(self, edge: Edge, source: Tasks) -> Tasks:
        """Per position the join of all positions of its sequence, or of those up to it."""
        key = (edge.source, edge.scope, int(source[0]))
        if key in self.joins:
            return self.joins[key]
        builder, batch = self.floor.builder, self.floor.job.batch
        if edge.scope == "all":
            joins = [builder.join(row, edge.source) for row in source.reshape(batch, -1)]
            self.joins[key] = np.repeat(np.array(joins, np.int64), len(source) // batch)
        else:
            kind = builder.kind("join", station=None, operator=edge.source)
            chain = ids(builder.tasks(kind, len(source)))
            builder.after(chain, source)
            rows = chain.reshape(batch, -1)
            if rows.shape[1] > 1:
                builder.after(rows[:, 1:].ravel(), rows[:, :-1].ravel())
            self.joins[key] = chain
        return self.joins[key]


def _values_out(operator: Operator, keys: int) -> int:
    """Values that an operator gives at one position."""
    if isinstance(operator, Linear):
        return operator.out_features
    if isinstance(operator, Matmul):
        return operator.values_out(keys)
    if isinstance(operator, Rowwise):
        return operator.values(keys)
    raise TypeError(operator.kind)
