"""The reference engine: SimPy keeps the time, and one late event an instant decides who starts."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from math import inf
from typing import TYPE_CHECKING, cast

import numpy as np

from archsim.program.arrays import JOIN
from archsim.program.deadlock import deadlock
from archsim.program.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from simpy import Environment, Event
    from simpy.events import EventPriority

    from archsim.program.arrays import Program

_LATE = cast("EventPriority", 2)  # after SimPy's NORMAL (1): all finishes of an instant come first
_NEVER = -1
_EVENTS_A_REPORT = 20_000


def play(program: Program, progress: Callable[[int, int], None] | None = None) -> Run:
    """Play a checked Program; `progress` is told from time to time how many tasks have finished, of how many.

    Raises
    ------
        Deadlock: no event is left and some tasks have not finished.
    """
    import simpy

    player = _Player(program, simpy.Environment())
    player.play(progress)
    run = player.run()
    if (run.finish == _NEVER).any():
        raise deadlock(run)
    return run


class _Player:
    """The state of a run. Lists are indexed by task, kind, station or store, as their name says."""

    def __init__(self, program: Program, env: Environment) -> None:
        self.program = program
        self.env = env
        self.settling = False

        kinds = range(program.n_kinds)
        self.station_of = program.station.tolist()
        self.latency = program.latency.tolist()
        self.interval = program.interval.tolist()
        self.takes = [program.takes(kind) for kind in kinds]
        self.gives = [program.gives(kind) for kind in kinds]

        self.kind = program.kind.tolist()
        self.dependents_start = program.dependents_start.tolist()
        self.dependents = program.dependents.tolist()
        self.waiting_for = program.predecessors.tolist()
        self.ready = [_NEVER] * program.n_tasks
        self.offered = [_NEVER] * program.n_tasks
        self.start = [_NEVER] * program.n_tasks
        self.finish = [_NEVER] * program.n_tasks

        n_stations = len(program.stations)
        self.queue: list[list[tuple[int, int]]] = [[] for _ in range(n_stations)]  # heaps of (ready, id)
        self.free_at = [[0] * station.servers for station in program.stations]  # heaps, one time a server
        self.has_head = [False] * n_stations
        self.will_wake = [False] * n_stations
        self.touched: set[int] = set()  # stations that may have a new head to offer

        self.free = [store.capacity for store in program.stores]
        self.line: list[list[tuple[int, int]]] = [[] for _ in program.stores]  # heaps of (offered, id)
        self.tries: list[tuple[int, int]] = []  # heap of offered heads that may be able to start now

    @property
    def now(self) -> int:
        return cast("int", self.env.now)  # SimPy would allow a float; all delays here are integers

    def play(self, progress: Callable[[int, int], None] | None) -> None:
        self._release([task for task, waits in enumerate(self.waiting_for) if waits == 0])
        self._settle_late()
        if progress is None:
            self.env.run()
            return
        while self.env.peek() < inf:
            for _ in range(_EVENTS_A_REPORT):
                if self.env.peek() == inf:
                    break
                self.env.step()
            progress(self.program.n_tasks - self.finish.count(_NEVER), self.program.n_tasks)

    def run(self) -> Run:
        times = (self.ready, self.offered, self.start, self.finish)
        return Run(self.program, *(np.array(column, np.int64) for column in times))

    # Rule 1: finishes.

    def _on_finish(self, event: Event) -> None:
        self._release(self._finish(cast("int", event.value)))
        self._settle_late()

    def _finish(self, task: int) -> list[int]:
        """Give to stores; return the tasks that now wait for no other."""
        self.finish[task] = self.now
        for store, amount in self.gives[self.kind[task]]:
            self.free[store] += amount
            if self.line[store]:
                heappush(self.tries, self.line[store][0])
        released = []
        for dependent in self.dependents[self.dependents_start[task] : self.dependents_start[task + 1]]:
            self.waiting_for[dependent] -= 1
            if not self.waiting_for[dependent]:
                released.append(dependent)
        return released

    def _release(self, tasks: list[int]) -> None:
        """Queue tasks that have become ready; joins finish at once."""
        now = self.now
        while tasks:
            task = tasks.pop()
            self.ready[task] = now
            station = self.station_of[self.kind[task]]
            if station == JOIN:
                self.offered[task] = self.start[task] = now
                tasks += self._finish(task)
            else:
                heappush(self.queue[station], (now, task))
                self.touched.add(station)

    # Rule 2: starts.

    def _settle_late(self) -> None:
        """See that rule 2 is applied once, after all other events of this instant."""
        if not self.settling:
            self.settling = True
            event = self.env.event()
            event._ok = True  # noqa: SLF001 -- event.succeed() would also queue it, at normal priority
            event.callbacks.append(self._settle)
            self.env.schedule(event, _LATE)

    def _settle(self, _: Event) -> None:
        self.settling = False
        for station in self.touched:
            self._offer(station)
        self.touched.clear()
        while self.tries:
            head = heappop(self.tries)
            if self._can_start(head):
                self._start(head)

    def _offer(self, station: int) -> None:
        """Offer the head of the queue if a server is free; else come back when one will be."""
        if self.has_head[station] or not self.queue[station]:
            return
        now, free_at = self.now, self.free_at[station][0]
        if free_at <= now:
            _, task = heappop(self.queue[station])
            self.has_head[station] = True
            self.offered[task] = now
            for store, _ in self.takes[self.kind[task]]:
                heappush(self.line[store], (now, task))
            heappush(self.tries, (now, task))
        elif not self.will_wake[station]:
            self.will_wake[station] = True
            self.env.timeout(free_at - now, station).callbacks.append(self._on_free)

    def _on_free(self, event: Event) -> None:
        station = cast("int", event.value)
        self.will_wake[station] = False
        self.touched.add(station)
        self._settle_late()

    def _can_start(self, head: tuple[int, int]) -> bool:
        """Whether no earlier head waits for a store that this one needs, and all have room for it."""
        needs = self.takes[self.kind[head[1]]]
        return self.start[head[1]] == _NEVER and all(
            self.line[store][0] == head and self.free[store] >= amount for store, amount in needs
        )

    def _start(self, head: tuple[int, int]) -> None:
        now, task = self.now, head[1]
        kind = self.kind[task]
        station = self.station_of[kind]
        self.start[task] = now
        for store, amount in self.takes[kind]:
            self.free[store] -= amount
            heappop(self.line[store])
            if self.line[store]:
                heappush(self.tries, self.line[store][0])
        heapreplace(self.free_at[station], now + self.interval[kind])
        self.env.timeout(self.latency[kind], task).callbacks.append(self._on_finish)
        self.has_head[station] = False
        self._offer(station)
