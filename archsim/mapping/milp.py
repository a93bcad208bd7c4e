"""Copies by a mixed integer linear program (HiGHS): a method that shares nothing with the exact ones, to check them.

It computes in floats and to tolerances, so that what it calls optimal may be a little worse than the best.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.mapping.replication import Allotment, Goal, Work, allotment, require

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAP = 1e-6
"""Relative, at which a program counts as solved."""
NODES = 10_000
"""Of its search, at most: a number, and not a time, so that equal inputs give equal results."""


def allot_by_program(works: Sequence[Work], tiles: int, goal: Goal) -> Allotment | None:
    """The copies that the program finds; None where it finds none in so many nodes.

    A variable of 0 or 1 for each number of copies of each projection; for throughput one more, the longest time. Raises
    ArchsimError where `tiles` are too few, ImportError without SciPy.
    """
    require(works, tiles)
    from scipy.optimize import Bounds, milp

    options = [(at, n) for at, work in enumerate(works) for n in work.options(_free(works, work, tiles))]
    longest = goal == "throughput"
    number = len(options)
    times = _scaled(works, options, longest=longest)
    found = milp(
        np.append(np.zeros(number), 1.0) if longest else times,
        constraints=_limits(works, options, times, tiles, longest=longest),
        integrality=np.append(np.ones(number), [0] * longest),
        bounds=Bounds(0, np.append(np.ones(number), [np.inf] * longest)),
        # Presolved, HiGHS prints a line for its makers on standard output now and then.
        options={"mip_rel_gap": GAP, "node_limit": NODES, "presolve": False},
    )
    if found.x is None:
        return None
    return allotment(works, {works[at].name: n for (at, n), x in zip(options, found.x, strict=False) if round(x)})


def _scaled(works: Sequence[Work], options: Sequence[tuple[int, int]], *, longest: bool) -> "NDArray[np.float64]":
    """Times of all options, in what each can have at least: tolerances of HiGHS are absolute, and of sums near 1."""
    spent = np.array([works[at].pace(n) if longest else works[at].at(n) for at, n in options], float)
    least = np.full(len(works), np.inf)
    np.minimum.at(least, [at for at, _ in options], spent)
    scaled: NDArray[np.float64] = spent / (least.max() if longest else least.sum())
    return scaled


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


def _free(works: Sequence[Work], work: Work, tiles: int) -> int:
    """Tiles that one projection may have when all others have one copy."""
    return tiles - sum(other.tiles for other in works if other is not work)
