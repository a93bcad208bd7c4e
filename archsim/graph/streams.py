"""Streams: the positions at which operators run."""

from dataclasses import dataclass
from typing import Literal

Positions = Literal["each", "first", "last"]
"""The positions of a sequence at which an operator runs."""
Sight = Literal["past", "around", "chunk"]
"""Which `span` positions a position sees: the last ones; as many on both sides of its own; those of its own chunk of so
many, counted from the first of all, that do not come after it."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Positions in order: tokens of a sequence, pixels of a feature map.

    length: fixed by the model; None: by the job. causal: each sees only those before it. grows: new tokens join it.
    prompt: positions that are known before any is made, where the model says so and not the job. every: one position
    for so many of the job's, the last of which may have fewer.
    """

    name: str
    length: int | None = None
    causal: bool = False
    grows: bool = False
    prompt: int | None = None
    every: int = 1


TOKENS = Stream("tokens")
"""Of an encoder: all are known, and each sees all."""


@dataclass(frozen=True, slots=True)
class Route:
    """One of `experts` of which each position is sent to `chosen`; which, is only known at run time.

    For time and energy positions are dealt out in turn, so that all experts have equal work.
    """

    expert: int
    experts: int
    chosen: int
