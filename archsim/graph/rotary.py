"""Rotary positions: the angle by which each pair of a head's values is turned from a position to the next."""

from math import ceil, floor, log, pi
from typing import Literal

from pydantic import BaseModel, ConfigDict

from archsim.parts.quantity import Count, Number, Truth


class RotaryScaling(BaseModel):
    """How frequencies are changed for sequences longer than those that a model was first trained on.

    kind: `linear`: all are divided by `factor`. `llama3`: frequencies of long waves are divided by `factor`, those of
    short ones stay (A. Grattafiori et al., 2024). `yarn`: the same, but it is pairs that are counted from the one
    extreme to the other (B. Peng et al., 2023). `longrope`: each is divided by a factor of its own (Y. Ding et al.,
    2024).
    low, high: turns over `positions`, the length that the model was first trained on, between which the two are mixed.
    whole_pairs: whether yarn mixes from a whole pair to a whole pair. factors: of longrope, one for each pair.
    magnitude: by which turned values are multiplied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["linear", "llama3", "yarn", "longrope"] = "llama3"
    factor: Number = 1.0
    low: Number = 1.0
    high: Number = 1.0
    positions: Count = 1
    whole_pairs: Truth = True
    factors: tuple[Number, ...] = ()
    magnitude: Number = 1.0

    def scaled(self, base: float, turned: int) -> tuple[float, ...]:
        """Angles in place of `frequencies(base, turned)`."""
        plain = frequencies(base, turned)
        if self.kind == "longrope":
            return tuple(frequency / factor for frequency, factor in zip(plain, self.factors, strict=True))
        if self.kind == "yarn":
            shares = self._shares_of_pairs(base, turned)
        else:
            shares = [0.0 if self.kind == "linear" else self._share(frequency) for frequency in plain]
        return tuple(
            share * frequency + (1 - share) * frequency / self.factor
            for frequency, share in zip(plain, shares, strict=True)
        )

    def _share(self, frequency: float) -> float:
        """How much of a frequency stays."""
        turns = self.positions * frequency / (2 * pi)
        return min(1.0, max(0.0, (turns - self.low) / (self.high - self.low))) if self.high > self.low else 0.0

    def _shares_of_pairs(self, base: float, turned: int) -> list[float]:
        first, last = (
            turned * log(self.positions / (turns * 2 * pi)) / (2 * log(base)) for turns in (self.high, self.low)
        )
        if self.whole_pairs:
            first, last = floor(first), ceil(last)
        first, last = max(first, 0), min(last, turned - 1)
        width = last - first or 0.001  # pairs at the same place: a step
        return [1 - min(1.0, max(0.0, (pair - first) / width)) for pair in range(turned // 2)]


def frequencies(base: float, turned: int) -> tuple[float, ...]:
    """Angles from a position to the next, of each pair of `turned` values (J. Su et al., RoFormer, 2021)."""
    return tuple(base ** (-2 * pair / turned) for pair in range(turned // 2))
