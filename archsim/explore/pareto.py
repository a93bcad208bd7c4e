"""Frontiers: which points no other beats, the knee among them, the volume that they dominate. Less is better."""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
"""float64 (points, objectives); each objective turned so that less is better."""


def frontier(values: Values) -> NDArray[np.int64]:
    """Numbers of the points that no other dominates, int64, in order of the first objective, then the next ones.

    A point dominates another if it is as good in all objectives and better in one; equal points stay together. Exact:
    in lexicographic order no later point dominates an earlier one, so each is held against those that stayed.
    """
    order = np.lexsort(values.T[::-1])
    kept: list[int] = []
    front = np.empty_like(values)
    for number in order.tolist():
        point = values[number]
        before = front[: len(kept)]
        if not np.any(np.all(before <= point, axis=1) & np.any(before < point, axis=1)):
            front[len(kept)] = point
            kept.append(number)
    return np.array(kept, np.int64)


def knee(front: Values) -> int:
    """The frontier's point nearest to the ideal one, each objective counted as a share of the frontier's range.

    The ideal point has the best value of each objective; where several are equally near, the first.
    """
    low, high = front.min(axis=0), front.max(axis=0)
    shares = (front - low) / np.where(high > low, high - low, 1.0)
    return int(np.argmin(np.sqrt((shares**2).sum(axis=1))))


def hypervolume(front: Values, reference: Values) -> float:
    """The volume between a frontier and a reference point (objectives,) that is worse than all of it; exact.

    Of one to three objectives; raises ValueError for more. Points beyond the reference add nothing.
    """
    inside = front[np.all(front < reference, axis=1)]
    match front.shape[1]:
        case 1:
            return float((reference[0] - inside).max(initial=0.0))
        case 2:
            stairs = _Stairs(reference)
            return sum(stairs.add(*point) for point in inside.tolist())
        case 3:
            return _volume(inside, reference)
    raise ValueError(f"found {front.shape[1]} objectives; expected at most 3")


def _volume(front: Values, reference: Values) -> float:
    """Slices from one point's last objective to the next one's, each the area of all points so far; none, 0."""
    ordered = front[np.argsort(front[:, 2], kind="stable")].tolist()
    stairs, area, volume, below = _Stairs(reference), 0.0, 0.0, 0.0
    for first, second, third in [*ordered, [float(each) for each in reference]]:
        volume += area * (third - below)
        area, below = area + stairs.add(first, second), third
    return volume


class _Stairs:
    """Points in two objectives that no other dominates, the first one rising and the second falling."""

    def __init__(self, reference: Values) -> None:
        self.right, self.top = float(reference[0]), float(reference[1])
        self.firsts: list[float] = []
        self.seconds: list[float] = []

    def add(self, first: float, second: float) -> float:
        """Take a point; by how much the dominated area grows. Points that it dominates go."""
        begin = bisect_left(self.firsts, first)
        at, height = first, self.seconds[begin - 1] if begin else self.top
        if height <= second:
            return 0.0
        end, grown = begin, 0.0
        while end < len(self.firsts) and self.seconds[end] >= second:
            grown += (self.firsts[end] - at) * (height - second)
            at, height = self.firsts[end], self.seconds[end]
            end += 1
        grown += ((self.firsts[end] if end < len(self.firsts) else self.right) - at) * (height - second)
        self.firsts[begin:end], self.seconds[begin:end] = [first], [second]
        return grown
