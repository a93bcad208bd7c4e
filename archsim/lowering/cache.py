"""Keys and values of a job: the room that they take, how they come to a shared memory, and how they are read there."""

from dataclasses import dataclass, field
from math import ceil

import numpy as np

from archsim.graph.job import SEQUENCE
from archsim.graph.operators import Matmul, Operator
from archsim.lowering.floor import Floor, Tasks, ids, whole
from archsim.mapping.cache import attentions
from archsim.mapping.mapping import Home


@dataclass
class Cache:
    """One store per attention. Each position takes its share when it arrives; a sequence gives back all at its end."""

    floor: Floor
    stores: dict[str, int] = field(default_factory=dict)
    written: dict[str, Tasks] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.read_last: dict[str, list[str]] = {}
        self.read_by: dict[str, Operator] = {}
        for linear, readers in attentions(self.floor.mapping.graph):
            self.read_by[linear.key] = readers[0]
            self.read_last.setdefault(readers[-1].key, []).append(linear.key)

    def home(self, operator: Operator) -> tuple[str, Home] | None:
        """The kept projection that an operator reads many positions of, and where they live."""
        for edge in operator.inputs:
            if edge.scope != "same" and edge.source in self.floor.mapping.homes:
                return edge.source, self.floor.mapping.homes[edge.source]
        return None

    def takes(self, source: str) -> dict[int, int]:
        """What one position of a kept projection takes where it arrives."""
        home = self.floor.mapping.homes.get(source)
        if home is None:
            return {}
        if source not in self.stores:
            stream = self.floor.mapping.graph.by_key[source].stream
            there = home.per_position * sum(span.cached for span in self.floor.job.spans(stream))
            self.stores[source] = self.floor.builder.store(f"{source} kept", home.capacity - there)
        return {self.stores[source]: home.per_position}

    def release(self, operator: Operator, last: Tasks) -> None:
        """When the last reader is through with a sequence, its room is free again."""
        for source in self.read_last.get(operator.key, ()):
            if source not in self.stores:
                continue
            store, job, builder = self.stores[source], self.floor.job, self.floor.builder
            bits = self.floor.mapping.homes[source].per_position
            sequences = job.places(operator) // SEQUENCE
            spans = job.spans(self.floor.mapping.graph.by_key[source].stream)
            for number in np.unique(sequences).tolist():
                gives = {store: bits * spans[number].positions}
                kind = builder.kind(f"{source} freed", station=None, gives=gives, operator=source)
                builder.after(builder.tasks(kind)[0], last[sequences == number])

    def write(self, source: str, home: Home, arrived: Tasks) -> Tasks:
        """In a shared memory: the tasks that write what has arrived; else what has arrived."""
        if not home.shared:
            return arrived
        if source not in self.written:
            kind = self._kind(source, home, "write", home.per_position)
            tasks = ids(self.floor.builder.tasks(kind, len(arrived)))
            self.floor.builder.after(tasks, arrived)
            self.written[source] = tasks
        return self.written[source]

    def read(self, operator: Matmul, home: Home, first: Tasks) -> Tasks:
        """In a shared memory: tasks that read the second operand before `first`; else `first` itself."""
        if not home.shared:
            return first
        bits = operator.stored * int(self.floor.mapping.machine.precision.outputs)
        tasks = self.floor.per_position(operator, lambda keys: self._kind(operator.key, home, "read", bits * keys))
        self.floor.builder.after(first, tasks)
        return tasks

    def _kind(self, operator: str, home: Home, action: str, bits: int) -> int:
        near = self.floor.mapping.graph.by_key[operator]
        return memory_kind(self.floor, f"{operator} {action}", near, home.part, action, bits)


def memory_kind(floor: Floor, name: str, near: Operator, part: str, action: str, bits: int) -> int:
    """A kind of task that moves so many bits in a memory that a whole chip shares: that of `near`."""
    machine = floor.mapping.machine
    memory = machine.parts[part]
    burst = memory.burst(action, ceil(bits / int(getattr(memory, "width"))), int(machine.count(part)))  # noqa: B009
    latency, interval = whole(burst.latency, burst.occupancy)
    key = f"{machine.holder(part)}.{part}"
    return floor.builder.kind(
        name,
        station=floor.station(f"chip {floor.mapping.group(near.layer).chip}/{key}"),
        latency=latency,
        interval=interval,
        counts={f"{key}.{action}": burst.total},
        operator=near.key,
        spent={key: (1, 1)},
    )
