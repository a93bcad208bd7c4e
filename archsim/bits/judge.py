"""Pictures in two halves, by chance: bits are searched on one, and judged on the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from archsim.bits.measure import Difference, Measured, difference
from archsim.errors import ArchsimError
from archsim.kernels.draws import generator
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.integers import input_ranges
from archsim.values.pictures import CALIBRATED_BY

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from archsim.bits.problem import Choice
    from archsim.values.pictures import Pictures

_LEAST = 20
"""Pictures, fewer than which say nothing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """On pictures that the search has not seen: shares that are right, what is lost from 8 bits and from float32."""

    floats: float
    before: float
    after: float
    lost: Difference
    lost_from_float: Difference


class Halves:
    """A network on one half of the pictures, for the search, and on the other, for the judgement."""

    def __init__(self, pictures: Pictures, choices: Sequence[int]) -> None:
        """choices: numbers of bits that will be asked for.

        Raises ArchsimError for fewer than 20 pictures.
        """
        if len(pictures.labels) < _LEAST:
            raise ArchsimError(f"found {len(pictures.labels)} pictures; expected at least {_LEAST}")
        order = generator(0, "pictures", "halves").permutation(len(pictures.labels))
        middle = (len(order) + 1) // 2
        mine, self.others = _some(pictures, order[:middle]), _some(pictures, order[middle:])
        self.ranges = input_ranges(mine.graph, mine.arrays, mine.inputs[:CALIBRATED_BY], choices)
        self.searched = Measured(mine, self.ranges)

    def judge(self, before: Choice, after: Choice) -> Judged:
        """Two choices, on the half that was not searched."""
        floats = self._right_in_float
        old, new = (self._judging.right(choice) for choice in (before, after))
        return Judged(
            floats=float(floats.mean()),
            before=float(old.mean()),
            after=float(new.mean()),
            lost=difference(old, new),
            lost_from_float=difference(floats, new),
        )

    @cached_property
    def _judging(self) -> Measured:
        return Measured(self.others, self.ranges)

    @cached_property
    def _right_in_float(self) -> NDArray[np.bool_]:
        return self.others.right(FloatArithmetic())


def _some(pictures: Pictures, which: NDArray[np.int64]) -> Pictures:
    return replace(pictures, inputs=pictures.inputs[which], labels=pictures.labels[which])
