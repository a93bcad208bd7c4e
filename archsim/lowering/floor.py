"""What all lowering shares: the builder, the mapping, and the stations and ends of work already lowered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from archsim.core.timing import Timer
from archsim.graph.operators import Operator
from archsim.lowering.job import Job
from archsim.mapping.placement import Mapping as Placement
from archsim.program import Builder

Tasks = NDArray[np.int64]
"""Task ids, one per position: sequence by sequence, position by position."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place of data: the tiles of a projection (`name` its key), or the units of `module` of a group."""

    name: str
    module: str | None


@dataclass
class Floor:
    """The state of one lowering."""

    mapping: Placement
    job: Job
    timer: Timer
    builder: Builder = field(default_factory=Builder)
    _stations: dict[str, int] = field(default_factory=dict)

    def station(self, name: str) -> int:
        """The station of that name, made when first asked for."""
        if name not in self._stations:
            self._stations[name] = self.builder.station(name)
        return self._stations[name]

    def positions(self, operator: Operator) -> int:
        """Positions per sequence at which an operator runs."""
        return self.job.seq if operator.positions == "each" else 1

    def keys(self, operator: Operator, position: int) -> int:
        """Positions that one position sees."""
        if operator.positions == "last" or not self.mapping.graph.causal:
            return self.job.seq
        return position + 1

    def per_position(self, operator: Operator, kind_for: Callable[[int], int]) -> Tasks:
        """Tasks for all positions of all sequences; `kind_for(keys)` gives the kind of one."""
        n = self.positions(operator)
        first, last = self.keys(operator, 0), self.keys(operator, n - 1)
        if first == last:
            return ids(self.builder.tasks(kind_for(first), n * self.job.batch))
        kinds = [kind_for(self.keys(operator, position)) for position in range(n)]
        made = [self.builder.tasks(kind)[0] for _ in range(self.job.batch) for kind in kinds]
        return np.array(made, np.int64)


def ids(tasks: range) -> Tasks:
    """Ids of a block as an array."""
    return np.arange(tasks.start, tasks.stop, dtype=np.int64)


def whole(latency: Fraction, occupancy: Fraction) -> tuple[int, int]:
    """A task's times, rounded up once, ps."""
    return max(1, ceil(latency)), max(1, ceil(occupancy))


def merge(counts: dict[str, int], more: Mapping[str, int], times: int = 1) -> None:
    """Add counts."""
    for action, number in more.items():
        counts[action] = counts.get(action, 0) + number * times
