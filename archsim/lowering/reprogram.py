"""Writing weights anew: a round of layers begins when the round before is through and its weights have been written.

A pass is a prompt, or one token after it: each goes through all rounds. What one round hands to another is kept in the
memory that the weights come from. Fetching a projection's weights and writing their rows are two tasks, one after the
other; all arrays of a projection are written at once, row by row.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from archsim.graph.operators import Edge, Linear, Operator
from archsim.lowering.cache import memory_kind
from archsim.lowering.floor import Floor, Tasks, ids, whole
from archsim.lowering.order import passes

if TYPE_CHECKING:
    from archsim.parts.rewritable_crossbar import RewritableCrossbar


@dataclass
class Rounds:
    """State of the rounds of a job; without any it does nothing. written: by round, one task a pass: all is written."""

    floor: Floor
    written: dict[int, Tasks] = field(default_factory=dict)
    fetches: dict[int, list[Tasks]] = field(default_factory=lambda: defaultdict(list))
    kept: dict[str, Tasks] = field(default_factory=dict)
    done: dict[tuple[int, int], list[Tasks]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        mapping = self.floor.mapping
        self.number = max(mapping.rounds.values(), default=0) + 1
        self.passes = 1 + max(
            (int(passes(self.floor, each).max(initial=0)) for each in mapping.graph.operators), default=0
        )
        self.linears: dict[int, list[Linear]] = defaultdict(list)
        for linear in mapping.graph.linears:
            self.linears[mapping.round_of(linear.layer)].append(linear)

    def crosses(self, edge: Edge, operator: Operator) -> bool:
        """Whether a result is made in one round and used in another."""
        mapping = self.floor.mapping
        if self.number == 1:
            return False
        return mapping.round_of(edge.source.partition("/")[0]) != mapping.round_of(operator.layer)

    def hand_over(self, edge: Edge, operator: Operator, made: Tasks, places: NDArray[np.int64]) -> Tasks:
        """Tasks that read a result of another round, once the operator's round has been written.

        made: of all places of the source; places: indices of those that are wanted.
        """
        source = self.floor.mapping.graph.by_key[edge.source]
        builder = self.floor.builder
        if edge.source not in self.kept:
            self.kept[edge.source] = ids(builder.tasks(self._memory(source, source, "write"), len(made)))
            builder.after(self.kept[edge.source], made)
        reads = ids(builder.tasks(self._memory(source, operator, "read"), len(places)))
        builder.after(reads, self.kept[edge.source][places])
        self._begin(self.floor.mapping.round_of(operator.layer))
        builder.after(reads, self._ready(operator)[passes(self.floor, source)[places]])
        return reads

    def start(self, linear: Linear, tasks: Tasks) -> None:
        """A projection's tasks wait for its weights."""
        if self.number > 1:
            self._begin(self.floor.mapping.round_of(linear.layer))
            self.floor.builder.after(tasks, self._ready(linear)[passes(self.floor, linear)])

    def end(self, operator: Operator, tasks: Tasks) -> None:
        """What ends in a round has to, before others are written over it."""
        if self.number == 1:
            return
        pass_of, at = passes(self.floor, operator), self.floor.mapping.round_of(operator.layer)
        for number in np.unique(pass_of).tolist():
            self.done[at, number].append(tasks[pass_of == number])

    def close(self) -> None:
        """Later passes write the first round anew, when all rounds of the pass before are through."""
        if self.number == 1:
            return
        for number in range(1, self.passes):
            self._after(self.number - 1, number - 1, [each[number] for each in self.fetches[0]])

    def _ready(self, operator: Operator) -> Tasks:
        return self.written[self.floor.mapping.round_of(operator.layer)]

    def _begin(self, at: int) -> None:
        """Make a round's writes: for every pass those of all its projections.

        The first pass writes round 0 too: what was run before has left the weights of the last round.
        """
        if at in self.written:
            return
        builder = self.floor.builder
        begun = []
        for linear in self.linears[at]:
            fetched, written = self._write(linear)
            self.fetches[at].append(fetched)
            begun.append(written)
        self.written[at] = np.array(
            [builder.join(np.array([each[number] for each in begun]), "reprogramming") for number in range(self.passes)]
        )
        if at > 0:
            for number in range(self.passes):
                self._after(at - 1, number, [each[number] for each in self.fetches[at]])

    def _after(self, at: int, number: int, fetches: list[int]) -> None:
        ended = self.done[at, number]
        if ended and fetches:
            joined = self.floor.builder.join(np.concatenate(ended), "reprogramming")
            self.floor.builder.after(np.array(fetches), joined)

    def _write(self, linear: Linear) -> tuple[Tasks, Tasks]:
        """Fetch a projection's weights, write them; one task each a pass."""
        floor, mapping = self.floor, self.floor.mapping
        builder, machine, layout = floor.builder, mapping.machine, mapping.placed[linear.key].tiling.layout
        bits = linear.weights * layout.weights
        fetch = memory_kind(floor, f"{linear.key} fetch", linear, str(machine.chips.reprogram), "read", bits)
        crossbar = cast("RewritableCrossbar", layout.crossbar)
        copies = mapping.placed[linear.key].tiling.copies
        cells = linear.weights * copies * layout.columns_per_output * layout.arrays_per_block * layout.cores_per_block
        burst = crossbar.written(min(linear.in_features, crossbar.rows), cells)
        latency, interval = whole(burst.latency, burst.occupancy)
        key = f"{machine.core}.{layout.array}"
        write = builder.kind(
            f"{linear.key} reprogram",
            station=floor.station(f"{linear.key} reprogram"),
            latency=latency,
            interval=interval,
            counts={f"{key}.write": burst.total},
            operator=linear.key,
            spent={key: (1, 1)},
        )
        fetched, written = (ids(builder.tasks(kind, self.passes)) for kind in (fetch, write))
        builder.after(written, fetched)
        return fetched, written

    def _memory(self, source: Operator, near: Operator, action: str) -> int:
        """Keeping a position's result, or reading it: on the chip of `near`."""
        machine = self.floor.mapping.machine
        bits = ceil(source.values_out(self.floor.job.most_keys(source))) * int(machine.precision.outputs)
        name = f"{source.key} kept for {near.key} {action}" if action == "read" else f"{source.key} kept"
        return memory_kind(self.floor, name, near, str(machine.chips.reprogram), action, bits)
