"""Mapping + Job -> Program."""

from dataclasses import dataclass, field, replace

import numpy as np

from archsim.core.timing import Timer
from archsim.graph.operators import Edge, Linear, Matmul, Operator
from archsim.lowering.cache import Cache
from archsim.lowering.dynamic import write
from archsim.lowering.floor import Floor, Tasks, ids
from archsim.lowering.grain import lower_cores
from archsim.lowering.job import Job
from archsim.lowering.linear import Rooms, projection, rooms
from archsim.lowering.moves import Move, Moves
from archsim.lowering.recipe import lower_recipe
from archsim.lowering.transfer import Ends
from archsim.mapping.dynamic import is_written
from archsim.mapping.mapping import Mapping
from archsim.program import Program


def lower(mapping: Mapping, job: Job, timer: Timer) -> Program:
    """Make the Program of a Job."""
    floor = Floor(mapping, job, timer)
    return _Lowering(floor, Moves(floor), Cache(floor)).run()


@dataclass
class _Lowering:
    floor: Floor
    moves: Moves
    cache: Cache
    starts: dict[str, Tasks] = field(default_factory=dict)
    ends: dict[str, Tasks] = field(default_factory=dict)
    rooms: dict[str, Rooms] = field(default_factory=dict)
    joins: dict[tuple[str, str], Tasks] = field(default_factory=dict)

    def run(self) -> Program:
        graph = self.floor.mapping.graph
        for operator in graph.operators:
            if operator.key in self.floor.mapping.fused:
                self.ends[operator.key] = self.ends[self.floor.mapping.fused[operator.key]]
            elif isinstance(operator, Linear):
                self._linear(operator)
            else:
                self._recipe(operator)
        if graph.feedback is not None:
            self._feed_back(*graph.feedback)
        return self.floor.builder.build()

    def _linear(self, operator: Linear) -> None:
        placed = self.floor.mapping.placed[operator.key]
        filled = any(self.moves.move(edge.source, operator) for edge in operator.inputs)
        fused = [activation for activation, linear in self.floor.mapping.fused.items() if linear == operator.key]
        leaving = [move for source in (operator.key, *fused) for move in self.moves.leaving(source)]
        emptied = len(leaving) == 1 and leaving[0][2] == operator.positions
        self.rooms[operator.key] = rooms(self.floor, placed, filled=filled, emptied=emptied)
        for activation in fused:
            self.rooms[activation] = self.rooms[operator.key]
        arrivals = [(edge, self._arrive(edge, operator)) for edge in operator.inputs]
        if self.floor.job.grain == "core":
            number = len(self.floor.job.rows(operator)) * self.floor.job.batch
            first, last = lower_cores(self.floor, placed, self.rooms[operator.key], number)
        else:
            kind = projection(self.floor, placed, self.rooms[operator.key])
            first = last = self.floor.per_position(operator, lambda _: kind)
        for edge, source in arrivals:
            self._wait(first, edge, source)
        self.starts[operator.key], self.ends[operator.key] = first, last

    def _recipe(self, operator: Operator) -> None:
        arrivals = [(edge, self._arrive(edge, operator)) for edge in operator.inputs]
        kept = self.cache.home(operator)
        written = is_written(self.floor.mapping.machine, operator)
        near = not written and (kept is None or not kept[1].shared)
        first, last = lower_recipe(self.floor, operator, near=near)
        self.starts[operator.key], self.ends[operator.key] = first, last
        if kept is not None and isinstance(operator, Matmul):
            first = self.cache.read(operator, kept[1], first)
        for edge, source in arrivals:
            if edge.scope != "same" and written and isinstance(operator, Matmul):
                self._wait(first, replace(edge, source=f"{operator.key} write"), write(self.floor, operator, source))
            elif edge.scope != "same" and kept is not None:
                self._wait(first, edge, self.cache.write(kept[0], kept[1], source))
            else:
                self._wait(first, edge, source)
        self.cache.release(operator, last)

    def _arrive(self, edge: Edge, operator: Operator) -> Tasks:
        source = self.floor.mapping.graph.by_key[edge.source]
        tasks = self._picked(operator, source, self.ends[edge.source])
        return self.moves.arrive(edge.source, operator, tasks, self._ends)

    def _picked(self, operator: Operator, source: Operator, tasks: Tasks) -> Tasks:
        """Of a source's tasks those of the positions at which an operator runs."""
        wanted, there = self.floor.job.rows(operator), self.floor.job.rows(source)
        if wanted == there:
            return tasks
        columns = [row - there.start for row in wanted]
        return np.ascontiguousarray(tasks.reshape(self.floor.job.batch, -1)[:, columns]).ravel()

    def _ends(self, move: Move) -> Ends:
        """Room that a transfer takes where it arrives, and gives back where it left."""
        source, here, _ = move
        takes: dict[int, int] = {}
        gives: dict[int, int] = {}
        if here.seat is None:
            room = self.rooms[here.name].inputs
            takes |= {room.store: room.bits} if room else {}
        else:
            takes |= self.cache.takes(source)
        if source in self.rooms and (room := self.rooms[source].results) is not None:
            gives[room.store] = room.bits
        return Ends(takes, gives, self.moves.memory_counts(move))

    def _wait(self, tasks: Tasks, edge: Edge, source: Tasks) -> None:
        """Let `tasks` wait for the positions of `source` that `edge` names."""
        self.floor.builder.after(tasks, source if edge.scope == "same" else self._gathered(edge, source))

    def _gathered(self, edge: Edge, source: Tasks) -> Tasks:
        """Per position the join of all positions of its sequence, or of those up to it."""
        key = (edge.source, edge.scope)
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

    def _feed_back(self, made: str, used: str) -> None:
        """A position that the prompt does not hold waits for the token before it."""
        job = self.floor.job
        if job.positions > job.prompt:
            tokens = self.ends[made].reshape(job.batch, -1)[:, :-1]
            inputs = self.starts[used].reshape(job.batch, -1)[:, job.prompt :]
            self.floor.builder.after(inputs.ravel(), tokens.ravel())
