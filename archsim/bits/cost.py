"""What bits cost: time with the best copies on so many tiles."""

from __future__ import annotations

from functools import cache
from math import inf
from typing import TYPE_CHECKING

from archsim.bits.problem import Choice, Cost
from archsim.mapping.replication import allot_by_bisection, allot_by_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.mapping.replication import Allotment, Goal, Work


def allotment(works: Sequence[Work], tiles: int, goal: Goal) -> Allotment:
    """The best copies, by the exact method that is quick."""
    return allot_by_tiles(works, tiles) if goal == "latency" else allot_by_bisection(works, tiles)


def time_of(found: Allotment, goal: Goal) -> int:
    """What a goal looks at, ps."""
    return found.latency if goal == "latency" else found.slowest


def cost(works: Callable[[Choice], Sequence[Work]], tiles: int, goal: Goal) -> Callable[[Choice], Cost]:
    """Costs on so many tiles; each choice is worked out once."""

    @cache
    def costs(choice: Choice) -> Cost:
        all_works = works(choice)
        needed = sum(work.tiles for work in all_works)
        if needed > tiles:
            return Cost(inf, needed)
        return Cost(time_of(allotment(all_works, tiles, goal), goal), needed)

    return costs
