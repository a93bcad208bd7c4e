"""What an engine returns: four times for each task, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from archsim.program.arrays import JOIN
from archsim.program.order import frontiers, sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from archsim.program.arrays import Program


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A played Program; compared by identity. All times are picoseconds, int64 (tasks,).

    Attributes
    ----------
        program: what was played.
        ready: when the last predecessor finished, or 0.
        offered: when the task was first the head of its queue with a server free.
        start: when it took its server, and what it needs from stores.
        finish: when it gave to stores and released its dependents.
    """

    program: Program
    ready: NDArray[np.int64]
    offered: NDArray[np.int64]
    start: NDArray[np.int64]
    finish: NDArray[np.int64]

    @property
    def makespan(self) -> int:
        """When the last task finishes, ps; 0 without tasks."""
        return int(self.finish.max(initial=0))

    @property
    def waited_for_data(self) -> NDArray[np.int64]:
        """Time from the finish of a task's first predecessor to that of its last, ps, int64 (tasks,)."""
        first = self.ready.copy()
        np.minimum.at(first, self.program.dependents, self.finish[sources(self.program)])
        return self.ready - first

    @property
    def waited_for_server(self) -> NDArray[np.int64]:
        """Time from ready to offered, ps, int64 (tasks,)."""
        return self.offered - self.ready

    @property
    def waited_for_space(self) -> NDArray[np.int64]:
        """Time from offered to start, ps, int64 (tasks,)."""
        return self.start - self.offered

    def work(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Per station the sum of its tasks' intervals (ps), and its servers; both int64 (stations,).

        A server stays busy for the whole interval, which may end after its task's finish: then
        work may exceed servers times makespan.
        """
        program = self.program
        served = program.station != JOIN
        work = np.zeros(len(program.stations), np.int64)
        np.add.at(work, program.station[served], (program.tasks_per_kind() * program.interval)[served])
        return work, np.array([station.servers for station in program.stations], np.int64)

    def counts_by_kind(self) -> NDArray[np.int64]:
        """How often the tasks of each kind count each action, int64 (kinds, actions)."""
        program = self.program
        counts = np.zeros((program.n_kinds, len(program.actions)), np.int64)
        kinds = np.repeat(np.arange(program.n_kinds), np.diff(program.counts_start))
        numbers = program.tasks_per_kind()[kinds] * program.counts_number
        np.add.at(counts, (kinds, program.counts_action), numbers)
        return counts

    def counts(self) -> NDArray[np.int64]:
        """How often each operator counts each action, int64 (operators, actions)."""
        program = self.program
        counts = np.zeros((len(program.operators), len(program.actions)), np.int64)
        np.add.at(counts, program.operator, self.counts_by_kind())
        return counts

    def critical_path_length(self) -> int:
        """Longest chain of latencies through the dependencies, ps: no run can be shorter."""
        latency = self.program.latency[self.program.kind]
        begin = np.zeros(self.program.n_tasks, np.int64)
        for _, earlier, later in frontiers(self.program):
            np.maximum.at(begin, later, begin[earlier] + latency[earlier])
        return int((begin + latency).max(initial=0))
