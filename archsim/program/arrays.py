"""A Program: the tasks of one job as plain arrays, which any engine can play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

JOIN = -1
"""Station of a kind that takes no time."""


@dataclass(frozen=True, slots=True)
class Station:
    """Something that takes time and serves tasks in order, on one or more servers."""

    name: str
    servers: int = 1


@dataclass(frozen=True, slots=True)
class Store:
    """Bounded space, all of it free at time 0."""

    name: str
    capacity: int


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Tasks, their kinds and their dependencies; compared by identity.

    Lists of uneven length are flat arrays with a `*_start` array of one more entry than rows:
    row i of `x` is `x[start[i]:start[i + 1]]`. Times are picoseconds.

    Attributes
    ----------
        kind: int32 (tasks,), the kind of each task.
        dependents_start: int64 (tasks + 1,), rows of `dependents`.
        dependents: int32 (edges,), the tasks that wait for the row's task.
        predecessors: int32 (tasks,), how many tasks each task waits for.
        station: int32 (kinds,), where the kind is served, or `JOIN`.
        latency: int64 (kinds,), start to finish; at least 1 at a station, 0 for a join.
        interval: int64 (kinds,), how long a start keeps its server busy; as latency.
        takes_start: int64 (kinds + 1,), rows of `takes_*`.
        takes_store: int32 (takes,), the store that a start takes from.
        takes_amount: int64 (takes,), how much it takes.
        gives_start: int64 (kinds + 1,), rows of `gives_*`.
        gives_store: int32 (gives,), the store that a finish gives to.
        gives_amount: int64 (gives,), how much it gives.
        counts_start: int64 (kinds + 1,), rows of `counts_*`.
        counts_action: int32 (counts,), the action that a task of the kind counts.
        counts_number: int64 (counts,), how often.
        operator: int32 (kinds,), whom the kind works for.
        kinds: names of the kinds.
        stations: the stations.
        stores: the stores.
        actions: names of the actions.
        operators: names of the operators.
        spent_start: int64 (kinds + 1,), rows of `spent_*`.
        spent_part: int32 (spent,), a part that the kind's time is spent in, for reports only.
        spent_latency: int64 (spent,), its share of the latency, as a weight.
        spent_interval: int64 (spent,), its share of the interval, as a weight.
        parts: names of the parts.
    """

    kind: NDArray[np.int32]
    dependents_start: NDArray[np.int64]
    dependents: NDArray[np.int32]
    predecessors: NDArray[np.int32]
    station: NDArray[np.int32]
    latency: NDArray[np.int64]
    interval: NDArray[np.int64]
    takes_start: NDArray[np.int64]
    takes_store: NDArray[np.int32]
    takes_amount: NDArray[np.int64]
    gives_start: NDArray[np.int64]
    gives_store: NDArray[np.int32]
    gives_amount: NDArray[np.int64]
    counts_start: NDArray[np.int64]
    counts_action: NDArray[np.int32]
    counts_number: NDArray[np.int64]
    operator: NDArray[np.int32]
    kinds: tuple[str, ...]
    stations: tuple[Station, ...]
    stores: tuple[Store, ...]
    actions: tuple[str, ...]
    operators: tuple[str, ...]
    spent_start: NDArray[np.int64]
    spent_part: NDArray[np.int32]
    spent_latency: NDArray[np.int64]
    spent_interval: NDArray[np.int64]
    parts: tuple[str, ...]

    @property
    def n_tasks(self) -> int:
        """How many tasks there are."""
        return len(self.kind)

    @property
    def n_kinds(self) -> int:
        """How many kinds there are."""
        return len(self.kinds)

    def tasks_per_kind(self) -> NDArray[np.int64]:
        """Tasks of each kind, int64 (kinds,)."""
        return np.bincount(self.kind, minlength=self.n_kinds).astype(np.int64)

    def takes(self, kind: int) -> tuple[tuple[int, int], ...]:
        """The (store, amount) pairs that a task of this kind takes at its start."""
        row = slice(self.takes_start[kind], self.takes_start[kind + 1])
        return tuple(zip(self.takes_store[row].tolist(), self.takes_amount[row].tolist(), strict=True))

    def gives(self, kind: int) -> tuple[tuple[int, int], ...]:
        """The (store, amount) pairs that a task of this kind gives at its finish."""
        row = slice(self.gives_start[kind], self.gives_start[kind + 1])
        return tuple(zip(self.gives_store[row].tolist(), self.gives_amount[row].tolist(), strict=True))

    def spent(self, kind: int, *, occupied: bool) -> dict[str, int]:
        """Weights of the parts in the kind's latency, or in the interval that it keeps its server occupied."""
        row = slice(self.spent_start[kind], self.spent_start[kind + 1])
        weights = (self.spent_interval if occupied else self.spent_latency)[row].tolist()
        return {self.parts[at]: n for at, n in zip(self.spent_part[row].tolist(), weights, strict=True) if n}
