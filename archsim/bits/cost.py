"""What bits cost: time with the best copies on so many tiles, or energy."""

from __future__ import annotations

from functools import cache
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from archsim.bits.problem import Choice, Cost
from archsim.mapping.replication import allot, single

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.mapping.replication import Work
    from archsim.optimize import Goal

_HALVINGS = 50
"""Of an interval, in which a share lies: to the last digits of a float."""
_NORM = 8.0
"""Of times, instead of the longest: every time counts a little, the longest nearly alone."""


def amount(works: Sequence[Work], tiles: int, goal: Goal) -> int:
    """Of what a goal wants little: ps of latency, ps between two inputs, zJ; with the best copies.

    Raises ArchsimError where the tiles are too few.
    """
    if goal == "energy":
        return sum(work.energy for work in works)
    return allot(works, tiles, goal).amount(goal)


def bare_amount(works: Sequence[Work], goal: Goal) -> int:
    """The same with one copy of each projection."""
    if goal == "energy":
        return sum(work.energy for work in works)
    return single(works, sum(work.tiles for work in works)).amount(goal)


def smooth_amount(works: Sequence[Work], tiles: int, goal: Goal) -> float:
    """The same with copies in fractions, which use all tiles; the longest of all times is rounded off by a norm.

    Least latency takes copies as the root of time over tiles, highest throughput as time; from 1 to the vectors.
    """
    if goal == "energy":
        return float(sum(work.energy for work in works))
    table = [(work.vectors, work.tiles, work.time, work.rest, work.floor, work.apart) for work in works]
    vectors, each, time, rest, floor, apart = np.array(table, float).T
    time = time * vectors
    share = np.sqrt(time / each) if goal == "latency" else time
    low, high = 0.0, float(vectors.max() / share.min())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        fits = float(each @ np.clip(middle * share, 1, vectors)) <= tiles
        low, high = (middle, high) if fits else (low, middle)
    times = np.maximum(floor, time / np.clip(low * share, 1, vectors))
    if goal == "latency":
        return float((rest + times).sum())
    return float((np.maximum(apart, times) ** _NORM).sum() ** (1 / _NORM))


def cost(works: Callable[[Choice], Sequence[Work]], tiles: int, goal: Goal) -> Callable[[Choice], Cost]:
    """Costs on so many tiles; each choice is worked out once."""

    @cache
    def costs(choice: Choice) -> Cost:
        given = works(choice)
        needed = sum(work.tiles for work in given)
        return Cost(inf if needed > tiles else amount(given, tiles, goal), needed, smooth_amount(given, tiles, goal))

    return costs
