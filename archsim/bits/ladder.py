"""Bits for the highest throughput: for each time between two inputs those that diverge least, exactly.

Divergences of places are taken to add up, w / 4^bits each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, product
from math import ceil, inf
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from archsim.bits.problem import Choice
    from archsim.mapping.replication import Work

Offer = tuple[int, float, tuple[int, int]]
"""Tiles with the copies that a time asks for, divergence, bits."""


class Ladder(Sequence["Choice"]):
    """Choices of ever less time between two inputs, of those that reach it the least divergent; made when asked for."""

    def __init__(
        self,
        works: Callable[[Choice], Sequence[Work]],
        choices: Sequence[int],
        tiles: int,
        worths: Sequence[float],
    ) -> None:
        """choices: numbers of bits. tiles: that there are. worths: of weights and inputs of each projection in turn."""
        self.tiles, self.worths = tiles, worths
        projections = len(worths) // 2
        self.works = {bits: works((bits,) * projections) for bits in product(choices, choices)}
        fewest: dict[Work, int] = {}
        for work in chain.from_iterable(self.works.values()):
            alike = replace(work, name="", tiles=1, energy=0)
            fewest[alike] = min(work.tiles, fewest.get(alike, work.tiles))
        paces = {alike.pace(copies) for alike, each in fewest.items() for copies in alike.options(tiles // each)}
        times = sorted(paces, reverse=True)
        low, high = 0, len(times)
        while low < high:
            middle = (low + high) // 2
            fits = self._fewest(times[middle]) <= tiles
            low, high = (middle + 1, high) if fits else (low, middle)
        self.times = times[:low]

    def __len__(self) -> int:
        """How many times can be reached."""
        return len(self.times)

    @overload
    def __getitem__(self, index: int) -> Choice: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Choice]: ...
    def __getitem__(self, index: int | slice) -> Choice | Sequence[Choice]:
        """Of the so-and-so-many-th time."""
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return least_divergent(self._offers(self.times[index]), self.tiles)

    def _fewest(self, time: int) -> float:
        """Tiles, with the fewest bits."""
        return sum(min((tiles for tiles, _, _ in offers), default=inf) for offers in self._offers(time))

    def _offers(self, time: int) -> list[list[Offer]]:
        """Of each projection the bits that can reach a time, without those that diverge more on as many tiles."""
        found = []
        for at in range(len(self.worths) // 2):
            weights, inputs = self.worths[2 * at : 2 * at + 2]
            every = [
                (work.tiles * ceil(work.vectors / (time // work.time)), weights / 4.0**w + inputs / 4.0**a, (w, a))
                for (w, a), works in self.works.items()
                if (work := works[at]).pace(work.vectors) <= time
            ]
            kept: list[Offer] = []
            for offer in sorted(every):
                if not kept or offer[1] < kept[-1][1]:
                    kept.append(offer)
            found.append(kept)
        return found


def least_divergent(offers: Sequence[Sequence[Offer]], tiles: int) -> Choice:
    """One offer of each projection, with the least divergence in all on so many tiles; they must be enough."""
    best = np.zeros(tiles + 1)
    picks = []
    for each in offers:
        sums = np.full((len(each), tiles + 1), inf)
        for row, (taken, divergence, _) in zip(sums, each, strict=True):
            row[taken:] = best[: max(0, tiles + 1 - taken)] + divergence
        picks.append(sums.argmin(axis=0))
        best = sums.min(axis=0)
    chosen, left = [], tiles
    for each, pick in zip(reversed(offers), reversed(picks), strict=True):
        taken, _, bits = each[pick[left]]
        left -= taken
        chosen.append(bits)
    return tuple(reversed(chosen))
