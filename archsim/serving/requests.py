"""Requests: when each arrives, how long its prompt is, how many tokens it asks for. Made, or read from a trace."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import UsageError, did_you_mean
from archsim.units import SECONDS_PER_PS

SHAPES = ("poisson", "fixed", "bursts")
"""How arrivals are spread: at random; at equal distances; several at once, at random."""


_LONGEST_S = 4e6  # of all arrivals: picoseconds in 64 bits


@dataclass(frozen=True, eq=False)
class Requests:
    """In order of arrival, all int64 (requests,): arrival in ps, tokens of the prompt, tokens to make (at least 1)."""

    arrival: NDArray[np.int64]
    prompt: NDArray[np.int64]
    output: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def longest(self) -> int:
        """Positions of the longest sequence at its end."""
        return int((self.prompt + self.output).max(initial=1))

    @property
    def rate(self) -> float:
        """Requests a second, from the first arrival to the last; 0 where they all come at once."""
        span = float(self.arrival[-1] - self.arrival[0]) * SECONDS_PER_PS if len(self) else 0.0
        return (len(self) - 1) / span if span else 0.0

    def faster(self, times: float) -> "Requests":
        """The same requests, arriving so many times as fast."""
        return Requests(np.round(self.arrival / times).astype(np.int64), self.prompt, self.output)

    def first(self, number: int) -> "Requests":
        """Only so many."""
        return Requests(self.arrival[:number], self.prompt[:number], self.output[:number])


def in_order(arrival: NDArray[np.int64], prompt: NDArray[np.int64], output: NDArray[np.int64]) -> Requests:
    """Requests sorted by arrival, the first at 0; those of one instant stay in their order."""
    order = np.argsort(arrival, kind="stable")
    begin = int(arrival.min(initial=np.iinfo(np.int64).max)) if len(arrival) else 0
    return Requests(arrival[order] - begin, prompt[order], output[order])


def make_requests(
    shape: str, number: int, rate: float, prompt: int, output: int, *, burst: int = 1, seed: int = 0
) -> Requests:
    """`number` equal requests, `rate` a second on average; the first comes after its own gap.

    burst: how many come at once where the shape is `bursts`. Raises UsageError.
    """
    if shape not in SHAPES:
        raise UsageError(f"found arrivals '{shape}'. {did_you_mean(shape, SHAPES)}")
    if not 0 < rate < 1 / SECONDS_PER_PS:
        raise UsageError(f"found a rate of {rate:g} requests/s; expected more than 0")
    together = burst if shape == "bursts" else 1
    events = -(-number // together)
    if shape == "fixed":
        gaps = np.full(events, 1 / rate)
    else:
        draws = np.random.Generator(np.random.Philox(key=seed))
        gaps = draws.exponential(together / rate, events)
    if gaps.sum() > _LONGEST_S:
        found = f"{number:,} requests at {rate:g} a second come over {gaps.sum():.3g} s"
        raise UsageError(f"{found}; expected at most {_LONGEST_S:.0e} s. Try a higher rate, or fewer requests.")
    arrival = np.repeat(np.cumsum(gaps), together)[:number]
    sizes = [np.full(number, tokens, np.int64) for tokens in (prompt, output)]
    return Requests(np.round(arrival / SECONDS_PER_PS).astype(np.int64), *sizes)
