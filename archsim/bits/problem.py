"""What is searched: bits of weights and inputs of each projection, their cost, and the accuracy that they leave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from math import inf, log

import numpy as np
from numpy.typing import NDArray

Choice = tuple[tuple[int, int], ...]
"""Bits of weights and of inputs, by projection."""
PENALTY = 100.0
"""Of a score, for each unit of accuracy lost beyond what is allowed: one per cent counts as a factor e of speed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a choice takes.

    time: ps with the best copies, or zJ; infinite where weights do not fit. tiles: of one copy of everything.
    smooth: as time, but of copies in fractions: it falls with every bit, where time waits for a whole copy.
    """

    time: float
    tiles: int
    smooth: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Share of inputs that are answered rightly; mean divergence (KL) of answers from those with the most bits, nats.

    Noise makes answers less sure, and so the loss of a network that is too sure of itself smaller; not the divergence.
    lost: of the accuracy with the most bits, where an answer counts as the chance that the network gives to the right
    one, and three standard errors more, since the best of many tries is partly luck. Right and wrong answers say
    the same with twice the error, for those that lie on the edge fall either way.
    """

    accuracy: float
    divergence: float
    lost: float


@dataclass(frozen=True, eq=False)
class Problem:
    """Bits of `keys` out of `choices` (ascending), so that the cost falls and no more than `allowed` accuracy is lost.

    base: what gains are relative to, a cost. features: of projections,
    (projections, n), for a searcher that learns from them. ladder: of what each place is worth (w of a divergence
    w / 4^bits, by place), choices of ever less time, each the least divergent; None where only a path to them is known.
    """

    keys: tuple[str, ...]
    cost: Callable[[Choice], Cost]
    quality: Callable[[Choice], Quality]
    allowed: float
    base: float
    features: NDArray[np.float32]
    choices: tuple[int, ...] = (2, 3, 4, 5, 6, 7, 8)
    ladder: Callable[[Sequence[float]], Sequence[Choice]] | None = None

    def uniform(self, bits: int) -> Choice:
        """The same everywhere."""
        return ((bits, bits),) * len(self.keys)

    def fitting(self, choice: Choice) -> Choice:
        """Where weights do not fit: one bit less for one projection after the other, from the last, until they do.

        Not where it takes more tiles: columns of fewer bits may be so many that a core's registers do not hold them.
        """
        found, in_vain = choice, 0
        for at in cycle(reversed(range(len(choice)))):
            if self.cost(found).time < inf or in_vain == len(choice):
                return found
            weights, inputs = found[at]
            fewer = (*found[:at], (max(self.choices[0], weights - 1), inputs), *found[at + 1 :])
            better = fewer != found and self.cost(fewer).tiles <= self.cost(found).tiles
            found, in_vain = (fewer, 0) if better else (found, in_vain + 1)
        return found

    def gain(self, cost: Cost) -> float:
        """How many times as fast, or as thrifty."""
        return self.base / cost.time

    def score(self, cost: Cost, quality: Quality) -> float:
        """Logarithm of the gain, less a penalty for accuracy beyond what may be lost."""
        return log(self.gain(cost)) - PENALTY * max(0.0, quality.lost - self.allowed)
