"""Mapping + Job -> Program."""

from dataclasses import dataclass, field

import numpy as np

from archsim.core.timing import Timer
from archsim.graph.job import SEQUENCE, Job
from archsim.graph.operators import Edge, Linear, Matmul, Operator
from archsim.graph.windows import Window
from archsim.lowering.cache import Cache
from archsim.lowering.dynamic import write
from archsim.lowering.floor import Floor, Tasks, ids
from archsim.lowering.grain import lower_cores
from archsim.lowering.linear import Filling, Rooms, projection, rooms
from archsim.lowering.moves import Move, Moves
from archsim.lowering.order import Order, passes
from archsim.lowering.places import common, followed, freed, seen_last
from archsim.lowering.recipe import lower_recipe
from archsim.lowering.reprogram import Rounds
from archsim.lowering.transfer import Ends
from archsim.lowering.weights import with_weights
from archsim.mapping.dynamic import is_written
from archsim.mapping.mapping import Mapping
from archsim.program import Program


def lower(mapping: Mapping, job: Job, timer: Timer) -> Program:
    """Make the Program of a Job."""
    floor = Floor(mapping, job, timer)
    return _Lowering(floor, Moves(floor), Cache(floor), Rounds(floor), Order(floor)).run()


@dataclass
class _Lowering:
    floor: Floor
    moves: Moves
    cache: Cache
    rounds: Rounds
    order: Order
    starts: dict[str, Tasks] = field(default_factory=dict)
    ends: dict[str, Tasks] = field(default_factory=dict)
    rooms: dict[str, Rooms] = field(default_factory=dict)
    joins: dict[tuple[str, str], Tasks] = field(default_factory=dict)
    recurrences: list[tuple[Edge, Operator, Tasks]] = field(default_factory=list)

    def run(self) -> Program:
        graph = self.floor.mapping.graph
        for operator in graph.operators:
            if not len(self.floor.job.places(operator)):
                self.starts[operator.key] = self.ends[operator.key] = np.empty(0, np.int64)
            elif operator.key in self.floor.mapping.fused:
                self.ends[operator.key] = self.ends[self.floor.mapping.fused[operator.key]]
            else:
                self._linear(operator) if isinstance(operator, Linear) else self._recipe(operator)
                self.order.follow(operator, self.starts[operator.key], self.ends[operator.key])
            self.rounds.end(operator, self.ends[operator.key])
        for edge, operator, first in self.recurrences:
            self._wait(first, operator, edge, self._arrive(edge, operator))
        self.rounds.close()
        if graph.feedback is not None:
            self._feed_back(*graph.feedback)
        self._arrivals()
        return self.floor.builder.build()

    def _linear(self, operator: Linear) -> None:
        placed = self.floor.mapping.placed[operator.key]
        fused = self.floor.mapping.fused_with(operator.key)
        leaving = [move for source in (operator.key, *fused) for move in self.moves.leaving(source)]
        emptied = len(leaving) == 1 and leaving[0][2] in ("", operator.chosen)
        filled = {edge.source: edge for edge in operator.inputs if self.moves.move(edge, operator)}
        fillings = [self._filling(edge, operator) for edge in filled.values()]
        self.rooms[operator.key] = rooms(self.floor, placed, fillings, emptied=emptied)
        for activation in fused:
            self.rooms[activation] = self.rooms[operator.key]
        arrivals = self._arrivals_of(operator)
        if self.floor.job.grain == "core":
            first, last = lower_cores(self.floor, placed, self.rooms[operator.key])
        else:
            first = last = projection(self.floor, placed, self.rooms[operator.key])
        for edge, source in arrivals:
            self._wait(first, operator, edge, source)
        self._recur(operator, first)
        self.rounds.start(operator, first)
        self.starts[operator.key], self.ends[operator.key] = first, last

    def _filling(self, edge: Edge, operator: Linear) -> Filling:
        source = self.floor.mapping.graph.by_key[edge.source]
        values = source.values_out(self.floor.job.most_keys(source))
        wanted, there = self.floor.job.places(operator), self.floor.job.places(source)
        if edge.scope == "same":
            return Filling(edge.source, values, 1, np.ones(len(wanted), np.int64))
        if edge.scope == "before":
            frees = np.zeros(len(wanted), np.int64)
            frees[followed(edge.window, wanted, there)[0]] = 1
            return Filling(edge.source, values, 1, frees)
        gone, needed = freed(edge.window, wanted, there)
        return Filling(edge.source, values, needed, gone)

    def _recipe(self, operator: Operator) -> None:
        arrivals = self._arrivals_of(operator)
        kept = self.cache.home(operator)
        written = is_written(self.floor.mapping.machine, operator)
        near = not written and (kept is None or not kept[1].shared)
        first, last = with_weights(self.floor, operator, *lower_recipe(self.floor, operator, near=near))
        self.starts[operator.key], self.ends[operator.key] = first, last
        if kept is not None and isinstance(operator, Matmul):
            first = self.cache.read(operator, kept[1], first)
        for edge, source in arrivals:
            if edge.scope != "same" and written and isinstance(operator, Matmul):
                wrote = write(self.floor, operator, source)
                self._wait(first, operator, edge, wrote, of=f"{operator.key} write")
            elif edge.scope != "same" and (home := self.floor.mapping.homes.get(edge.source)) is not None:
                self._wait(first, operator, edge, self.cache.write(edge.source, home, source))
            else:
                self._wait(first, operator, edge, source)
        self._recur(operator, self.starts[operator.key])
        self.cache.release(operator, last)

    def _arrivals_of(self, operator: Operator) -> list[tuple[Edge, Tasks]]:
        """Of all that is made before an operator in the Graph."""
        return [(edge, self._arrive(edge, operator)) for edge in operator.inputs if edge.scope != "before"]

    def _recur(self, operator: Operator, first: Tasks) -> None:
        """What an operator needs of the position before may be made by one that comes after it: that waits."""
        self.recurrences += [(edge, operator, first) for edge in operator.inputs if edge.scope == "before"]

    def _arrive(self, edge: Edge, operator: Operator) -> Tasks:
        """Tasks after which a source's result is there: of the places that are needed of it, or of all that it has."""
        source = self.floor.mapping.graph.by_key[edge.source]
        tasks = self.ends[edge.source]
        wanted = np.arange(len(tasks))
        if edge.scope == "same":
            wanted = common(self.floor.job.places(operator), self.floor.job.places(source))[1]
        elif edge.scope == "before":
            places = self.floor.job.places(operator)
            wanted = followed(edge.window, places, self.floor.job.places(source))[1]
        if self.rounds.crosses(edge, operator):
            return self.rounds.hand_over(edge, operator, tasks, wanted) if len(wanted) else tasks[wanted]
        if self._hands_over_whole(source, operator):
            tasks = self._gathered(source, tasks)
        tasks = tasks[wanted]
        if edge.window is not None and source.stream.length is None and self.moves.move(edge, operator):
            tasks = self._together(edge.window, source, tasks)
        return self.moves.arrive(edge, operator, tasks, self._ends) if len(tasks) else tasks

    def _hands_over_whole(self, source: Operator, operator: Operator) -> bool:
        """Whether a result goes to another chip, in whole sequences."""
        mapping = self.floor.mapping
        apart = mapping.group(source.layer).chip != mapping.group(operator.layer).chip
        return apart and mapping.machine.chips.hands_over == "sequences"

    def _gathered(self, source: Operator, tasks: Tasks) -> Tasks:
        """By place of a source the join of all places of its sequence that are of the same pass."""
        key = (source.key, "pass")
        if key not in self.joins:
            places = np.stack([self.floor.job.places(source) // SEQUENCE, passes(self.floor, source)])
            alike, which = np.unique(places, axis=1, return_inverse=True)
            builder = self.floor.builder
            joins = [builder.join(tasks[which.ravel() == at], source.key) for at in range(alike.shape[1])]
            self.joins[key] = np.array(joins, np.int64)[which.ravel()]
        return self.joins[key]

    def _together(self, window: Window, source: Operator, made: Tasks) -> Tasks:
        """Positions that become one move together: else sequences in turn fill the room with their first ones."""
        sequence, row = np.divmod(self.floor.job.places(source), SEQUENCE)
        _, whole = np.unique(sequence * SEQUENCE + row // window.stride[1], return_inverse=True)
        kind = self.floor.builder.kind("together", station=None, operator=source.key)
        joins = ids(self.floor.builder.tasks(kind, int(whole.max()) + 1))
        self.floor.builder.after(joins[whole], made)
        return joins[whole]

    def _ends(self, move: Move) -> Ends:
        """Room that a transfer takes where it arrives, and gives back where it left."""
        source, here, _ = move
        takes: dict[int, int] = {}
        gives: dict[int, int] = {}
        if here.seat is None:
            if source in self.rooms[here.name].inputs:  # a tile without a memory keeps no account of room
                room, _ = self.rooms[here.name].inputs[source]
                takes |= {room.store: room.bits}
        elif source in self.cache.read_by and self.moves.where(self.cache.read_by[source]) == here:
            takes |= self.cache.takes(source)  # what only passes by, such as queries to be turned, keeps no room
        if source in self.rooms and (left := self.rooms[source].results) is not None:
            gives[left.store] = left.bits
        return Ends(takes, gives, self.moves.memory_counts(move))

    def _wait(self, tasks: Tasks, operator: Operator, edge: Edge, arrived: Tasks, of: str = "") -> None:
        """Let an operator's tasks wait for the places of a source that `edge` names, of what has `arrived` of it."""
        source = self.floor.mapping.graph.by_key[edge.source]
        wanted, there = self.floor.job.places(operator), self.floor.job.places(source)
        if edge.scope in ("same", "before"):
            here, _ = common(wanted, there) if edge.scope == "same" else followed(edge.window, wanted, there)
            self.floor.builder.after(tasks[here], arrived)
        elif not len(arrived):
            return  # all of it was there before
        elif edge.window is not None:
            here, seen = seen_last(edge.window, wanted, there)
            self.floor.builder.after(tasks[here], arrived[seen])
        elif edge.scope == "all":
            joins = self._joined(of or edge.source, there, arrived)
            self.floor.builder.after(tasks, joins[wanted // SEQUENCE])
        else:
            here, seen = common(wanted, there)
            self.floor.builder.after(tasks[here], self._chained(of or edge.source, there, arrived)[seen])

    def _joined(self, source: str, there: Tasks, arrived: Tasks) -> Tasks:
        """By sequence the join of all places of a source."""
        key = (source, "all")
        if key not in self.joins:
            pieces = np.split(arrived, np.flatnonzero(np.diff(there // SEQUENCE)) + 1)
            self.joins[key] = np.array([self.floor.builder.join(piece, source) for piece in pieces], np.int64)
        return self.joins[key]

    def _chained(self, source: str, there: Tasks, arrived: Tasks) -> Tasks:
        """By place the join of all places of its sequence up to it."""
        key = (source, "past")
        if key not in self.joins:
            builder = self.floor.builder
            chain = ids(builder.tasks(builder.kind("join", station=None, operator=source), len(arrived)))
            builder.after(chain, arrived)
            later = np.flatnonzero(np.diff(there // SEQUENCE) == 0) + 1
            if len(later):
                builder.after(chain[later], chain[later - 1])
            self.joins[key] = chain
        return self.joins[key]

    def _feed_back(self, made: str, used: str) -> None:
        """A position that the prompt does not hold waits for the token before it."""
        job, graph = self.floor.job, self.floor.mapping.graph
        places, tokens = (job.places(graph.by_key[key]) for key in (used, made))
        prompts = np.array([span.prompt for span in job.spans(graph.by_key[used].stream)], np.int64)
        sequence, row = np.divmod(places, SEQUENCE)
        later = np.flatnonzero(row >= prompts[sequence])
        here, before = common(places[later] - 1, tokens)
        if len(here):
            self.floor.builder.after(self.starts[used][later[here]], self.ends[made][before])

    def _arrivals(self) -> None:
        """Operators that take nothing from others begin when their sequence has arrived."""
        floor = self.floor
        stations: dict[int, int] = {}
        for operator in floor.mapping.graph.operators:
            spans = floor.job.spans(operator.stream)
            waits = any(edge.scope != "before" for edge in operator.inputs)
            if waits or not any(span.arrival for span in spans):
                continue
            sequences = floor.job.places(operator) // SEQUENCE
            for number, span in enumerate(spans):
                if span.arrival and number not in stations:
                    kind = floor.builder.kind(
                        "arrival", station=floor.station(f"arrival {number}"), latency=span.arrival
                    )
                    stations[number] = floor.builder.tasks(kind)[0]
                if span.arrival:
                    floor.builder.after(self.starts[operator.key][sequences == number], stations[number])
