"""Saying why a run stands still: who waits for which store, and the circle that they wait in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.program.order import sources

if TYPE_CHECKING:
    from archsim.program.run import Run

_SHOWN = 8  # stations, and steps of the circle
_SHOWN_QUEUE = 3


class Deadlock(ArchsimError):  # noqa: N818 -- the field's term, and it names itself in messages
    """A run that cannot advance: no task is under way, and some have not finished."""


def deadlock(run: Run) -> Deadlock:
    """Explain a run that stands still; its times are -1 where they never came."""
    still = _Standstill(run)
    n_stuck = int(still.stuck.sum())
    lines = [f"deadlock at {run.makespan} ps: {n_stuck} of {run.program.n_tasks} tasks cannot finish"]
    lines += [still.station(task) for task in still.heads[:_SHOWN]]
    if len(still.heads) > _SHOWN:
        lines.append(f"and {len(still.heads) - _SHOWN} more stations whose head waits")
    return Deadlock(*lines, still.circle())


class _Standstill:
    """A run at the moment when nothing is left to happen."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.program = program = run.program
        self.stuck = run.finish < 0
        heads = np.flatnonzero((run.offered >= 0) & (run.start < 0))
        self.heads: list[int] = heads[np.lexsort((heads, run.offered[heads]))].tolist()
        self.head_at = {self._station(task): task for task in self.heads}
        self.first_in_line: dict[int, int] = {}
        for task in self.heads:
            for store, _ in self._takes(task):
                self.first_in_line.setdefault(store, task)
        self.free = self._free()
        edges = sources(program), program.dependents
        kept = self.stuck[edges[0]] & self.stuck[edges[1]]
        self.stuck_before = dict(zip(edges[1][kept].tolist(), edges[0][kept].tolist(), strict=True))

    def station(self, task: int) -> str:
        """Say what the head of a station waits for, and who is queued behind it."""
        at = self._station(task)
        needs = []
        for store, amount in self._takes(task):
            held = self.program.stores[store]
            first = self.first_in_line[store]
            behind = "" if first == task else f", and task {self._name(first)} is before it"
            needs.append(f"{amount} of {held.name} ({self.free[store]} of {held.capacity} free{behind})")
        queued = np.flatnonzero(
            (self.program.station[self.program.kind] == at) & (self.run.ready >= 0) & (self.run.offered < 0)
        )
        more = ", …" if queued.size > _SHOWN_QUEUE else ""
        ids = ", ".join(map(str, queued[:_SHOWN_QUEUE].tolist())) + more
        queue = f"; {queued.size} queued behind it: {ids}" if queued.size else ""
        name = self.program.stations[at].name
        return f"station {name}: task {self._name(task)} needs {' and '.join(needs)}{queue}"

    def circle(self) -> str:
        """Follow who waits for whom from the first head until somebody comes up again."""
        task: int | None = self.heads[0] if self.heads else int(np.argmax(self.stuck))
        steps: dict[int, str] = {}
        while task is not None and task not in steps:
            follows, steps[task] = self._waits_for(task)
            task = follows
        path = list(steps)
        circle = path[path.index(task) :] if task is not None else path
        said = [f"task {self._name(step)} {steps[step]}" for step in circle[:_SHOWN]]
        if len(circle) > _SHOWN:
            said.append(f"{len(circle) - _SHOWN} more steps")
        return f"{'chain' if task is None else 'circle'}: {'; '.join(said)}"

    def _waits_for(self, task: int) -> tuple[int | None, str]:
        """The task that must move before this one can, and why."""
        if self.run.ready[task] < 0:
            before = self.stuck_before.get(task)
            return before, f"waits for task {before} to finish"
        if self.run.offered[task] < 0:
            head = self.head_at[self._station(task)]
            return head, f"is queued behind task {head} at {self._station_name(task)}"
        for store, amount in self._takes(task):
            name, first = self.program.stores[store].name, self.first_in_line[store]
            if first != task:
                return first, f"waits for {name} behind task {first}"
            if amount > self.free[store]:
                break
        giver = self._giver(store, task)
        if giver is None:
            return None, f"waits for {name}, which no other task will give back"
        return giver, f"waits for {name}, which task {giver} would give back"

    def _giver(self, store: int, but: int) -> int | None:
        kinds = [
            kind
            for kind in range(self.program.n_kinds)
            if any(given == store and amount > 0 for given, amount in self.program.gives(kind))
        ]
        givers = np.flatnonzero(self.stuck & np.isin(self.program.kind, kinds))
        others = givers[givers != but]
        return int(others[0]) if others.size else None

    def _free(self) -> list[int]:
        free = [store.capacity for store in self.program.stores]
        kinds, size = self.program.kind, self.program.n_kinds
        started = np.bincount(kinds[self.run.start >= 0], minlength=size).tolist()
        finished = np.bincount(kinds[~self.stuck], minlength=size).tolist()
        for kind in range(size):
            for store, amount in self.program.takes(kind):
                free[store] -= amount * started[kind]
            for store, amount in self.program.gives(kind):
                free[store] += amount * finished[kind]
        return free

    def _takes(self, task: int) -> tuple[tuple[int, int], ...]:
        return self.program.takes(int(self.program.kind[task]))

    def _station(self, task: int) -> int:
        return int(self.program.station[self.program.kind[task]])

    def _station_name(self, task: int) -> str:
        return self.program.stations[self._station(task)].name

    def _name(self, task: int) -> str:
        return f"{task} ({self.program.kinds[self.program.kind[task]]})"
