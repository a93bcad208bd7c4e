"""The two rules of an instant, followed word by word and slowly; nothing is remembered between instants."""

from __future__ import annotations

from archsim.program import JOIN, Program

NEVER = -1


class Oracle:
    """Plays a Program; `times` has ready, offered, start and finish of each task, -1 where it never came."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.now = 0
        self.tasks = range(program.n_tasks)
        self.before: list[set[int]] = [set() for _ in self.tasks]
        for task in self.tasks:
            row = slice(program.dependents_start[task], program.dependents_start[task + 1])
            for dependent in program.dependents[row].tolist():
                self.before[dependent].add(task)
        self.ready = [NEVER] * program.n_tasks
        self.offered = [NEVER] * program.n_tasks
        self.start = [NEVER] * program.n_tasks
        self.finish = [NEVER] * program.n_tasks
        while True:
            self.rule_1()
            self.rule_2()
            later = [time for time in self.changes() if time > self.now]
            if not later:
                break
            self.now = min(later)

    @property
    def times(self) -> tuple[list[int], list[int], list[int], list[int]]:
        return self.ready, self.offered, self.start, self.finish

    def changes(self) -> list[int]:
        started = [task for task in self.tasks if self.start[task] != NEVER]
        return [
            self.start[task] + duration[self.program.kind[task]]
            for task in started
            for duration in (self.program.latency.tolist(), self.program.interval.tolist())
        ]

    def station(self, task: int) -> int:
        return int(self.program.station[self.program.kind[task]])

    def needs(self, task: int) -> dict[int, int]:
        return dict(self.program.takes(int(self.program.kind[task])))

    def free(self, store: int) -> int:
        taken = sum(self.needs(task).get(store, 0) for task in self.tasks if self.start[task] != NEVER)
        given = sum(
            dict(self.program.gives(int(self.program.kind[task]))).get(store, 0)
            for task in self.tasks
            if self.finish[task] != NEVER
        )
        return self.program.stores[store].capacity - taken + given

    def rule_1(self) -> None:
        for task in self.tasks:
            due = self.start[task] + int(self.program.latency[self.program.kind[task]])
            if self.start[task] != NEVER and self.finish[task] == NEVER and due == self.now:
                self.finish[task] = self.now
        again = True
        while again:
            again = False
            for task in self.tasks:
                if self.ready[task] == NEVER and all(self.finish[other] != NEVER for other in self.before[task]):
                    self.ready[task] = self.now
                    if self.station(task) == JOIN:
                        self.offered[task] = self.start[task] = self.finish[task] = self.now
                        again = True

    def rule_2(self) -> None:
        while True:
            self.offer_heads()
            waiting = [task for task in self.tasks if self.offered[task] != NEVER and self.start[task] == NEVER]
            closed: set[int] = set()
            for task in sorted(waiting, key=lambda task: (self.offered[task], task)):
                needs = self.needs(task)
                if not closed & set(needs) and all(self.free(store) >= needs[store] for store in needs):
                    self.start[task] = self.now
                    break
                closed |= set(needs)
            else:
                return

    def offer_heads(self) -> None:
        for station, facts in enumerate(self.program.stations):
            here = [task for task in self.tasks if self.station(task) == station]
            if any(self.offered[task] != NEVER and self.start[task] == NEVER for task in here):
                continue
            busy = [
                task
                for task in here
                if self.start[task] != NEVER
                and self.start[task] + int(self.program.interval[self.program.kind[task]]) > self.now
            ]
            queue = [task for task in here if self.ready[task] != NEVER and self.offered[task] == NEVER]
            if queue and len(busy) < facts.servers:
                self.offered[min(queue, key=lambda task: (self.ready[task], task))] = self.now
