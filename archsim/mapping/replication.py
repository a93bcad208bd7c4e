"""How many copies each projection should have on so many tiles, for the least latency or the highest throughput.

Latency is taken as the sum of all projections' times, throughput as one over the longest. Two exact methods that share
nothing: a mixed integer linear program (HiGHS); dynamic programming over tiles (latency), bisection (throughput).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, gcd
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from archsim.errors import ArchsimError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Goal = Literal["latency", "throughput"]
GAP = 1e-6
"""Relative, at which a program counts as solved."""


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


@dataclass(frozen=True, slots=True)
class Allotment:
    """Copies by projection; ps in all and of the slowest, tiles used; how sure the solver is (gap: relative)."""

    copies: dict[str, int]
    latency: int
    slowest: int
    tiles: int
    status: str
    gap: float = 0.0


def allot(works: Sequence[Work], tiles: int, goal: Goal, *, seconds: float = 60.0) -> Allotment:
    """The best copies by a mixed integer linear program; raises ArchsimError where `tiles` are too few.

    A variable of 0 or 1 for each number of copies of each projection; for throughput one more, the longest time.
    """
    _require(works, tiles)
    try:
        from scipy.optimize import Bounds, milp
    except ImportError:
        raise UsageError("allotting copies needs SciPy: pip install 'archsim[scipy]'") from None
    options = [(at, n) for at, work in enumerate(works) for n in work.options(_free(works, work, tiles))]
    longest = goal == "throughput"
    number = len(options)
    spent = [works[at].pace(n) if longest else works[at].at(n) for at, n in options]
    times = np.array(spent, float) / max(spent)
    found = milp(
        np.append(np.zeros(number), 1.0) if longest else times,
        constraints=_limits(works, options, times, tiles, longest=longest),
        integrality=np.append(np.ones(number), [0] * longest),
        bounds=Bounds(0, np.append(np.ones(number), [np.inf] * longest)),
        options={"mip_rel_gap": GAP, "time_limit": seconds},
    )
    if found.x is None:
        raise ArchsimError(f"no allotment was found in {seconds:g} s ({found.message}). Try more time.")
    chosen = {works[at].name: n for (at, n), value in zip(options, found.x, strict=False) if round(value)}
    return _allotment(works, chosen, "optimal" if found.status == 0 else "time limit", float(found.mip_gap or 0.0))


def single(works: Sequence[Work], tiles: int) -> Allotment:
    """One copy each; raises ArchsimError where `tiles` are too few."""
    _require(works, tiles)
    return _allotment(works, {work.name: 1 for work in works}, "optimal")


def _limits(
    works: Sequence[Work],
    options: Sequence[tuple[int, int]],
    times: "NDArray[np.float64]",
    tiles: int,
    *,
    longest: bool,
) -> list[Any]:
    """One option each, no more tiles than there are, and none that takes longer than the last variable."""
    from scipy.optimize import LinearConstraint
    from scipy.sparse import csr_array

    number, each = len(options), np.arange(len(works))
    width = number + longest
    layer, column = np.array([at for at, _ in options]), np.arange(number)
    size = np.zeros((1, width))
    size[0, :number] = [works[at].tiles * n for at, n in options]
    one = csr_array((np.ones(number), (layer, column)), shape=(len(works), width))
    limits = [LinearConstraint(one, 1, 1), LinearConstraint(size, -np.inf, tiles)]
    if longest:
        values = np.append(times, -np.ones(len(works)))
        at = (np.append(layer, each), np.append(column, np.full(len(works), number)))
        limits.append(LinearConstraint(csr_array((values, at), shape=(len(works), width)), -np.inf, 0))
    return limits


def allot_by_tiles(works: Sequence[Work], tiles: int) -> Allotment:
    """The least latency, by dynamic programming over projections and tiles used."""
    _require(works, tiles)
    unit = gcd(*(work.tiles for work in works))
    room = tiles // unit
    best = np.zeros(room + 1, np.int64)
    never = np.int64(1) << 62
    picks: list[NDArray[np.int64]] = []
    for work in works:
        after, pick = np.full(room + 1, never), np.zeros(room + 1, np.int64)
        for copies in work.options(tiles):
            step = copies * work.tiles // unit
            if step > room:
                break
            here = np.minimum(best[: room + 1 - step], never - work.at(1)) + work.at(copies)
            better = here < after[step:]
            after[step:][better], pick[step:][better] = here[better], copies
        best, picks = after, [*picks, pick]
    left, chosen = room, {}
    for work, pick in zip(reversed(works), reversed(picks), strict=True):
        chosen[work.name] = int(pick[left])
        left -= chosen[work.name] * work.tiles // unit
    return _allotment(works, {work.name: chosen[work.name] for work in works}, "optimal")


def allot_by_bisection(works: Sequence[Work], tiles: int) -> Allotment:
    """The highest throughput: the shortest time for which the copies that meet it fit."""
    _require(works, tiles)
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
    return _allotment(works, chosen, "optimal")


def _meeting(works: Sequence[Work], time: int) -> dict[str, int] | None:
    """The fewest copies with which none takes longer; None where no number is enough."""
    found = {}
    for work in works:
        if time < work.pace(work.vectors):
            return None
        found[work.name] = ceil(work.vectors / (time // work.time))
    return found


def _free(works: Sequence[Work], work: Work, tiles: int) -> int:
    """Tiles that one projection may have when all others have one copy."""
    return tiles - sum(other.tiles for other in works if other is not work)


def _require(works: Sequence[Work], tiles: int) -> None:
    needed = sum(work.tiles for work in works)
    if needed > tiles:
        raise ArchsimError(
            f"{needed:,} tiles hold one copy of each projection, there are {tiles:,}. Try {needed:,} tiles."
        )


def _allotment(works: Sequence[Work], copies: dict[str, int], status: str, gap: float = 0.0) -> Allotment:
    used = sum(work.tiles * copies[work.name] for work in works)
    latency = sum(work.at(copies[work.name]) for work in works)
    return Allotment(copies, latency, max(work.pace(copies[work.name]) for work in works), used, status, gap)
