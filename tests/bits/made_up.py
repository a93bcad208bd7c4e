"""A problem that is quick: accuracies are a formula."""

from __future__ import annotations

from math import ceil

import numpy as np

from archsim.bits.cost import cost
from archsim.bits.problem import Choice, Problem, Quality
from archsim.mapping.replication import Work

SHAPES = ((100, 576, 300), (400, 144, 64), (25, 1152, 256), (1, 256, 10))
"""Vectors, rows, columns."""
WEIGHTS, INPUTS = (0.02, 0.3, 0.01, 0.1), (0.1, 0.05, 0.02, 0.2)
"""How much of the accuracy is lost at 1 bit; a fourth of it with each bit more."""


def works(choice: Choice) -> list[Work]:
    """A tile for each bit of 256 x 256 weights; a cycle for each bit of an input and 9 rows."""
    return [
        Work(f"{at}", vectors, inputs * ceil(min(rows, 256) / 9), weights * ceil(rows / 256) * ceil(columns / 256))
        for at, ((vectors, rows, columns), (weights, inputs)) in enumerate(zip(SHAPES, choice, strict=True))
    ]


def quality(choice: Choice) -> Quality:
    lost = sum(
        w * 4.0 ** (1 - weights) + a * 4.0 ** (1 - inputs)
        for w, a, (weights, inputs) in zip(WEIGHTS, INPUTS, choice, strict=True)
    )
    return Quality(0.9 - lost, lost, lost)


def problem(tiles: int | None = None, allowed: float = 0.01) -> Problem:
    eight = ((8, 8),) * len(SHAPES)
    own = works(eight)
    features = np.array([[v / 400, r / 1152, c / 300] for v, r, c in SHAPES], np.float32)
    return Problem(
        keys=tuple(f"{at}" for at in range(len(SHAPES))),
        cost=cost(works, tiles or sum(work.tiles for work in own), "latency"),
        quality=quality,
        allowed=allowed,
        base=sum(work.at(1) for work in own),
        features=features,
    )
