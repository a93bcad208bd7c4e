"""Frontiers: which points no other beats, the knee among them, the volume that they dominate. Less is better."""

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
    if not len(inside):
        return 0.0
    match front.shape[1]:
        case 1:
            return float(reference[0] - inside.min())
        case 2:
            return _area(inside, reference)
        case 3:
            return _volume(inside, reference)
    raise ValueError(f"found {front.shape[1]} objectives; expected at most 3")


def _area(front: Values, reference: Values) -> float:
    """Strips from one point's first objective to the next one's."""
    area, lowest = 0.0, float(reference[1])
    for first, second in front[np.lexsort((front[:, 1], front[:, 0]))].tolist():
        if second < lowest:
            area += (float(reference[0]) - first) * (lowest - second)
            lowest = second
    return area


def _volume(front: Values, reference: Values) -> float:
    """Slices from one point's last objective to the next one's, each the area of all points so far."""
    ordered = front[np.argsort(front[:, 2], kind="stable")]
    edges = [*ordered[1:, 2].tolist(), float(reference[2])]
    volume = 0.0
    flat = np.empty((0, 2))
    for point, edge in zip(ordered, edges, strict=True):
        flat = np.vstack([flat, point[:2]])
        flat = flat[frontier(flat)]
        if edge > point[2]:
            volume += _area(flat, reference[:2]) * float(edge - point[2])
    return volume
