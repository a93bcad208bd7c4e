"""Why a run takes as long as it does: the chain of causes from its end back to its start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from archsim.program.order import sources

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from archsim.program.run import Run


@dataclass(frozen=True, slots=True, eq=False)
class CriticalPath:
    """Stretches of time, the last first, that join on to each other from the end of a run to time 0.

    Attributes
    ----------
        task: int64 (stretches,), whose stretch it is.
        time: int64 (stretches,), its length, ps; all together are the time from 0 to the end.
        occupied: bool (stretches,), whether somebody waited for the task's server to be free again, and
            not for the task to finish.
    """

    task: NDArray[np.int64]
    time: NDArray[np.int64]
    occupied: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_]) -> CriticalPath:
        """The chosen stretches alone."""
        return CriticalPath(self.task[chosen], self.time[chosen], self.occupied[chosen])

    def by_operator(self, run: Run) -> dict[str, int]:
        """Time on the path by operator, ps; operators that have none are left out."""
        program = run.program
        sums = np.zeros(len(program.operators), np.int64)
        np.add.at(sums, program.operator[program.kind[self.task]], self.time)
        return {name: time for name, time in zip(program.operators, sums.tolist(), strict=True) if time}

    def by_part(self, run: Run) -> dict[str, int]:
        """Time on the path by part, ps, adding up to all of it.

        A stretch is shared out as its kind says (`Program.spent_*`); where that says nothing, it is its station's.
        """
        program = run.program
        sums: dict[str, int] = {}
        kinds, of = np.unique(program.kind[self.task].astype(np.int64) * 2 + self.occupied, return_inverse=True)
        totals = np.zeros(len(kinds), np.int64)
        np.add.at(totals, of, self.time)
        for kind, total in zip(kinds.tolist(), totals.tolist(), strict=True):
            weights = program.spent(kind // 2, occupied=bool(kind % 2))
            for part, time in _shared(total, weights or {_station(run, kind // 2): 1}):
                sums[part] = sums.get(part, 0) + time
        return {part: time for part, time in sums.items() if time}


def critical_path(run: Run, end: int | None = None) -> CriticalPath:
    """Go back from `end` (default: the task that finishes last, the first of several) to the start of the run.

    What let a task start last: the finish of a predecessor, a server that came free, or space given back.
    """
    if not run.program.n_tasks:
        empty = np.empty(0, np.int64)
        return CriticalPath(empty, empty, np.empty(0, np.bool_))
    return _Walk(run).back(int(np.argmax(run.finish)) if end is None else end)


class _Walk:
    """A run, with its tasks in the orders in which causes are looked up."""

    def __init__(self, run: Run) -> None:
        self.run, self.program = run, run.program
        program = run.program
        self.earlier = sources(program)[program.dependents.argsort(kind="stable")]
        self.earlier_start = np.concatenate([[0], np.cumsum(program.predecessors, dtype=np.int64)])
        self.station = program.station[program.kind]
        self.by_station = np.lexsort((run.offered, run.start, self.station))
        self.place = np.empty(program.n_tasks, np.int64)
        self.place[self.by_station] = np.arange(program.n_tasks)

    @cached_property
    def finishes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tasks by finish, and those times; asked for where somebody waited for space."""
        order = self.run.finish.argsort(kind="stable")
        return order, self.run.finish[order]

    @cached_property
    def starts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The same by start."""
        order = self.run.start.argsort(kind="stable")
        return order, self.run.start[order]

    def back(self, task: int) -> CriticalPath:
        run = self.run
        stretches: list[tuple[int, int, bool]] = [(task, int(run.finish[task] - run.start[task]), False)]
        while (cause := self._cause(task)) is not None:
            task, stretch, occupied = cause
            if stretch:
                stretches.append((task, stretch, occupied))
        tasks, times, occupied_by = zip(*stretches, strict=True)
        return CriticalPath(np.array(tasks, np.int64), np.array(times, np.int64), np.array(occupied_by, np.bool_))

    def _cause(self, task: int) -> tuple[int, int, bool] | None:
        """Who let a task start when it did; from that one's start on, how long it took; as what."""
        run = self.run
        if run.start[task] > run.offered[task]:
            return self._space(task)
        if run.offered[task] > run.ready[task]:
            return self._server(task)
        for before in self.earlier[self.earlier_start[task] : self.earlier_start[task + 1]].tolist():
            if run.finish[before] == run.ready[task]:
                return before, int(run.finish[before] - run.start[before]), False
        return None

    def _server(self, task: int) -> tuple[int, int, bool]:
        """The task whose server became free, or the head that left the queue, when `task` was offered."""
        run, offered = self.run, int(self.run.offered[task])
        for place in range(int(self.place[task]) - 1, -1, -1):
            other = int(self.by_station[place])
            if self.station[other] != self.station[task]:
                break
            interval = int(self.program.interval[self.program.kind[other]])
            if run.start[other] + interval == offered:
                return other, interval, True
            if run.start[other] == offered:
                return other, 0, True
        raise LookupError(task)

    def _space(self, task: int) -> tuple[int, int, bool]:
        """The task that gave back space when `task` started, or the head before it in line that left then."""
        run, now = self.run, int(self.run.start[task])
        wanted = {store for store, _ in self.program.takes(int(self.program.kind[task]))}
        for other in self._at(*self.finishes, now):
            if wanted & {store for store, _ in self.program.gives(int(self.program.kind[other]))}:
                return other, now - int(run.start[other]), False
        for other in self._at(*self.starts, now):
            before = (run.offered[other], other) < (run.offered[task], task)
            if before and wanted & {store for store, _ in self.program.takes(int(self.program.kind[other]))}:
                return other, 0, False
        raise LookupError(task)

    @staticmethod
    def _at(order: NDArray[np.int64], times: NDArray[np.int64], now: int) -> list[int]:
        found: list[int] = order[np.searchsorted(times, now) : np.searchsorted(times, now, "right")].tolist()
        return found


def _station(run: Run, kind: int) -> str:
    return run.program.stations[int(run.program.station[kind])].name


def _shared(total: int, weights: dict[str, int]) -> list[tuple[str, int]]:
    """`total` in proportion to weights, in whole numbers that add up to it."""
    whole = sum(weights.values())
    found, given, so_far = [], 0, 0
    for name, weight in weights.items():
        so_far += weight
        upto = total * so_far // whole
        found.append((name, upto - given))
        given = upto
    return found
