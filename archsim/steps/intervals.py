"""Between which of some sorted edges numbers lie, as `numpy.searchsorted` says it, by buckets of equal width."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_PER_EDGE = 64
_MOST = 1 << 18
"""Buckets for each edge, and in all."""
_CROWDED = 6
"""Edges in one bucket beyond which a binary search is quicker."""
_CHUNK = 1 << 15
"""Numbers at a time, which then stay in a cache."""


class Intervals:
    """What is below, between and above some edges.

    A number and an edge are put into buckets by the same rounded product, which keeps their order. So edges in buckets
    before a number's lie below it, those in later ones above, and only those in its own are compared with it.

    Parameters
    ----------
    edges
        Finite, in order, none of them twice, (n,).
    """

    def __init__(self, edges: Values) -> None:
        self.edges = edges
        number = min(_MOST, _PER_EDGE * len(edges))
        with np.errstate(over="ignore"):
            width = float(edges[-1] - edges[0]) if len(edges) > 1 else 0.0
        self._most = _CROWDED + 1
        if width > 0 and 0 < number / width < np.inf:
            self._low, self._scale, self._last = float(edges[0]), number / width, number - 1
            counts = np.bincount(self._buckets(edges), minlength=number)
            self._most = int(counts.max())
            self._below = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32)
            self._compared = np.append(edges, np.nan)  # beyond the last edge is none

    def _buckets(self, x: Values) -> NDArray[np.int32]:
        return np.clip((x - self._low) * self._scale, 0, self._last).astype(np.int32)

    def find(self, x: Values) -> NDArray[np.intp]:
        """How many edges lie below each number, or at it.

        Parameters
        ----------
        x
            Of any shape; none is nan.
        """
        if self._most > _CROWDED:
            return np.asarray(np.searchsorted(self.edges, x, side="right"))
        numbers = np.ravel(x)
        below = np.empty(numbers.shape, np.intp)
        for begin in range(0, len(numbers), _CHUNK):
            some = numbers[begin : begin + _CHUNK]
            number = self._below[self._buckets(some)]
            for _ in range(self._most):
                number += some >= self._compared[number]
            below[begin : begin + _CHUNK] = number
        return below.reshape(np.shape(x))
