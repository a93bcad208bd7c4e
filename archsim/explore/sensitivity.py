"""Which axis matters: its effect alone around one point, and its share of an objective's variance over a grid."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.explore.sampling import Choice

Column = NDArray[np.float64]


def one_at_a_time(values: Mapping[Choice, float], base: Choice, axis: int, levels: int) -> tuple[float, float] | None:
    """The lowest and highest value while one axis takes all its levels and the others stay at `base`.

    As changes relative to the base's value: -0.25 is a quarter less. None where no such neighbour was run, or the base
    is 0.
    """
    line = [(*base[:axis], level, *base[axis + 1 :]) for level in range(levels)]
    around = [values[choice] for choice in line if choice in values]
    if len(around) < 2 or not values[base]:  # noqa: PLR2004 - the base is one of them
        return None
    return min(around) / values[base] - 1, max(around) / values[base] - 1


def changes(values: Mapping[Choice, tuple[float, ...]], axis: int) -> bool | None:
    """Whether any value differs between points that differ on one axis alone; None where there are no such points."""
    seen: dict[Choice, tuple[float, ...]] = {}
    met = False
    for choice, mine in values.items():
        rest = (*choice[:axis], *choice[axis + 1 :])
        if rest in seen:
            met = True
            if seen[rest] != mine:
                return True
        seen[rest] = mine
    return False if met else None


def first_order(levels: Sequence[int], column: Column) -> float | None:
    """The first-order index of an axis: the variance of the means over each of its levels, over the whole variance.

    levels, column: of each point, its level on the axis and its value. It is the share of the variance that knowing
    this axis alone explains; over a whole grid those of all axes sum to at most 1, and the rest is what axes do only
    together. None where nothing varies.
    """
    whole = float(column.var())
    if len(column) == 0 or whole <= 1e-24 * float(column.mean()) ** 2:  # rounding of equal values
        return None
    places = np.asarray(levels, np.int64)
    counts = np.bincount(places)
    present = counts > 0
    means = np.bincount(places, weights=column)[present] / counts[present]
    shares = counts[present] / len(column)
    between = float((shares * (means - float(column.mean())) ** 2).sum())
    return min(1.0, between / whole)
