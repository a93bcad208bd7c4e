"""Which combinations of an axis's levels are tried: all, some drawn at random, or a Latin hypercube."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

KINDS = ("grid", "random", "latin_hypercube")
Choice = tuple[int, ...]
"""The number of the level of each axis."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """`number` and `seed` are of the two that draw."""

    kind: str = "grid"
    number: int = 0
    seed: int = 0


def size(sampling: Sampling, sizes: Sequence[int]) -> int:
    """Points that there are at most, for so many levels of each axis."""
    whole = prod(sizes)
    return whole if sampling.kind == "grid" else min(whole, sampling.number)


def choices(sampling: Sampling, sizes: Sequence[int]) -> Iterator[Choice]:
    """The points, none of them twice; of a grid the last axis changes first, drawn ones are in the grid's order.

    random: so many of the grid without putting back. latin_hypercube: each axis is cut into so many equal strips, each
    holding one point, and a strip stands for the level it falls on; points that fall on each other are one.
    """
    whole = prod(sizes)
    if sampling.kind == "grid" or (sampling.kind == "random" and sampling.number >= whole):
        numbers: Iterator[int] = iter(range(whole))
    elif sampling.kind == "random":
        drawn = random.Random(sampling.seed).sample(range(whole), sampling.number)  # noqa: S311 - no secret
        numbers = iter(sorted(drawn))
    else:
        numbers = iter(sorted(_hypercube(sampling, sizes)))
    return (_choice(number, sizes) for number in numbers)


def _hypercube(sampling: Sampling, sizes: Sequence[int]) -> set[int]:
    from scipy.stats import qmc

    places = qmc.LatinHypercube(d=len(sizes), seed=sampling.seed).random(sampling.number)
    found = set()
    for row in places.tolist():
        number = 0
        for share, levels in zip(row, sizes, strict=True):
            number = number * levels + min(levels - 1, int(share * levels))
        found.add(number)
    return found


def _choice(number: int, sizes: Sequence[int]) -> Choice:
    digits = []
    for levels in reversed(sizes):
        number, digit = divmod(number, levels)
        digits.append(digit)
    return tuple(reversed(digits))
