"""What bits cost: time with the best copies on so many tiles, or energy."""

from __future__ import annotations

from functools import cache
from math import inf
from typing import TYPE_CHECKING

from archsim.bits.problem import Choice, Cost
from archsim.mapping.replication import allot_by_bisection, allot_by_tiles, single

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.mapping.replication import Work
    from archsim.optimize import Goal


def amount(works: Sequence[Work], tiles: int, goal: Goal) -> int:
    """Of what a goal wants little: ps of latency, ps between two inputs, zJ; copies by the exact method that is quick.

    Raises ArchsimError where the tiles are too few.
    """
    if goal == "latency":
        return allot_by_tiles(works, tiles).latency
    if goal == "throughput":
        return allot_by_bisection(works, tiles).slowest
    return sum(work.energy for work in works)


def bare_amount(works: Sequence[Work], goal: Goal) -> int:
    """The same with one copy of each projection."""
    found = single(works, sum(work.tiles for work in works))
    return {"latency": found.latency, "throughput": found.slowest}.get(goal) or sum(work.energy for work in works)


def cost(works: Callable[[Choice], Sequence[Work]], tiles: int, goal: Goal) -> Callable[[Choice], Cost]:
    """Costs on so many tiles; each choice is worked out once."""

    @cache
    def costs(choice: Choice) -> Cost:
        given = works(choice)
        needed = sum(work.tiles for work in given)
        return Cost(inf if needed > tiles else amount(given, tiles, goal), needed)

    return costs
