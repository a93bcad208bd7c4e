"""Building a Program in blocks: no Python loop runs over tasks or dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from archsim.program.arrays import JOIN, Program, Station, Store
from archsim.program.checks import ProgramError

Tasks = int | Sequence[int] | NDArray[np.integer]
"""Task ids: one, or many as a range, a sequence or an integer array of one dimension."""

_Columns = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    station: int
    latency: int
    interval: int
    takes: Mapping[int, int]
    gives: Mapping[int, int]
    counts: Mapping[int, int]
    operator: int
    spent: Mapping[int, tuple[int, int]]


class Builder:
    """Collects stations, stores, kinds, tasks and dependencies, then makes the Program.

    Everything is known by its index in order of creation. `archsim.program.check` finds faults.
    """

    def __init__(self) -> None:
        self._stations: list[Station] = []
        self._stores: list[Store] = []
        self._kinds: list[_Kind] = []
        self._actions: dict[str, int] = {}
        self._operators: dict[str, int] = {}
        self._parts: dict[str, int] = {}
        self._joins: dict[str, int] = {}
        self._n_tasks = 0
        self._task_kinds: list[tuple[int, int]] = []
        self._earlier: list[NDArray[np.int64]] = []
        self._later: list[NDArray[np.int64]] = []

    def station(self, name: str, servers: int = 1) -> int:
        """Add a station of `servers` equal servers with one queue."""
        self._stations.append(Station(name, servers))
        return len(self._stations) - 1

    def store(self, name: str, capacity: int) -> int:
        """Add a bounded store, all free at time 0."""
        self._stores.append(Store(name, capacity))
        return len(self._stores) - 1

    def kind(
        self,
        name: str,
        *,
        station: int | None,
        latency: int = 0,
        interval: int | None = None,
        takes: Mapping[int, int] | None = None,
        gives: Mapping[int, int] | None = None,
        counts: Mapping[str, int] | None = None,
        operator: str = "",
        spent: Mapping[str, tuple[int, int]] | None = None,
    ) -> int:
        """Add a kind of task.

        Args:
            name: what reports call it.
            station: where it is served; None for a join.
            latency: ps from start to finish.
            interval: ps that a start keeps its server busy; the latency if not given.
            takes: amount by store, taken at the start.
            gives: amount by store, given at the finish.
            counts: number by action that each task counts.
            operator: whom it works for.
            spent: by part its shares of latency and interval, as weights, for reports.
        """
        self._kinds.append(
            _Kind(
                name,
                JOIN if station is None else station,
                latency,
                latency if interval is None else interval,
                dict(takes or {}),
                dict(gives or {}),
                {_index(self._actions, action): number for action, number in (counts or {}).items()},
                _index(self._operators, operator),
                {_index(self._parts, part): shares for part, shares in (spent or {}).items()},
            )
        )
        return len(self._kinds) - 1

    def tasks(self, kind: int, n: int = 1) -> range:
        """Add `n` tasks of a kind; their ids are the next `n` numbers."""
        first = self._n_tasks
        self._n_tasks += n
        self._task_kinds.append((kind, n))
        return range(first, self._n_tasks)

    def tasks_each(self, kinds: Sequence[int]) -> range:
        """Add a task of each of these kinds, in their order; ids as with `tasks`."""
        first = self._n_tasks
        self._n_tasks += len(kinds)
        self._task_kinds += [(kind, 1) for kind in kinds]
        return range(first, self._n_tasks)

    def chain(self, kinds: Sequence[int], predecessors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add as many tasks of each kind as predecessors; each waits for its own of the kind before. Ids of the last.

        The same as `tasks` and `after` kind by kind, in one step: transfers may cross hundreds of chips.
        """
        number = len(predecessors)
        first = self._n_tasks
        self._n_tasks += len(kinds) * number
        self._task_kinds += [(kind, number) for kind in kinds]
        tasks = np.arange(first, self._n_tasks, dtype=np.int64)
        every = np.concatenate([predecessors, tasks])
        self._later.append(tasks)
        self._earlier.append(every[: len(tasks)])
        return every[len(tasks) :]

    def after(self, tasks: Tasks, predecessors: Tasks) -> None:
        """Let each task wait for the predecessor at the same place; a single one on a side goes with all.

        Raises
        ------
            ValueError: the lengths differ and neither is one.
        """
        later, earlier = _ids(tasks), _ids(predecessors)
        if later.size != earlier.size and 1 not in {later.size, earlier.size}:
            message = f"found {later.size} tasks and {earlier.size} predecessors; expected as many, or one"
            raise ValueError(message)
        if later.size != earlier.size:
            size = later.size if earlier.size == 1 else earlier.size
            later, earlier = (ids if ids.size == size else np.repeat(ids, size) for ids in (later, earlier))
        self._later.append(later)
        self._earlier.append(earlier)

    def join(self, predecessors: Tasks, operator: str = "") -> int:
        """Add one task that takes no time and waits for all predecessors."""
        if operator not in self._joins:
            self._joins[operator] = self.kind("join", station=None, operator=operator)
        task = self.tasks(self._joins[operator])[0]
        self.after(task, predecessors)
        return task

    def build(self) -> Program:
        """Make the Program.

        Raises
        ------
            ProgramError: a dependency names a task that does not exist.
        """
        later = np.concatenate([*self._later, np.empty(0, np.int64)])
        earlier = np.concatenate([*self._earlier, np.empty(0, np.int64)])
        self._refuse_unknown(later, earlier)
        kinds = np.array(self._task_kinds, np.int64).reshape(-1, 2)
        takes_start, takes_store, takes_amount = _columns(kind.takes for kind in self._kinds)
        gives_start, gives_store, gives_amount = _columns(kind.gives for kind in self._kinds)
        counts_start, counts_action, counts_number = _columns(kind.counts for kind in self._kinds)
        spent_start, spent_part, spent = _columns(kind.spent for kind in self._kinds)
        spent = spent.reshape(-1, 2)
        return Program(
            kind=np.repeat(kinds[:, 0], kinds[:, 1]).astype(np.int32),
            dependents_start=_starts(np.bincount(earlier, minlength=self._n_tasks)),
            dependents=later[np.argsort(earlier, kind="stable")].astype(np.int32),
            predecessors=np.bincount(later, minlength=self._n_tasks).astype(np.int32),
            station=np.array([kind.station for kind in self._kinds], np.int32),
            latency=np.array([kind.latency for kind in self._kinds], np.int64),
            interval=np.array([kind.interval for kind in self._kinds], np.int64),
            takes_start=takes_start,
            takes_store=takes_store,
            takes_amount=takes_amount,
            gives_start=gives_start,
            gives_store=gives_store,
            gives_amount=gives_amount,
            counts_start=counts_start,
            counts_action=counts_action,
            counts_number=counts_number,
            operator=np.array([kind.operator for kind in self._kinds], np.int32),
            kinds=tuple(kind.name for kind in self._kinds),
            stations=tuple(self._stations),
            stores=tuple(self._stores),
            actions=tuple(self._actions),
            operators=tuple(self._operators),
            spent_start=spent_start,
            spent_part=spent_part,
            spent_latency=spent[:, 0],
            spent_interval=spent[:, 1],
            parts=tuple(self._parts),
        )

    def _refuse_unknown(self, *ids: NDArray[np.int64]) -> None:
        """A negative or too large id would land in a wrong row, where no check could see it."""
        every = np.concatenate(ids)
        unknown = np.unique(every[(every < 0) | (every >= self._n_tasks)])
        if unknown.size:
            listed = ", ".join(map(str, unknown[:5].tolist()))
            message = f"dependencies name unknown tasks {listed}; the program has {self._n_tasks} tasks"
            raise ProgramError(message)


def _index(names: dict[str, int], name: str) -> int:
    return names.setdefault(name, len(names))


def _ids(tasks: Tasks) -> NDArray[np.int64]:
    if isinstance(tasks, range):
        return np.arange(tasks.start, tasks.stop, tasks.step, dtype=np.int64)
    return np.array(tasks, dtype=np.int64, ndmin=1)


def _starts(lengths: Iterable[int] | NDArray[np.integer]) -> NDArray[np.int64]:
    if isinstance(lengths, np.ndarray):
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    return np.array(list(accumulate(lengths, initial=0)), np.int64)


def _columns(rows: Iterable[Mapping[int, int] | Mapping[int, tuple[int, int]]]) -> _Columns:
    """Mappings, one a kind, as row starts, keys and values."""
    kept = list(rows)
    pairs = list(chain.from_iterable(row.items() for row in kept))
    return (
        _starts(len(row) for row in kept),
        np.array([key for key, _ in pairs], np.int32),
        np.array([value for _, value in pairs], np.int64),
    )
