"""Accuracy under bits, measured on pictures; and how sure a difference is."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from archsim.bits.problem import Choice, Quality
from archsim.values.integers import IntegerNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from archsim.values.arithmetic import Values
    from archsim.values.pictures import Pictures
    from archsim.values.ranges import InputRange

_MARGIN = 3.0
"""Standard errors on top of what is lost: one choice in 740 is told better than that by luck, one of forty in 5 %."""
_NORMAL = 1.96
"""Standard deviations to both sides that hold 95 %."""
_ADDED = 0.5
"""Pictures of each of the four kinds (right or wrong, before and after) that are added, so that few say little."""


class Measured:
    """A network on some pictures."""

    def __init__(self, pictures: Pictures, ranges: Mapping[str, Mapping[int, InputRange]]) -> None:
        """ranges: of `input_ranges`."""
        self.labels = pictures.labels
        self.keys = tuple(linear.key for linear in pictures.graph.linears)
        self.network = IntegerNetwork(pictures.graph, pictures.arrays, pictures.inputs, ranges)
        most = max(bits for each in ranges.values() for bits in each)
        self._known: dict[Choice, Quality] = {}
        self.before = self.logits(((most, most),) * len(self.keys))

    def logits(self, choice: Choice) -> Values:
        """(n, classes)."""
        return self.network.logits(dict(zip(self.keys, choice, strict=True)))

    def quality(self, choice: Choice) -> Quality:
        """Accuracy, and how far the answers are from those with the most bits; measured once a choice."""
        if choice not in self._known:
            self._known[choice] = quality(self.logits(choice), self.labels, self.before)
        return self._known[choice]

    def right(self, choice: Choice) -> NDArray[np.bool_]:
        """Which are answered rightly."""
        found: NDArray[np.bool_] = self.logits(choice).argmax(axis=1) == self.labels
        return found


def quality(logits: Values, labels: NDArray[np.int64], before: Values) -> Quality:
    """Of logits (n, classes); before: those with the most bits."""
    new, old = _log_shares(logits), _log_shares(before)
    right, every = logits.argmax(axis=1) == labels, np.arange(len(labels))
    lost = np.exp(old[every, labels]) - np.exp(new[every, labels])
    error = lost.std() / np.sqrt(len(labels))
    divergence = (np.exp(old) * (old - new)).sum(axis=1).mean()
    return Quality(float(right.mean()), float(divergence), float(lost.mean() + _MARGIN * error))


def _log_shares(logits: Values) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """Accuracy lost from one set of answers to another of the same pictures, with its 95 % interval; of `number`."""

    lost: float
    low: float
    high: float
    number: int


def difference(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Difference:
    """Paired: only pictures whose answers differ count. The interval is A. Agresti's and Y. Min's.

    Statistics in Medicine 24 (2005): normal, after half a picture of each kind is added.
    """
    number = len(before)
    worse, better = int((before & ~after).sum()), int((~before & after).sum())
    more, differing = number + 4 * _ADDED, worse + better + 2 * _ADDED
    middle = (worse - better) / more
    half = _NORMAL * sqrt(differing - (worse - better) ** 2 / more) / more
    return Difference((worse - better) / number, middle - half, middle + half, number)
