"""How fast products can follow each other without end.

A pass starts when the one before it has left its station far enough, when what it waits for has finished, and when
the space that it takes is free: three kinds of bonds, some to passes of earlier products. Along a circle of bonds
that leads back over n products, these cannot follow in less than 1/n of the circle's time. The slowest circle sets
the pace, exactly, also where the time between two products alternates (the maximum cycle ratio of an event graph).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from archsim.core.passes import Pass, Passes

_NONE = -1


@dataclass(frozen=True, slots=True)
class Bond:
    """`later` starts at least `delay` ps after the start of `earlier` of the product that is `behind` before."""

    earlier: int
    later: int
    delay: int
    behind: int


@dataclass(frozen=True)
class Steady:
    """Time from one product to the next in the long run, ps, and by part where the circle that sets it spends it.

    interval: exact, and the mean where it is not always the same.
    """

    interval: Fraction
    by_part: Mapping[str, Fraction]


def steady(passes: Passes) -> Steady:
    """How fast products follow each other, and what sets that pace."""
    every = [found for _, reads in passes.stages for read in reads for found in read]
    bonds = [*_in_stations(passes), *_between_stages(passes), *_through_stores(passes, every)]
    stages = [[found for read in reads for found in read] for _, reads in passes.stages]
    busiest = max(stages, key=lambda stage: (sum(found.interval for found in stage), stage[0].full))
    spent = [(found.busiest, found.interval) for found in busiest]
    pace = Fraction(sum(time for _, time in spent))
    while (circle := _slower_circle(len(every), bonds, pace)) is not None:
        pace = Fraction(sum(bond.delay for bond in circle), sum(bond.behind for bond in circle))
        spent = [_spent(every[bond.earlier], bond) for bond in circle]
    products = sum(time for _, time in spent) / pace
    by_part: dict[str, Fraction] = {}
    for part, time in spent:
        by_part[part] = by_part.get(part, Fraction(0)) + time / products
    return Steady(pace, by_part)


def _spent(found: Pass, bond: Bond) -> tuple[str, int]:
    return (found.slowest if bond.delay == found.latency else found.busiest), bond.delay


def _numbered(passes: Passes) -> Iterator[list[list[tuple[int, Pass]]]]:
    """Of each stage and read the passes, with their numbers."""
    number = 0
    for _, reads in passes.stages:
        stage = []
        for read in reads:
            stage.append(list(enumerate(read, number)))
            number += len(read)
        yield stage


def _in_stations(passes: Passes) -> Iterator[Bond]:
    """One pass after the other; the first of a product after the last of the product before."""
    for stage in _numbered(passes):
        turns = [turn for read in stage for turn in read]
        for (number, found), (following, _) in pairwise(turns):
            yield Bond(number, following, found.interval, 0)
        number, found = turns[-1]
        yield Bond(number, turns[0][0], found.interval, 1)


def _between_stages(passes: Passes) -> Iterator[Bond]:
    """A read after the same read of the stage before; where either is passed once, after all of it."""
    stages = list(_numbered(passes))
    for before, stage in pairwise(stages):
        for read, turns in enumerate(stage):
            number, found = before[read if len(before) == len(stage) else -1][-1]
            yield Bond(number, turns[0][0], found.latency, 0)


def _through_stores(passes: Passes, every: Sequence[Pass]) -> Iterator[Bond]:
    """A pass that takes space, after the one that frees the last of it. Both take place in order, in each product."""
    for store, (_, capacity) in enumerate(passes.stores):
        takers = [(number, n) for number, found in enumerate(every) for at, n in found.takes if at == store]
        givers = [(number, n) for number, found in enumerate(every) for at, n in found.gives if at == store]
        taken = list(accumulate(amount for _, amount in takers))
        given = list(accumulate(amount for _, amount in givers))
        for (taker, _), so_far in zip(takers, taken, strict=True):
            # What must have been given back, counted from the start of this product: less than 0 in earlier ones.
            earlier, needed = divmod(so_far - capacity - 1, taken[-1])
            giver = next(number for (number, _), freed in zip(givers, given, strict=True) if freed > needed)
            yield Bond(giver, taker, every[giver].latency, -earlier)


def _slower_circle(number: int, bonds: Sequence[Bond], pace: Fraction) -> list[Bond] | None:
    """A circle of bonds that cannot keep the pace: passes are put off bond by bond until one is put off by itself."""
    weights = [bond.delay * pace.denominator - bond.behind * pace.numerator for bond in bonds]
    start, reason = [0] * number, [_NONE] * number
    while True:
        settled = True
        for index, (bond, weight) in enumerate(zip(bonds, weights, strict=True)):
            if start[bond.earlier] + weight > start[bond.later]:
                start[bond.later] = start[bond.earlier] + weight
                reason[bond.later] = index
                settled = False
        if settled:
            return None
        circle = _circle(bonds, reason)
        if circle:
            return circle


def _circle(bonds: Sequence[Bond], reason: Sequence[int]) -> list[Bond]:
    """The bonds of a circle among those that put passes off; empty if there is none."""
    walk = [_NONE] * len(reason)  # the walk back that came by here
    for begin in range(len(reason)):
        at = begin
        while walk[at] == _NONE and reason[at] != _NONE:
            walk[at] = begin
            at = bonds[reason[at]].earlier
        if walk[at] == begin:
            circle = [bonds[reason[at]]]
            while circle[-1].earlier != at:
                circle.append(bonds[reason[circle[-1].earlier]])
            return circle
    return []
