"""From a model, its pictures and its costs to the problem that is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.bits.cost import cost
from archsim.bits.problem import Choice, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from archsim.bits.judge import Halves
    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.mapping.replication import Goal, Work

    Works = Callable[[Choice], Sequence[Work]]

CHOICES = (2, 3, 4, 5, 6, 7, 8)
"""HAQ's."""
_SHARE = 0.5
"""Of the accuracy that may be lost, what a search may lose on its own half: the best of many is partly luck."""


def make_problem(
    graph: Graph, job: Job, halves: Halves, works: Works, goal: Goal, allowed: float, tiles: int | None = None
) -> Problem:
    """Bits of every projection for a goal on so many tiles; gains are over 8 bits with one copy of each projection.

    works: of a choice. allowed: to be lost on pictures that were not searched. tiles: default: as many as 8 bits take.
    """
    keys = tuple(linear.key for linear in graph.linears)
    eight = ((CHOICES[-1],) * 2,) * len(keys)
    own = works(eight)
    times = [work.at(1) for work in own]
    return Problem(
        keys=keys,
        cost=cost(works, tiles or sum(work.tiles for work in own), goal),
        quality=halves.searched.quality,
        allowed=_SHARE * allowed,
        base=sum(times) if goal == "latency" else max(times),
        reference=halves.searched.quality(eight),
        features=_features(graph, job, own),
        choices=CHOICES,
    )


def _features(graph: Graph, job: Job, own: Sequence[Work]) -> NDArray[np.float32]:
    """Of each projection, from 0 to 1: rows, columns, weights, positions, a copy's tiles and time, its number."""
    table = np.array(
        [
            (
                linear.in_features,
                linear.out_features,
                linear.weights,
                len(job.places(linear)),
                work.tiles,
                work.at(1),
                at,
            )
            for at, (linear, work) in enumerate(zip(graph.linears, own, strict=True))
        ],
        float,
    )
    low, high = table.min(axis=0), table.max(axis=0)
    found: NDArray[np.float32] = ((table - low) / np.where(high > low, high - low, 1)).astype(np.float32)
    return found
