"""What all lowering shares: the builder, the mapping, the stations made so far, and tasks for every position."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from archsim.core.timing import Timer
from archsim.graph.job import Job
from archsim.graph.operators import Operator
from archsim.mapping.mapping import Mapping as Placement
from archsim.program import Builder

Tasks = NDArray[np.int64]
"""Task ids, one per place at which an operator runs: sequence by sequence, position by position."""


Time = int | Fraction


@dataclass(frozen=True)
class Work:
    """What a task takes, ps, counts and is spent in."""

    latency: int
    interval: int
    counts: Mapping[str, int]
    spent: Mapping[str, tuple[int, int]]


@dataclass
class Floor:
    """The state of one lowering. remembered: work that layers have in common."""

    mapping: Placement
    job: Job
    timer: Timer
    builder: Builder = field(default_factory=Builder)
    remembered: dict[Hashable, Work] = field(default_factory=dict)
    _stations: dict[str, int] = field(default_factory=dict)

    def station(self, name: str, servers: int = 1) -> int:
        """The station of that name, made when first asked for."""
        if name not in self._stations:
            self._stations[name] = self.builder.station(name, servers)
        return self._stations[name]

    def per_position(self, operator: Operator, kind_for: Callable[[int], int]) -> Tasks:
        """Tasks for all places; `kind_for(keys)` gives the kind of one that sees `keys` positions."""
        number = len(self.job.places(operator))
        if not operator.grows:
            return ids(self.builder.tasks(kind_for(self.job.most_keys(operator)), number))
        keys = self.job.keys(operator).tolist()
        kinds = {seen: kind_for(seen) for seen in dict.fromkeys(keys)}
        if len(kinds) == 1:
            return ids(self.builder.tasks(kinds[keys[0]], number))
        return ids(self.builder.tasks_each([kinds[seen] for seen in keys]))


def ids(tasks: range) -> Tasks:
    """Ids of a block as an array."""
    return np.arange(tasks.start, tasks.stop, dtype=np.int64)


def whole(latency: Fraction, occupancy: Fraction) -> tuple[int, int]:
    """A task's times, rounded up once, ps."""
    return max(1, ceil(latency)), max(1, ceil(occupancy))


def shares(latency: Mapping[str, Time], interval: Mapping[str, Time]) -> dict[str, tuple[int, int]]:
    """Time in latency and interval by part, as a kind's weights."""
    parts = dict.fromkeys([*latency, *interval])
    return {part: (round(latency.get(part, 0)), round(interval.get(part, 0))) for part in parts}


def merge(counts: dict[str, int], more: Mapping[str, int], times: int = 1) -> None:
    """Add counts."""
    for action, number in more.items():
        counts[action] = counts.get(action, 0) + number * times
