"""Bits for a time between two inputs, against all there are."""

from itertools import product
from math import inf

import numpy as np
import pytest

from archsim.bits.cost import amount
from archsim.bits.ladder import Ladder, least_divergent
from archsim.mapping.replication import Work
from tests.bits.made_up import works

CHOICES = (2, 3, 4)


def test_least_divergence_by_hand() -> None:
    """On 5 tiles: 3 and 2 diverge by 1 + 4, 2 and 3 by 2 + 2."""
    offers = [[(2, 2.0, (2, 2)), (3, 1.0, (3, 3))], [(2, 4.0, (2, 2)), (3, 2.0, (3, 3)), (9, 0.0, (8, 8))]]
    assert least_divergent(offers, 5) == ((2, 2), (3, 3))
    assert least_divergent(offers, 6) == ((3, 3), (3, 3))


@pytest.mark.parametrize("seed", range(4))
def test_each_step_is_the_least_divergent_of_all_that_are_as_fast(seed: int) -> None:
    """Three projections with 9 pairs of bits each: 729 choices are tried for every step."""
    rng = np.random.default_rng(seed)
    worths = rng.uniform(0.1, 2, 6).tolist()
    tiles = int(rng.integers(30, 80))

    def three(choice: tuple[tuple[int, int], ...]) -> list[Work]:
        return works((*choice, (2, 2)))[:3]

    def divergence(choice: tuple[tuple[int, int], ...]) -> float:
        return float(sum(worth / 4.0**bits for worth, bits in zip(worths, np.ravel(choice), strict=True)))

    every = {}
    for choice in product(product(CHOICES, CHOICES), repeat=3):
        given = three(choice)
        fits = sum(work.tiles for work in given) <= tiles
        every[choice] = amount(given, tiles, "throughput") if fits else inf
    ladder = Ladder(three, CHOICES, tiles, worths)
    assert ladder.times[-1] == min(every.values())
    for at in range(0, len(ladder), 1 + len(ladder) // 20):
        time = ladder.times[at]
        best = min(divergence(choice) for choice, spent in every.items() if spent <= time)
        assert every[ladder[at]] <= time
        assert divergence(ladder[at]) == pytest.approx(best)
