"""How many copies each projection should have on so many tiles, for the least latency or the highest throughput.

Latency is taken as the sum of all projections' times, throughput as one over the longest. Both are exact, in integers:
by dynamic programming over tiles (latency), and by bisection (throughput). A program checks them (`milp`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, gcd
from typing import TYPE_CHECKING, Literal

import numpy as np

from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Goal = Literal["latency", "throughput"]


@dataclass(frozen=True, slots=True)
class Work:
    """A projection: `vectors` products of `time` ps on `tiles` tiles, with `energy` zJ in all.

    What copies do not shorten, ps: `rest`, of what comes after the products; `floor`, of what goes on while they are
    made; `apart`, between two inputs, of what all inputs share.
    """

    name: str
    vectors: int
    time: int
    tiles: int
    rest: int = 0
    floor: int = 0
    apart: int = 0
    energy: int = 0

    def at(self, copies: int) -> int:
        """Time with so many copies, ps, where nothing else goes on."""
        return self.rest + self._products(copies)

    def pace(self, copies: int) -> int:
        """Time with so many copies, ps, after which the next input can follow."""
        return max(self.apart, self._products(copies))

    def _products(self, copies: int) -> int:
        return max(self.floor, self.time * ceil(self.vectors / copies))

    def options(self, tiles: int) -> list[int]:
        """Numbers of copies on up to `tiles` tiles, of those of equal effect the smallest."""
        most = min(self.vectors, tiles // self.tiles)
        found: dict[int, int] = {}
        for copies in range(1, most + 1):
            found.setdefault(self._products(copies), copies)
        return list(found.values())

    @property
    def useful(self) -> int:
        """Tiles with as many copies as shorten its time."""
        return self.tiles * self.options(self.vectors * self.tiles)[-1]


@dataclass(frozen=True, slots=True)
class Allotment:
    """Copies by projection; ps in all and of the slowest, tiles used."""

    copies: dict[str, int]
    latency: int
    slowest: int
    tiles: int

    def amount(self, goal: Goal) -> int:
        """Of what a goal wants little, ps."""
        return self.latency if goal == "latency" else self.slowest


def allot(works: Sequence[Work], tiles: int, goal: Goal | Literal["energy"]) -> Allotment:
    """The best copies for a goal, exactly, and of those for the highest throughput or least latency on fewest tiles.

    For the least energy one copy each: products spend the same on any, and ways are shortest. Raises ArchsimError where
    `tiles` are too few.
    """
    if goal == "latency":
        return allot_by_tiles(works, tiles)
    return allot_by_bisection(works, tiles) if goal == "throughput" else single(works, tiles)


def single(works: Sequence[Work], tiles: int) -> Allotment:
    """One copy each; raises ArchsimError where `tiles` are too few."""
    require(works, tiles)
    return allotment(works, {work.name: 1 for work in works})


def allot_by_tiles(works: Sequence[Work], tiles: int) -> Allotment:
    """The least latency, by dynamic programming over projections and tiles used; of equals one on the fewest tiles."""
    require(works, tiles)
    unit = gcd(*(work.tiles for work in works))
    room = min(tiles, sum(work.useful for work in works)) // unit
    best = np.zeros(room + 1, np.int64)
    never = np.int64(1) << 62
    picks: list[NDArray[np.int32]] = []
    for work in works:
        after, pick = np.full(room + 1, never), np.zeros(room + 1, np.int32)
        for copies in work.options(tiles):
            step = copies * work.tiles // unit
            if step > room:
                break
            here = np.minimum(best[: room + 1 - step], never - work.at(1)) + work.at(copies)
            better = here < after[step:]
            after[step:][better], pick[step:][better] = here[better], copies
        best, picks = after, [*picks, pick]
    left, chosen = int(np.argmax(best == best[room])), {}
    for work, pick in zip(reversed(works), reversed(picks), strict=True):
        chosen[work.name] = int(pick[left])
        left -= chosen[work.name] * work.tiles // unit
    return allotment(works, {work.name: chosen[work.name] for work in works})


def allot_by_bisection(works: Sequence[Work], tiles: int) -> Allotment:
    """The highest throughput: the shortest time for which the copies that meet it fit."""
    require(works, tiles)
    times = sorted({work.pace(copies) for work in works for copies in work.options(tiles)})
    low, high = 0, len(times) - 1
    while low < high:
        middle = (low + high) // 2
        copies = _meeting(works, times[middle])
        fits = copies is not None and sum(work.tiles * copies[work.name] for work in works) <= tiles
        low, high = (low, middle) if fits else (middle + 1, high)
    chosen = _meeting(works, times[low])
    if chosen is None:
        raise LookupError(times[low])
    return allotment(works, chosen)


def _meeting(works: Sequence[Work], time: int) -> dict[str, int] | None:
    """The fewest copies with which none takes longer; None where no number is enough."""
    found = {}
    for work in works:
        if time < work.pace(work.vectors):
            return None
        found[work.name] = ceil(work.vectors / (time // work.time))
    return found


def require(works: Sequence[Work], tiles: int) -> None:
    """Raise ArchsimError where `tiles` hold less than one copy each."""
    needed = sum(work.tiles for work in works)
    if needed > tiles:
        raise ArchsimError(
            f"{needed:,} tiles hold one copy of each projection, there are {tiles:,}. Try {needed:,} tiles."
        )


def allotment(works: Sequence[Work], copies: dict[str, int]) -> Allotment:
    """What copies come to."""
    used = sum(work.tiles * copies[work.name] for work in works)
    latency = sum(work.at(copies[work.name]) for work in works)
    return Allotment(copies, latency, max(work.pace(copies[work.name]) for work in works), used)
