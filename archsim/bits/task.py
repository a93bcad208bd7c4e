"""From a model, its pictures and its costs to the problem that is searched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from archsim.bits.cost import bare_amount, cost
from archsim.bits.ladder import Ladder
from archsim.bits.problem import Choice, Problem
from archsim.mapping.bits import Bits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from archsim.bits.judge import Halves
    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.machine import Machine
    from archsim.mapping.replication import Work
    from archsim.optimize import Goal

    Works = Callable[[Choice], Sequence[Work]]

CHOICES = (2, 3, 4, 5, 6, 7, 8)
"""HAQ's."""


def named(graph: Graph, choice: Choice) -> dict[str, Bits]:
    """A choice by the names of projections."""
    return {linear.key: Bits(*pair) for linear, pair in zip(graph.linears, choice, strict=True)}


def works_on(machine: Machine, graph: Graph, job: Job) -> Works:
    """What a choice takes on a machine."""
    from archsim.works import works

    return lambda choice: works(machine, graph, job, named(graph, choice))


def tiles_of_eight(graph: Graph, works: Works) -> int:
    """Tiles that 8 bits take with one copy of each projection."""
    return sum(work.tiles for work in works(_eight(graph)))


def _eight(graph: Graph) -> Choice:
    return ((CHOICES[-1],) * 2,) * len(graph.linears)


def make_problem(
    graph: Graph, job: Job, halves: Halves, works: Works, goal: Goal, allowed: float, tiles: int
) -> Problem:
    """Bits of every projection for a goal on so many tiles; gains are over 8 bits with one copy of each projection.

    works: of a choice. allowed: to be lost on pictures that were not searched.
    """
    keys = tuple(linear.key for linear in graph.linears)
    own = works(_eight(graph))
    useful = min(tiles, sum(work.tiles * work.vectors for work in own))
    return Problem(
        keys=keys,
        cost=cost(works, tiles, goal),
        quality=halves.searched.quality,
        allowed=allowed,
        base=bare_amount(own, goal),
        features=_features(graph, job, own),
        choices=CHOICES,
        ladder=partial(Ladder, works, CHOICES, useful) if goal == "throughput" else None,
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
